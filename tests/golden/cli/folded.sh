reftrack refs crowded.trk hub#1 --top 3
reftrack refs crowded.trk hub#1 --in --top 2 --json | python3 -c 'import json,sys; d=json.load(sys.stdin)["referrers"]; print([(c, [r["place"] for r in d[c]["rows"]], d[c]["more"]) for c in ("counted", "pointers")])'
reftrack refs crowded.trk hub#1 --in --top 0 | head -12
reftrack graph crowded.trk hub#1 --in --depth 1 --too-many 2
reftrack what-if crowded.trk --drop hub#1 --top 2
