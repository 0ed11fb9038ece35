reftrack leaks --all cache.trk
reftrack leaks --all healthy.trk
