#!/bin/sh
# trk_gc_*: a program asks about cycles, referrers and sizes while it runs, in C and C++, with threads and without a recorder; what cannot be known is said to be.
. "$ROOT/tests/e2e/lib.sh"
need cc g++

cat >use.c <<'C'
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <track/track.h>
struct node {
	int refs;
	struct node *peer;
	char text[32];
};
static TRK_TYPE_COUNTED(node_type, struct node, refs);
static struct node *keep, *last;
static struct node *node_new(void)
{
	struct node *n = (struct node *)calloc(1, sizeof *n);
	n->refs = 1;
	trk_new(n, &node_type);
	return n;
}
static struct node *node_ref(struct node *n)
{
	n->refs++;
	trk_ref(n, NULL);
	return n;
}
/* A cycle that nobody holds; each of the two was born inside. */
static void lose(void)
{
	struct node *a;
	TRK_OWN(a, node_new());
	TRK_OWN(a->peer, node_new());
	TRK_OWN(a->peer->peer, node_ref(a));
	last = a;
	trk_unref(a, &a);
	a->refs--;
}
static void *lose_and_collect(void *arg)
{
	long *found = (long *)arg;
	for (int i = 0; i < 5; i++) {
		lose();
		long now = trk_gc_collect(i % 3);
		if (now < 0)
			return NULL;
		*found += now;
	}
	return arg;
}
static void threads(void)
{
	enum { THREADS = 4 };
	pthread_t thread[THREADS];
	long found[THREADS] = { 0 }, sum = 0;
	int answered = 0;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, lose_and_collect, &found[i]);
	for (int i = 0; i < THREADS; i++) {
		void *answer;
		pthread_join(thread[i], &answer);
		answered += answer != NULL;
		sum += found[i];
	}
	printf("threads %d found %ld\n", answered, answered == THREADS ? sum + trk_gc_collect(2) : -1);
}
static void objects(void)
{
	const void *some[1024];
	struct trk_gc_link link[4];
	struct trk_gc_counts counts;
	struct trk_gc_size size;
	memset(&counts, 0, sizeof counts);
	memset(&size, 0, sizeof size);
	memset(link, 0, sizeof link);
	long n = trk_gc_garbage(some, 1);
	printf("garbage %ld %d\n", n, n > 0 && some[0] == last);
	n = trk_gc_referrers(last, link, 4);
	printf("referrers %ld %d %d kind %u root %u, %d kind %u root %u\n", n, n == 2 && link[0].object == last->peer,
	       n == 2 && link[0].slot == &last->peer->peer, link[0].kind, link[0].root, link[1].slot == &last, link[1].kind,
	       link[1].root);
	n = trk_gc_referents(last, link, 4);
	printf("referents %ld %d %d\n", n, n == 1 && link[0].object == last->peer, n == 1 && link[0].slot == &last->peer);
	n = trk_gc_referrers(keep, link, 4);
	printf("referrers %ld %d %d kind %u root %u\n", n, n == 1 && link[0].object == NULL, n == 1 && link[0].slot == &keep,
	       link[0].kind, link[0].root);
	n = trk_gc_refcount(keep, &counts);
	printf("refcount %ld: %ld heap %ld roots %ld stacks %ld anonymous %ld unaccounted %ld observed %ld\n", n,
	       (long)counts.count, (long)counts.heap, (long)counts.roots, (long)counts.stacks, (long)counts.anonymous,
	       (long)counts.unaccounted, (long)counts.observed);
	n = trk_gc_sizeof(last, -1, &size);
	printf("sizeof %ld: %ld deep %ld in %ld retained %ld in %ld\n", n, (long)size.flat, (long)size.deep,
	       (long)size.deep_objects, (long)size.retained, (long)size.retained_objects);
	printf("nothing there %d %d %ld\n", trk_gc_refcount(&keep, &counts), trk_gc_sizeof(&keep, 0, &size),
	       trk_gc_referrers(&keep, link, 4));
	printf("tracked %d %d finalized %d\n", trk_gc_is_tracked(keep), trk_gc_is_tracked(&keep), trk_gc_is_finalized(keep));
	for (int i = 0; i < 1500; i++)
		TRK_OWN(keep->peer, node_new());
	n = trk_gc_get_objects(-1, some, 1024);
	int twice = 0;
	for (int i = 1; i < 1024; i++)
		twice += some[i] == some[i - 1] || some[i] == NULL;
	printf("objects %ld %d\n", n, twice);
}
static void settings(void)
{
	uint64_t count[3] = { 7, 7, 7 };
	unsigned threshold[3] = { 7, 7, 7 };
	struct trk_gc_stats stats[3];
	memset(stats, 0, sizeof stats);
	printf("enabled %d\n", trk_gc_isenabled());
	int said = trk_gc_get_threshold(threshold);
	printf("threshold %d: %u %u %u\n", said, threshold[0], threshold[1], threshold[2]);
	said = trk_gc_get_stats(stats);
	printf("stats %d: %ld/%ld/%ld\n", said, (long)stats[2].collections, (long)stats[2].collected,
	       (long)stats[2].candidates);
	said = trk_gc_set_threshold(2, 1, 9);
	int after = trk_gc_get_threshold(threshold);
	printf("threshold %d %d: %u %u %u\n", said, after, threshold[0], threshold[1], threshold[2]);
	for (int i = 0; i < 10; i++)
		lose(); /* passes happen by themselves */
	said = trk_gc_get_count(count);
	printf("count %d: %d %d\n", said, count[0] <= 2, count[1] + count[2] > 0);
	said = trk_gc_disable();
	after = trk_gc_isenabled();
	printf("disabled %d %d\n", said, after);
	said = trk_gc_set_debug(TRK_GC_DEBUG_LEAK);
	after = trk_gc_get_debug();
	printf("debug %d %d %d\n", said, after, trk_gc_set_debug(64));
	trk_gc_collect(2);
	lose();
	trk_gc_freeze();
	long frozen = trk_gc_get_freeze_count(), found = trk_gc_collect(2);
	trk_gc_unfreeze();
	long then = trk_gc_collect(2);
	printf("frozen %d found %ld then %ld in %ld\n", frozen >= 3, found, then, trk_gc_get_freeze_count());
	printf("invalid %ld %ld %ld\n", trk_gc_collect(3), trk_gc_collect(-1), trk_gc_get_objects(-2, NULL, 0));
}
struct heard {
	int calls, phase, generation, nested;
	long answer, collected, uncollectable;
};
static char order[16];
static void hear(int phase, const struct trk_gc_info *info, void *ctx)
{
	struct heard *h = (struct heard *)ctx;
	h->nested += trk_gc_collect(2) != 0 || trk_gc_isenabled() < 0;
	h->calls++;
	h->phase = phase;
	h->generation = info->generation;
	h->answer = info->answer;
	h->collected = (long)info->collected;
	h->uncollectable = (long)info->uncollectable;
	errno = 5;
	strcat(order, phase == TRK_GC_START ? "(" : ")");
}
static void hear_once(int phase, const struct trk_gc_info *info, void *ctx)
{
	(void)info;
	strcat(order, phase == TRK_GC_START ? "[" : "]");
	if (phase == TRK_GC_STOP)
		trk_gc_remove_callback(hear_once, ctx);
}
static void callbacks(void)
{
	struct heard h = { 0, 0, 0, 0, 0, 0, 0 };
	struct trk_gc_callback_entry known[2];
	int said = trk_gc_add_callback(hear, &h), second = trk_gc_add_callback(hear_once, &h);
	long n = trk_gc_callbacks(known, 2);
	printf("callbacks %d %d: %ld %d\n", said, second, n, known[0].call == hear && known[1].ctx == &h);
	lose();
	errno = 77;
	long found = trk_gc_collect(1);
	printf("heard %d of %d: phase %d answer %d collected %ld uncollectable %ld nested %d errno %d\n", h.calls,
	       h.generation, h.phase, h.answer == found, h.collected, h.uncollectable, h.nested, errno);
	trk_gc_collect(0);
	trk_gc_collect(3);
	printf("order %s\n", order);
	int removed = trk_gc_remove_callback(hear, &h), room = 0;
	while (trk_gc_add_callback(hear, NULL) == TRK_YES)
		room++;
	printf("removed %d again %d room %d invalid %d\n", removed, trk_gc_remove_callback(hear, &h), room,
	       trk_gc_add_callback(NULL, &h));
	while (trk_gc_remove_callback(hear, NULL) == TRK_YES)
		room--;
	printf("left %ld %d\n", trk_gc_callbacks(NULL, 0), room);
}
static void *kill_soon(void *arg)
{
	usleep(100000);
	kill(getppid(), SIGKILL);
	return arg;
}
int main(int argc, char **argv)
{
	(void)argv;
	static char out[8192];
	setvbuf(stdout, out, _IOFBF, sizeof out);
	TRK_OWN(keep, node_new());
	errno = 77;
	printf("none %ld\n", trk_gc_collect(2));
	lose();
	long found = trk_gc_collect(2);
	printf("found %ld again %ld\n", found, trk_gc_collect(2));
	printf("errno %d\n", errno);
	if (argc > 1) {
		pthread_t killer;
		kill(getppid(), SIGSTOP); /* it records this program */
		pthread_create(&killer, NULL, kill_soon, NULL);
		printf("killed %ld", trk_gc_collect(2));
		pthread_join(killer, NULL);
		printf(" gone %ld\n", trk_gc_collect(2));
		return 0;
	}
	objects();
	settings();
	callbacks();
	threads();
	fflush(stdout);
	if (fork() == 0) {
		lose();
		printf("child found %ld\n", trk_gc_collect(2));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	return 0;
}
C
cp use.c use.cc
cc -std=gnu99 -g -O1 -Wall -Wextra -pthread -I"$ROOT/libtrack/include" -o use-c use.c || fail 'C does not compile'
g++ -g -O1 -Wall -Wextra -pthread -I"$ROOT/libtrack/include" -o use-cc use.cc || fail 'C++ does not compile'
cat >expected <<'OUT'
none 0
found 2 again 0
errno 77
garbage 2 1
referrers 2 1 1 kind 1 root 0, 1 kind 4 root 1
referents 1 1 1
referrers 1 1 1 kind 1 root 1
refcount 1: 1 heap 0 roots 1 stacks 0 anonymous 0 unaccounted 0 observed 1
sizeof 1: 48 deep 96 in 2 retained 96 in 2
nothing there 0 0 0
tracked 1 0 finalized 0
objects 1501 0
enabled 1
threshold 1: 10000 10 10
stats 1: 3/2/5
threshold 1 1: 2 1 9
count 1: 1 1
disabled 1 0
debug 1 38 -3
frozen 1 found 0 then 2 in 0
invalid -3 -3 -3
callbacks 1 1: 2 1
heard 2 of 1: phase 1 answer 1 collected 2 uncollectable 0 nested 0 errno 77
order ([)]()
removed 1 again 0 room 16 invalid -3
left 0 0
threads 4 found 40
child found 2
OUT
for program in use-c use-cc; do
	"$REFTRACK" run -f -o a.trk -- ./$program >out 2>/dev/null
	same "$program" expected out
	equal "$program, settings in the trace" "$("$REFTRACK" gc a.trk threshold)" '2, 1, 9'
	"$REFTRACK" run -f -o b.trk --no-memory -- ./$program >out.blind 2>/dev/null
	equal "$program, no memory" "$(sed -n 2p out.blind)" 'found 2 again 0'
	"$REFTRACK" run -f -o b.trk --on-full flight -- ./$program >out.flight 2>/dev/null
	equal "$program, flight" "$(sed -n 2p out.flight)" 'found -1 again -1'
	./$program >out.alone
	has "$program, callbacks without a recorder" out.alone '^heard 0 of 0: .* errno 77$'
	equal "$program, nobody records" "$(sed -n 2,3p out.alone | tr '\n' ' ')" 'found -1 again -1 errno 77 '
done
TRACK_OPTIONS=look_ms=0 "$REFTRACK" run -f -o b.trk -- ./use-c >out.late 2>/dev/null
equal 'no time to wait' "$(sed -n 2p out.late)" 'found -2 again -2'
{ TRACK_OPTIONS=look_ms=60000 "$REFTRACK" run -f -o b.trk -- ./use-c kill >out.killed 2>/dev/null; } 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do # nobody waits for it any more
	grep -q gone out.killed && break
	sleep 0.5
done
equal 'the recorder is killed meanwhile' "$(tail -1 out.killed)" 'killed -1 gone -1'

# Commands of `reftrack gc --pid` and of the program itself are one: both see them, and so does whoever replays the trace.
cat >live.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <track/track.h>
struct node {
	int refs;
	struct node *peer;
};
static TRK_TYPE_COUNTED(node_type, struct node, refs);
static struct node *node_new(void)
{
	struct node *n = calloc(1, sizeof *n);
	n->refs = 1;
	trk_new(n, &node_type);
	return n;
}
static void lose(void)
{
	struct node *a;
	TRK_OWN(a, node_new());
	TRK_OWN(a->peer, node_new());
	a->refs++;
	trk_ref(a, &a->peer->peer);
	a->peer->peer = a;
	trk_unref(a, &a);
	a->refs--;
}
int main(void)
{
	char line[64];
	unsigned t[3] = { 0, 0, 0 };
	printf("%d\n", getpid());
	fflush(stdout);
	while (fgets(line, sizeof line, stdin) != NULL) {
		if (strcmp(line, "lose\n") == 0) {
			lose();
			printf("lost\n");
		} else if (strcmp(line, "set\n") == 0) {
			printf("set %d\n", trk_gc_set_threshold(5, 6, 7));
		} else {
			int said = trk_gc_get_threshold(t);
			printf("%d: %u %u %u enabled %d debug %d frozen %ld garbage %ld\n", said, t[0], t[1], t[2],
			       trk_gc_isenabled(), trk_gc_get_debug(), trk_gc_get_freeze_count(), trk_gc_garbage(NULL, 0));
		}
		fflush(stdout);
	}
	return 0;
}
C
cc -std=gnu99 -g -O1 -Wall -Wextra -I"$ROOT/libtrack/include" -o live live.c || fail 'live.c does not compile'
mkfifo to from
"$REFTRACK" run -f -o live.trk -- ./live <to >from 2>live.err &
recorder=$!
exec 8>to 9<from
read -r pid <&9
ask() { # LINE: what the program answers
	echo "$1" >&8
	read -r answer <&9
	echo "$answer"
}
gc() {
	"$REFTRACK" gc --pid "$pid" "$@" >gc.out 2>gc.err
	code=$?
}
gc threshold 70,3
equal 'threshold of a process' "$code $(cat gc.err)" "0 reftrack: process $pid: automatic passes on, thresholds 70, 3, 10, debug none"
gc disable
gc debug stats,leak
has 'debug of a process' gc.err 'automatic passes off, thresholds 70, 3, 10, debug stats,collectable,uncollectable,saveall$'
equal 'the process knows' "$(ask show)" '1: 70 3 10 enabled 0 debug 39 frozen 0 garbage 0'
equal 'lost' "$(ask lose)" lost
gc freeze
equal 'frozen from outside' "$(ask show)" '1: 70 3 10 enabled 0 debug 39 frozen 2 garbage 0'
gc collect
has 'a pass over what is frozen' gc.out '^No garbage'
gc unfreeze
gc collect 2
has 'a pass from outside' gc.out '^struct node +2'
equal 'the process sees what it found' "$(ask show)" '1: 70 3 10 enabled 0 debug 39 frozen 0 garbage 2'
# The helper that answers stays; one that is killed is replaced.
helper() {
	ps -o pid=,comm= --ppid "$recorder" | awk '$2 == "reftrack" { print $1 }'
}
first=$(helper)
ask show >/dev/null
equal 'the helper stays' "$(helper)" "$first"
kill -9 "$first"
equal 'the helper was killed' "$(ask show)" '1: 70 3 10 enabled 0 debug 39 frozen 0 garbage 2'
[ "$(helper)" != "$first" ] || fail 'there is no new helper'
equal 'the process changes it' "$(ask set)" 'set 1'
gc enable
has 'what the process set' gc.err 'automatic passes on, thresholds 5, 6, 7, '
gc threshold
equal 'threshold of a process, shown' "$(cat gc.out)" '5, 6, 7'
for bad in 'threshold 7,x' 'debug' 'debug loud' 'enable now' 'enable live.trk' 'disable --to 1s' 'freeze --disable' 'collect 3'; do
	gc $bad
	equal "bad: $bad" "$code" 2
	equal "bad: $bad, one line" "$(wc -l <gc.err)" 1
done
"$REFTRACK" gc --pid $$ collect >gc.out 2>gc.err
equal 'nobody records it' "$? $(wc -l <gc.err)" '3 1'
"$REFTRACK" gc live.trk unfreeze >gc.out 2>gc.err
equal 'nothing to change in a trace' "$? $(cat gc.err)" "2 reftrack gc: unfreeze is for a program that is being recorded: name it with --pid; see 'reftrack gc --help'"
exec 8>&- 9<&-
wait "$recorder"
equal 'threshold, replayed' "$("$REFTRACK" gc live.trk threshold)" '5, 6, 7'
"$REFTRACK" gc live.trk --json >gc.json
equal 'passes, replayed' "$(python3 -c 'import json; print([(p["generation"], p["collected"]) for p in json.load(open("gc.json"))["passes"]][:2])')" '[(2, 0), (2, 2)]'
"$REFTRACK" dump live.trk | grep -c ' gc ' >gc.count
equal 'commands in the trace' "$(cat gc.count)" 9
mkfifo to2 from2
"$REFTRACK" run -f -o flight.trk --on-full flight -- ./live <to2 >from2 2>live.err &
recorder=$!
exec 8>to2 9<from2
read -r pid <&9
gc disable
equal 'a flight recording' "$code $(cat gc.err)" "3 reftrack: process $pid was not told: a flight recording keeps no history, and so no generations"
exec 8>&- 9<&-
wait "$recorder"

# A recording that is folded while it grows keeps settings, what was found and its age.
cat >folded.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <track/track.h>
struct node {
	int refs;
	struct node *peer;
};
static TRK_TYPE_COUNTED(node_type, struct node, refs);
static struct node *keep, *lost, *some[256];
static struct node *node_new(void)
{
	struct node *n = calloc(1, sizeof *n);
	n->refs = 1;
	trk_new(n, &node_type);
	return n;
}
static void show(const char *when)
{
	unsigned t[3] = { 0, 0, 0 };
	const void *garbage[2] = { NULL, NULL };
	struct trk_gc_stats stats[3] = { { 0, 0, 0, 0 } };
	trk_gc_get_threshold(t);
	trk_gc_get_stats(stats);
	long n = trk_gc_garbage(garbage, 2), frozen = trk_gc_get_freeze_count();
	printf("%s: %u %u %u frozen %ld garbage %ld %d passes %ld\n", when, t[0], t[1], t[2], frozen, n,
	       garbage[0] == lost, (long)stats[2].collections);
}
int main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : 0;
	TRK_OWN(keep, node_new());
	trk_gc_freeze();
	trk_gc_set_threshold(0, 8, 9);
	lost = node_new();
	trk_own(lost, &lost->peer);
	lost->peer = lost;
	trk_gc_collect(2);
	show("before");
	unsigned random = 1;
	for (long i = 0; i < rounds; i++) {
		random = random * 1103515245 + 12345;
		struct node **n = &some[random >> 16 & 255];
		if (*n != NULL) {
			trk_unref(*n, n);
			trk_del(*n);
			free(*n);
			*n = NULL;
		} else {
			TRK_OWN(*n, node_new());
		}
	}
	show("after");
	trk_gc_unfreeze();
	return 0;
}
C
cc -std=gnu99 -g -O1 -Wall -Wextra -I"$ROOT/libtrack/include" -o folded folded.c || fail 'folded.c does not compile'
cat >expected <<'OUT'
before: 0 8 9 frozen 1 garbage 1 1 passes 1
after: 0 8 9 frozen 1 garbage 1 1 passes 1
OUT
"$REFTRACK" run -f --keep folded --max-trace 64KiB -o f.trk -- ./folded 400000 >out 2>/dev/null
same 'questions behind folds' expected out
equal 'folded: thresholds' "$("$REFTRACK" gc f.trk threshold)" '0, 8, 9'
equal 'folded: garbage' "$("$REFTRACK" gc f.trk garbage --format csv | tail -1 | cut -d, -f1,2)" 'struct node,1'
"$REFTRACK" gc f.trk stats --json | python3 -c 'import json, sys; print([r["collections"] for r in json.load(sys.stdin)["rows"]])' >gc.out
equal 'folded: passes' "$(cat gc.out)" '[0, 0, 1]'
equal 'folded: options go before' "$("$REFTRACK" gc f.trk threshold 700,5)" '700, 5, 10'

