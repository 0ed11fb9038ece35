#!/bin/sh
# The viewer of programs that run: marks set from it, reftrack top, several viewers of one recording, whom it lets in,
# and what it says when the recorder is gone or the link is lost.
. "$ROOT/tests/e2e/lib.sh"
. "$ROOT/tests/e2e/terminal.sh"
watched_program

# record NAME: in the background; $pid is the program's, $recorder that of what records it
record() {
	"$REFTRACK" run -q -o "$1.trk" -- "$work/watched" >/dev/null 2>&1 &
	recorder=$!
	tries=0
	until [ -s "$1.trk" ] || [ $tries -gt 300 ]; do sleep 0.1; tries=$((tries + 1)); done
	pid=$(pgrep -P "$recorder" watched)
}

# ---- Marks ----
record marked
begin 100 30 "'$REFTRACK' tui --pid $pid"
until_seen 'live' 'LIVE'
keys m
until_seen 'says where it goes' 'name of the mark in the trace: '
keys 'warm' Enter
until_seen 'it is there' "mark warm is in the trace of process $pid"
keys 8
until_seen 'in the list' '[0-9]m?s +warm +mark'
"$REFTRACK" marks marked.trk >out 2>&1
has 'in the trace' out 'warm'
keys p m
until_seen 'paused: a bookmark' 'name of the bookmark'
keys 'here' Enter
until_seen 'bookmark here' 'here +bookmark'
"$REFTRACK" marks marked.trk >out 2>&1
hasnt 'not in the trace' out 'here'
keys Q
begin 100 30 "'$REFTRACK' top --read-only --pid $pid"
until_seen 'live as well' 'LIVE'
keys m
until_seen 'read-only: a bookmark' 'name of the bookmark'
keys Escape Q

# ---- Several viewers of one recording; one is killed, the others go on ----
for n in 1 2 3; do
	eval "tmux$n='tmux -L reftrack$$.many$n -u'"
	tmux -L reftrack$$.many$n -u -f /dev/null new-session -d -x 80 -y 24 "'$REFTRACK' tui --pid $pid"
done
for n in 1 2 3; do
	eval "tm=\$tmux$n"
	until_seen "viewer $n" 'LIVE'
done
kill -KILL "$($tmux2 list-panes -F '#{pane_pid}')"
for n in 1 3; do
	eval "tm=\$tmux$n"
	keys m
	until_seen "viewer $n still answers" 'name of the mark'
	keys "of$n" Enter
	until_seen "viewer $n still asks" "mark of$n is in the trace"
done
kill -0 "$pid" || fail 'the program runs on'
for n in 1 3; do
	eval "tm=\$tmux$n"
	keys 8
	until_seen "viewer $n sees the mark of the other" "of$((4 - n)) +mark"
	$tm kill-server 2>/dev/null
done
$tmux2 kill-server 2>/dev/null

# ---- top: one of several ----
first=$pid
first_recorder=$recorder
record second
begin 100 30 "'$REFTRACK' top"
until_seen 'lists them' "$first +watched"
until_seen 'and the other one' "$pid +watched"
until_seen 'asks' 'Which one'
keys "$pid" Enter
until_seen 'shows that one' "watched\\[$pid\\]"
keys Q
echo show >show.keys
"$REFTRACK" top --script show.keys >out 2>err
equal 'several, and nobody to ask' $? 2
has 'what to say then' err 'pid says which one'
kill "$first"

# ---- The recorder is killed, and gone ----
begin 100 30 "'$REFTRACK' tui --pid $pid"
until_seen 'with a recorder' 'LIVE'
kill -KILL "$recorder"
until_seen 'without' 'NO RECORDER'
until_seen 'and what to do' "reftrack recover $pid"
keys m
until_seen 'no marks without it' 'name of the bookmark'
keys Escape 2
until_seen 'the views stay' 'struct conn'
keys Q
until_seen 'quits at once' 'ready> *$'
kill "$pid"
wait "$first_recorder" 2>/dev/null

# ---- The link is lost, and found again by itself ----
"$REFTRACK" run -q -o leak.trk -- "$BUILD/samples/01-missing-unref" >/dev/null 2>&1
begin 80 24 "'$REFTRACK' tui leak.trk"
until_seen 'a trace' 'What needs a look'
viewer=$($tm list-panes -F '#{pane_pid}' | xargs pgrep -P | head -1)
pkill -KILL -P "$viewer"
until_seen 'lost' 'LOST LINK [0-9] s'
until_seen 'says so in words' 'What reads the trace broke off'
until_seen 'by itself' 'ENDED exit 0'
keys Q

# ---- Who may look ----
"$REFTRACK" tui --pid $$ --script show.keys >out 2>err
equal 'a process without libtrack' $? 3
oneline 'one line' err
has 'what it lacks' err 'carries no libtrack'
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	other="setpriv --reuid=$((100000 + $$ % 10000)) --clear-groups env HOME=/nonexistent"
	record private
	chmod 755 "$work"
	# The build may stand where nobody else can look: they have programs of their own, laid out as those of the build.
	theirs=$work/theirs/profiler/cli/reftrack
	mkdir -p "$work/theirs/profiler/cli" "$work/theirs/tui"
	cp "$REFTRACK" "$theirs"
	cp "$(dirname "$REFTRACK")/../../tui/reftrack-tui" "$work/theirs/tui/"
	$other "$theirs" tui --pid "$pid" --script show.keys >out 2>err
	equal 'a process of somebody else' $? 3
	has 'whose it is' err 'belongs to user root: run reftrack as that user'
	$other "$theirs" tui --script show.keys private.trk >out 2>err
	equal 'a trace of somebody else' $? 3
	oneline 'one line about it' err
	has 'why' err 'Permission denied'
	$other "$theirs" mark "$pid" intruder >out 2>err
	equal 'no marks in what others run' $? 3
	$other "$theirs" top --script show.keys >out 2>err
	equal 'nothing of others is offered' $? 3
	has 'says that there is nothing' err 'nothing is being recorded'
	kill "$pid"
fi
wait
finish
