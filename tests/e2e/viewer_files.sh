#!/bin/sh
# What the viewer reads and writes, in a real terminal: tuirc with keys and colours, what is remembered, by several
# viewers, too; exports that cannot be written leave nothing behind.
. "$ROOT/tests/e2e/lib.sh"
. "$ROOT/tests/e2e/terminal.sh"
esc=$(printf '\033')
"$REFTRACK" run -q -o leak.trk -- "$BUILD/samples/01-missing-unref" >/dev/null 2>&1
tui="'$REFTRACK' tui leak.trk"

# ---- Nothing is there: it starts, and writes nothing until there is something ----
begin 100 24 "$tui"
until_seen 'starts without files' 'What needs a look'
keys Q
until_seen 'the shell' 'ready> *$'
[ ! -e config ] && [ ! -e state ] || fail 'it made files without need'

# ---- tuirc ----
mkdir -p config/reftrack
cat >config/reftrack/tuirc <<'C'
# keys, colours, and a mistake
set first = types
bind Z quit
bind types x sort-reverse
color accent magenta default underline
set nothing = 1
C
cp config/reftrack/tuirc before
begin 100 24 "$tui"
until_seen 'the first view is the configured one' 'TYPE +OBJS'
until_seen 'says the mistake with its line' "tuirc:6: there is no option 'nothing'"
keys x
until_seen 'the key of this view' 'sort -bytes'
screen -e >colours
has 'the colour' colours "$esc\\[([0-9;]*;)?35m"
keys 3
until_seen 'objects' 'OBJECT +RC'
keys x
until_seen 'not in other views' 'excluded does nothing here'
keys 9
until_seen 'the log tells it' 'configuration'
keys Z
until_seen 'the key that quits' 'ready> *$'
same 'tuirc is as it was' config/reftrack/tuirc before
begin 100 24 "NO_COLOR=1 $tui"
until_seen 'without colours' 'TYPE +OBJS'
screen -e >mono
hasnt 'NO_COLOR wins' mono "$esc\\[[0-9;]*3[1-7]m"
keys Q
until_seen 'the shell after that' 'ready> *$'
begin 100 24 "$tui --no-config"
until_seen 'not read when that is said' 'What needs a look'
keys Q
until_seen 'the shell again' 'ready> *$'
rm -r config

# ---- What is remembered ----
until_seen 'the order of before' 'ready'
has 'the order was written' state/reftrack/state 'sort types -bytes'
equal 'for nobody else' "$(stat -c %a state/reftrack/state)" 600
begin 100 24 "$tui"
keys 2
until_seen 'and stands again' 'sort -bytes'
keys '>'
until_seen 'another one' 'sort leaked'
keys c Home Down Enter
until_seen 'a column is hidden' '\[ \] OBJS'
keys Escape
keys Q
until_seen 'the shell once more' 'ready> *$'
has 'that order' state/reftrack/state 'sort types leaked'
has 'that column' state/reftrack/state 'columns types -live'
printf 'garbage\nsort types \001\ncolumns\n' >state/reftrack/state
begin 100 24 "$tui"
keys 2
until_seen 'a broken file is no file' 'sort bytes'
keys Q
until_seen 'the last shell' 'ready> *$'

# ---- Exports ----
mkdir out locked
chmod 555 locked
cat >export.keys <<'K'
key 3
do export out/objects.csv
do export out/objects.json
do export locked/objects.csv
show
do export out
show
K
"$REFTRACK" tui --script export.keys leak.trk >screens 2>&1
equal 'a script of exports' $? 0
has 'quoted and whole' out/objects.csv '^struct conn#4,'
python3 -c 'import json, csv
rows = json.load(open("out/objects.json"))["rows"]
table = list(csv.DictReader(open("out/objects.csv")))
assert len(rows) == len(table) > 0
assert [r["object"] for r in rows] == [t["object"] for t in table]' || fail 'CSV and JSON say the same'
[ "$(id -u)" -eq 0 ] || has 'no permission is told' screens 'locked/objects.csv cannot be written: Permission denied'
has 'a name without a form' screens 'end it with .txt, .csv or .json'
# more rows than are made at once, each of them once
cat >many.c <<'C'
#include <stdlib.h>
#include <track/track.h>
struct conn { int refs; };
static TRK_TYPE_COUNTED(conn_type, struct conn, refs);
int main(void)
{
    for (int i = 0; i < 25000; i++)
        trk_new(malloc(sizeof(struct conn)), &conn_type);
    return 0;
}
C
cc -I"$ROOT/libtrack/include" -o many many.c || fail 'the program compiles'
"$REFTRACK" run -q -o many.trk -- ./many >/dev/null 2>&1
printf 'key 3\ndo export out/many.csv\ndo export out/many.txt\nshow\n' >many.keys
"$REFTRACK" tui --script many.keys many.trk >screens 2>&1
has 'says how many rows' screens 'out/many.txt: 25 000 rows'
equal 'all of them' "$(sed 1d out/many.csv | cut -d, -f1 | sort -u | wc -l)" 25000
equal 'and no more' "$(wc -l <out/many.csv)" 25001
equal 'as text, too' "$(wc -l <out/many.txt)" 25001
rm out/many.*

# of a program that runs: the moment that is looked at stays until its rows are written, and they are written once
sed 's/return 0;/for (;;) { trk_new(malloc(sizeof(struct conn)), \&conn_type); usleep(1000); }/; 1i #include <unistd.h>' many.c >watched.c
cc -I"$ROOT/libtrack/include" -o watched watched.c || fail 'the program that runs compiles'
"$REFTRACK" run -q -o live.trk -- "$work/watched" >/dev/null 2>&1 &
tries=0
until [ -s live.trk ] || [ $tries -gt 300 ]; do sleep 0.1; tries=$((tries + 1)); done
begin 100 30 "'$REFTRACK' tui --pid $(pgrep -f "^$work/watched")"
until_seen 'live' 'LIVE'
keys 3
until_seen 'its objects' 'struct conn#'
keys :
keys 'export out/live.csv' Enter
until_seen 'written while it runs' 'written to out/live.csv: [0-9 ]+ rows'
equal 'each row once' "$(sed 1d out/live.csv | cut -d, -f1 | sort | uniq -d | wc -l)" 0
[ "$(wc -l <out/live.csv)" -gt 25000 ] || fail 'all rows of the moment'
rm out/live.csv
keys Q
until_seen 'the shell behind a live program' 'ready> *$'
pkill -f "^$work/watched"
wait

echo 'old' >out/full.csv
printf 'key 3\ndo export! out/full.csv\nshow\ndo export out/full.json\nshow\n' >full.keys
(
	ulimit -f 0 # no byte more
	"$REFTRACK" tui --script full.keys leak.trk 2>&1
) | cat >screens
has 'a full disk is told' screens 'out/full.csv cannot be written: File too large'
has 'once more' screens 'out/full.json cannot be written: File too large'
equal 'what was there stays' "$(cat out/full.csv)" old
equal 'nothing else is left' "$(ls -A out | tr '\n' ' ')" 'full.csv objects.csv objects.json '
finish
