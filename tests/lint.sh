#!/bin/sh
# `make lint`: formatting, static analysis, and a clang build with warnings as errors. Every tool must be silent.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0
step() { printf '%-28s' "$1"; }
result() { if [ "$1" -eq 0 ]; then echo ok; else echo FAILED; bad=1; fi; }

files=$(git ls-files '*.c' '*.h')

step clang-format
# shellcheck disable=SC2086
clang-format --dry-run --Werror $files >build-lint.format 2>&1
status=$?
result $status
[ $status -eq 0 ] || head -20 build-lint.format
rm -f build-lint.format

step layering
sh tests/layering.sh .
result $?

step 'clang -Werror'
test -f build-clang/build.ninja || CC=clang meson setup build-clang --werror >/dev/null
ninja -C build-clang >build-clang/lint.log 2>&1
status=$?
result $status
[ $status -eq 0 ] || grep -E 'error|warning' build-clang/lint.log | head -20

step cppcheck
cppcheck --quiet --error-exitcode=1 --inline-suppr --enable=warning,performance,portability --std=c11 -D_GNU_SOURCE \
	--suppress=missingIncludeSystem --suppress=unknownMacro -Ilibtrack/include -Iprofiler/include -Iprofiler/src/base/include \
	-j2 libtrack/src profiler samples 2>build-clang/cppcheck.log
status=$?
result $status
[ $status -eq 0 ] || head -20 build-clang/cppcheck.log

step clang-tidy
sources=$(git ls-files 'libtrack/src/*.c' 'profiler/*.c')
# shellcheck disable=SC2086
printf '%s\n' $sources | xargs -P2 -n8 clang-tidy --quiet -p build-clang >build-clang/tidy.log 2>/dev/null
grep -E 'warning:|error:' build-clang/tidy.log | sort -u >build-clang/tidy.short
if [ -s build-clang/tidy.short ]; then
	result 1
	head -20 build-clang/tidy.short
else
	result 0
fi
exit $bad
