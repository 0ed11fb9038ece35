#!/bin/sh
# track.h is C99 and C++, silent under strict warnings, compiles to nothing under TRK_DISABLE; every verb is an exported function; the same with verbs in place.
. "$ROOT/tests/e2e/lib.sh"
need cc g++ nm

verbs=$(sed -n 's/^TRK_[A-Z_]*VERB([A-Z0-9_]*, \(trk_[a-z_]*\),.*/\1/p' "$ROOT/libtrack/include/track/track.h")
questions=$(sed -n 's/^TRK_QUESTION([a-z]*, [A-Z_()0-9]*, *\(trk_[a-z_]*\),.*/\1/p' "$ROOT/libtrack/include/track/gc.h")
checks=$((checks + 1))
[ "$(echo "$questions" | wc -l)" = 21 ] || fail "other questions were found in the header: $questions"
checks=$((checks + 1))
[ "$(echo "$verbs" | wc -l)" -ge 40 ] || fail "only these verbs were found in the header: $verbs"
nm -D --defined-only "$BUILD/libtrack/libtrack.so.0" | awk '{ print $3 }' | sed 's/@.*//' >exports
nm -D --defined-only "$BUILD/libtrack/libtrack-preload.so" | awk '{ print $3 }' | sed 's/@.*//' >exports-preload
for verb in $verbs $questions trk_type_register trk_is_recording trk_checkpoint trk_leak_check trk_gate_v1 trk_inline_v1; do
	for list in exports exports-preload; do
		checks=$((checks + 1))
		grep -qx "$verb" $list || fail "$verb is not exported ($list)"
	done
done

cat >use.h <<'C'
#include <track/track.h>
#include <stdlib.h>
struct foo {
	int refs;
	struct foo *next;
};
#define FOO struct foo
static TRK_TYPE(plain_type, struct foo);
static TRK_TYPE_COUNTED(foo_type, struct foo, refs);
static TRK_TYPE_FULL(full_type, "foo", sizeof(struct foo), 0, TRK_NO_COUNT, 0, TRK_TYPE_ACYCLIC);
static struct foo *make(void)
{
	struct foo *f = (struct foo *)malloc(sizeof *f);
	trk_new(f, &foo_type);
	f->refs = 1;
	f->next = 0;
	return f;
}
static void called(int phase, const struct trk_gc_info *info, void *ctx)
{
	(void)phase;
	(void)info;
	(void)ctx;
}
/* How many questions had another kind of answer than the first. */
static int ask(void)
{
	uint64_t count[3];
	unsigned threshold[3];
	struct trk_gc_stats stats[3];
	struct trk_gc_counts counts;
	struct trk_gc_size size;
	struct trk_gc_link links[2];
	const void *some[2];
	int known = trk_gc_enable() == TRK_YES;
	return ((trk_gc_disable() == TRK_YES) != known) + ((trk_gc_isenabled() >= 0) != known) +
	       ((trk_gc_set_threshold(700, 10, 10) >= 0) != known) + ((trk_gc_get_threshold(threshold) >= 0) != known) +
	       ((trk_gc_set_debug(TRK_GC_DEBUG_LEAK) >= 0) != known) + ((trk_gc_get_debug() >= 0) != known) +
	       ((trk_gc_collect(2) >= 0) != known) + ((trk_gc_get_count(count) >= 0) != known) +
	       ((trk_gc_get_stats(stats) >= 0) != known) + ((trk_gc_freeze() >= 0) != known) +
	       ((trk_gc_get_freeze_count() >= 0) != known) + ((trk_gc_unfreeze() >= 0) != known) +
	       ((trk_gc_is_tracked(some) >= 0) != known) + ((trk_gc_is_finalized(some) >= 0) != known) +
	       ((trk_gc_refcount(some, &counts) >= 0) != known) + ((trk_gc_sizeof(some, -1, &size) >= 0) != known) +
	       ((trk_gc_referrers(some, links, 2) >= 0) != known) + ((trk_gc_referents(some, links, 2) >= 0) != known) +
	       (trk_gc_add_callback(called, &counts) != trk_gc_callbacks(NULL, 0)) +
	       (known && trk_gc_remove_callback(called, &counts) != TRK_YES) + ((trk_gc_garbage(some, 2) >= 0) != known) + ((trk_gc_get_objects(-1, some, 2) >= 0) != known);
}
int main(void)
{
	struct foo *f, *g;
	trk_refcount_t count = TRK_REFCOUNT_INIT;
	TRK_OWN(f, make());
	TRK_OWN(f->next, make());
	g = f->next;
	trk_ref(g, &g);
	trk_ref(g, TRK_HOLDER(f));
	trk_unref(g, TRK_HOLDER(f));
	trk_unref(g, &g);
	TRK_SCOPE("scope") { trk_mark("inside"); }
	trk_context("request", 1);
	trk_retype(g, &plain_type);
	trk_type_register(&full_type);
	trk_new(&count, &full_type);
	trk_refcount_inc(&count, &count, NULL);
	if (trk_refcount_dec(&count, &count, NULL) || !trk_refcount_dec(&count, &count, NULL))
		return 2;
	trk_del(&count);
	trk_refcount_new(&count, &count, &full_type);
	trk_ref_seq(&count, &g, 2, 1);
	trk_unref_seq_from(&count, &g, 1, 2, TRK_CALLER);
	trk_ref_seq_from(&count, &g, 2, 3, TRK_CALLER);
	trk_unref_seq(&count, &g, 1, 4);
	if (trk_refcount_read(&count) != 1 || !trk_refcount_dec(&count, &count, NULL))
		return 3;
	trk_del(&count);
	trk_unref(g, &f->next);
	trk_del(g);
	free(g);
	trk_unref(f, &f);
	trk_del(f);
	free(f);
	f = TRK_NEW0(struct foo);
	f->next = TRK_TYPED(FOO, malloc(sizeof(FOO)));
	free(f->next);
	f->next = TRK_NEW_ARRAY(FOO, f->refs + 3);
	free(f->next);
	f->next = TRK_NEW_ARRAY(struct foo, (size_t)-1 / 3);
	if (f->next != NULL)
		return 4;
	free(TRK_TYPED_ARRAY(char *, TRK_NEW_ARRAY0(char *, 7)));
	free(f);
	f = TRK_NEW(struct foo);
	trk_typed_array(f, &plain_type);
	free(f);
	if (ask() != 0)
		return 5;
	return trk_checkpoint("end") == TRK_YES && trk_is_recording() != TRK_YES;
}
C
cp use.h use.c
cp use.h use.cc
strict='-Wall -Wextra -Wshadow -Wconversion -Wundef -Wpedantic -pedantic-errors -Werror'
for opt in -O0 -O2 '-O2 -flto' '-O1 -no-pie -fno-pie'; do
	for disable in '' -DTRK_DISABLE -DTRK_INLINE; do
		for compile in 'gcc -std=c99 use.c' 'gcc -std=gnu17 use.c' 'g++ -std=c++11 use.cc' 'g++ -std=c++20 use.cc' 'clang -std=c99 use.c' 'clang++ -std=c++17 use.cc'; do
			command -v "${compile%% *}" >/dev/null 2>&1 || continue
			checks=$((checks + 1))
			# shellcheck disable=SC2086
			$compile $strict $opt $disable -I"$ROOT/libtrack/include" -o use >cc.out 2>&1 || fail "$compile $opt $disable: $(head -5 cc.out)"
			./use
			equal "$compile $opt $disable: alone" $? 0
		done
	done
