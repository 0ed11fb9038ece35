reftrack types leaky.trk
reftrack types -v leaky.trk
reftrack types --where 'live>5' leaky.trk
reftrack types --json leaky.trk
reftrack types -v typed.trk
reftrack types --where "kind=blocks" --plain typed.trk
