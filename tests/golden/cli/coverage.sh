reftrack coverage leaky.trk
reftrack coverage slotless.trk
reftrack coverage plain.trk
reftrack coverage leaky.trk --module app
reftrack coverage leaky.trk --module libmine.so
reftrack coverage leaky.trk --by site --where 'given>0' -v
reftrack coverage leaky.trk --by module --format csv
reftrack coverage leaky.trk --sort refs
reftrack coverage leaky.trk --from done
reftrack coverage leaky.trk --by kind
reftrack coverage leaky.trk --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(d["kind"], [t["type"] for t in d["types"]], d["types"][0]["coverage"])
s = d["steps"][0]
print(s["type"], s["birth"], s["of"], s["undecided"], s["taken"]["count"], s["taken"]["is"], s["taken"]["becomes"])
print(d["wrappers"], d["modules"][0]["module"], d["modules"][0]["taken"], len(d["sites"]))'
