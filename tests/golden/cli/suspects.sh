reftrack suspects cache.trk --top 1
reftrack suspects plain.trk
reftrack suspects cycle.trk
reftrack suspects typed.trk --percent 50
reftrack suspects cache.trk --percent 0
reftrack suspects no-such.trk
reftrack suspects cache.trk --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
s = d["suspects"][0]
print(d["total"], s["object"]["name"], s["retained"], s["accumulates_at"]["name"], s["depth"], s["largest_part"], s["root"], len(s["path"]))
print([(x["object"]["name"], x["retained"], x["child_retained"]) for x in d["drops"]][:3])'
