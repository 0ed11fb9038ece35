reftrack report growing.trk
