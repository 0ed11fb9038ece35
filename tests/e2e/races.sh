#!/bin/sh
# Correct programs whose threads share objects are clean, every time: order inside one tick of the clock is never turned into a verdict.
. "$ROOT/tests/e2e/lib.sh"
need cc g++
runs=${RACE_RUNS:-8}

cat >counts.c <<'C'
#include <pthread.h>
#include <stdlib.h>
#include <track/track.h>
struct thing { trk_refcount_t refs; int plain; };
static TRK_TYPE(thing_type, struct thing);
static struct thing *shared;
static int rounds;
static void *work(void *arg)
{
	for (int i = 0; i < rounds; i++) {
		struct thing *mine = shared;
		trk_refcount_inc(&mine->refs, mine, &mine);
		trk_refcount_dec(&mine->refs, mine, &mine);
		int now = __atomic_add_fetch(&mine->plain, 1, __ATOMIC_RELAXED);
		(void)now;
	}
	return arg;
}
int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 4;
	rounds = argc > 2 ? atoi(argv[2]) : 5000;
	pthread_t t[16];
	for (int life = 0; life < 20; life++) {
		shared = calloc(1, sizeof *shared);
		trk_refcount_init(&shared->refs);
		trk_new(shared, &thing_type);
		trk_own(shared, &shared);
		for (int i = 0; i < threads; i++) pthread_create(&t[i], 0, work, 0);
		for (int i = 0; i < threads; i++) pthread_join(t[i], 0);
		if (!trk_refcount_dec(&shared->refs, shared, &shared)) return 1;
		trk_del(shared);
		free(shared);
	}
	return 0;
}
C
cat >blocks.cc <<'C'
#include <string>
#include <thread>
#include <vector>
int main() {
	for (int r = 0; r < 20; r++) {
		std::vector<std::thread> t;
		for (int i = 0; i < 8; i++) t.emplace_back([i] { std::string s; for (int k = 0; k < 200; k++) s += std::to_string(k + i); });
		for (auto &x : t) x.join();
	}
}
C
cc -O2 -g -pthread -I"$ROOT/libtrack/include" counts.c -o counts && g++ -O1 -g -pthread blocks.cc -o blocks || exit 99
i=0
while [ $i -lt "$runs" ]; do
	i=$((i + 1))
	for command in './counts 4 300' './counts 2 2000' ./blocks "$BUILD/samples/07-threads"; do
		rm -f race.trk
		# shellcheck disable=SC2086
		"$REFTRACK" run -q -o race.trk -- $command >out 2>&1
		equal "$command: exit status" $? 0
		"$REFTRACK" leaks --json race.trk >leaks.json
		hasnt "$command: nothing is misused" leaks.json '"headline": *"misused"'
		hasnt "$command: no count is wrong" leaks.json 'do not fit'
	done
