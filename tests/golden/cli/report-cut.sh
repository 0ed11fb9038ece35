reftrack report -q cut.trk
