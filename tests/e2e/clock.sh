#!/bin/sh
# Exact time: threads whose order nothing tells but time come in their true order; who may ask for it; what it changes.
. "$ROOT/tests/e2e/lib.sh"
need jq python3 pgrep

# steps TRACE: the steps in the order of the trace, one per line
steps() {
	"$REFTRACK" dump --plain -e touch,mark "$1" >dump
	python3 - <<'END'
for line in open("dump"):
    f = line.rstrip("\n").split("\t")
    print(int(f[5].rsplit(" ", 1)[1]) if f[3] == "mark" else (int(f[4], 16) - 0x10000000) // 16)
END
}

token=$BUILD/tests/e2e/token
"$REFTRACK" run -q -f -o exact.trk --clock tsc -- "$token" 4 6000 2>err
if grep -q 'clock=tsc is not possible' err; then
	oneline 'where there is no counter, that is said' err
	"$REFTRACK" dump --plain exact.trk | cut -f2 | grep -E '\.[0-9]{9}$' >out
	equal 'and times are coarse' "$(wc -l <out)" 0
	finish
fi
seq 0 5999 >expected
steps exact.trk >out
same 'the order of the trace is that of the token' out expected
"$REFTRACK" dump --plain -e touch exact.trk | cut -f2 | grep -cvE '\.[0-9]{9}$' >out
equal 'times are told in nanoseconds' "$(cat out)" 0

# The rings of a flight recording reach back; a snapshot and the end take the same.
"$REFTRACK" run -q -f -o flight.trk --clock tsc --on-full flight -- "$token" 4 6000 2>err
steps flight.trk >out
same 'flight: the order is that of the token' out expected

# A recorder that is killed: what is still in the rings is told by what it left in the header.
"$REFTRACK" run -q -f -o lost.trk --clock tsc --on-full drop -- "$token" 4 100000000 &
recorder=$!
i=0
while ! [ -s lost.trk ] && [ $i -lt 100 ]; do
	sleep 0.1
	i=$((i + 1))
done
program=$(pgrep -P $recorder)
kill -9 $recorder
wait $recorder 2>/dev/null
sleep 0.1
"$REFTRACK" recover "$program" lost.trk -o saved.trk >out 2>&1
equal 'recover' $? 0
kill -9 "$program"
steps saved.trk >out
sort -n out >expected
same 'recovered: the order is that of the token' out expected
"$REFTRACK" dump --plain -e touch saved.trk | cut -f2 | grep -cvE '\.[0-9]{9}$' >out
equal 'recovered: all times are exact' "$(cat out)" 0

# What the program wishes, and what wins.
TRACK_OPTIONS=clock=tsc "$REFTRACK" run -q -f -o wish.trk -- "$token" 2 50
"$REFTRACK" dump --plain -e touch wish.trk | cut -f2 | grep -cE '\.[0-9]{9}$' >out
equal 'a program may ask for it' "$(cat out)" 50
TRACK_OPTIONS=clock=tsc "$REFTRACK" run -q -f -o wish.trk --clock coarse -- "$token" 2 50
"$REFTRACK" dump --plain -e touch wish.trk | cut -f2 | grep -cE '\.[0-9]{9}$' >out
equal 'the command line wins' "$(cat out)" 0
TRACK_OPTIONS=clock=tsc:out=alone.trk:recorder="$REFTRACK" "$token" 2 50
i=0
while ! "$REFTRACK" info alone.trk 2>/dev/null | grep -q 'exit status' && [ $i -lt 100 ]; do
	sleep 0.1
	i=$((i + 1))
done
"$REFTRACK" dump --plain -e touch alone.trk | cut -f2 | grep -cE '\.[0-9]{9}$' >out
equal 'a program that records itself' "$(cat out)" 50
TRACK_OPTIONS=clock=sundial "$REFTRACK" run -q -f -o wish.trk -- "$token" 2 5 2>err
has 'a clock that does not exist' err "bad value of option 'clock'"
"$REFTRACK" run -q --clock sundial -- true 2>err
equal 'neither on the command line' $? 125
oneline 'which is one line' err

# With exact times the findings are those without.
for sample in 01-missing-unref 03-cycle 07-threads; do
	for clock in coarse tsc; do
		"$REFTRACK" run -q -f -o $clock.trk --clock $clock -- "$BUILD/samples/$sample" 2>/dev/null
		"$REFTRACK" leaks --json $clock.trk | jq -S '[.findings[] | {verdict, type, objects, bytes, strength, missing}]' >$clock.json
	done
	same "$sample: findings" coarse.json tsc.json
done
finish
