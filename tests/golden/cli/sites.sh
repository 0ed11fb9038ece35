reftrack sites leaky.trk
reftrack sites --sort births,-refs --top 2 leaky.trk
reftrack sites --tree leaky.trk
reftrack sites --tree --by callee --sort open --depth 1 --prune 0 leaky.trk
reftrack sites --tree --plain --where 'objects>0' leaky.trk
reftrack sites --tree --json --depth 1 --sort objects --prune 1 leaky.trk
reftrack sites --folded --sort events leaky.trk
reftrack sites --by callee leaky.trk
reftrack sites --tree --folded leaky.trk
reftrack sites --tree --sort age leaky.trk
reftrack sites --tree --where 'age>1' leaky.trk
reftrack sites --tree --top 3 leaky.trk
reftrack sites --tree --sort events lossy.trk