# G20: what is said at the end of garbage that no order of destructors could free: a line that counts it; each object only
# when the program asked for that, and saveall asks for nothing. However the program ends, and whoever knows the objects.
cat >atexit.c <<'C'
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <track/track.h>
struct node {
	int refs;
	struct node *self;
};
static TRK_TYPE_FULL(node_type, "struct node", sizeof(struct node), 0, 0, sizeof(int), TRK_TYPE_ORDERED_FINALIZER);
static void lose(void)
{
	struct node *n = calloc(1, sizeof *n);
	n->refs = 1;
	trk_new(n, &node_type);
	trk_own(n, &n->self);
	n->self = n;
}
#ifdef MODULE
__attribute__((visibility("default"))) void module_lose(void);
void module_lose(void)
{
	lose();
	lose();
}
#else
void module_lose(void);
int main(int argc, char **argv)
{
	trk_gc_set_debug((unsigned)atoi(argv[1]));
	if (argc > 3) {
		module_lose();
	} else {
		lose();
		lose();
	}
	if (strcmp(argv[2], "exit") == 0)
		exit(0);
	if (strcmp(argv[2], "_exit") == 0)
		_exit(0);
	return 0;
}
#endif
C
cc -std=gnu99 -g -O1 -Wall -Wextra -fPIC -shared -DMODULE -I"$ROOT/libtrack/include" -o libother.so atexit.c || fail 'libother.so does not compile'
cc -std=gnu99 -g -O1 -Wall -Wextra -I"$ROOT/libtrack/include" -o atexit atexit.c ./libother.so || fail 'atexit.c does not compile'
for how in return exit _exit 'return module'; do
	for flags in 0 4 32 36; do
		"$REFTRACK" run -f -o g20.trk -- ./atexit "$flags" $how >/dev/null 2>&1
		"$REFTRACK" gc g20.trk --color=never --no-pager >g20.out 2>&1
		has "g20 $how $flags: counted" g20.out '^1 pass found 2 objects; 0 refuted'
		equal "g20 $how $flags: each" "$(grep -c '^  uncollectable  struct node#[12]  by pass 1 over 2,' g20.out)" $((flags & 4 ? 2 : 0))
	done
