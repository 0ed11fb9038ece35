#!/bin/sh
# `make fuzz`: builds the fuzzers into build-fuzz/ and runs each for $1 seconds (30); further arguments name which.
# What a fuzzer learned stays in build-fuzz/corpus/; what makes it fail is written to build-fuzz/crash/.
set -u
cd "$(dirname "$0")/../.." || exit 1
seconds=${1:-30}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- trace graph state ring query suppress adapter tuirc
dir=build-fuzz

# Only the fuzzers are built: nothing else links with code that reports its coverage.
build() {
	test -f "$dir/build.ninja" ||
		CC=clang meson setup "$dir" -Dfuzz=true -Dsamples=true -Db_sanitize=address,undefined -Db_lundef=false \
			-Dc_args='-fsanitize=fuzzer-no-link -fno-sanitize-recover=undefined' || return 1
	ninja -C "$dir" fuzzers
}
mkdir -p "$dir"
if ! build >"$dir/make.log" 2>&1; then
	grep -E "error:|ERROR|undefined" "$dir/make.log" | head -20
	exit 1
fi
rm -rf "$dir/seed" "$dir/traces"
mkdir -p "$dir/traces" "$dir/crash"
"$dir/tests/golden/cli/cli-traces" "$dir/traces" || exit 1
for name in cache collect cycle growing leaky memory misuse; do
	for cut in 9 40 150; do
		"$dir/tests/harness/cuttrace" "$dir/traces/$name.trk" "$dir/traces/$name-$cut.trk" $cut || exit 1
	done
done
"$dir/tests/fuzz/fuzz_seed" "$dir/seed" "$dir"/traces/*.trk || exit 1
mkdir -p "$dir/seed/adapter" && cp profiler/adapters/*.adapter "$dir/seed/adapter" || exit 1
mkdir -p "$dir/seed/tuirc" && cp tests/golden/tui/*.rc "$dir/seed/tuirc" || exit 1

bad=0
for name; do
	mkdir -p "$dir/corpus/$name"
	case $name in
	trace | graph | state) size=16384 ;;
	*) size=4096 ;;
	esac
	log=$dir/$name.log
	"$dir/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -max_len=$size -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$dir/crash/$name-" "$dir/corpus/$name" "$dir/seed/$name" >"$log" 2>&1
	status=$?
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	cover=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
	if [ $status -eq 0 ]; then
		echo "$name: ok, ${runs:-0} runs in $seconds s, ${cover:-0} edges"
	else
		bad=1
		echo "$name: FAILED: $(grep -m1 -E 'ERROR:|runtime error|invariant|SUMMARY' "$log" || tail -1 "$log")"
		echo "  log: $log  input: $(sed -n 's/.*Test unit written to //p' "$log" | tail -1)"
	fi
done
exit $bad
