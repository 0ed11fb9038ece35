#!/bin/sh
# The semantic patch of docs/PORTING.md, on a program whose references have no owners: afterwards they have, and the
# leak is certain.
. "$ROOT/tests/e2e/lib.sh"
need jq spatch cc

sed -n '/^```cocci$/,/^```$/p' "$ROOT/docs/PORTING.md" | sed '/^```/d' >slots.cocci
cat >obj.h <<'EOT'
#include <stdlib.h>
#include <track/track.h>
struct obj {
    int refs;
};
static TRK_TYPE_COUNTED(obj_type, struct obj, refs);
TRK_WRAPPER static struct obj *obj_new(void)
{
    struct obj *o = calloc(1, sizeof *o);
    o->refs = 1;
    trk_new_from(o, &obj_type, TRK_CALLER);
    return o;
}
TRK_WRAPPER static struct obj *obj_ref(struct obj *o)
{
    o->refs++;
    trk_ref_from(o, NULL, TRK_CALLER);
    return o;
}
TRK_WRAPPER static void obj_unref(struct obj *o)
{
    trk_unref_from(o, NULL, TRK_CALLER);
    if (--o->refs == 0) {
        trk_del(o);
        free(o);
    }
}
EOT
cat >holders.c <<'EOT'
#include "obj.h"

struct holder {
    struct obj *main, *spare;
    struct obj *list[2];
};
static struct obj *g_last;

static void fill(struct holder *h)
{
    h->main = obj_new();
    h->spare = obj_ref(h->main);
    h->list[1] = obj_ref(h->main);
    if (g_last != NULL)
        obj_unref(g_last);
    g_last = obj_ref(h->main);
}

static void clear(struct holder *h, int number)
{
    if (number != 3)
        obj_unref(h->spare);
    obj_unref(h->list[1]);
    obj_unref(h->main);
    h->main = NULL;
}

int main(void)
{
    for (int i = 0; i < 6; i++) {
        struct holder *h = calloc(1, sizeof *h);
        fill(h);
        clear(h, i);
        free(h);
    }
    obj_unref(g_last);
    g_last = NULL;
    return 0;
}
EOT
cp holders.c before.c
spatch --very-quiet --in-place --sp-file slots.cocci holders.c >spatch.out 2>&1
equal 'spatch' $? 0
cp holders.c once.c
spatch --very-quiet --in-place --sp-file slots.cocci holders.c >spatch.out 2>&1
same 'a second run changes nothing' once.c holders.c
for place in 'TRK_OWN(h->main, obj_new());' 'TRK_OWN(h->list\[1\], obj_ref(h->main));' 'TRK_OWN(g_last, obj_ref(h->main));' \
	'trk_disown(h->spare, &h->spare);' 'trk_disown(g_last, &g_last);'; do
	equal "$place" "$(grep -c "$place" once.c | sed 's/[1-9]/some/')" some
done

for name in before holders; do
	cc -g -O0 -I"$ROOT/libtrack/include" -I. -o "$name" "$name.c" >cc.out 2>&1 || {
		fail "$name does not compile"
		cat cc.out
	}
	"$REFTRACK" run -q -o "$name.trk" -- "./$name" 2>/dev/null
	"$REFTRACK" coverage --json "$name.trk" >"$name.json"
	"$REFTRACK" leaks --json "$name.trk" >"$name.leaks"
done
equal 'before: nobody owns anything' "$(jq -c '[.types[] | select(.type == "struct obj") | .slot]' before.json)" '[0]'
equal 'afterwards all have an owner' "$(jq -c '[.types[] | select(.type == "struct obj") | [.slot, .anonymous]]' holders.json)" '[[24,0]]'
equal 'nothing left to annotate' "$(jq '.steps | length' holders.json)" 0
equal 'the leak is certain' "$(jq -c '[.findings[] | select(.type == "struct obj") | [.objects, .open[0].function, .open[0].pairing]]' holders.leaks)" \
	'[[1,"fill","slot"]]'
finish
