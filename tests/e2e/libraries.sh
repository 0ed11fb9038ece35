#!/bin/sh
# Programs that use json-c, jansson and jq as they are installed: recorded with every call seen, unharmed, and mistakes in
# them found by type, place and missing release. With the argument `long` calls are compared with callgrind's.
. "$ROOT/tests/e2e/lib.sh"
need jq cc
long=${1:-}

# record NAME COMMAND...: NAME.trk, NAME.json; output and exit code as without reftrack
record() {
	name=$1
	shift
	"$@" >"$name.alone" 2>/dev/null
	code=$?
	"$REFTRACK" run -q -o "$name.trk" -- "$@" >"$name.out" 2>"$name.err"
	equal "$name: exit code" $? "$code"
	same "$name: its output" "$name.alone" "$name.out"
	"$REFTRACK" leaks --json "$name.trk" >"$name.json"
	equal "$name: nothing was lost" "$(jq .audit.lost "$name.json")" 0
}
found() {
	equal "$1" "$(jq -c '[.findings[] | select(.gating) | [.verdict, .type, .objects, .open[0].function, .missing.function]]' "$1.json")" "$2"
}
# calls NAME FUNCTION COMMAND...: as many as callgrind saw
calls() {
	name=$1
	function=$2
	shift 2
	[ -n "$long" ] && command -v valgrind >/dev/null 2>&1 || return 0
	[ -f "$name.calls" ] || {
		valgrind --tool=callgrind --callgrind-out-file="$name.callgrind" "$@" >/dev/null 2>&1
		cp "$name.callgrind" "$name.calls"
	}
	equal "$name: calls of $function" "$(jq "[.audit.hooks[] | select(.hooked and .function == \"$function\") | .calls] | max" "$name.json")" \
		"$(awk -v want="$function" '
			/^c?fn=/ { text = $0; sub(/^c?fn=/, "", text); id = text; sub(/ .*/, "", id); if (index(text, " ")) { sub(/^[^ ]* /, "", text); sub(/\047[0-9]+$/, "", text); names[id] = text } callee = /^cfn/ ? names[id] : callee }
			/^calls=/ { split($0, part, /[= ]/); if (callee == want) sum += part[2] }
			END { print sum + 0 }' "$name.calls")"
}

if [ -f /usr/include/json-c/json.h ]; then
	cc -g -O1 -Wall -Wextra -o jsonc "$ROOT/tests/e2e/libraries/jsonc.c" -ljson-c || fail 'jsonc.c does not compile'
	for mistake in clean leak element stolen; do
		record $mistake ./jsonc $mistake
	done
	found clean '[]'
	equal 'json-c: certain' "$(jq .audit.certain clean.json)" true
	found leak '[["missing-unref","object",3,"check_request","check_request"]]'
	found element '[["missing-unref","string",7,"measure","measure"]]'
	found stolen '[["over-released","string",1,"hand_over",null]]'
	"$REFTRACK" leaks --color=never stolen.trk >stolen.txt
	has 'json-c: the release too many' stolen.txt 'drop the release at hand_over jsonc.c:'
	for function in json_object_get json_object_put json_object_new_string json_object_new_object; do
		calls clean $function ./jsonc clean
	done
else
	echo 'json-c: left out, libjson-c-dev is not installed'
fi

i=0
while [ $i -lt 60 ]; do
	echo "{\"id\":$i,\"tags\":[\"a\",\"b$i\"],\"sub\":{\"x\":$i,\"y\":\"text $i\"}}"
	i=$((i + 1))
done >many.json
filter='.sub.y as $y | {id, tags: (.tags | map(. + "z")), y: ($y | ascii_upcase)}'
record jq jq -c "$filter" many.json
found jq '[]'
for function in jv_copy jv_free jv_object jv_string; do
	calls jq $function jq -c "$filter" many.json
done

if command -v freesasa >/dev/null 2>&1; then
	awk 'BEGIN { n = 1; split("N CA C O", name); for (r = 1; r < 20; r++) for (k = 1; k < 5; k++)
		printf "ATOM  %5d  %-3s ALA A%4d    %8.3f%8.3f%8.3f  1.00  0.00           %s\n", n++, name[k], r, 3 * cos(r * 1.7) + k * 0.9,
			3 * sin(r * 1.7) + k * 0.5, 1.5 * r + k * 0.3, substr(name[k], 1, 1) }' >chain.pdb
	record freesasa freesasa --format=json --depth=residue chain.pdb
	equal 'freesasa: no object is lost' "$(jq '[.findings[] | select(.gating and .verdict != "lost")] | length' freesasa.json)" 0
	for function in json_object_put json_object_new_object json_object_new_double; do
		calls freesasa $function freesasa --format=json --depth=residue chain.pdb
	done
fi
if command -v jose >/dev/null 2>&1; then
	record jose jose fmt -j '{"a":[1,{"b":"c"}],"d":null}' -g a -g 1 -o-
	equal 'jose: no object is lost' "$(jq '[.findings[] | select(.gating and .verdict != "lost")] | length' jose.json)" 0
	for function in json_delete json_object json_array; do
		calls jose $function jose fmt -j '{"a":[1,{"b":"c"}],"d":null}' -g a -g 1 -o-
	done
fi
finish
