#!/bin/sh
# What a program says is no leak, and its pools: in C and C++, by track.h and by LeakSanitizer's interface.
. "$ROOT/tests/e2e/lib.sh"
need cc g++ jq

cat >use.h <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <track/track.h>
#ifdef __cplusplus
extern "C" {
#endif
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));
void __lsan_ignore_object(const void *p) __attribute__((weak));
void __lsan_register_root_region(const void *p, size_t size) __attribute__((weak));
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
#ifdef __cplusplus
}
#endif
static void *volatile sink;
static void lose(size_t size) { sink = malloc(size); sink = NULL; }
int main(void)
{
	static char arena[256];
	lose(1001);
	void *p = malloc(1002);
	if (__lsan_ignore_object)
		__lsan_ignore_object((char *)p + 2);
	p = malloc(1004);
	trk_ignore(p);
	p = NULL;
	if (__lsan_disable) {
		__lsan_disable();
		trk_disable();
		lose(1008);
		trk_enable();
		lose(1016);
		__lsan_enable();
		__lsan_register_root_region(arena, sizeof arena);
	}
	trk_pool_create(arena);
	trk_pool_alloc(arena, arena + 16, 32);
	trk_pool_alloc(arena, arena + 64, 33);
	trk_pool_free(arena, arena + 16);
	trk_pool_destroy(arena);
	trk_pool_alloc(arena, arena + 128, 34);
	struct trk_leak_numbers numbers;
	int answer = trk_leak_check(TRK_LEAK_FULL, &numbers);
	printf("shims %d answer %s\n", __lsan_disable != NULL,
	       answer == TRK_UNKNOWN || answer == TRK_YES || answer == TRK_NO ? "good" : "bad");
	if (__lsan_do_recoverable_leak_check)
		__lsan_do_recoverable_leak_check();
	return 0;
}
C
sed 's/^/ /' use.h >use.c
cp use.c use.cc
cc -std=c99 -D_GNU_SOURCE -Wall -Wextra -I"$ROOT/libtrack/include" -o use-c use.c || fail 'C does not compile'
g++ -Wall -Wextra -I"$ROOT/libtrack/include" -o use-cc use.cc || fail 'C++ does not compile'
for program in use-c use-cc; do
	equal "$program alone" "$(./$program)" 'shims 0 answer good'
	equal "$program recorded" "$("$REFTRACK" run -q -f -o a.trk -- ./$program)" 'shims 1 answer good'
	"$REFTRACK" dump --no-pager a.trk >dump
	has "$program: ignored" dump ' ignore '
	has "$program: disabled" dump ' disable '
	has "$program: a root" dump ' root-add .*__lsan_register_root_region'
	has "$program: a chunk" dump ' alloc .*pool=0x'
	"$REFTRACK" leaks --json --all a.trk >leaks.json
	equal "$program: what is lost is seen" "$(jq '[.. | .bytes? // empty | select(. == 1001)] | length' leaks.json | sed 's/[1-9].*/some/')" some
	hasnt "$program: nothing of ours" dump 'dlerror'
	equal "$program: what is said to be no leak is none" \
		"$(jq '[.. | .bytes? // empty | select(. == 1002 or . == 1004 or . == 1008 or . == 1016)] | length' leaks.json)" 0
done

# A sanitizer in the program stays in charge.
for how in -static-liblsan -shared-libgcc; do
	g++ -fsanitize=leak $how -I"$ROOT/libtrack/include" -o use-lsan use.cc 2>/dev/null || continue
	LSAN_OPTIONS=detect_leaks=0 "$REFTRACK" run -q -f -o b.trk -- ./use-lsan >out 2>&1
	has "with the sanitizer ($how)" out '^shims 1 answer good$'
done

# __lsan_do_leak_check stands for the look at the end: of this process, not of its children.
cat >early.c <<'C'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
void __lsan_do_leak_check(void) __attribute__((weak));
static void *volatile kept;
__attribute__((noinline)) static void take(size_t size) { kept = malloc(size); }
__attribute__((noinline)) static void wipe(void)
{
	volatile char a[16384];
	for (size_t i = 0; i < sizeof a; i++)
		a[i] = 0;
}
int main(void)
{
	take(601);
	take(602);
	wipe();
	__lsan_do_leak_check();
	take(603);
	__lsan_do_leak_check();
	kept = NULL;
	if (fork() == 0) {
		take(604);
		kept = NULL;
		wipe();
		exit(0);
	}
	wait(NULL);
	return 0;
}
C
cc -O1 -std=gnu99 -Wall -Wextra -o early early.c || fail 'it does not compile'
"$REFTRACK" run -q -f -o e.trk -- ./early
for trace in e*.trk; do
	"$REFTRACK" leaks --json --all "$trace"
done | jq -r '.findings[] | select(.bytes > 600 and .bytes < 605) | "\(.bytes) \(.verdict)"' | sort >verdicts
equal 'the first check counts' "$(tr '\n' ',' <verdicts)" '601 lost,602 reachable,603 unfreed,604 lost,'

# What libtrack remembers in its own memory holds nothing: here the only pointers to a block stand in its caches.
cat >cache.c <<'C'
#include <stdlib.h>
#include "engine.h"
#include "stack_cache.h"
#include <track/track.h>
__attribute__((noinline)) static void hide(size_t size, int own)
{
	static void *volatile mine;
	void *p = malloc(size);
	trk_touch(p, "the thread has a ring now");
	struct trk_thread *st = trk_tls.self;
	if (own && st == NULL)
		exit(3);
	if (own)
		trk_thread_stack_cache(st)->log[TRK_CACHE_LOG_WORDS - 1] = (uintptr_t)p;
	else
		mine = p;
}
__attribute__((noinline)) static void wipe(void)
{
	volatile char a[16384];
	for (size_t i = 0; i < sizeof a; i++)
		a[i] = 0;
}
int main(void)
{
	hide(777, 1);
	hide(555, 0);
	wipe();
	return 0;
}
C
cc -O1 -std=gnu11 -Wl,-u,trk_gate_v1 -I"$ROOT/libtrack/src" -I"$ROOT/libtrack/include" -o cache cache.c -Wl,--whole-archive \
	"$BUILD/libtrack/libtrack-malloc.a" "$BUILD/libtrack/libtrack.a" -Wl,--no-whole-archive -lpthread -ldl || fail 'linking with the archives'
"$REFTRACK" run -f -q --no-preload -o c.trk -- ./cache 2>/dev/null
equal 'the program ran' $? 0
"$REFTRACK" leaks --json --all c.trk >leaks.json
equal 'held by a cache of libtrack is lost' "$(jq -r '.findings[] | select(.bytes == 777) | .verdict' leaks.json)" lost
equal 'held by the program is not' "$(jq -r '.findings[] | select(.bytes == 555) | .verdict' leaks.json)" reachable
finish
