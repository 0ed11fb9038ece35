#!/bin/sh
# narrow: the command that it prints records just these objects, and gdb stops where its line says.
. "$ROOT/tests/e2e/lib.sh"
need jq

mkdir bin
ln -s "$REFTRACK" bin/reftrack
PATH=$work/bin:$PATH
"$REFTRACK" run -q -o all.trk -- "$BUILD/samples/01-missing-unref" 2>/dev/null
"$REFTRACK" narrow --json all.trk @leak:1 >narrow.json
equal 'status' $? 0
equal 'which objects' "$(jq -r '"\(.objects) \(.count) \(.of) \(.healthy)"' narrow.json)" 'conn#1-4,8 2 2 3'
mkdir again
(cd again && sh -c "$(jq -r .command ../narrow.json)") >again.out 2>&1
equal 'the command runs' $? 0
"$REFTRACK" types --json again/*.trk >types.json
equal 'just these are recorded' "$(jq -c '[.rows[] | select(.type == "struct conn") | [.born, .live]]' types.json)" '[[5,2]]'
equal 'under their names' "$("$REFTRACK" objects --json again/*.trk | jq -c '[.rows[].object] | sort')" '["struct conn#4","struct conn#8"]'
"$REFTRACK" leaks --json again/*.trk >leaks.json
equal 'with the same finding' "$(jq -c '[.findings[] | select(.verdict == "missing-unref") | [.objects, .open[0].function, .open[0].line, .missing.line]]' leaks.json)" \
	"$("$REFTRACK" leaks --json all.trk | jq -c '[.findings[] | select(.verdict == "missing-unref") | [.objects, .open[0].function, .open[0].line, .missing.line]]')"

"$REFTRACK" show again/*.trk 'conn#4' >short.out 2>&1
equal 'objects are called as the command spells them' $? 0

# What a filter let through is counted, and asked for again.
"$REFTRACK" run -q -f -o some.trk --types 'conn|x y' -- "$BUILD/samples/01-missing-unref" 2>/dev/null
equal 'the other keys' "$("$REFTRACK" narrow --json some.trk 'struct conn#8' | jq -r .command | sed 's/ -- .*//')" \
	"reftrack run --objects 'conn#5-8' --types 'conn|x y' --stacks 64,64,64"
"$REFTRACK" narrow all.trk nobody >bad.out 2>&1
equal 'nobody' $? 2
oneline 'nobody' bad.out

# gdb stops at the first change of the count of the sixth one.
"$REFTRACK" run -q -o untold.trk -- "$BUILD/tests/e2e/untold/untold" 9 2>/dev/null
"$REFTRACK" narrow --json untold.trk 'struct conn#6' >one.json
has 'a line for gdb' one.json 'ignore 1 5'
if command -v gdb >/dev/null 2>&1; then
	timeout 60 sh -c "$(jq -r .gdb one.json | sed 's/^gdb/gdb -batch -nx -ex "set debuginfod enabled off"/')" >gdb.out 2>&1 </dev/null
	if ! grep -q 'ptrace\|not permitted' gdb.out; then
		has 'it watches the count' gdb.out 'atchpoint 2: -location .*refs'
		has 'and stops at its first change' gdb.out 'New value = 2'
	fi
fi

# Born in one line, before which there is nothing to watch; optimised code that does not keep the variable.
cat >brief.c <<'END'
#include <stdlib.h>
#include <track/track.h>
struct conn { int refs, number; };
static TRK_TYPE_COUNTED(conn_type, struct conn, refs);
__attribute__((noinline)) static struct conn *conn_new(int n) { struct conn *c = calloc(1, sizeof *c); c->refs = 1; c->number = n; trk_new(c, &conn_type); return c; }
__attribute__((noinline)) static void conn_ref(struct conn *c) { c->refs++; trk_ref(c, NULL); }
int main(void)
{
    for (int i = 0; i < 9; i++)
        conn_ref(conn_new(i));
    return 0;
}
END
for level in 0 1 2; do
	cc -g -O$level -I"$ROOT/libtrack/include" -o brief brief.c || fail "brief.c at -O$level"
	"$REFTRACK" run -q -f -o brief.trk -- ./brief 2>/dev/null
	"$REFTRACK" narrow --json brief.trk 'struct conn#6' >one.json
	has 'a breakpoint for once' one.json 'tbreak brief.c:conn_new'
	if command -v gdb >/dev/null 2>&1; then
		timeout 60 sh -c "$(jq -r .gdb one.json | sed 's/^gdb/gdb -batch -nx -ex "set debuginfod enabled off"/')" >gdb.out 2>&1 </dev/null
		grep -q 'ptrace\|not permitted' gdb.out || has "stops at the first change at -O$level" gdb.out 'New value = 2'
	fi
done
finish
