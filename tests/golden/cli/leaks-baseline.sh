reftrack leaks --json leaky.trk >known.json
reftrack check --baseline known.json leaky.trk && echo passed
reftrack check -q --baseline known.json leaky.trk && echo quiet
echo '--- a baseline with names, a trace without: nobody can tell'
python3 -c 'import json; d=json.load(open("known.json"))
for f in d["findings"]:
    f["fingerprint"] = "0123456789abcdef"
    if f["site"]: f["site"]["function"] = "conn_open"
json.dump(d, open("named.json", "w"))'
reftrack check --baseline named.json leaky.trk
echo "exit $?"
reftrack leaks --baseline named.json leaky.trk
echo '--- what did not come again: only what can fail a check'
python3 -c 'import json; d=json.load(open("known.json"))
d["findings"] = [{"fingerprint": "%016x" % i, "verdict": v, "type": "", "objects": 1} for i, v in enumerate(["unfreed", "reachable", "cycle"])]
json.dump(d, open("older.json", "w"))'
reftrack check --baseline older.json leaky.trk 2>&1 | grep again
echo '--- places without names have fingerprints of their own'
for trace in *.trk; do
	reftrack leaks --all --json "$trace" 2>/dev/null
done | python3 -c 'import json,sys
text, at, places = sys.stdin.read(), 0, {}
while at < len(text):
    d, at = json.JSONDecoder().raw_decode(text, at)
    at += 1
    for f in d.get("findings", []):
        s = f["site"]
        if s and not s["function"]:
            places.setdefault((d["program"]["path"], d["program"]["pid"], f["fingerprint"]), set()).add(s["offset"])
print(len(places) > 10, [p for p in places.values() if len(p) > 1])'
