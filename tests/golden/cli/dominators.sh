reftrack dominators cache.trk --top 2
reftrack dominators cache.trk 'struct session#4'
reftrack dominators plain.trk --depth 1
reftrack dominators slotless.trk table#1
reftrack dominators slotless.trk --json --depth 2 | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["schema"], d["kind"], d["all"], [(r["level"], r["object"] and r["object"]["name"], r["retained"], r["run"], r["more"]) for r in d["rows"]])'
reftrack dominators slotless.trk --depth 0
reftrack dominators slotless table#1
reftrack dominators leaky.trk 'struct conn#3'
reftrack dominators --help | grep -A1 -e '--from' -e '--to M'
reftrack dominators plain.trk --from 1s
