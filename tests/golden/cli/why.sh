reftrack why slotless.trk node#8
reftrack why slotless.trk node#1
reftrack why cycle.trk @leak:1
reftrack why cache.trk 'struct session#4' --top 4
reftrack why cache.trk 'struct theme#1'
reftrack why leaky.trk @leak:1
reftrack why misuse.trk 'buffer#1'
reftrack why misuse.trk 'buffer#2'
for addr in 0x5555557a2200 0x5555557a0200 0x5555557a1000 0x5555557a3000; do
	reftrack why plain.trk $addr
done
reftrack why slotless.trk node#1 --json | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["alive"], d["ways"], d["hangs_on"]["cycle"], [l["place"] for l in d["hangs_on"]["path"]])'
reftrack why slotless.trk node#8 --json | python3 -c 'import json,sys; d=json.load(sys.stdin); print([(w["root"], w["distance"]) for w in d["ways"]], [t["count"] for t in d["ways"][1]["taken_without_owner"]])'
reftrack why typed.trk 0x5555557c0040
reftrack why slotless.trk node#1 --top 2
