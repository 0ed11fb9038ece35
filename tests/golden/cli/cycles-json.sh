# stable keys, in their order
reftrack cycles --json knots.trk | python3 -c '
import json, sys
def keys(value, path, seen):
    if isinstance(value, dict):
        for key in value:
            if path + key not in seen:
                seen[path + key] = True
            keys(value[key], path + key + ".", seen)
    elif isinstance(value, list):
        for item in value:
            keys(item, path[:-1] + "[].", seen)
document = json.load(sys.stdin)
seen = {}
keys({key: document[key] for key in document if key not in ("program", "audit")}, "", seen)
print("\n".join(key for key in seen if "[]." not in key or key.startswith(("cycles[].cycle.", "underflows[]."))))
for part in ("cycles", "held", "over_retained"):
    for finding in document[part]:
        cycle = finding["cycle"]
        print(part, finding["verdict"], finding["retained"], finding["retained_objects"], cycle and cycle["signature"],
              cycle and (cycle["break"]["field"], cycle["break"]["frees"], cycle["break"]["reasons"]))'
