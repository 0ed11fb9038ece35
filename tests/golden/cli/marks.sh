reftrack marks leaky.trk
reftrack types --to after-load leaky.trk
reftrack objects --from after-load leaky.trk
reftrack report --to nosuch leaky.trk
reftrack report --to 1m --from 2m leaky.trk
