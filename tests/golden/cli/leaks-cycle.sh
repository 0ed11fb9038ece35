reftrack leaks cycle.trk
