for command in report leaks 'leaks --from idle' check 'check --fail-on growth'; do
	echo "\$ $command"
	reftrack $command cache.trk
	echo "status $?"
done
reftrack leaks --json cache.trk | python3 -c '
import json, sys
finding = json.load(sys.stdin)["findings"][0]
print(finding["verdict"], finding["headline"], finding["strength"], finding["gating"])
print(json.dumps(finding["growth"]))'
reftrack growth looked.trk
reftrack growth looked.trk --json | python3 -c 'import json,sys; d=json.load(sys.stdin); [print(e["from"], e["field"], e["to"], len(e["looks"]), e["inserted"], e["removed"]) for e in d["edges"]]'
