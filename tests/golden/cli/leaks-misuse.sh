reftrack leaks misuse.trk
