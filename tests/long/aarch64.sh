#!/bin/sh
# libtrack for aarch64: compiled without a warning, its stack and malloc tests under qemu, its engine, in programs
# under qemu, against the native tests that play the recorder, and whole recordings by the native recorder. ROOT: the
# source folder; REFTRACK: the command.
set -eu
: "${ROOT:?}" "${REFTRACK:?}"
CC=aarch64-linux-gnu-gcc
LIBS=/usr/aarch64-linux-gnu
qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64) || qemu=
command -v $CC >/dev/null 2>&1 && [ -d $LIBS ] || { echo "skipped: no $CC (packages gcc-aarch64-linux-gnu, libc6-dev-arm64-cross)"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/reftrack-aarch64.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
src=$ROOT/libtrack/src
stack=$ROOT/tests/unit/track/stack
engine=$ROOT/tests/unit/track/engine
malloc=$ROOT/tests/unit/track/malloc
base="-std=gnu11 -D_GNU_SOURCE -g -Wall -Wextra -Wshadow -I$ROOT/tests/long/aarch64 -I$src -I$ROOT/libtrack/include"
flags="$base -O2 -fno-omit-frame-pointer -ftls-model=initial-exec -fno-stack-protector"

# Every file, also for processors that sign return addresses and for those with atomic instructions.
for variant in '' '-mbranch-protection=standard' '-march=armv8.1-a'; do
	for file in "$src"/*.c; do
		name=$(basename "$file" .c)
		[ "$name" = engine_want ] || $CC $flags -Werror -fPIC -fvisibility=hidden $variant -DTRK_PREFIX='"/usr"' -c "$file" -o "$name$variant.o"
	done
done
echo "compiled: $(ls "$src"/*.c | wc -l) files, three ways"
[ -n "$qemu" ] || { echo 'not run: no qemu-aarch64 (package qemu-user-static)'; exit 0; }

failures=0
# must NAME LOG EXCEPTIONS: every test that failed is one of the exceptions
must() {
	bad=
	for test in $(sed -n 's/^FAILED //p; s/^\[  FAILED  \] \([a-z][a-z_]*\)$/\1/p' "$2" | sort -u); do
		case " $3 " in
		*" $test "*) ;;
		*) bad="$bad $test" ;;
		esac
	done
	grep -q '^ok \|  OK \]' "$2" || bad="$bad everything"
	[ -z "$bad" ] && echo "ok: $1" && return
	echo "FAIL: $1:$bad"
	cat "$2"
	failures=$((failures + 1))
}

# The stack part: plain, and with signed return addresses.
for variant in '' '-mbranch-protection=standard'; do
	$CC -std=gnu11 -D_GNU_SOURCE -O2 -fomit-frame-pointer -U_FORTIFY_SOURCE $variant -c "$stack/calltree.c" -o calltree.o
	for plugin in ONE TWO; do
		$CC -O2 -fomit-frame-pointer -DPLUGIN_$plugin -shared -fPIC $variant -Wl,-z,lazy "$stack/plugin.c" \
			-o "stack_plugin_$(echo $plugin | tr A-Z a-z).so"
	done
	for test in depot cache walk; do
		$CC $flags $variant "-DPLUGIN_DIR=\"$work\"" "$stack/test_$test.c" calltree.o \
			"cfi$variant.o" "cfi_program$variant.o" "depot$variant.o" "stack$variant.o" "stack_walk$variant.o" -o "test_$test" -pthread
		timeout 200 "$qemu" -L $LIBS "./test_$test" >"$test.log" 2>&1 || true
		must "stack, $test $variant" "$test.log" ''
	done
done

# The hooks of malloc.
hooks='boot_arena dl_hook exit_exec exit_hook exit_vfork malloc_hook malloc_owner malloc_real malloc_symbol mmap_hook'
objects=
for name in $hooks; do objects="$objects $name.o"; done
$CC $flags -fno-builtin -fPIC -shared $objects "$malloc/stub.c" -Wl,-soname,malloc_stub.so -o malloc_stub.so -pthread
$CC $flags -fno-builtin "$malloc/test_events.c" ./malloc_stub.so -o test_events -pthread
timeout 200 "$qemu" -L $LIBS -E "LD_LIBRARY_PATH=$work" ./test_events >events.log 2>&1 || true
must 'malloc, events' events.log 'check_maps' # MAP_FIXED_NOREPLACE, see below

# The engine. Not put to the test, because the emulator takes no notice of MADV_WIPEONFORK, MAP_FIXED_NOREPLACE, prctl
# and process_vm_readv, or is itself what is started; and what counts nanoseconds.
exceptions='fork_streams fork_not_followed forks_among_threads forked named_forked one_engine plugins preload_verbs
privileged_is_inert own_recorder idle_is_cheap'
exceptions=$(echo $exceptions)
if printf '#include <stdarg.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <setjmp.h>\n#include <cmocka.h>\n' | cc -E - >/dev/null 2>&1; then
	core=
	for file in "$src"/*.c; do
		name=$(basename "$file" .c)
		case " $hooks engine_want engine_preload lsan_preload " in
		*" $name "*) ;;
		*) core="$core $name.o" ;;
		esac
	done
	mkdir bin
	link="$CC -std=gnu11 -D_GNU_SOURCE -O2 -I$src -I$ROOT/libtrack/include"
	$link -shared $core -Wl,--version-script="$ROOT/libtrack/libtrack.map" -Wl,-soname,libtrack.so.0 -o libtrack.so.0 -pthread
	for name in engine_target engine_target_shared engine_target_weak filter_target; do
		mkdir "$name.d"
		printf '#!/bin/sh\nexec %s -L %s %s/%s.d/%s "$@"\n' "$qemu" $LIBS "$work" "$name" "$name" >"$name"
		chmod +x "$name"
	done
	$link -fno-omit-frame-pointer "$engine/target.c" $core -o engine_target.d/engine_target -pthread
	$link "$engine/target.c" "$src/engine_want.c" ./libtrack.so.0 -Wl,-rpath,"$work" -o engine_target_shared.d/engine_target_shared -pthread
	$link "$engine/target.c" -o engine_target_weak.d/engine_target_weak -pthread
	$link -fno-omit-frame-pointer "$engine/filter_target.c" $core -o filter_target.d/filter_target -pthread
	$link -shared -fPIC "$engine/plugin.c" -o plugin.so
	$link -shared -fPIC "$engine/plugin.c" $core -o plugin_static.so -pthread
	$link -shared $core $objects engine_preload.o -Wl,--version-script="$ROOT/libtrack/libtrack-preload.map" -o preload.so -pthread
	for test in verbs load start filter; do
		cc -std=gnu11 -D_GNU_SOURCE -w -O1 -I"$engine" -I"$ROOT/libtrack/include" -I"$src" "-DTARGET=\"$work/engine_target\"" \
			"-DTARGET_SHARED=\"$work/engine_target_shared\"" "-DTARGET_WEAK=\"$work/engine_target_weak\"" \
			"-DFILTER_TARGET=\"$work/filter_target\"" "-DPLUGIN=\"$work/plugin.so\"" "-DPLUGIN_STATIC=\"$work/plugin_static.so\"" \
			"-DPRELOAD=\"$work/preload.so\"" "$engine/test_$test.c" "$engine/testrec.c" -o "engine_$test" -lcmocka -pthread
		timeout 200 "./engine_$test" >"engine_$test.log" 2>&1 || true
		must "engine, $test" "engine_$test.log" "$exceptions"
	done
else
	echo 'not run: the tests of the engine (package libcmocka-dev)'
fi

# Whole recordings: the program runs under qemu, the recorder and the reports are native. At high addresses: linked to
# where kernels with 48 bits put programs, and the guest's 2^47 is address 0 of the emulator, so that all it maps for the
# program lies above, as with such a kernel.
high='-no-pie -Wl,-Ttext-segment=0xaaaaaaaa0000'
linked=
for name in $hooks; do linked="$linked $name.o"; done
for file in "$src"/*.c; do
	name=$(basename "$file" .c)
	case " $hooks engine_want engine_preload lsan_preload " in
	*" $name "*) ;;
	*) linked="$linked $name.o" ;;
	esac
done
linked="$linked -pthread -Wl,-u,trk_gate_v1"
app="$CC -std=gnu11 -g -O1 -fno-omit-frame-pointer -I$ROOT/libtrack/include"
$app "$ROOT/samples/01-missing-unref.c" $linked -o low
$app -no-pie "$ROOT/samples/01-missing-unref.c" $linked -o fixed
$app $high "$ROOT/samples/01-missing-unref.c" $linked -o high
$app $high "$ROOT/tests/long/aarch64/high.c" $linked -o all
# emulated NAME WHERE REFTRACK-OPTIONS: records ./NAME into NAME.trk
emulated() {
	base=
	[ "$2" = low ] || base='-B -0x800000000000'
	rm -f "$1.trk"
	timeout 60 "$REFTRACK" run -q $3 -o "$1.trk" -- "$qemu" -U LD_PRELOAD $base -L $LIBS "./$1" >"$1.out" 2>"$1.err" ||
		fail "$1 was not recorded"
}
fail() {
	echo "FAIL: $*"
	failures=$((failures + 1))
}
# has FILE PATTERN...: every pattern is in a line of the file
has() {
	file=$1
	shift
	for pattern in "$@"; do
		grep -qE "$pattern" "$file" || fail "no '$pattern' in $file: $(cat "$file")"
	done
}
if timeout 20 "$qemu" -B -0x800000000000 -L $LIBS ./high >probe 2>&1; then places='low fixed high'; else
	places='low fixed'
	echo 'not run: high addresses (this qemu cannot place them)'
fi
before=$failures
for place in $places; do
	emulated "$place" "$([ "$place" = high ] && echo high || echo low)" ''
	"$REFTRACK" report "$place.trk" >"$place.txt"
	has "$place.txt" 'lost .* struct conn' 'born +conn_new 01-missing-unref.c:20' 'taken .*handle 01-missing-unref.c:42' \
		'missing .*handle 01-missing-unref.c:47' 'events: 60, 0 lost' 'exit status 0'
done
case $places in
*high*)
	for stacks in '' --stacks=1; do
		emulated all high "$stacks"
		"$REFTRACK" dump -q all.trk >all.txt 2>&1
		. ./all.out # heap, mapped, global, local, moved
		field=$(printf '0x%x' $((mapped + 8)))
		has all.txt " new +$heap .* main high.c" " new +$mapped .* main high.c" " ref +$heap +slot=$global " \
			" ref +$heap +slot=$field " " ref +$heap +slot=$(printf '0x%x' $((local + 4))) " " ref +$mapped +holder=$heap " \
			" move +$heap +slot=$local from=$field " " weak-set +$heap +slot=0x200000000000 " ' ref +0x500000 ' ' ref +0x500040 ' \
			" alloc +$moved .*from=$mapped "
		! grep -qE ' ref +0x(2|8|0)0*(40)? ' all.txt || fail "an address that does not fit was recorded: $(cat all.txt)"
		has all.err '2 of [0-9]+ events lost'
		case $heap$mapped$local in
		0xaaaa*0xff*0xff*) ;;
		*) fail "addresses are not high: $(cat all.out)" ;;
		esac
	done
	;;
esac
[ "$failures" -ne "$before" ] || echo "ok: recordings, $places"
[ "$failures" -eq 0 ]
