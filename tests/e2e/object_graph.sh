#!/bin/sh
# The object graph of real recordings says what slow searches say: programs of the distribution, of which only memory tells, and
# linked samples that tell who owns what.
. "$ROOT/tests/e2e/lib.sh"
need jq sqlite3 python3

# agrees NAME LEAST COMMAND...: recorded, and at least so many links
agrees() {
	name=$1 least=$2
	shift 2
	checks=$((checks + 1))
	"$REFTRACK" run -q --no-summary -o "$name.trk" -- "$@" >"$name.out" 2>&1
	"$BUILD/tests/harness/graphcheck" "$name.trk" 30 >"$name.txt" 2>&1 || fail "$name: $(cat "$name.txt")"
	links=$(sed -n 's/^agrees: \([0-9]*\) links.*/\1/p' "$name.txt")
	[ "${links:-0}" -ge "$least" ] || fail "$name: ${links:-no} links, $least expected"
	cat "$name.txt"
}

# Programs that end without tidying up: what they built is there.
python3 -c 'import json; print(json.dumps([{"id": i, "v": [i, str(i)]} for i in range(1000)]))' >in.json
agrees jq 5 jq -c 'map(.v[0]) | add' in.json
agrees sqlite3 300 sqlite3 :memory: 'create table t(a,b text);' 'with recursive c(x) as (select 1 union all select x+1 from c where x<9999) insert into t select x, hex(x) from c;' \
	'create index i on t(b);' '.exit 0'
export PYTHONMALLOC=malloc
agrees python3 1000 "$(python3 -c "import sys; print(sys.executable)")" -S -c \
	'import ctypes; l = [[str(i) * 3, {i: i}] for i in range(2000)]; ctypes.pythonapi.Py_IncRef(ctypes.py_object(l))'
for sample in 03-cycle cycle-parent cycle-observers cycle-caches cycle-held; do
	agrees "$sample" 1 "$BUILD/samples/$sample"
done
finish
