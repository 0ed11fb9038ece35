#!/bin/sh
# TRK_NEW and the like: what blocks are for is recorded, by any thread, in C and C++, with little debug information, through folding, flight recordings and filters.
. "$ROOT/tests/e2e/lib.sh"
need cc g++ jq

cat >use.h <<'C'
#include <pthread.h>
#include <stdlib.h>
#include <track/track.h>
#define NODE struct node
struct node { long number; struct node *next; };
struct text { long length; struct text *link; char *lines[]; };
static struct node *volatile g_list, *volatile g_many;
static struct text *volatile g_text;
static void *volatile sink;
static __thread char *filler[3] = { 0 };
static __thread struct { long padding; void *pointer; } cache __attribute__((aligned(64)));
static void *raw(size_t size) { return calloc(1, size); }
static void *work(void *arg)
{
	int i;
	for (i = 0; i < 200; i++) {
		struct node *n = TRK_NEW0(NODE);
		free(n);
		free(malloc(sizeof(NODE)));
	}
	sink = TRK_NEW_ARRAY(struct node, 7);
	sink = NULL;
	return arg;
}
static void start(pthread_t *t) { pthread_create(t, NULL, work, NULL); }
int main(void)
{
	pthread_t t[3];
	int i;
	g_list = TRK_NEW(NODE);
	g_list->next = TRK_TYPED(struct node, raw(sizeof(struct node)));
	g_many = TRK_NEW_ARRAY0(struct node, 3);
	g_many[2].next = TRK_NEW0(struct node);
	g_text = TRK_TYPED(struct text, raw(sizeof(struct text) + 4 * sizeof(char *)));
	g_text->lines[2] = TRK_NEW_ARRAY0(char, 33);
	free(TRK_NEW_ARRAY(struct text, 50));
	cache.pointer = malloc(777);
	filler[1] = (char *)malloc(778);
	sink = realloc(TRK_NEW_ARRAY(struct node, 2), 10 * sizeof(struct node));
	sink = NULL;
	for (i = 0; i < 3; i++)
		start(&t[i]);
	for (i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	return 0;
}
C
sed 's/^/ /' use.h >use.c
cp use.c use.cc
cc -std=c99 -D_GNU_SOURCE -g -pthread -I"$ROOT/libtrack/include" -o use use.c || fail 'C does not compile'
cc -std=c99 -D_GNU_SOURCE -pthread -I"$ROOT/libtrack/include" -o bare use.c || fail 'C does not compile'
g++ -g -pthread -I"$ROOT/libtrack/include" -o use-cc use.cc || fail 'C++ does not compile'

# The blocks of main and of the threads, by size and type.
blocks() {
	"$REFTRACK" blocks --json "$1" | jq -r '.rows[] | select(.site | test("^(main|work|raw) ")) | select(.bytes < 700) | "\(.bytes) \(.type) \(.class)"' | sort -n | uniq -c | tr -s ' '
}
cat >expected <<'E'
 3 16 struct node reachable
 1 33 char[33] reachable
 1 48 struct node[3] reachable
 1 48 struct text reachable
 3 112 struct node[7] lost
 1 160 struct node[10] lost
E
for program in use bare; do
	"$REFTRACK" run -q -o $program.trk -- ./$program 2>/dev/null
	equal "$program: its own status" $? 0
	blocks $program.trk >got
	same "$program: blocks" got expected
done
"$REFTRACK" run -q -o cc.trk -- ./use-cc 2>/dev/null
blocks cc.trk >got
same 'C++: blocks' got expected

# Fields, where debug information tells them; a name is enough without.
"$REFTRACK" leaks --json --all use.trk >use.json
equal 'a field' "$(jq -r '[.findings[].root_path // [] | map(.text? // .) | join(">")] | map(select(test("node.next"))) | .[0]' use.json)" 'global g_list>struct node.next'
"$REFTRACK" leaks --all bare.trk >out
has 'by name alone' out 'lost +336 B in 3 blocks of struct node\[\]'

# What is folded, or of a flight recording, has them too.
"$REFTRACK" run -q -o fold.trk --keep folded -- ./use 2>/dev/null
blocks fold.trk >got
same 'folded: blocks' got expected
"$REFTRACK" run -q -o flight.trk --on-full flight -- ./use 2>/dev/null
blocks flight.trk >got
same 'flight recording: blocks' got expected

# Filters: blocks that are left out are not told of; types= is about objects only.
"$REFTRACK" run -q -o types.trk --types nobody -- ./use 2>/dev/null
blocks types.trk | sed 's/ [a-z]*$//' >got
sed 's/ [a-z]*$//' expected >expected-types
same 'types=: blocks' got expected-types
"$REFTRACK" run -q -o modules.trk --modules nobody -- ./use 2>/dev/null
equal 'modules=: no event' "$("$REFTRACK" dump -e typed --plain modules.trk | wc -l)" 0
"$REFTRACK" dump -e typed --plain use.trk >out
equal 'events' "$(wc -l <out)" 611
has 'an event' out 'type=struct node'

# One block: what it is, who holds it, what it holds; where one was freed.
address() {
	"$REFTRACK" blocks --json use.trk | jq -r ".rows[] | select($1).addr" | head -1
}
"$REFTRACK" show use.trk "$(address '.type == "struct text"')" >out
has 'show: type' out 'type +. struct text: the program told it$'
has 'show: usable' out '48 B by calloc, 56 B usable'
has 'show: the way to it' out 'held by +global g_text$'
has 'show: what it holds' out 'lines\[\] -> char\[\]  0x'
"$REFTRACK" show use.trk "$(address '.bytes == 33')" >out
has 'show: who holds it' out '^  struct text.lines\[\]  at 0x'
"$REFTRACK" show use.trk "$("$REFTRACK" dump -e alloc --plain use.trk | grep 'size=800' | grep -o '0x[0-9a-f]*' | head -1)" >out
has 'show: freed' out 'freed .* at main use.c:36$'
has 'show: freed, its type' out 'type +. struct text\[\]: the program'

"$REFTRACK" types --where "kind=blocks" --plain use.trk >out
has "types: blocks, their bytes, what is unused, what is lost" out "^struct node\\[\\]	blocks	5	544	40	4	"

# Thread-local variables of the program, by name.
"$REFTRACK" show use.trk "$(address '.bytes == 777')" >out
has 'thread-local' out "held by +thread-local 'cache' .main thread. .8$"
"$REFTRACK" show use.trk "$(address '.bytes == 778')" >out
has 'another one' out "held by +thread-local 'filler' .main thread. .8$"
finish
