#!/bin/sh
# The object graph of real recordings says what slow searches say: programs of the distribution, of which only memory tells, and
# linked samples that tell who owns what.
. "$ROOT/tests/e2e/lib.sh"
need jq sqlite3 python3 cc

# agrees NAME LEAST COMMAND...: recorded, and at least so many links
agrees() {
	name=$1 least=$2
	shift 2
	checks=$((checks + 1))
	"$REFTRACK" run -q --no-summary -o "$name.trk" -- "$@" >"$name.out" 2>&1
	"$BUILD/tests/harness/graphcheck" "$name.trk" 30 >"$name.txt" 2>&1 || fail "$name: $(cat "$name.txt")"
	links=$(sed -n 's/^agrees: \([0-9]*\) links.*/\1/p' "$name.txt")
	[ "${links:-0}" -ge "$least" ] || fail "$name: ${links:-no} links, $least expected"
	cat "$name.txt"
}

# Programs that end without tidying up: what they built is there.
python3 -c 'import json; print(json.dumps([{"id": i, "v": [i, str(i)]} for i in range(1000)]))' >in.json
agrees jq 5 jq -c 'map(.v[0]) | add' in.json
agrees sqlite3 300 sqlite3 :memory: 'create table t(a,b text);' 'with recursive c(x) as (select 1 union all select x+1 from c where x<9999) insert into t select x, hex(x) from c;' \
	'create index i on t(b);' '.exit 0'
export PYTHONMALLOC=malloc
agrees python3 1000 "$(python3 -c "import sys; print(sys.executable)")" -S -c \
	'import ctypes; l = [[str(i) * 3, {i: i}] for i in range(2000)]; ctypes.pythonapi.Py_IncRef(ctypes.py_object(l))'
for sample in 03-cycle cycle-parent cycle-observers cycle-caches cycle-held; do
	agrees "$sample" 1 "$BUILD/samples/$sample"
done

# A pointer that is cleared without a release, in an object that is alive and in a global; what was copied from there before is
# no leak.
cat >clear.c <<'C'
#include <stdlib.h>
#include <track/track.h>
struct item {
	int refs;
	char text[60];
};
struct box {
	int refs;
	struct item *item;
};
static TRK_TYPE_COUNTED(item_type, struct item, refs);
static TRK_TYPE_COUNTED(box_type, struct box, refs);
static struct item *current;
struct item *kept; /* which nobody reads here */
static struct box *boxes[4];
static struct item *item_new(void)
{
	struct item *i = calloc(1, sizeof *i);
	i->refs = 1;
	trk_new(i, &item_type);
	return i;
}
__attribute__((noinline)) static void fill(int n)
{
	struct box *b = calloc(1, sizeof *b);
	b->refs = 1;
	trk_new(b, &box_type);
	trk_own(b, &boxes[n]);
	boxes[n] = b;
	TRK_OWN(b->item, item_new());
}
__attribute__((noinline)) static void clear(void)
{
	boxes[1]->item = NULL;
	kept = boxes[2]->item;
	boxes[2]->item = NULL;
	TRK_OWN(current, item_new());
	current = NULL;
}
__attribute__((noinline)) static void wipe(void)
{
	volatile char old[4096];
	for (unsigned i = 0; i < sizeof old; i++)
		old[i] = 0;
}
int main(void)
{
	for (int n = 0; n < 4; n++)
		fill(n);
	clear();
	wipe();
	return 0;
}
C
cc -std=gnu99 -g -O1 -Wall -Wextra -I"$ROOT/libtrack/include" -o clear clear.c || fail 'clear.c does not compile'
"$REFTRACK" run -q -o clear.trk -- ./clear 2>/dev/null
"$REFTRACK" leaks --json clear.trk | python3 -c '
import json, sys
for f in json.load(sys.stdin)["findings"]:
    if f["verdict"] != "reachable":
        print(f["verdict"], f["strength"], f["type"], f["objects"], f["born"]["function"], *sorted({o["holder"]["text"] for o in f["open"] if o["holder"]}))' |
	sort >clear.out
cat >expected <<'OUT'
missing-unref probable struct item 1 item_new global current, which points elsewhere by now
missing-unref proven struct item 1 item_new struct box.item, which points elsewhere by now
OUT
same 'cleared pointers' expected clear.out
finish
