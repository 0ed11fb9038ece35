reftrack leaks -v --units bytes leaky.trk
