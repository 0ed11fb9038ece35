#!/bin/sh
# Filters: what they let through gives the same findings as without them, and what they leave out is counted and said.
. "$ROOT/tests/e2e/lib.sh"
need jq

# findings TRACE TYPE: what is said about objects of that type; totals of what is held by design mix types
findings() {
	"$REFTRACK" leaks --json "$1" |
		jq -S --arg t "$2" '[.findings[] | select(.type == $t and .verdict != "reachable") | {verdict, objects, bytes, strength, born, missing,
			open: [.open[] | {function, line, count, pairing}]}]'
}
audit() {
	"$REFTRACK" leaks --json "$1" | jq -r ".audit.$2"
}

# A wanted type among others.
for case in '06-immortal:struct theme' '03-cycle:struct node' '01-missing-unref:struct conn' '07-threads:struct job'; do
	name=${case%%:*} type=${case#*:}
	"$REFTRACK" run -q -f -o all.trk -- "$BUILD/samples/$name" 2>/dev/null
	"$REFTRACK" run -q -f -o one.trk --types "${type#struct }" -- "$BUILD/samples/$name" 2>/dev/null
	findings all.trk "$type" >all.json
	findings one.trk "$type" >one.json
	same "$name: findings of $type" all.json one.json
	equal "$name: none without birth" "$(audit one.trk skewed)" 0
	equal "$name: nothing lost" "$(audit one.trk lost)" 0
	equal "$name: the filter is known" "$(audit one.trk filter)" "types=${type#struct }"
done
"$REFTRACK" run -q -f -o one.trk --types 'nobody|no*body' -- "$BUILD/samples/02-double-unref"
"$REFTRACK" check one.trk >out
equal 'a filter that takes no object proves nothing' $? 4
has 'and says why' out 'left out all objects'
"$REFTRACK" leaks --no-pager one.trk >out
has 'left out births are told' out '^1 birth was left out by --types nobody.no.body: this speaks of the others only.$'

# The instrumented library is clean in every part that one can look at.
for share in 1 3 16; do
	for try in 1 2 3 4 5; do # one share in sixteen of a few objects may be none
		"$REFTRACK" run -q -f -o part.trk --objects 1/$share -- "$BUILD/samples/sample-json" >/dev/null
		"$REFTRACK" check part.trk >out 2>&1
		code=$?
		grep -Eq 'left out (all objects|everything)' out || break
	done
	equal "objects=1/$share: clean ($(tail -1 out))" $code 0
	equal "objects=1/$share: none without birth" "$(audit part.trk skewed)" 0
	[ $share -eq 1 ] || hasnt "objects=1/$share: some were left out" out '^0 births'
done

# Programs as they are: what one file allocates.
python=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null)
if [ -n "$python" ]; then
	"$REFTRACK" run -q -f -o all.trk -- "$python" -c 'import json; json.loads("[1, 2, 3]")'
	"$REFTRACK" run -q -f -o lib.trk --modules 'libc.so*|libc-*' -- "$python" -c 'import json; json.loads("[1, 2, 3]")'
	all=$("$REFTRACK" leaks --json all.trk | jq .audit.events)
	lib=$("$REFTRACK" leaks --json lib.trk | jq .audit.events)
	checks=$((checks + 1))
	[ "$lib" -gt 10 ] && [ "$((lib * 20))" -lt "$all" ] || fail "modules=libc*: $lib of $all events"
	"$REFTRACK" sites --json lib.trk >sites.json
	hasnt 'modules=libc*: no frees of blocks that were left out' sites.json '"unknown_frees": [1-9]'
	"$REFTRACK" report --no-pager lib.trk >out
	has 'modules=libc*: said' out 'births were left out by --modules libc.so\*.libc-\*'
fi
"$REFTRACK" run -q -f -o jq.trk --modules 'libjq*' -- jq -n '[range(300)] | map({a: .}) | length' >out
equal 'jq under --modules' "$(cat out)" 300
equal 'jq: nothing lost' "$(audit jq.trk lost)" 0

# Single objects keep their numbers, and what is said about them is the same.
"$REFTRACK" run -q -f -o all.trk -- "$BUILD/samples/01-missing-unref" 2>/dev/null
"$REFTRACK" run -q -f -o named.trk --objects 'conn#2,7-8' -- "$BUILD/samples/01-missing-unref" 2>/dev/null
"$REFTRACK" leaks --json named.trk >named.json
equal 'named objects: the leaked one' "$(jq -c '[.findings[] | select(.verdict != "lost") | [.verdict, .objects, .objects_sample]]' named.json)" \
	'[["missing-unref",1,["struct conn#8"]]]'
equal 'named objects: no others' "$("$REFTRACK" types --json named.trk | jq -c '[.rows[] | select(.born != null and .type == "struct conn") | [.type, .born, .died]]')" \
	'[["struct conn",3,2]]'
"$REFTRACK" show --color=never all.trk 'struct conn#8' | normalize | sed '/siblings/d; s/id #[0-9]*//; s/thread [0-9]*//' >one
"$REFTRACK" show --color=never named.trk 'struct conn#8' | normalize | sed '/siblings/d; s/id #[0-9]*//; s/thread [0-9]*//' >two
same 'named objects: the same life' one two
for bad in 'conn' 'conn#' 'conn#0' 'conn#3-2' '#1' 'conn#1|' 'conn#1,'; do
	"$REFTRACK" run -q --objects "$bad" -- true >bad.out 2>&1
	equal "--objects $bad" $? 125
	oneline "--objects $bad" bad.out
done

# A linked program's own options, and what wins.
TRACK_OPTIONS=types=nobody "$REFTRACK" run -q -f -o one.trk --types conn -- "$BUILD/samples/01-missing-unref" 2>/dev/null
equal 'the command line wins' "$(audit one.trk filter)" types=conn
TRACK_OPTIONS='types=conn|x::y:objects=1/1' "$REFTRACK" run -q -f -o one.trk -- "$BUILD/samples/01-missing-unref" 2>out
equal 'a type of C++ needs quotes' "$(audit one.trk filter)" 'types=conn|x:objects=1/1'
TRACK_OPTIONS='types="conn|x::y":objects=1/1' "$REFTRACK" run -q -f -o one.trk -- "$BUILD/samples/01-missing-unref" 2>out
equal 'and is whole with them' "$(audit one.trk filter)" 'types=conn|x::y:objects=1/1'

# No stacks.
"$REFTRACK" run -q -f -o none.trk --stacks 0,0,0 -- "$BUILD/samples/01-missing-unref" 2>/dev/null
"$REFTRACK" check none.trk >out
equal 'without stacks the leak is found' $? 1
TRACK_OPTIONS=stacks=0,0,0 "$REFTRACK" run -q -f -o some.trk --stacks 8 -- "$BUILD/samples/01-missing-unref" 2>/dev/null
"$REFTRACK" leaks some.trk >out
has 'stacks given for births only' out 'born +conn_new'
has 'the others as the program wishes' out 'taken += .no stack.'
has 'what to do without stacks of references' out 'do +find where it was taken: no stacks of references'
hasnt 'no function without a stack' out 'variable of [?]'

# Bad syntax: one line.
for bad in '--types=' '--types=a||b' '--modules=|x' '--objects=16' '--objects=1/0' '--objects=1/9999999' '--stacks=65' '--stacks=-1'; do
	"$REFTRACK" run -q "$bad" -- true 2>out
	equal "$bad: exit code" $? 125
	oneline "$bad" out
done
finish
