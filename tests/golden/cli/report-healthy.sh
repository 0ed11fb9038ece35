reftrack report healthy.trk
