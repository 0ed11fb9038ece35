#!/bin/sh
# The allocator hooks alone, in programs of the distribution: same output and exit status as without them, and the number of
# blocks they report equals what an independent counter sees in the same run, and what valgrind counts in another one.
# The hooks are loaded with a stand-in for the engine (libmalloc_stub.so, or libmalloc_idle.so with the gate closed).
. "$ROOT/tests/e2e/lib.sh"
need jq sqlite3 xmllint git python3 perl g++ bash

libs=$BUILD/tests/unit/track/malloc
for lib in stub idle count; do
	[ -f "$libs/libmalloc_$lib.so" ] || {
		echo "skipped: libmalloc_$lib.so is not built"
		exit 77
	}
done

printf '<a><b c="1">text</b><b/></a>\n' >in.xml
python3 -c 'import json; print(json.dumps([{"id": i, "v": [i, str(i)]} for i in range(2000)]))' >in.json
git init -q repo && (cd repo && git config user.email a@b.c && git config user.name n && echo x >f && git add f &&
	git commit -qm first)
cat >hello.cc <<'CC'
#include <iostream>
#include <string>
#include <thread>
#include <vector>
int main() {
	std::vector<std::thread> t;
	for (int i = 0; i < 8; i++) t.emplace_back([i] { std::string s; for (int k = 0; k < 500; k++) s += std::to_string(k + i); });
	for (auto &x : t) x.join();
	std::cout << "hello" << std::endl;
	return 3;
}
CC

# counts FILE: per process that left normally "pid allocs frees reallocs", its last image only
counts() {
	awk '{ line[$2] = $4 " " $6 " " $8 } END { for (pid in line) print pid, line[pid] }' "$1" | sort
}

# thrice NAME COMMAND...: bare, counted, and with the gate closed
thrice() {
	name=$1
	shift
	"$@" <in.json >bare.out 2>bare.err
	bare=$?
	rm -f stub.txt count.txt
	STUB_OUT=$work/stub.txt COUNT_OUT=$work/count.txt LD_PRELOAD="$libs/libmalloc_stub.so $libs/libmalloc_count.so" \
		"$@" <in.json >hook.out 2>hook.err
	equal "$name: exit status" $? $bare
	same "$name: stdout" bare.out hook.out
	same "$name: stderr" bare.err hook.err
	counts count.txt >count.sum
	counts stub.txt >stub.all
	# Processes that end by _exit or exec never run the counter's destructor.
	awk 'NR == FNR { seen[$1] = 1; next } $1 in seen' count.sum stub.all >stub.sum
	checks=$((checks + 1))
	[ -s count.sum ] || fail "$name: nothing counted"
	same "$name: counts (pid allocs frees reallocs)" count.sum stub.sum
	LD_PRELOAD=$libs/libmalloc_idle.so "$@" <in.json >idle.out 2>idle.err
	equal "$name: exit status, idle" $? $bare
	same "$name: stdout, idle" bare.out idle.out
	same "$name: stderr, idle" bare.err idle.err
}

thrice jq jq '[.[] | .v[1] | tonumber] | add'
thrice jq-error jq '.[' in.json
thrice sqlite3 sqlite3 :memory: 'create table t(a, b); with recursive c(x) as (select 1 union all select x+1 from c
	where x < 5000) insert into t select x, hex(x * 7) from c; select count(*), max(b), sum(length(b)) from t order by 1;'
thrice xmllint xmllint --format in.xml
thrice xmllint-error xmllint in.json
thrice git git -C repo log -1 --format=%s
thrice git-status git -C repo status --short
thrice python3 /usr/bin/python3 -c 'import json, sys; d = json.load(sys.stdin); print(len(d), sum(x["id"] for x in d)); sys.exit(5)'
# A joined thread of Python is detached and may still be freeing when the main thread leaves; it waits for the last of them,
# because the two counters stop one after the other.
thrice python3-threads /usr/bin/python3 -c 'import os, threading, time
r = []
t = [threading.Thread(target=lambda i=i: r.append(len(str([i] * 10000)))) for i in range(8)]
[x.start() for x in t]; [x.join() for x in t]; print(sum(r))
while len(os.listdir("/proc/self/task")) > 1: time.sleep(0.001)'
thrice python3-fork /usr/bin/python3 -c 'import os, subprocess
p = os.fork()
if not p: os._exit(9)
print(os.waitpid(p, 0)[1] >> 8, subprocess.run(["sh", "-c", "exit 4"]).returncode, os.system("true"))'
thrice perl perl -e 'my %h; $h{$_ % 97} .= $_ for 1 .. 20000; print join(",", map { length } @h{sort keys %h}), "\n"; exit 6'
thrice bash bash -c 'seq 1 2000 | sort -r | awk "{ s += \$1 } END { print s }" | cat; (exit 3); echo $?; exec ls -d /'
thrice compile g++ -O1 -pthread hello.cc -o hello-cc
thrice threads-c++ ./hello-cc

# number FILE EVENT: how many of them `reftrack info` reports
number() {
	n=$(sed -n "s/^ *\\([0-9 ]*\\)  $2\$/\\1/p" "$1" | tr -d ' ')
	echo "${n:-0}"
}

# recorded NAME COMMAND...: the whole way into the trace; for programs that map nothing themselves
recorded() {
	name=$1
	shift
	rm -f count.txt run.*.trk
	COUNT_OUT=$work/count.txt LD_PRELOAD=$libs/libmalloc_count.so "$REFTRACK" run -q -o run.%p.trk -- "$@" \
		<in.json >rec.out 2>rec.err
	checks=$((checks + 1))
	ls run.*.trk >/dev/null 2>&1 || fail "$name: no trace"
	for trace in run.*.trk; do
		pid=${trace#run.}
		pid=${pid%.trk}
		"$REFTRACK" info --no-pager "$trace" >info.out 2>&1
		allocs=$(number info.out alloc)
		reallocs=$(number info.out realloc)
		ours="$pid $((allocs - reallocs)) $(number info.out free) $reallocs"
		equal "$name: recorded (pid allocs frees reallocs)" "$ours" "$(counts count.txt | grep "^$pid ")"
	done
}
if [ -x "$REFTRACK" ]; then
	recorded jq jq '[.[] | .v[1] | tonumber] | add'
	recorded sqlite3 sqlite3 :memory: 'create table t(a); insert into t values(hex(zeroblob(5000))); select length(a) from t'
	recorded xmllint xmllint --format in.xml
	recorded perl perl -e 'my %h; $h{$_ % 97} .= $_ for 1 .. 20000; print scalar(keys %h), "\n"'
	recorded threads-c++ ./hello-cc
fi

# valgrind replaces the allocator itself. It counts a realloc as an allocation and a free, and neither what ld.so does
# before it is in place nor what libc gives back on its request at the end.
if command -v valgrind >/dev/null 2>&1; then
	valgrind --run-libc-freeres=no --run-cxx-freeres=no --log-file=vg.txt jq -c '.[0]' in.json >/dev/null
	rm -f stub.txt
	STUB_OUT=$work/stub.txt LD_PRELOAD=$libs/libmalloc_stub.so jq -c '.[0]' in.json >/dev/null
	theirs=$(sed -n 's/.*total heap usage: \([0-9,]*\) allocs, \([0-9,]*\) frees.*/\1 \2/p' vg.txt | tr -d ,)
	ours=$(counts stub.txt | awk '{ print $2 + $4, $3 + $4 }')
	echo "valgrind: $theirs, hooks: $ours"
	equal "valgrind's count of jq" "$ours" "$theirs"
fi

finish
