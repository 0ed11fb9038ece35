reftrack sites leaky.trk
reftrack sites --sort births,-refs --top 2 leaky.trk