done
"$REFTRACK" gc g20.trk --color=never --no-pager --debug stats >g20.out
hasnt 'g20: what is asked here goes before' g20.out '^  uncollectable  '

# What stands in the array of a table is held by the table, where memory is read.
cat >buckets.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <track/track.h>
struct table {
	int refs;
	struct value **buckets;
};
struct value {
	int refs;
	struct table *owner;
};
static TRK_TYPE_COUNTED(table_type, struct table, refs);
static TRK_TYPE_COUNTED(value_type, struct value, refs);
static struct table *root;
struct value **others; /* which nobody reads here */
__attribute__((noinline)) static void fill(void)
{
	struct table *t = calloc(1, sizeof *t);
	struct value *v = calloc(1, sizeof *v);
	t->refs = v->refs = 1;
	trk_new(t, &table_type);
	trk_own(t, &root);
	root = t;
	t->buckets = calloc(8, sizeof *t->buckets);
	trk_new(v, &value_type);
	trk_own(v, &t->buckets[3]);
	t->buckets[3] = v;
	t->refs++;
	trk_ref(t, &v->owner);
	v->owner = t;
}
__attribute__((noinline)) static void drop(int keep)
{
	struct table *t = root;
	if (keep)
		others = t->buckets;
	trk_unref(t, &root);
	t->refs--;
	root = NULL;
}
__attribute__((noinline)) static void wipe(void)
{
	volatile char old[4096];
	for (unsigned i = 0; i < sizeof old; i++)
		old[i] = 0;
}
int main(int argc, char **argv)
{
	(void)argv;
	fill();
	wipe();
	printf("alive %ld\n", trk_gc_collect(2));
	drop(argc > 1);
	wipe();
	printf("dropped %ld\n", trk_gc_collect(2));
	return 0;
}
C
cc -std=gnu99 -g -O1 -Wall -Wextra -I"$ROOT/libtrack/include" -o buckets buckets.c || fail 'buckets.c does not compile'
"$REFTRACK" run -f -o c.trk -- ./buckets >out 2>/dev/null
equal 'a table and its value' "$(tr '\n' ' ' <out)" 'alive 0 dropped 2 '
"$REFTRACK" run -f -o c.trk -- ./buckets keep >out 2>/dev/null
equal 'somebody else has the array' "$(tr '\n' ' ' <out)" 'alive 0 dropped 0 '
"$REFTRACK" run -f -o c.trk --no-memory -- ./buckets >out 2>/dev/null
equal 'nobody knows whose the array is' "$(tr '\n' ' ' <out)" 'alive 0 dropped 0 '
finish
