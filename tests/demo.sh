#!/bin/sh
# `make demo`: records a sample with a planted bug and an installed program that nobody here wrote, and prints their reports.
set -eu
build=$(cd "${1:-build}" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
reftrack=$build/profiler/cli/reftrack
out=$build/demo
rm -rf "$out"
mkdir -p "$out"
cd "$root"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }

say '$ reftrack run -- samples/01-missing-unref'
"$reftrack" run -q -o "$out/sample.trk" -- "$build/samples/01-missing-unref"
say '$ reftrack report sample.trk'
"$reftrack" report --no-pager "$out/sample.trk"

say '$ reftrack run -- samples/cycle-closure'
"$reftrack" run -q -o "$out/cycle.trk" -- "$build/samples/cycle-closure"
say '$ reftrack cycles cycle.trk'
"$reftrack" cycles --no-pager "$out/cycle.trk"

input=$out/input.json
python3 - >"$input" <<'PY'
import json
print(json.dumps([{"id": i, "name": "item %d" % i, "tags": ["a", "b", str(i)]} for i in range(2000)]))
PY
say '$ reftrack run -- jq "[.[] | .tags | length] | add" input.json'
"$reftrack" run -q -o "$out/jq.trk" -- jq '[.[] | .tags | length] | add' "$input"
say '$ reftrack report jq.trk'
"$reftrack" report --no-pager "$out/jq.trk"

say "The traces are in $out. Look closer:"
echo "  $reftrack show $out/sample.trk @leak:1"
echo "  $reftrack leaks $out/sample.trk"
echo "  $reftrack sites $out/jq.trk --top 10"
