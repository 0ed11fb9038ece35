for block in $(reftrack blocks --json --sort addr plain.trk | grep -o '"addr": "0x[0-9a-f]*"' | grep -o '0x[0-9a-f]*'); do
	reftrack show plain.trk $block
done
echo "--- freed"
reftrack show typed.trk 0x5555557c0048
reftrack show typed.trk 0x5555557c0048 --no-history
echo "--- told"
reftrack show typed.trk block#4
reftrack show typed.trk 0x5555557c0000
reftrack show --json typed.trk block#4 | python3 -c 'import json,sys; d=json.load(sys.stdin); print({k: v for k, v in d.items() if k not in ("born", "history", "tool")}, [h["event"] for h in d["history"]])'
reftrack show --json typed.trk 0x5555557c0048 | python3 -c 'import json,sys; d=json.load(sys.stdin); print({k: v for k, v in d.items() if k not in ("born", "history", "tool")}, [h["event"] for h in d["history"]])'
reftrack show plain.trk @leak:1 --no-history
for object in block#0 block#999 0x10; do
	reftrack show plain.trk $object
done
