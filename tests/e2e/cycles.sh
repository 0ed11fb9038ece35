#!/bin/sh
# Each program of samples/cycles under `reftrack run`: what `reftrack cycles` says must equal its expectation, and the
# reference to break must be the right one in JSON, too. `cycles.sh --update` rewrites the expectations.
. "$ROOT/tests/e2e/lib.sh"

for source in "$ROOT"/samples/cycles/*.c; do
	name=$(basename "$source" .c)
	"$REFTRACK" run -q -o "$name.trk" -- "$BUILD/samples/cycle-$name" 2>/dev/null
	equal "$name: exit status of the program" $? 0
	"$REFTRACK" cycles --color=never --no-pager --width=100 "$name.trk" 2>&1 | normalize >"$name.out"
	if [ "${1:-}" = --update ]; then
		cp "$name.out" "$ROOT/samples/cycles/$name.expected.txt"
	else
		same "$name" "$ROOT/samples/cycles/$name.expected.txt" "$name.out"
	fi
done

# breaks NAME PART VERDICT FIELD FREES_OBJECTS
breaks() {
	"$REFTRACK" cycles --json "$1.trk" >"$1.json"
	"$REFTRACK" leaks --json "$1.trk" >"$1.leaks.json"
	python3 - "$@" >said.out 2>&1 <<'PY'
import json, sys
name, part, verdict, field, frees = sys.argv[1:]
rows = json.load(open(name + ".json"))[part]
assert len(rows) == 1, rows
row, cut = rows[0], rows[0]["cycle"]["break"]
assert (row["verdict"], row["strength"]) == (verdict, "proven"), row
assert (cut["field"], cut["frees_objects"]) == (field, int(frees)), cut
assert all(edge["file"] and edge["line"] for edge in row["cycle"]["edges"])
leaks = [f for f in json.load(open(name + ".leaks.json"))["findings"] if f["verdict"] == verdict]
del row["cost"]
for finding in leaks + [row]:
    del finding["siblings"]  # which only reports of leaks compare
assert leaks == [row], leaks
PY
	equal "$1: $2 $3, break $4 ($(tail -1 said.out))" $? 0
}
breaks parent cycles cycle parent 4
breaks observers cycles cycle 'observers[]' 4
breaks caches cycles cycle clears_too 22
breaks closure cycles cycle 'closure[].user_data' 2
breaks thousand cycles cycle session 2000
breaks held held cycle-held owner 2
breaks order cycles uncollectable file 2

# A pass of the generations is as sure of a cycle as the findings are: agrees NAME WHAT STRENGTH
agrees() {
	"$REFTRACK" leaks --json "$1.trk" >"$1.json"
	"$REFTRACK" gc "$1.trk" garbage --json >"$1.gc.json" 2>/dev/null
	equal "$1$2" "$(python3 -c '
import json, sys
leaks = {f["strength"] for f in json.load(open(sys.argv[1]))["findings"] if f["verdict"] in ("cycle", "uncollectable")}
print(leaks == {row["strength"] for row in json.load(open(sys.argv[2]))["rows"]}, *leaks)' "$1.json" "$1.gc.json")" "True $3"
}
for name in parent order thousand; do
	agrees $name ': as sure as leaks' proven
	"$REFTRACK" run -q -f -o $name.trk --no-memory -- "$BUILD/samples/cycle-$name" 2>/dev/null
	agrees $name ': as sure as leaks, without memory' probable
done
finish
