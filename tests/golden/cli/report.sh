reftrack report leaky.trk
