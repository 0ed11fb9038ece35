reftrack narrow leaky.trk @leak:1
reftrack narrow leaky.trk conn --top 2 -q
reftrack narrow leaky.trk 'struct conn#23'
reftrack narrow leaky.trk nothing
reftrack narrow leaky.trk conn --format tsv
reftrack narrow leaky.trk @leak:1 --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(d["objects"], d["count"], d["of"], d["gdb"], d["notes"])'
