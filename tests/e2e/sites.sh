#!/bin/sh
# Where memory is said to come from: what libc allocates for a caller is the caller's, with and without symbols.
. "$ROOT/tests/e2e/lib.sh"
need cc

cat >use.c <<'C'
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>
static void *volatile sink;
static char *text(void) { char *p; return asprintf(&p, "%d %s", 1, "one") < 0 ? NULL : p; }
static char *copy(void) { return strdup("copied"); }
static wchar_t *wide(void) { return wcsdup(L"wide"); }
static char *line(FILE *f) { char *l = NULL; size_t n = 0; return getline(&l, &n, f) < 0 ? NULL : l; }
static FILE *file(void) { return fopen("use.c", "r"); }
static DIR *folder(void) { return opendir("/"); }
static char *where(void) { return getcwd(NULL, 0); }
static void *work(void *arg) { sink = copy(); return arg; }
static void thread(void) { pthread_t t; pthread_create(&t, NULL, work, NULL); pthread_join(t, NULL); }
int main(void)
{
	FILE *f = file();
	sink = text(), sink = copy(), sink = wide(), sink = line(f), sink = folder(), sink = where();
	thread();
	puts("done"); /* stdout gets its buffer */
	return 0;
}
C
cc -g -pthread -o use use.c && cc -s -pthread -o bare use.c || fail 'does not compile'
for program in use bare; do
	"$REFTRACK" run -q --no-summary -o $program.trk -- ./$program >/dev/null 2>&1
	"$REFTRACK" sites --plain $program.trk >$program.txt
done
for function in text copy wide line file folder where thread main; do
	has "$function: its line" use.txt "^$function use.c:"
done
equal 'no line of libc' "$(grep -vcE '^(site	|[a-z]+ use\.c:)' use.txt)" 0
has 'without symbols: the program' bare.txt '^bare\+0x'
equal 'without symbols: nothing else' "$(grep -vcE '^(site	|bare\+0x)' bare.txt)" 0

# Findings that would read the same: the first caller that differs stands with them.
cat >alike.c <<'C'
#include <stdlib.h>
static void *volatile sink;
static void *make(size_t size) { return malloc(size); }
static void first(void) { sink = make(40); }
static void second(void) { sink = make(40); }
int main(void) { first(); second(); sink = malloc(8); sink = NULL; return 0; }
C
cc -g -O0 -o alike alike.c || fail 'does not compile'
"$REFTRACK" run -q --no-summary -o alike.trk -- ./alike >/dev/null 2>&1
"$REFTRACK" leaks --color=never alike.trk >alike.txt 2>&1
has 'alike: the first' alike.txt 'do +free what make alike.c:3 allocates, called from first alike.c:4$'
has 'alike: the second' alike.txt 'do +free what make alike.c:3 allocates, called from second alike.c:5$'
has 'alone: no caller' alike.txt 'do +free what main alike.c:6 allocates$'
finish
