#!/bin/sh
# The walks of test_walk.c over call trees of every kind of build: two compilers, four levels, with and without frame
# pointers, at a fixed address or not. ROOT: the source folder, PLUGINS: where its plugins are.
set -eu
: "${ROOT:?}" "${PLUGINS:?}"
work=$(mktemp -d "${TMPDIR:-/tmp}/reftrack-builds.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
src=$ROOT/libtrack/src
stack=$ROOT/tests/unit/track/stack
flags="-w -std=gnu11 -D_GNU_SOURCE -U_FORTIFY_SOURCE -I$stack -I$src -I$ROOT/libtrack/include"
failures=0
for cc in gcc clang; do
	command -v $cc >/dev/null || { echo "not tested: no $cc"; continue; }
	for name in cfi cfi_program depot stack stack_walk; do
		$cc $flags -O2 -fPIC -fno-omit-frame-pointer -fno-stack-protector -c "$src/$name.c" -o "$name.o"
	done
	for level in -O0 -O1 -O2 -O3; do
		for frame in -fomit-frame-pointer -fno-omit-frame-pointer; do
			for place in '-fPIE -pie' '-fno-pie -no-pie'; do
				$cc $flags $level $frame $place -fcf-protection -c "$stack/calltree.c" -o tree.o
				$cc $flags -O1 -fno-omit-frame-pointer $place "-DPLUGIN_DIR=\"$PLUGINS\"" "$stack/test_walk.c" tree.o \
					cfi.o cfi_program.o depot.o stack.o stack_walk.o -o walk -lcmocka -pthread
				timeout 100 ./walk >log 2>&1 && echo "ok: $cc $level $frame $place" && continue
				echo "FAIL: $cc $level $frame $place"
				cat log
				failures=$((failures + 1))
			done
		done
	done
done
[ "$failures" -eq 0 ]
