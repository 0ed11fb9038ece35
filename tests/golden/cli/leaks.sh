reftrack leaks leaky.trk
