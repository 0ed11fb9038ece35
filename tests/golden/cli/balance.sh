reftrack balance leaky.trk 'struct conn'
reftrack balance leaky.trk @leak:1 --reverse
reftrack balance leaky.trk conn --all --depth 2
reftrack balance slotless.trk node#2 --by module
reftrack balance leaky.trk nothing
reftrack balance leaky.trk
reftrack balance healthy.trk 'struct conn'
reftrack balance leaky.trk conn --prune 101
reftrack balance leaky.trk conn --format csv
reftrack balance leaky.trk conn --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(d["type"], d["objects"], d["freed"], d["divergence"])
for n in d["nodes"]:
    print(n["depth"], n.get("offset"), n["event"], round(n["leaked"], 2), round(n["freed"], 2), round(n["difference"], 2))'
