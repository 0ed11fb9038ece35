#!/bin/sh
# Arrows go one way: checks who includes whom, and what libtrack exports. Usage: layering.sh SOURCE_ROOT [LIBTRACK_SO...]
set -eu
root=$1
shift
cd "$root"
bad=0
complain() {
	echo "layering: $*" >&2
	bad=1
}

# allowed FOLDER PATTERN: every #include "..." or <x/...> of the project in FOLDER must match PATTERN.
allowed() {
	folder=$1
	pattern=$2
	grep -rnE '^ *# *include +[<"](track|prof|base|graph|pairing|adapter|symbol|input|model|analysis|view|cli|harness)/' "$folder" --include='*.[ch]' |
		grep -vE "include +[<\"]($pattern)" >"$tmp" || true
	while read -r line; do complain "$line"; done <"$tmp"
}
tmp=$(mktemp)
trap 'rm -f "$tmp"' EXIT

allowed libtrack 'track/'
allowed profiler/include 'track/(track|format|hook_rule)\.h|prof/'
allowed profiler/src/base 'base/|prof/error\.h'
allowed profiler/src/graph 'base/|graph/'
allowed profiler/src/pairing 'base/|pairing/'
allowed profiler/src/adapter 'base/|prof/(error|adapter)\.h|track/hook_rule\.h'
allowed profiler/src/symbol 'base/|symbol/|prof/(error|trace|symbol)\.h|track/format\.h'
allowed profiler/src/input 'base/|input/|prof/(error|memory|trace|salvage|resume)\.h|track/format\.h'
allowed profiler/src/model 'base/|pairing/|model/|prof/(error|memory|trace|heap|index|resume)\.h|track/(format|track)\.h'
allowed profiler/src/analysis 'base/|graph/|pairing/|analysis/|prof/|track/(format|track)\.h'
allowed profiler/src/view 'base/|view/|prof/|track/(format|track)\.h'
allowed profiler/src/text 'base/|prof/|track/(format|track)\.h'
allowed profiler/cli 'base/|cli/|view/|prof/|track/(format|track)\.h'
allowed tui 'base/|prof/|track/format\.h'
allowed samples 'track/track\.h'

# Only the one wrapper knows uthash; the library never prints; nobody but the viewer's terminal file knows ncurses.
grep -rlE 'include +[<"]uthash\.h' libtrack profiler tui 2>/dev/null | grep -v '^profiler/src/base/include/base/table\.h$' >"$tmp" || true
while read -r line; do complain "$line includes uthash.h: use base/table.h"; done <"$tmp"
grep -rnE '\b(printf|puts|putchar|perror)\(|\bstdout\b|\bstderr\b' profiler/src --include='*.c' | grep -vE 'v?sn?printf|vasprintf|_printf' >"$tmp" || true
while read -r line; do complain "library code prints: $line"; done <"$tmp"
grep -rlE 'include +[<"]n?curses' libtrack profiler tui 2>/dev/null | grep -v '^tui/term\.c$' >"$tmp" || true
while read -r line; do complain "$line includes ncurses"; done <"$tmp"

# The map names every file.
for file in libtrack/src/*.c libtrack/hook/*.c profiler/src/*/*.c profiler/cli/*.c profiler/cli/recorder/*.c tui/*.c tui/work/*.c; do
	grep -qF "| \`$(basename "$file")\` |" docs/ARCHITECTURE.md || complain "docs/ARCHITECTURE.md does not list $file"
done

# Exports of the target side: the verbs and the versioned gates, nothing else.
for so in "$@"; do
	[ -f "$so" ] || continue
	case "$so" in
	*preload* | *malloc*) extra='|malloc|calloc|realloc|reallocarray|free|cfree|free_sized|free_aligned_sized|aligned_alloc|posix_memalign|memalign|valloc|pvalloc|mmap|mmap64|munmap|mremap|dlopen|dlclose|dlmopen|_exit|_Exit|quick_exit|abort|__assert_fail|__assert_perror_fail|exec[a-z]*|fexecve|fork|vfork' ;;
	*) extra='' ;;
	esac
	case "$so" in
	*preload*) extra="$extra|__lsan_[a-z_]*" ;;
	esac
	nm -D --defined-only "$so" | awk '{ print $3 }' | sed 's/@.*//' | grep -vE "^(trk_[a-z0-9_]+|TRACK_[A-Z0-9_.]+|LIBTRACK_[0-9.]+$extra)\$" >"$tmp" || true
	while read -r line; do complain "$so exports $line"; done <"$tmp"
	nm -D --undefined-only "$so" | awk '{ print $2 }' | grep -E '^(_Unwind|unw_|elf_|dwarf_|ZSTD_)' >"$tmp" || true
	while read -r line; do complain "$so needs $line"; done <"$tmp"
	readelf -d "$so" | grep NEEDED | grep -vE 'lib(c|pthread|dl|track)\.so|ld-linux' >"$tmp" || true
	while read -r line; do complain "$so depends on $line"; done <"$tmp"
done
exit $bad
