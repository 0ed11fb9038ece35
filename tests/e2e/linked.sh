#!/bin/sh
# A program linked with libtrack and started alone: idle by default, a complete trace with TRACK_OPTIONS=out=..., the same with
# libtrack.a, and never two engines in one process.
. "$ROOT/tests/e2e/lib.sh"
need cc

sample=$ROOT/samples/01-missing-unref.c
cc -g -O1 -I"$ROOT/libtrack/include" "$sample" -o shared -L"$BUILD/libtrack" -Wl,-rpath,"$BUILD/libtrack" -Wl,--no-as-needed -ltrack || fail 'linking with -ltrack'
# Weak references alone do not pull a member out of an archive: one strong reference does.
cc -g -O1 -Wl,-u,trk_gate_v1 -I"$ROOT/libtrack/include" "$sample" -o static "$BUILD/libtrack/libtrack.a" -lpthread || fail 'linking with libtrack.a'

wait_end() { # the recorder of a program that was started alone outlives it by a moment
	i=0
	while [ $i -lt 100 ]; do
		"$REFTRACK" info --json "$1" 2>/dev/null | grep -q '"finished": *true' && return 0
		i=$((i + 1))
		sleep 0.1
	done
	fail "$1 was never finished"
}

for kind in shared static; do
	./$kind
	equal "$kind: idle run" $? 0
	checks=$((checks + 1))
	ls ./*.trk >/dev/null 2>&1 && fail "$kind: an idle program left a trace"
	TRACK_OPTIONS="out=$kind.trk:recorder=$REFTRACK" ./$kind >out 2>err
	equal "$kind: recorded run" $? 0
	checks=$((checks + 1))
	[ ! -s err ] || fail "$kind: said on stderr: $(cat err)"
	wait_end $kind.trk
	"$REFTRACK" leaks --no-pager $kind.trk >leaks.out 2>&1
	has "$kind: finds the leak" leaks.out 'handle 01-missing-unref.c:42'
	"$REFTRACK" run -q -o $kind-run.trk -- ./$kind
	"$REFTRACK" leaks --json $kind-run.trk >leaks.json
	has "$kind under run: two objects, once" leaks.json '"objects": *2'
	rm -f ./*.trk
done

# What stays in the trace can be told to the library, too.
cc -g -O1 -I"$ROOT/libtrack/include" "$ROOT/tests/fold/server.c" -o server -L"$BUILD/libtrack" -Wl,-rpath,"$BUILD/libtrack" -Wl,--no-as-needed -ltrack -lpthread ||
	fail 'linking the server'
for keep in folded window:window=20K all; do
	# A fold is a process beside the recorder, which ends with the program: on a busy machine a short run has none.
	for seconds in 0.5 2 8 20; do
		rm -f kept.trk
		TRACK_OPTIONS="out=kept.trk:keep=$keep:max_trace=256K:recorder=$REFTRACK" ./server $seconds 400000 >out 2>err
		equal "keep=$keep: recorded run" $? 0
		wait_end kept.trk
		"$REFTRACK" info --json kept.trk >info.json
		if [ $keep = all ] || grep -qE '"folds": *[1-9]' info.json; then break; fi
	done
	has "keep=$keep is in the trace" info.json "\"mode\": *\"${keep%%:*}\""
	has "keep=$keep: the limit too" info.json '"max_bytes": *262144'
	if [ $keep = all ]; then
		has 'keep=all: ends at the limit' info.json '"reason": *"limit"'
		has 'keep=all: and the program is idle' out 'recorded 0'
	else
		has "keep=$keep: it was made shorter" info.json '"folds": *[1-9]'
		has "keep=$keep: and the program is recorded to its end" out 'recorded 1'
	fi
	rm -f kept.trk
done

# Options that are wrong are named; the program runs on.
TRACK_OPTIONS=no_such_option=1 ./shared >out 2>err
equal 'unknown option: the program runs on' $? 0
oneline 'unknown option' err
has 'unknown option' err 'no_such_option.*help=1'
TRACK_OPTIONS=help=1 ./shared >out 2>err
has 'help=1 lists the options' err 'on_full'
TRACK_OPTIONS=out=/nowhere/x.trk:recorder=$REFTRACK ./shared >out 2>err
equal 'unwritable output: the program runs on' $? 0
finish