done
# Numbered changes (trk_refcount_t): objects that threads hand around, made by one and freed by another, leave nothing to guess.
cat >numbers.c <<'C'
#include <pthread.h>
#include <stdlib.h>
#include <track/track.h>
enum { PLACES = 6 };
struct thing { trk_refcount_t refs; pthread_mutex_t *lock; };
static TRK_TYPE(thing_type, struct thing);
static struct thing *shared[PLACES];
static pthread_mutex_t locks[PLACES];
static int rounds, extra;
static void give(struct thing *thing, void *slot)
{
	if (trk_refcount_dec(&thing->refs, thing, slot)) {
		trk_del(thing);
		free(thing);
	}
}
static void *work(void *arg)
{
	unsigned seed = (unsigned)(unsigned long)arg;
	for (int i = 0; i < rounds; i++) {
		struct thing *mine, *fresh = NULL, *old = NULL;
		seed = seed * 1103515245u + 12345u;
		unsigned p = (seed >> 16) % PLACES;
		if (seed >> 28 == 0) {
			fresh = calloc(1, sizeof *fresh);
			trk_refcount_new(&fresh->refs, fresh, &thing_type);
		}
		pthread_mutex_lock(&locks[p]);
		mine = shared[p];
		trk_refcount_inc(&mine->refs, mine, NULL);
		if (fresh) {
			old = mine;
			shared[p] = fresh;
		}
		pthread_mutex_unlock(&locks[p]);
		if (old) give(old, NULL);
		give(mine, NULL);
	}
	return NULL;
}
int main(int argc, char **argv)
{
	int threads = atoi(argv[1]);
	rounds = atoi(argv[2]);
	extra = argc > 3;
	pthread_t t[16];
	for (int i = 0; i < PLACES; i++) {
		pthread_mutex_init(&locks[i], NULL);
		shared[i] = calloc(1, sizeof *shared[i]);
		trk_refcount_new(&shared[i]->refs, shared[i], &thing_type);
	}
	for (int i = 0; i < threads; i++) pthread_create(&t[i], 0, work, (void *)(unsigned long)(i + 1));
	for (int i = 0; i < threads; i++) pthread_join(t[i], 0);
	for (int i = 0; i < PLACES; i++) {
		if (extra && i == 0) {
			struct thing *thing = shared[0];
			trk_refcount_dec(&thing->refs, thing, NULL);
			trk_refcount_dec(&thing->refs, thing, NULL);
			trk_del(thing);
			free(thing);
			continue;
		}
		give(shared[i], NULL);
	}
	return 0;
}
C
cc -O2 -g -pthread -I"$ROOT/libtrack/include" numbers.c -o numbers || exit 99
i=0
while [ $i -lt "$runs" ]; do
	i=$((i + 1))
	rm -f numbers.trk
	"$REFTRACK" run -q --no-summary --stacks 1,1,1 -o numbers.trk -- ./numbers 8 3000
	"$REFTRACK" check numbers.trk >check.out 2>&1
	equal "numbers: check ($(tail -1 check.out))" $? 0
	"$REFTRACK" dump --plain numbers.trk >dump.out
	has 'numbers: told' dump.out 'seq='
	hasnt 'numbers: no guess' dump.out '^[0-9]*[?].*seq='
	rm -f numbers.trk
	"$REFTRACK" run -q --no-summary -o numbers.trk -- ./numbers 8 1000 extra
	"$REFTRACK" check numbers.trk >check.out 2>&1
	equal 'numbers: one release too many: check fails' $? 1
	has 'numbers: one release too many: where' check.out 'where += main numbers.c'
done
# The other way round: one release too many, by another thread, right after the last one, is told every time.
cat >over.c <<'C'
#include <pthread.h>
#include <stdlib.h>
#include <track/track.h>
struct thing { int refs; };
static TRK_TYPE(thing_type, struct thing);
static void *extra(void *arg) { trk_unref_rc(arg, NULL, -1); return arg; }
int main(void)
{
	struct thing *thing = calloc(1, sizeof *thing);
	trk_new(thing, &thing_type);
	trk_unref_rc(thing, NULL, 0);
	pthread_t thread;
	pthread_create(&thread, 0, extra, thing);
	pthread_join(thread, 0);
	trk_del(thing);
	free(thing);
	return 0;
}
C
cc -O1 -g -pthread -I"$ROOT/libtrack/include" over.c -o over || exit 99
# And in the middle of threads that share the object: the count that the program tells is proof in any order.
sed 's/trk_del(shared);/{ trk_unref_rc(shared, NULL, -1); } trk_del(shared);/' counts.c >crowd.c
cc -O2 -g -pthread -I"$ROOT/libtrack/include" crowd.c -o crowd || exit 99
i=0
while [ $i -lt "$runs" ]; do
	i=$((i + 1))
	rm -f over.trk
	"$REFTRACK" run -q --no-summary -o over.trk -- ./over
	"$REFTRACK" check over.trk >check.out 2>&1
	equal 'one release too many: check fails' $? 1
	has 'one release too many: where' check.out 'where += extra over.c:6'
	rm -f crowd.trk
	"$REFTRACK" run -q --no-summary -o crowd.trk -- ./crowd 4 300
	"$REFTRACK" check crowd.trk >check.out 2>&1
	equal 'one release too many in a crowd: check fails' $? 1
	has 'one release too many in a crowd: where' check.out 'where += main crowd.c'
done
finish
