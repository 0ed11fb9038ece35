#!/bin/sh
# `make lint`: formatting, layers, a clang build with warnings as errors, static analysis. Every tool must be silent.
# Works in build-lint/. clang-tidy looks again only at what clang compiled again since it was last found clean.
set -u
cd "$(dirname "$0")/.." || exit 1
dir=build-lint
bad=0
step() { printf '%-28s' "$1"; }
result() { if [ "$1" -eq 0 ]; then echo ok; else echo FAILED; bad=1; fi; }
# verdict STATUS LOG [PATTERN]: prints the verdict, and of a failure the first lines that matter.
verdict() {
	result "$1"
	[ "$1" -eq 0 ] || grep -E "${3:-.}" "$2" | head -20
}

mkdir -p "$dir"
step clang-format
git ls-files '*.c' '*.h' | xargs clang-format --dry-run --Werror >"$dir/format.log" 2>&1
verdict $? "$dir/format.log" error:

step layering
sh tests/layering.sh . >"$dir/layering.log" 2>&1
verdict $? "$dir/layering.log"

step 'clang -Werror'
status=0
if ! test -f "$dir/build.ninja"; then
	CC=clang meson setup "$dir" --werror >"$dir/setup.log" 2>&1 || status=1
fi
[ $status -ne 0 ] || ninja -C "$dir" >"$dir/build.log" 2>&1 || status=1
if [ $status -eq 0 ]; then
	result 0
else
	result 1
	cat "$dir/setup.log" "$dir/build.log" 2>/dev/null | grep -E 'error:|ERROR|warning:' | head -20
	exit 1 # what follows needs this build
fi

step cppcheck
cppcheck --quiet --error-exitcode=1 --inline-suppr --enable=warning,performance,portability --std=c11 --library=tests/cppcheck.cfg \
	-D_GNU_SOURCE "-D__$(uname -m)__" --suppress=missingIncludeSystem --suppress=unknownMacro \
	-Ilibtrack/include -Ilibtrack/src -Iprofiler/include -Iprofiler/src/base/include -j2 libtrack/src libtrack/hook profiler tui samples 2>"$dir/cppcheck.log"
verdict $? "$dir/cppcheck.log" ": (error|warning|performance|portability):"

# A stamp per source, as old as the last clean look; older than the object file or the configuration: look again.
# Samples are left out: they leak and release twice on purpose.
step clang-tidy
mkdir -p "$dir/tidy"
awk -F'"' '$2 == "file" { file = $4 } $2 == "output" { print file, $4 }' "$dir/compile_commands.json" |
	sed 's|^\.\./||' | grep -E '^(libtrack/(src|hook)|profiler|tui)/[^ ]*[.]c ' | sort -u -k1,1 | while read -r file object; do
	stamp=$dir/tidy/$(echo "$file" | tr / _)
	if ! test -e "$stamp" || test "$dir/$object" -nt "$stamp" || test .clang-tidy -nt "$stamp"; then
		echo "$file $stamp"
	fi
done >"$dir/tidy.todo"
rm -f "$dir"/tidy/*.log
xargs -r -P2 -L1 sh -c 'clang-tidy --quiet -p "$0" "$1" >"$2.log" 2>/dev/null; status=$?
	if [ $status -ne 0 ] || grep -qE "(warning|error):" "$2.log"; then
		rm -f "$2"
		[ -s "$2.log" ] || echo "$1: error: clang-tidy ended with $status" >"$2.log"
	else
		rm -f "$2.log" && touch "$2"
	fi' "$dir" <"$dir/tidy.todo"
cat "$dir"/tidy/*.log 2>/dev/null | grep -E '(warning|error):' | sort -u >"$dir/tidy.log"
test ! -s "$dir/tidy.log"
verdict $? "$dir/tidy.log"
exit $bad
