#!/bin/sh
# trk_leak_check: the program asks what is lost while it runs, in C and C++; what cannot be known is said to be.
. "$ROOT/tests/e2e/lib.sh"
need cc g++

cat >use.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <track/track.h>
static void *volatile sink;
static void *volatile keep[4];
__attribute__((noinline)) static void lose(size_t n) { sink = malloc(n); sink = NULL; }
__attribute__((noinline)) static void other(size_t n) { sink = malloc(n); sink = NULL; }
__attribute__((noinline)) static void pair(size_t n, size_t m)
{
	void *volatile *p = (void *volatile *)malloc(n);
	p[0] = malloc(m);
	sink = (void *)p;
	sink = NULL;
}
__attribute__((noinline)) static void wipe(void)
{
	volatile char a[8192];
	for (size_t i = 0; i < sizeof a; i++)
		a[i] = 0;
}
static void say(const char *what, enum trk_leak_check kind)
{
	struct trk_leak_numbers n = { { 7, 7 }, { 7, 7 }, { 7, 7 }, { 7, 7 }, { 7, 7 } };
	wipe();
	int answer = trk_leak_check(kind, &n);
#define BOTH(x) (unsigned)n.x.bytes, (unsigned)n.x.blocks
	printf("%s %d lost %u/%u indirect %u/%u possible %u/%u held %u/%u none %u/%u\n", what, answer, BOTH(definite),
	       BOTH(indirect), BOTH(possible), BOTH(reachable), BOTH(suppressed));
	fflush(stdout);
}
int main(void)
{
	static char out[4096];
	setvbuf(stdout, out, _IOFBF, sizeof out);
	keep[0] = malloc(50);
	say("full", TRK_LEAK_FULL);
	lose(100);
	say("full", TRK_LEAK_FULL);
	say("added", TRK_LEAK_ADDED);
	lose(100);
	say("added", TRK_LEAK_ADDED);
	say("changed", TRK_LEAK_CHANGED);
	lose(100);
	say("new", TRK_LEAK_NEW);
	other(30);
	say("new", TRK_LEAK_NEW);
	keep[1] = (char *)malloc(64) + 8;
	trk_disable();
	pair(24, 11);
	trk_enable();
	say("changed", TRK_LEAK_CHANGED);
	pair(16, 12);
	say("changed", TRK_LEAK_CHANGED);
	if (fork() == 0) {
		keep[2] = malloc(9);
		say("child", TRK_LEAK_FULL); /* of what it allocated itself */
		_exit(0);
	}
	wait(NULL);
	return 0;
}
C
cp use.c use.cc
cc -std=gnu99 -O1 -Wall -Wextra -I"$ROOT/libtrack/include" -o use-c use.c || fail 'C does not compile'
g++ -O1 -Wall -Wextra -I"$ROOT/libtrack/include" -o use-cc use.cc || fail 'C++ does not compile'
cat >expected <<'OUT'
full 1 lost 0/0 indirect 0/0 possible 0/0 held 50/1 none 0/0
full 0 lost 100/1 indirect 0/0 possible 0/0 held 50/1 none 0/0
added 1 lost 100/1 indirect 0/0 possible 0/0 held 50/1 none 0/0
added 0 lost 200/2 indirect 0/0 possible 0/0 held 50/1 none 0/0
changed 1 lost 200/2 indirect 0/0 possible 0/0 held 50/1 none 0/0
new 1 lost 300/3 indirect 0/0 possible 0/0 held 50/1 none 0/0
new 0 lost 330/4 indirect 0/0 possible 0/0 held 50/1 none 0/0
changed 1 lost 330/4 indirect 0/0 possible 64/1 held 50/1 none 35/2
changed 0 lost 346/5 indirect 12/1 possible 64/1 held 50/1 none 35/2
child 1 lost 0/0 indirect 0/0 possible 0/0 held 9/1 none 0/0
OUT
for program in use-c use-cc; do
	"$REFTRACK" run -f -o a.trk -- ./$program >out 2>/dev/null
	same "$program" expected out
	"$REFTRACK" run -f -o a.trk --no-memory -- ./$program >out 2>/dev/null
	equal "$program, no memory" "$(grep -c ' -1 lost 7/7 ' out)" 10
	"$REFTRACK" run -f -o a.trk --on-full flight -- ./$program >out 2>/dev/null
	equal "$program, flight" "$(grep -c ' -1 lost 7/7 ' out)" 10
	./$program >out
	equal "$program, nobody records" "$(grep -c ' -1 lost 7/7 ' out)" 10
done
TRACK_OPTIONS=look_ms=0 "$REFTRACK" run -f -o a.trk -- ./use-c >out 2>/dev/null
equal 'no time to wait' "$(grep -c ' -1 lost 7/7 ' out)" 10
finish
