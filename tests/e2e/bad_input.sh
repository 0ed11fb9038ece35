#!/bin/sh
# Bad input gets one clear line that says what, where and what to do next, and the documented exit status.
. "$ROOT/tests/e2e/lib.sh"

# expect NAME STATUS PATTERN COMMAND...
expect() {
	name=$1 status=$2 pattern=$3
	shift 3
	"$@" >out 2>err
	equal "$name: exit status" $? "$status"
	oneline "$name" err
	has "$name" err "$pattern"
	has "$name" err '^reftrack'
	checks=$((checks + 1))
	[ ! -s out ] || fail "$name: printed to stdout"
}

"$REFTRACK" run -q -o good.trk -- true
: >empty.trk
echo 'this is not a trace, it is a text about traces' >foreign.trk
cp good.trk newer.trk
printf '\377\000' | dd of=newer.trk bs=1 seek=8 conv=notrunc 2>/dev/null

expect 'missing program' 127 'no-such-program' "$REFTRACK" run -- ./no-such-program
touch plain-file
expect 'not executable' 126 'plain-file' "$REFTRACK" run -- ./plain-file
expect 'no program' 125 'help' "$REFTRACK" run
expect 'unwritable output' 125 'nowhere' "$REFTRACK" run -o /nowhere/x.trk -- true
expect 'output where no file can be made' 125 '/proc' "$REFTRACK" run -o /proc/x.trk -- echo RAN
expect 'existing output is not overwritten' 125 'good.trk' "$REFTRACK" run -o good.trk -- true
expect 'missing trace' 3 'missing.trk' "$REFTRACK" report missing.trk
expect 'empty trace' 3 'empty.trk' "$REFTRACK" report empty.trk
expect 'foreign file' 3 'foreign.trk' "$REFTRACK" leaks foreign.trk
expect 'newer version' 3 'version' "$REFTRACK" info newer.trk
expect 'directory as trace' 3 'director' "$REFTRACK" report .
expect 'unknown option' 2 "no-such-option" "$REFTRACK" report --no-such-option good.trk
expect 'misspelt option' 2 'did you mean' "$REFTRACK" leaks --supressions x good.trk
expect 'unknown command' 2 'did you mean|help' "$REFTRACK" reprot good.trk
expect 'bad where' 2 'nosuchkey' "$REFTRACK" types --where 'nosuchkey > 3' good.trk
expect 'no such choice' 125 'block.drop.flight, not' "$REFTRACK" run --on-full never -- true
expect 'nothing to fold in flight' 125 'mean nothing' "$REFTRACK" run --on-full flight --keep folded -- true
expect 'a budget too small' 125 'from 1MiB to 4GiB' "$REFTRACK" run --budget 1KiB -- true
expect 'a budget too large' 125 'from 1MiB to 4GiB' "$REFTRACK" run --budget 9999TiB -- true
expect 'preloading and not' 125 'exclude each other' "$REFTRACK" run --preload --no-preload -- true
expect 'nothing to limit in flight' 125 'mean nothing' "$REFTRACK" run --on-full flight --max-trace 1MiB -- true
expect 'process 0' 2 'no process 0' "$REFTRACK" report --pid 0
# The number behind the process id in a name is not a process id.
cp good.trk good.4711.1.trk
expect 'not the trace of that process' 3 'process 1 is not being recorded' "$REFTRACK" report --pid 1
rm -f good.4711.1.trk
expect 'nothing to recover' 2 'is complete' "$REFTRACK" recover good.trk
expect 'types cannot begin later' 2 'from the beginning' "$REFTRACK" types --from 3s good.trk
expect 'object is missing' 2 'OBJECT is missing' "$REFTRACK" show good.trk
expect 'unknown object' 2 'Nothing#12' "$REFTRACK" show good.trk 'Nothing#12'
echo '{ broken' >bad.supp
expect 'bad suppressions' 2 'bad.supp:1' "$REFTRACK" leaks --suppressions bad.supp good.trk
echo '[1' >bad.json
expect 'bad baseline' 2 'bad.json' "$REFTRACK" check --baseline bad.json good.trk

