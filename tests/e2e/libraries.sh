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
# all_calls NAME COMMAND...: those of every function of the adapter, as many as callgrind saw
all_calls() {
	[ -n "$long" ] || return 0
	all=$1
	for hooked in $(jq -r '[.audit.hooks[] | select(.hooked) | .function] | unique[]' "$1.json"); do
		shift
		calls "$all" "$hooked" "$@"
		set -- "$all" "$@"
	done
	[ -n "$hooked" ] || fail "$all: nothing is hooked"
}
# identity NAME: counts that were read from memory are those of the events
identity() {
	equal "$1: counts in memory" "$(jq -c '.audit | [.count_identity, .references_in_memory.counts_higher, .references_in_memory.counts_lower]' "$1.json")" '["ok",0,0]'
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
	for mistake in clean leak element stolen ring borrowed; do
		record $mistake ./jsonc $mistake
	done
	found clean '[]'
	equal 'json-c: certain' "$(jq .audit.certain clean.json)" true
	found leak '[["missing-unref","object",3,"check_request","check_request"]]'
	found element '[["missing-unref","string",7,"measure","measure"]]'
	found stolen '[["over-released","string",1,"hand_over",null]]'
	found borrowed '[["over-released","string",1,"give_back_borrowed",null]]'
	equal ring "$(jq -c '[.findings[] | select(.gating) | [.verdict, .objects, ([.cycle.edges[].function] | unique | contains(["refer_to_itself"]))]]' ring.json)" '[["cycle",4,true]]'
	for mistake in leak element ring; do
		identity $mistake
	done
	"$REFTRACK" leaks --color=never stolen.trk >stolen.txt
	has 'json-c: the release too many' stolen.txt 'drop the release at hand_over jsonc.c:'
	all_calls clean ./jsonc clean
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
all_calls jq jq -c "$filter" many.json
if cc -g -O1 -Wall -Wextra -o values "$ROOT/tests/e2e/libraries/values.c" -l:libjq.so.1 2>cc.err; then
	for mistake in clean leak element extra; do
		record values-$mistake ./values $mistake
	done
	found values-clean '[]'
	found values-leak '[["missing-unref","jv_object",3,"check_request","check_request"]]'
	found values-extra '[["over-released","jv_string",1,"hand_over",null]]'
	equal values-element "$(jq -c '[.findings[] | select(.gating) | [.verdict, .type, .objects, .missing.function]]' values-element.json)" '[["missing-unref","jv_string",7,"measure"]]'
	identity values-leak
	identity values-element
	all_calls values-clean ./values clean
else
	echo 'programs on libjq: left out, libjq.so.1 is not installed'
fi

if command -v freesasa >/dev/null 2>&1; then
	awk 'BEGIN { n = 1; split("N CA C O", name); for (r = 1; r < 20; r++) for (k = 1; k < 5; k++)
		printf "ATOM  %5d  %-3s ALA A%4d    %8.3f%8.3f%8.3f  1.00  0.00           %s\n", n++, name[k], r, 3 * cos(r * 1.7) + k * 0.9,
			3 * sin(r * 1.7) + k * 0.5, 1.5 * r + k * 0.3, substr(name[k], 1, 1) }' >chain.pdb
	record freesasa freesasa --format=json --depth=residue chain.pdb
	equal 'freesasa: no object is lost' "$(jq '[.findings[] | select(.gating and .verdict != "lost")] | length' freesasa.json)" 0
	all_calls freesasa freesasa --format=json --depth=residue chain.pdb
fi
if command -v jose >/dev/null 2>&1; then
	record jose jose fmt -j '{"a":[1,{"b":"c"}],"d":null}' -g a -g 1 -o-
	equal 'jose: no object is lost' "$(jq '[.findings[] | select(.gating and .verdict != "lost")] | length' jose.json)" 0
	all_calls jose jose fmt -j '{"a":[1,{"b":"c"}],"d":null}' -g a -g 1 -o-
fi
finish
