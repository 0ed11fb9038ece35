#!/bin/sh
# Programs of the distribution behave under `reftrack run` exactly as without it: same output, same errors, same exit status.
. "$ROOT/tests/e2e/lib.sh"
need jq sqlite3 xmllint git python3 perl

printf '<a><b c="1">text</b><b/></a>\n' >in.xml
python3 -c 'import json; print(json.dumps([{"id": i, "v": [i, str(i)]} for i in range(3000)]))' >in.json
git init -q repo && (cd repo && git config user.email a@b.c && git config user.name n && echo x >f && git add f && git commit -qm first)
cat >hello.cc <<'CC'
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>
int main() {
	std::map<std::string, std::vector<int>> m;
	for (int i = 0; i < 1000; i++) m[std::to_string(i % 37)].push_back(i);
	try { throw std::runtime_error("caught"); } catch (const std::exception &e) { std::cout << e.what() << "\n"; }
	std::vector<std::thread> t;
	for (int i = 0; i < 8; i++) t.emplace_back([i] { std::string s; for (int k = 0; k < 2000; k++) s += std::to_string(k + i); });
	for (auto &x : t) x.join();
	std::cout << m.size() << std::endl;
	return 3;
}
CC
cat >threads.c <<'C'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static void *work(void *a) { for (int i = 0; i < 300; i++) { char *p = malloc(100 + i); memset(p, 1, 100); p = realloc(p, 400); free(p); } return a; }
int main(void) {
	for (int round = 0; round < 40; round++) {
		pthread_t t[8];
		for (int i = 0; i < 8; i++) pthread_create(&t[i], 0, work, 0);
		for (int i = 0; i < 8; i++) pthread_join(t[i], 0);
	}
	puts("done");
	return 0;
}
C
g++ -O1 -pthread hello.cc -o hello-cc 2>/dev/null
gcc -O1 -pthread threads.c -o threads

# twice NAME COMMAND...: bare and recorded
twice() {
	name=$1
	shift
	(exec "$@") <in.json >bare.out 2>bare.err
	bare=$?
	rm -f run.*.trk
	"$REFTRACK" run -q --no-summary -o "run.%p.trk" -- "$@" <in.json >rec.out 2>rec.err
	equal "$name: exit status" $? $bare
	same "$name: stdout" bare.out rec.out
	same "$name: stderr" bare.err rec.err
	checks=$((checks + 1))
	ls run.*.trk >/dev/null 2>&1 || fail "$name: no trace"
	for trace in run.*.trk; do
		"$REFTRACK" info --no-pager "$trace" >info.out 2>&1
		equal "$name: info of $trace" $? 0
		hasnt "$name: no events lost" info.out 'lost +[1-9]'
	done
}

twice jq jq '[.[] | .v[0]] | add'
twice jq-error jq '.[0] | error("x")'
twice sqlite3 sqlite3 :memory: 'create table t(a,b); with recursive c(x) as (select 1 union all select x+1 from c where x<2000) insert into t select x, x*x from c; select sum(b) from t;'
twice xmllint xmllint --format in.xml
twice xmllint-bad xmllint --noout /nonexistent.xml
twice git git -C repo log --format=%s
twice python3 python3 -c 'import json,sys; d=json.load(sys.stdin); print(sum(x["id"] for x in d)); sys.exit(5)'
twice perl perl -e 'my %h; $h{$_ % 100} .= "x" for 1..20000; print scalar(keys %h), "\n"; exit 4'
twice c++ ./hello-cc
twice threads ./threads
twice shell sh -c 'for i in 1 2 3; do echo $i | tr 1 9; done; exec sh -c "exit 7"'
twice false false
twice signal sh -c 'kill -TERM $$'
finish
