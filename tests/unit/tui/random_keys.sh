#!/bin/sh
# Random keys for the viewer (random_keys.c): random_keys.sh RANDOM_KEYS TRACES VIEWER_TRACE [long]. The short form presses
# the same keys in a few traces every time; the long one many more in all of them and in one of a million objects, and
# some under Valgrind. What a sanitizer says of a worker, which the viewer would survive, is looked for as well.
set -u
keys=$(realpath "$1") traces=$(realpath "$2") viewer_trace=$(realpath "$3")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
"$traces" "$work" || exit 99
cd "$work" || exit 99
ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}log_path=$work/sanitizer"
UBSAN_OPTIONS="${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}log_path=$work/sanitizer:print_stacktrace=1"
export ASAN_OPTIONS UBSAN_OPTIONS
bad=0
# press SEED STEPS TRACE...: with everything that stands before "$keys" in $under
under=
press() {
	# shellcheck disable=SC2086 # several words
	$under "$keys" $kill "$@" >out 2>&1 || {
		echo "random keys failed: $under $kill $*"
		cat out
		bad=$((bad + 1))
	}
	for said in sanitizer.*; do
		[ -e "$said" ] || continue
		echo "a sanitizer has something to say: $kill $*"
		cat "$said"
		rm -f "$said"
		bad=$((bad + 1))
	done
}

if [ "${4:-}" = long ]; then
	TMPDIR=$work "$viewer_trace" objects 1000000 many.trk >/dev/null || exit 99
	for seed in $(seq 1 60); do
		kill=
		press "$seed" 300 ./[a-l]*.trk
		press "$seed" 300 ./[n-z]*.trk
		kill=--kill
		press "$seed" 300 leaky.trk knots.trk growing.trk cut.trk
	done
	kill=
	for seed in 1 2 3; do
		press "$seed" 300 many.trk
	done
	if command -v valgrind >/dev/null; then
		under='valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite,indirect'
		for seed in 1 2 3; do
			press "$seed" 100 leaky.trk knots.trk hostile.trk cut.trk
		done
	fi
else
	kill=
	press 1 60 leaky.trk knots.trk hostile.trk lossy.trk
	press 2 60 cut.trk empty.trk growing.trk memory.trk
	kill=--kill
	press 3 60 leaky.trk cut.trk
fi
[ "$bad" -eq 0 ]