# What judges the recording is looked at before the program runs: echo would print to stdout.
expect 'unknown verdict of run' 125 'nope' "$REFTRACK" run --check --fail-on nope -f -o ran.trk -- echo RAN
expect 'no suppressions for run' 125 'nofile' "$REFTRACK" run --check --suppressions nofile -f -o ran.trk -- echo RAN
expect 'no baseline for run' 125 'nofile' "$REFTRACK" run --check --baseline nofile -f -o ran.trk -- echo RAN

# Quiet, but never silent about why the exit status is not the program's: env ends what was recorded of it.
"$REFTRACK" run -q --check -f -o quiet.trk -- env -i true >out 2>err
equal 'quiet and uncertain: exit status' $? 24
has 'quiet and uncertain says why' err '^reftrack: uncertain: '
"$REFTRACK" run -q --check -f -o quiet.trk -- "$BUILD/samples/01-missing-unref" >out 2>err
equal 'quiet and leaking: exit status' $? 23
has 'quiet and leaking names the finding' err 'struct conn'

# A program without counted objects passes, but is not called free of leaks.
"$REFTRACK" check good.trk >out 2>err
equal 'no objects: exit status' $? 0
has 'no objects: check says so' out 'no counted objects'
"$REFTRACK" leaks good.trk >out 2>err
has 'no objects: leaks says so' out '^No counted objects were reported'
checks=$((checks + 1))
if grep -q 'Nothing lost' out; then fail 'no objects: leaks says that nothing was lost'; fi

# A cut trace is analysed as far as it goes, and says so.
"$REFTRACK" run -q -o long.trk -- "$BUILD/samples/01-missing-unref"
size=$(stat -c %s long.trk)
head -c $((size - 20)) long.trk >cut.trk
"$REFTRACK" report --no-pager cut.trk >out 2>err
equal 'cut trace: exit status' $? 0
cat out err >both
has 'cut trace says so' both 'cut|truncated|incomplete|ends inside|damaged'
has 'cut trace still reports' out 'struct conn'
"$REFTRACK" check cut.trk >out 2>&1
status=$?
checks=$((checks + 1))
case $status in 1 | 4) ;; *) fail "cut trace: check says $status" ;; esac

# Damaged in the middle: what is not released before that may be released behind it.
"$REFTRACK" run -q -o many.trk -- "$BUILD/samples/07-threads" >out 2>&1
size=$(stat -c %s many.trk)
cp many.trk damaged.trk
printf '\252\125\252' | dd of=damaged.trk bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
"$REFTRACK" check damaged.trk >out 2>&1
equal 'damaged trace: check is uncertain' $? 4
"$REFTRACK" recover -q damaged.trk >out 2>&1
equal 'damaged trace: can be recovered' $? 0
"$REFTRACK" report damaged.recovered.trk >out 2>&1
hasnt 'recovered trace is whole' out 'incomplete'

# Without its last block nothing is damaged, and nothing says that it is whole.
head -c $(($(stat -c %s good.trk) - 1)) good.trk >unclosed.trk
usable=$("$REFTRACK" info --no-pager unclosed.trk | sed -n 's/.* the \([0-9]*\) bytes before it are.*/\1/p')
head -c "${usable:-0}" good.trk >unclosed.trk
"$REFTRACK" check unclosed.trk >out 2>&1
equal 'trace that was not closed: check is uncertain' $? 4
has 'trace that was not closed: says so' out 'was not closed'

# Killed by any signal: what was recorded before is analysed, and the status is 128 + N.
for pair in TERM:15 KILL:9 ABRT:6 SEGV:11 INT:2 HUP:1; do
	signal=${pair%:*} number=${pair#*:}
	rm -f killed.trk
	"$REFTRACK" run -q -o killed.trk -- sh -c "kill -$signal \$\$; sleep 1" >/dev/null 2>&1
	status=$?
	equal "killed by $signal" "$status" $((128 + number))
	"$REFTRACK" info --no-pager killed.trk >out 2>&1
	has "killed by $signal: info says so" out "signal $number|SIG$signal|$signal"
done
finish