done
for inline in '' -DTRK_INLINE; do
	# shellcheck disable=SC2086
	gcc -O2 -DTRK_DISABLE $inline -I"$ROOT/libtrack/include" -c use.c -o use.o
	checks=$((checks + 1))
	! nm use.o | grep -q trk_ || fail "TRK_DISABLE $inline leaves symbols: $(nm use.o | grep trk_)"
done
sed 's|track/track.h|track/inline.h|' use.h >use_inline.c
gcc -O2 -masm=intel -I"$ROOT/libtrack/include" -c use_inline.c -o use.o
checks=$((checks + 1))
nm use.o | grep -q 'w trk_inline_v1' || fail "track/inline.h writes nothing in place, or binds strongly"
printf '#include <track/track.h>\n#include <track/inline.h>\n' >late.c
checks=$((checks + 1))
! gcc -I"$ROOT/libtrack/include" -c late.c -o late.o 2>late.out && grep -q 'include track/inline.h before it' late.out ||
	fail "track/inline.h behind track.h: $(cat late.out)"

# R14: an edge without a count cannot be told: no verb takes a variable alone, none but the counting ones makes an edge.
compiles() {
	printf '#include <track/track.h>\nvoid use(struct foo *f);\nvoid use(struct foo *f)\n{\n\tstruct foo *slot = f;\n\t%s\n\t(void)slot;\n}\n' "$1" | sed '1s/$/\nstruct foo { int refs; };/' >one.c
	gcc -std=c99 -Wall -Wextra -Werror -I"$ROOT/libtrack/include" -c one.c -o one.o 2>one.out
}
checks=$((checks + 1))
compiles 'trk_ref(f, &slot); trk_own(f, &slot); trk_weak_set(f, &slot); trk_unref(f, NULL);' || fail "what must compile: $(head -3 one.out)"
for wrong in 'trk_ref(f);' 'trk_unref(f);' 'trk_own(f);' 'trk_weak_set(f);' 'trk_ref(f, 1);' 'trk_ref(&slot);' 'trk_edge(f, &slot);' 'trk_hold(&slot, f);' 'trk_own(f, slot->refs);'; do
	checks=$((checks + 1))
	! compiles "$wrong" || fail "this must not compile: $wrong"
done

for inline in '' -DTRK_INLINE; do
	# shellcheck disable=SC2086
	gcc -O2 -g $inline -I"$ROOT/libtrack/include" use.c -o use && "$REFTRACK" run -q --stacks 64,1,1 -o use.trk -- ./use
	equal "recorded $inline: exit status" $? 0
	"$REFTRACK" check use.trk >check.out 2>&1
	equal "recorded $inline: clean ($(tail -1 check.out))" $? 0
	rm -f use.trk
done
finish
