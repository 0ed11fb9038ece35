reftrack leaks --verbose slotless.trk
reftrack report slotless.trk | sed -n '/^coverage/,$p'
reftrack leaks --json slotless.trk | python3 -c '
import json, sys
told = json.load(sys.stdin)
for f in told["findings"]:
    edges = f["cycle"]["edges"] if f["cycle"] else []
    print(f["verdict"], f["strength"], [o["pairing"] for o in f["open"]], [(e["field"], e["pairing"]) for e in edges])
print(told["audit"]["references_in_memory"])'
reftrack leaks queued.trk
