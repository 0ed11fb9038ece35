reftrack refs slotless.trk node#8 --path
reftrack refs slotless.trk node#1 --in
reftrack refs cache.trk 'struct session#4' --out --top 1
reftrack refs plain.trk 0x5555557a2200
reftrack refs misuse.trk 'buffer#2'
reftrack refs hostile.trk '#1'
reftrack refs unread.trk block#1
reftrack refs unread.trk 'malloc block#1' | head -1
reftrack refs slotless.trk node#8 --json --path | python3 -c 'import json,sys; d=json.load(sys.stdin); r=d["referrers"]["counted"]; print(d["schema"], d["kind"], d["object"]["name"], d["refcount"], r["links"], r["rows"][0]["mark"], r["rows"][0]["place"], d["nearest"]["distance"], len(d["taken_without_owner"]))'
for object in 'struct conn#3' 'struct conn#999' '#0' 0x10; do
	reftrack refs leaky.trk "$object"
done
reftrack refs leaky.trk
reftrack refs leaky.trk @leak:1 --from done
reftrack refs cache.trk 'struct session#8' --to warm --in
echo '--- what nobody gave back'
reftrack refs leaky.trk @leak:1 --open
reftrack refs cycle.trk node#2 --open
reftrack refs leaky.trk @leak:1 --open --json | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["open"], [(e["event"], e["number"], e["open"]) for e in d["open_unowned"]])'
reftrack refs leaky.trk 0x5555557a2000 --open
