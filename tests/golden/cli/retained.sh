reftrack retained cache.trk --top 3
reftrack retained cache.trk --by type
reftrack retained cache.trk --by site -v
reftrack retained cache.trk --where 'object=="struct session#40" || object=="struct session#36"'
reftrack retained cache.trk --where 'type~nothing'
reftrack retained plain.trk --top 4
reftrack retained plain.trk --by type --json | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["schema"], d["kind"], d["selection"], d["total_rows"], d["rows"][0])'
reftrack retained slotless.trk --format csv
reftrack retained cache.trk --sort deep
reftrack retained cache.trk 'struct session#40' '#3'
reftrack retained cache.trk 'struct session#40' --by type
reftrack retained cache.trk --by colour
