reftrack leaks --gen-suppressions leaky.trk >known.supp
cat known.supp
reftrack leaks --suppressions known.supp leaky.trk
reftrack check --suppressions known.supp leaky.trk
