reftrack what-if cycle.trk --drop 'node#2+8 -> node#1'
reftrack what-if cycle.trk --drop @leak:1
reftrack what-if cache.trk --drop 'struct session#5+8->struct session#1' --drop 'struct session#40' --top 2
reftrack what-if cache.trk --drop 'struct theme#1'
reftrack what-if plain.trk --drop 'block#4 +8->block#6'
reftrack what-if plain.trk --drop 'global in app+0xf0040->block#7'
reftrack what-if slotless.trk --drop table#1
reftrack what-if slotless.trk --drop table#1 --json | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["schema"], d["kind"], d["drops"][0]["all"], d["freed"]["bytes"], [o["name"] for o in d["freed"]["order"]], [(s["object"]["name"], s["before"], s["after"]) for s in d["stays"]])'
reftrack what-if cycle.trk
reftrack what-if cycle.trk --drop 'node#4->node#1'
reftrack what-if cycle.trk --drop 'node#4->'
reftrack what-if leaky.trk --drop 'struct conn#3'
