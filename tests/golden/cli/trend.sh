reftrack growth cache.trk
reftrack growth cache.trk --from warm --to idle
reftrack growth growing.trk
reftrack growth growing.trk --from 30s --to 90s --moments 4
reftrack growth leaky.trk --from nowhere
reftrack growth cache.trk --moments 2
reftrack growth cache.trk --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
print([(m["mark"], m["objects"]) for m in d["moments"]])
print(d["new"])
e = d["edges"][0]
print(e["from"], e["field"], e["to"], e["live"], e["delta"], e["removed"], [l["place"] for l in e["path"]])'
reftrack growth hostile.trk
