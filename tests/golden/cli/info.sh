reftrack info leaky.trk
reftrack info lossy.trk
