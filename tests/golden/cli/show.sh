reftrack show leaky.trk @leak:1
reftrack show leaky.trk 'struct conn#21' --no-history
reftrack show cycle.trk node#2
reftrack show leaky.trk 0x5555557c0010 --json | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["object"], d["count"], d["split"], len(d["history"]))'
for object in nonsense 'struct conn#999' '#0' @leak:99 @leak:x 0x10 0xzz; do
	reftrack show leaky.trk "$object"
done
reftrack show leaky.trk 'struct conn'
reftrack show healthy.trk 'struct conn'
