reftrack graph cycle.trk node#1
reftrack graph slotless.trk node#8 --in
reftrack graph slotless.trk table#1 --out --depth 1
reftrack graph slotless.trk
reftrack graph plain.trk --too-many 2
reftrack graph cache.trk 'struct session#40' --out --depth 2
reftrack graph misuse.trk buffer#2
reftrack graph hostile.trk '#1'
reftrack graph slotless.trk node#8 --json | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["schema"], d["kind"], [(n["kind"], n["name"], n["target"]) for n in d["nodes"]], [(e["from"], e["to"], e["field"], e["kind"], e["times"]) for e in d["edges"]])'
reftrack graph cache.trk --json --dot
reftrack graph cache.trk --depth 0
reftrack graph cache.trk 'struct session#99'
