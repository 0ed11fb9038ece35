#!/bin/sh
# The viewer in a real terminal (tmux): start, keys, resize, colours, Ctrl-Z, what a crash leaves behind, a program that
# is watched while it runs, and killed.
. "$ROOT/tests/e2e/lib.sh"
. "$ROOT/tests/e2e/terminal.sh"

"$REFTRACK" run -q -o leak.trk -- "$BUILD/samples/01-missing-unref" >/dev/null 2>&1

# ---- A trace: all views, sizes, the way out ----
begin 80 24 "'$REFTRACK' tui leak.trk"
until_seen 'the first screen' 'lost +2 struct conn'
screen >first
has 'says what is lost' first '! lost +2 struct conn'
keys 5
until_seen 'evidence' 'missing +~ handle 01-missing-unref.c:47'
keys 3
until_seen 'objects' 'struct conn#4'
keys Down Enter
until_seen 'one object' 'Open references'
keys Escape Escape 2
until_seen 'back' 'TYPE +OBJS'
$tm resize-window -x 60 -y 16
until_seen 'smaller' 'TYPE +OBJS'
$tm resize-window -x 50 -y 10
until_seen 'too small' 'reftrack needs 60x16'
$tm resize-window -x 120 -y 40
until_seen 'larger, with what is selected beside it' 'BORN +REFS.*struct conn  8 B each'
keys :
keys 'nosuch' Enter
until_seen 'an unknown command' "no action 'nosuch'"
keys C-z
until_seen 'stopped' 'ready> *$'
keys ' fg' Enter
until_seen 'goes on' 'TYPE +OBJS'
keys Q
until_seen 'the shell again' 'ready> *$'
screen >after
hasnt 'nothing of it is left on the screen' after 'TYPE +OBJS'
keys ' echo status $?' Enter
until_seen 'ends well' 'status 0'

# ---- Colours, and none ----
begin 80 24 "'$REFTRACK' tui leak.trk"
until_seen 'in colours' 'lost +2 struct conn'
screen -e >colour
has 'red for what is lost' colour "$(printf '\033')\\[(1;|1m.*\\[)?31m"
begin 80 24 "NO_COLOR=1 '$REFTRACK' tui leak.trk"
until_seen 'without colours' 'What needs a look'
screen -e >mono
hasnt 'no colour' mono "$(printf '\033')\\[[0-9;]*3[1-7]m"
begin 80 24 "COLORFGBG='0;15' '$REFTRACK' tui leak.trk"
until_seen 'on a light background' 'What needs a look'
keys 5
until_seen 'its leaks' 'missing +~ handle'
screen -e >light
has 'places in blue' light "$(printf '\033')\\[34mhandle"
hasnt 'nothing in yellow or cyan' light "$(printf '\033')\\[[0-9;]*3[36]m"
begin 80 24 "COLORFGBG='15;0' '$REFTRACK' tui leak.trk"
until_seen 'on a dark one' '! lost'
screen -e >dark
grep -a '2 struct conn' dark >bar
has 'a bar for what is selected' bar "$(printf '\033')\\[[0-9;]*7m>"
hasnt 'in one colour' bar "$(printf '\033')\\[[0-9;]*3[56]m"
begin 80 24 "TERM=vt220 '$REFTRACK' tui leak.trk"
until_seen 'in a terminal without colours' '! lost'
screen -e >none
hasnt 'no colour there, either' none "$(printf '\033')\\[[0-9;]*3[1-7]m"
has 'but a finding stands out' none "$(printf '\033')\\[[0-9;]*[14][0-9;]*m.*lost"
begin 80 24 "LC_ALL=C '$REFTRACK' tui leak.trk"
until_seen 'in ASCII' 'What needs a look'
screen | LC_ALL=C grep -q '[^ -~]' && fail 'ASCII only where the locale is'
keys Q
until_seen 'the shell after ASCII' 'ready> *$'

# ---- A crash, and signals: the terminal is given back ----
for signal in SEGV TERM KILL_WORKER; do
	begin 80 24 "'$REFTRACK' tui leak.trk"
	until_seen "before $signal" 'What needs a look'
	viewer=$($tm list-panes -F '#{pane_pid}' | xargs pgrep -P | head -1)
	if [ $signal = KILL_WORKER ]; then
		pkill -KILL -P "$viewer"
		until_seen 'the link is lost' 'LOST LINK'
		keys R
		until_seen 'and found again' 'ENDED exit 0'
		keys Q
	else
		kill -$signal "$viewer"
	fi
	until_seen "the shell after $signal" 'ready> *$'
	keys ' stty -a | grep -o "[-]*echo " | tail -1 ; tput cnorm' Enter
	until_seen "the terminal echoes after $signal" '^echo *$'
