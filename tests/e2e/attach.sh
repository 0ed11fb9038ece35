#!/bin/sh
# A running server is woken, recorded and left, several times: linked dynamically, at fixed addresses, statically, and
# preloaded with the malloc hooks. Who cannot be woken gets one clear line.
. "$ROOT/tests/e2e/lib.sh"
need cc

XDG_RUNTIME_DIR=$work/runtime
export XDG_RUNTIME_DIR
mkdir -m 700 "$XDG_RUNTIME_DIR"

cat >server.c <<'END'
#include <stdlib.h>
#include <unistd.h>
#include <track/track.h>
struct session { int refs; };
static TRK_TYPE(session_type, struct session);
static struct session *old[64];
static struct session *session_new(void)
{
	struct session *s = calloc(1, sizeof *s);
	s->refs = 1;
	trk_new(s, &session_type);
	return s;
}
__attribute__((noinline)) static void take(struct session **slot, struct session *s)
{
	s->refs++;
	*slot = s;
	trk_ref(s, slot);
}
__attribute__((noinline)) static void give(struct session **slot)
{
	struct session *s = *slot;
	*slot = NULL;
	trk_unref(s, slot);
	if (--s->refs == 0) {
		trk_del(s);
		free(s);
	}
}
static void request(int leaks)
{
	struct session *s = session_new(), *extra = NULL;
	trk_own(s, &s);
	take(&extra, s);
	if (!leaks)
		give(&extra);
	give(&s);
}
int main(int argc, char **argv)
{
	for (int i = 0; i < 64; i++)
		TRK_OWN(old[i], session_new());
	if (argc > 2 && fork() == 0) /* a worker that does the work */
		sleep(0);
	for (int i = 0; i < 60000; i++) {
		if (argc > 1 && argv[1][0] == 'q') { /* quiet */
			usleep(100000);
			continue;
		}
		request(i % 5 == 0);
		if (i % 64 == 63) { /* what was there before, replaced from time to time */
			give(&old[i / 64 % 64]);
			TRK_OWN(old[i / 64 % 64], session_new());
		}
		usleep(500);
	}
	return 0;
}
END
lib=$BUILD/libtrack
flags="-g -O1 -I$ROOT/libtrack/include server.c"
cc $flags -o shared -L"$lib" -Wl,-rpath,"$lib" -Wl,--no-as-needed -ltrack || fail 'linking with -ltrack'
cc $flags -o fixed -no-pie -fno-pie -L"$lib" -Wl,-rpath,"$lib" -Wl,--no-as-needed -ltrack || fail 'linking at fixed addresses'
cc $flags -o archive -Wl,-u,trk_gate_v1 "$lib/libtrack.a" -lpthread || fail 'linking with libtrack.a'
cc $flags -o alone || fail 'compiling'
[ $failures -eq 0 ] || finish
kinds='shared fixed archive preloaded'
if cc $flags -o static -static -Wl,-u,trk_gate_v1 "$lib/libtrack.a" -lpthread 2>/dev/null && ./static q >/dev/null 2>&1 & then
	sleep 0.2
	kill $! 2>/dev/null && kinds="$kinds static"
	wait 2>/dev/null
fi

record() { # PID OUTPUT [OPTION...]: stderr in err, exit code in code
	pid=$1 out=$2
	shift 2
	timeout 60 "$REFTRACK" record --pid "$pid" -o "$out" "$@" >out 2>err
	code=$?
}

started() { # waits until process $1 can be seen
	i=0
	while [ $i -lt 100 ] && ! "$REFTRACK" record | grep -q "^ *$1 "; do
		i=$((i + 1))
		sleep 0.05
	done
}

refused() { # NAME PATTERN: exit code 3 and one line that says why
	equal "$1: exit code" "$code" 3
	oneline "$1" err
	has "$1" err "$2"
}

