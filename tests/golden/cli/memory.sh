reftrack info memory.trk
reftrack marks memory.trk
reftrack marks --verbose memory.trk
reftrack dump --skip 5 memory.trk
reftrack dump -e memory --plain memory.trk
reftrack info --json memory.trk | sed -n '/"checkpoints"/,/"modules"/p'
