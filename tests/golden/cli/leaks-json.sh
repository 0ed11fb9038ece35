# stable keys, in their order
reftrack leaks --json leaky.trk | python3 -c '
import json, sys
def keys(value, path):
    if isinstance(value, dict):
        for key in value:
            print(path + key)
            keys(value[key], path + key + ".")
    elif isinstance(value, list) and value:
        keys(value[0], path[:-1] + "[].")
document = json.load(sys.stdin)
keys(document, "")
finding = document["findings"][0]
print(document["schema"], document["program"]["pid"], finding["verdict"], finding["objects"], finding["bytes"])'