for kind in $kinds; do
	if [ "$kind" = preloaded ]; then
		LD_PRELOAD=$lib/libtrack-preload.so ./alone &
	else
		"./$kind" &
	fi
	server=$!
	started $server
	"$REFTRACK" record >list
	has "$kind: is listed" list "^ *$server .* idle"
	for round in 1 2; do
		record $server "$kind-$round.trk" --for 250ms
		equal "$kind, round $round: exit code" $code 0
		has "$kind, round $round: what was found" err 'lost .* struct session: give it back as at give server.c'
		"$REFTRACK" report --no-pager "$kind-$round.trk" >report
		has "$kind, round $round: who took it" report 'taken  *= take server.c:18  '
		head -1 report >first
		has "$kind, round $round: line one" first 'Recording began while the program was running'
		"$REFTRACK" leaks --json "$kind-$round.trk" >leaks.json
		has "$kind, round $round: attached" leaks.json '"attached": true'
		hasnt "$kind, round $round: nothing but that leak" leaks.json '"verdict": "(over-released|use-after-release|zero-not-freed)"'
		"$REFTRACK" check "$kind-$round.trk" >/dev/null 2>&1
		equal "$kind, round $round: never called clean" $? 4
	done
	[ "$kind" = preloaded ] && {
		"$REFTRACK" info --json preloaded-1.trk >info.json
		hasnt 'preloaded: blocks are recorded' info.json '"allocs": 0,'
	}
	kill -0 $server || fail "$kind: the server is gone"
	kill $server
	wait $server 2>/dev/null
done

# Two at a time, and a program under run.
./shared &
server=$!
started $server
"$REFTRACK" record --pid $server --for 20s -q -o first.trk >/dev/null 2>&1 &
first=$!
i=0
while [ $i -lt 100 ] && ! "$REFTRACK" record | grep -q "^ *$server .* recorded by $first"; do
	i=$((i + 1))
	sleep 0.05
done
record $server second.trk --for 1s
refused 'recorded already' "process $server .*already"
kill -INT $first
wait $first
equal 'Ctrl-C ends it well' $? 0
"$REFTRACK" info --json first.trk >info.json
has 'its trace has an end' info.json '"finished": *true'

# A recorder that is killed leaves a program that can be recorded again.
"$REFTRACK" record --pid $server --for 20s -q -o killed.trk >/dev/null 2>&1 &
first=$!
sleep 0.5
kill -9 $first
wait $first 2>/dev/null
record $server after.trk --for 250ms --wait 30s
equal 'after a killed recorder' $code 0
has 'after a killed recorder' err 'lost .* give it back as at give server.c'
kill $server
wait $server 2>/dev/null
record $server dead.trk
refused 'dead' "no process $server"

# It ends while it is recorded.
./shared &
server=$!
started $server
(sleep 0.7 && kill $server) &
record $server ends.trk
equal 'ends while recorded: exit code' $code 0
has 'ends while recorded' err 'killed by signal 15'
wait 2>/dev/null

# A forked worker is recorded by itself.
./shared busy fork &
server=$!
started $server
worker=$(cut -d' ' -f1 "/proc/$server/task/$server/children" 2>/dev/null)
if [ -n "$worker" ]; then
	record "$worker" worker.trk --for 250ms
	equal 'a worker: exit code' $code 0
	has 'a worker' err "pid $worker"
	kill "$worker"
fi
kill $server
wait $server 2>/dev/null

# Reasons.
./shared q &
server=$!
started $server
record $server quiet.trk --wait 300ms
equal 'quiet: exit code' $code 3
has 'quiet' err 'did nothing that counts'
kill $server
TRACK_OPTIONS=wake=0 ./shared &
server=$!
sleep 0.3
record $server no.trk
refused 'wake=0' 'carries libtrack but cannot be woken.*TRACK_OPTIONS=out=FILE'
kill $server
sleep 30 &
server=$!
record $server no.trk
refused 'not linked' 'carries no libtrack.*reftrack run'
kill $server
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	setpriv --reuid 65534 --clear-groups sleep 30 &
	server=$!
	sleep 0.3
	record $server no.trk
	refused 'of another user' 'belongs to user'
	kill $server
fi
"$REFTRACK" record --pid 1x >out 2>err
equal 'no number' $? 2
"$REFTRACK" record --for 1s >out 2>err
equal 'no pid' $? 2
has 'no pid' err 'pid says which'
wait 2>/dev/null
"$REFTRACK" record >list
ls "$XDG_RUNTIME_DIR/libtrack" >left
equal 'files of dead processes are gone' "$(wc -l <left)" 0
finish
