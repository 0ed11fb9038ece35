reftrack explain leaky.trk @leak:1
reftrack explain cycle.trk 1
reftrack explain misuse.trk 1
reftrack explain leaky.trk 7
reftrack explain leaky.trk conn
reftrack explain leaky.trk
reftrack explain leaky.trk 1 --format csv
reftrack explain leaky.trk 1 --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(d["finding"]["verdict"], len(d["life"]), d["divergence"]["offset"], round(d["divergence"]["difference"], 2), d["annotate"]["becomes"])
print(d["narrow"]["command"], d["audit"]["lost"])'
