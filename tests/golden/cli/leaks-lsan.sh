reftrack leaks --style=lsan leaky.trk
