#!/bin/sh
# Each sample under `reftrack run`: its leaks report must equal samples/NAME.expected.txt (addresses, times and ids of
# processes replaced). `samples.sh --update [NAME]` rewrites the expectations.
. "$ROOT/tests/e2e/lib.sh"
update=
[ "${1:-}" = --update ] && { update=1; shift; }

for source in "$ROOT"/samples/[0-9]*.c; do
	name=$(basename "$source" .c)
	[ $# -eq 0 ] || [ "$1" = "$name" ] || continue
	mkdir "$work/$name"
	(cd "$work/$name" && "$REFTRACK" run -q -- "$BUILD/samples/$name")
	equal "$name: exit status of the program" $? 0
	for trace in "$work/$name"/*.trk; do
		"$REFTRACK" leaks --color=never --no-pager --width=100 "$trace"
	done 2>&1 | normalize >"$work/$name.out"
	expected=$ROOT/samples/$name.expected.txt
	if [ -n "$update" ]; then
		cp "$work/$name.out" "$expected"
	else
		same "$name" "$expected" "$work/$name.out"
	fi
done

# The instrumented library: clean as it is, told the line with its planted bug.
if [ $# -eq 0 ]; then
	"$REFTRACK" run -q -o json.trk -- "$BUILD/samples/sample-json" >json.out
	equal 'json: exit status' $? 0
	"$REFTRACK" check json.trk >check.out 2>&1
	equal "json: clean ($(tail -1 check.out))" $? 0
	"$REFTRACK" types --json json.trk >types.json
	has 'json: the type is known' types.json '"struct value"'
	"$REFTRACK" report --no-pager json.trk >report.out 2>&1
	has 'json: most references have an owner' report.out 'coverage: +([89][0-9]|100) %'
	"$REFTRACK" run -q -o bug.trk -- "$BUILD/samples/sample-json" --bug >bug.out
	"$REFTRACK" check bug.trk >check.out 2>&1
	equal 'json --bug: check fails' $? 1
	has 'json --bug: the line that took it' check.out 'taken += lookup main.c:15'
	has 'json --bug: the line that is missing' check.out 'missing +~ lookup main.c:(20|23)'
fi
finish