done

# ---- A program that runs ----
watched_program
"$REFTRACK" run -q -o live.trk -- "$work/watched" >/dev/null 2>&1 &
tries=0
until [ -s live.trk ] || [ $tries -gt 300 ]; do sleep 0.1; tries=$((tries + 1)); done
pid=$(pgrep -f "^$work/watched")
begin 100 30 "'$REFTRACK' tui --pid $pid"
until_seen 'live' 'LIVE'
until_seen 'what it has' 'struct conn'
keys p
until_seen 'paused' 'PAUSED [+][0-9]'
keys p
until_seen 'goes on after the pause' 'LIVE'
keys q
until_seen 'asks before it leaves a live program' 'q again quits'
keys 2
kill -KILL "$pid"
until_seen 'killed' 'KILLED signal 9'
until_seen 'the views stay' 'struct conn'
keys Q
until_seen 'the shell at the end' 'ready> *$'
wait

# ---- No process of it stays: it would keep the pipe open ----
printf 'key 2\nshow\nkey 5\nshow\n' >two.keys
timeout -s KILL 60 sh -c '"$REFTRACK" tui --script two.keys leak.trk | cat >out'
equal 'all its processes end with it' $? 0
has 'and what it printed came through' out 'struct conn'

# ---- A source line in an editor, which has the terminal meanwhile ----
mkdir "it's \$(touch injected)"
cat >edited.c <<'C'
#include <stdlib.h>
static void *volatile sink;
int main(void)
{
	sink = malloc(100);
	return 0;
}
C
mv edited.c "it's \$(touch injected)/"
cc -g -O0 -o edited "it's \$(touch injected)/edited.c" || fail 'the program to edit compiles'
"$REFTRACK" run -q --no-summary -o edited.trk -- ./edited >/dev/null 2>&1
cat >editor <<'S'
#!/bin/sh
printf '%s\n' "$@" >"$RECORD"
stty -a | grep -o '[-]*icanon' >>"$RECORD"
echo 'the editor is here'
read -r answer
S
chmod +x editor
begin 80 24 "RECORD='$work/record' VISUAL='$work/editor --wait' '$REFTRACK' tui edited.trk"
until_seen 'before the editor' 'What needs a look'
keys 6
until_seen 'the tree' 'CALL TREE'
keys /
keys 'main' Enter
until_seen 'the function' '^>.*main'
keys S
until_seen 'its source' 'sink = malloc'
keys E
until_seen 'the editor runs' 'the editor is here'
keys x Enter
until_seen 'the viewer is back' 'sink = malloc'
cat >expected <<S
--wait
+5
$work/it's \$(touch injected)/edited.c
icanon
S
same 'what the editor was given' record expected
[ -e injected ] && fail 'a file name was run'
keys Q
until_seen 'the shell after the editor' 'ready> *$'
begin 80 24 "VISUAL='$work/nosuch' '$REFTRACK' tui edited.trk"
until_seen 'before no editor' 'What needs a look'
keys 6
until_seen 'the tree again' 'CALL TREE'
keys / 
keys 'main' Enter
until_seen 'the function again' '^>.*main'
keys E
until_seen 'it says so' 'could not be started'
keys Q
until_seen 'the shell without an editor' 'ready> *$'

# ---- What cannot be ----
"$REFTRACK" tui leak.trk </dev/null >out 2>err
equal 'without a terminal' $? 2
oneline 'one line' err
has 'and what to do' err 'reftrack report'
"$REFTRACK" tui --script /dev/null nosuch.trk >out 2>err
equal 'no trace' $? 3
oneline 'one line about it' err
echo 'key Nokey' >bad.keys
"$REFTRACK" tui --script bad.keys leak.trk >out 2>err
equal 'a bad script' $? 2
has 'with its line' err 'bad.keys:1:'
"$REFTRACK" tui --script bad.keys --size 0x5 leak.trk >out 2>err
equal 'a bad size' $? 2
oneline 'one line about the size' err
"$REFTRACK" tui --theme nosuch --script /dev/null leak.trk >out 2>err
equal 'a bad theme' $? 2
has 'with those there are' err 'default, light, mono or contrast'
"$REFTRACK" tui --script /dev/null "$0" >out 2>err
equal 'no trace at all' $? 3
oneline 'one line about that file' err
finish
