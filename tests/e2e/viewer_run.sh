#!/bin/sh
# reftrack run --tui: the program's output goes to a file and to the viewer, its end and exit code are shown and handed
# on, and who quits before that says what becomes of it.
. "$ROOT/tests/e2e/lib.sh"
. "$ROOT/tests/e2e/terminal.sh"
cat >talker.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <track/track.h>
struct conn { int refs; char bytes[60]; };
static TRK_TYPE_COUNTED(conn_type, struct conn, refs);
int main(int argc, char **argv)
{
    char line[64] = "nothing";
    if (fgets(line, sizeof line, stdin) == NULL)
        snprintf(line, sizeof line, "end of input\n");
    fprintf(stderr, "read: %s", line);
    printf("\033[31mto a %s\033[0m\n", isatty(1) ? "terminal" : "file");
    while (argc < 2 || access(argv[1], F_OK) != 0) {
        struct conn *c = calloc(1, sizeof *c);
        trk_new(c, &conn_type);
        usleep(2000);
    }
    printf("going\n");
    return 7;
}
C
cc -I"$ROOT/libtrack/include" -o watched talker.c || fail 'the program compiles'

# ---- To its end ----
begin 100 30 "'$REFTRACK' run --tui -o app.trk -- '$work/watched' '$work/go'; echo code \$?"
until_seen 'live from the start' 'watched\[[0-9]+\] +LIVE'
keys f
until_seen 'what it wrote' '^ ?>?to a terminal'
until_seen 'and what it read' 'read: end of input'
has 'the same in a file' app.out 'to a .*terminal'
touch go
until_seen 'the end is shown' 'ENDED exit 7'
until_seen 'with the last words' 'going'
keys q q
until_seen 'the exit code' 'code 7'
screen >after
has 'the summary is behind the viewer' after 'exit status 7'
has 'and where the output is' after 'what .*watched wrote is in app.out'
rm go

# ---- Redirected output stays so; input that is none of the terminal's, too ----
begin 100 30 "echo hello | '$REFTRACK' run --tui --no-summary -o pipe.trk -- '$work/watched' '$work/go' >out.txt 2>err.txt; echo code \$?"
until_seen 'the viewer is on the terminal' 'LIVE'
touch go
until_seen 'ended' 'ENDED exit 7'
keys q
until_seen 'its exit code' 'code 7'
has 'what it wrote' out.txt 'to a file'
has 'what it read' err.txt 'read: hello'
[ -e pipe.out ] && fail 'no file is needed where nothing is written to the terminal'
rm go

# ---- Quitting ----
begin 100 30 "'$REFTRACK' run --tui -o end.trk -- '$work/watched'; echo code \$?"
until_seen 'live' 'LIVE'
keys q
until_seen 'asks' 'e ends it, l leaves it running'
keys Escape
keys 2
until_seen 'stays' 'struct conn'
keys Q
until_seen 'asks again' 'e ends it, l leaves it running'
keys e
until_seen 'SIGTERM is its end' 'code 143'
"$REFTRACK" info end.trk >out 2>&1
has 'the trace is complete' out 'signal 15'

begin 100 30 "'$REFTRACK' run --tui -o leave.trk -- '$work/watched'; echo code \$?"
until_seen 'live' 'watched\[[0-9]+\] +LIVE'
pid=$(screen | sed -n 's/.*watched\[\([0-9]*\)\].*/\1/p')
keys q
until_seen 'asks once more' 'e ends it, l leaves it running'
keys l
until_seen 'the exit code is 0' 'code 0'
until_seen 'how to come back' "as process $pid and is recorded"
kill -0 "$pid" || fail 'it runs on'
"$REFTRACK" mark "$pid" later >out 2>err || fail "it is still recorded: $(cat err)"
keys " clear; '$REFTRACK' top --pid $pid" Enter
until_seen 'shown again' 'LIVE'
kill -TERM "$pid"
until_seen 'and its end' 'KILLED signal 15'
keys Q

# ---- The viewer is killed: the program goes on under reftrack run ----
begin 100 30 "'$REFTRACK' run --tui -o crash.trk -- '$work/watched' '$work/go'; echo code \$?"
until_seen 'live' 'LIVE'
kill -KILL "$($tm list-panes -F '#{pane_pid}' | xargs pgrep -P | xargs pgrep -P | xargs -I{} sh -c 'grep -qx reftrack-tui /proc/{}/comm && echo {}')"
until_seen 'says so' 'the viewer is gone; .*watched runs on'
touch go
until_seen 'and its code is handed on' 'code 7'

# ---- What cannot be ----
begin 100 30 "'$REFTRACK' run --tui -- '$work/nosuch'; echo code \$?"
until_seen 'no such program' 'code 127'
setsid "$REFTRACK" run --tui -- true </dev/null >out 2>err
equal 'without a terminal' $? 125
has 'what is missing' err 'needs a terminal'
wait
finish
