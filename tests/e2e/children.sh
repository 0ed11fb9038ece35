#!/bin/sh
# fork, exec, vfork and process trees: one trace per process image, one summary; nothing silently untraced.
. "$ROOT/tests/e2e/lib.sh"
need cc

mkdir tree
"$REFTRACK" run -o 'tree/' -- sh -c 'true & wait; /bin/echo one; exec /bin/echo two' >out 2>err
equal 'tree: exit status' $? 0
equal 'tree: output' "$(cat out)" "one
two"
checks=$((checks + 1))
[ "$(ls tree/*echo*.trk* 2>/dev/null | wc -l)" -eq 2 ] || fail "tree: expected two traces of echo: $(ls tree)"
has 'tree: summary counts the traces' err '[3-9] (traces|processes)'

"$REFTRACK" run --children=no -q -o 'alone.%p.trk' -- sh -c '/bin/echo child >/dev/null; :'
equal 'children=no: one trace' "$(ls alone.*.trk | wc -l)" 1

cat >forks.c <<'C'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
	for (int i = 0; i < 20; i++) {
		void *p = malloc(10);
		pid_t pid = fork();
		if (pid == 0) { for (int k = 0; k < 100; k++) free(malloc(50)); if (i % 2) _exit(0); exit(0); }
		pid = vfork();
		if (pid == 0) { execl("/bin/true", "true", (char *)0); _exit(1); }
		free(p);
	}
	while (wait(NULL) > 0) ;
	return 0;
}
C
cc -O0 forks.c -o forks
mkdir many
"$REFTRACK" run -q -o many/ -- ./forks
equal 'forks: exit status' $? 0
equal 'forks: a trace per child and image' "$(ls many | wc -l)" 41
for trace in many/*; do
	"$REFTRACK" info --json "$trace" >info.json || fail "info $trace"
	has "$trace is complete" info.json '"finished": *true'
done

# A program that closes every descriptor, changes its root or drops its privileges is recorded all the same.
cat >closes.c <<'C'
#include <stdlib.h>
#include <unistd.h>
int main(void) { for (int fd = 3; fd < 1024; fd++) close(fd); for (int i = 0; i < 1000; i++) free(malloc(33)); chroot("/var/empty"); for (int i = 0; i < 500; i++) free(malloc(33)); return 0; }
C
cc -O0 closes.c -o closes 2>/dev/null
"$REFTRACK" run -q -o closes.trk -- ./closes
"$REFTRACK" info --json closes.trk >info.json
has 'closefrom and chroot: complete' info.json '"finished": *true'

# The recorder dies: the program goes on.
"$REFTRACK" run -q -o orphan.trk -- sh -c 'echo started; sleep 0.5; for i in 1 2 3 4 5 6 7 8; do /bin/true; done; echo survived >survived; exit 0' >out 2>/dev/null &
pid=$!
sleep 0.3
kill -KILL $pid
i=0
while [ ! -f survived ] && [ $i -lt 100 ]; do sleep 0.1; i=$((i + 1)); done
checks=$((checks + 1))
[ -f survived ] || fail 'the program did not survive its recorder'

# Who goes on recording in the background ends its traces when asked to, and the program lives on.
"$REFTRACK" run -q --no-summary -o left.trk -- sh -c 'sleep 60 & echo $! >sleeper; exit 0' 2>/dev/null
sleeper=$(cat sleeper)
kill -TERM "$(pgrep -f -- '-o left.trk -- sh')"
i=0
while pgrep -f -- '-o left.trk -- sh' >/dev/null && [ $i -lt 100 ]; do sleep 0.1; i=$((i + 1)); done
checks=$((checks + 2))
[ $i -lt 100 ] || fail 'the background recorder does not end'
kill -0 "$sleeper" || fail 'the program ended with its recorder'
kill "$sleeper"
for trace in left*.trk; do
	"$REFTRACK" info --json "$trace" >info.json || fail "info $trace"
	has "left running, $trace is complete" info.json '"finished": *true'
done
finish
