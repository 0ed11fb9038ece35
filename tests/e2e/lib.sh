# Shared by the end-to-end tests. Environment: REFTRACK (the command), BUILD (build folder), ROOT (source folder).
# A test is a shell script that sources this file, calls check functions, and ends with `finish`.
set -u
LC_ALL=C.UTF-8
export LC_ALL
unset TRACK_OPTIONS LD_PRELOAD NO_COLOR FORCE_COLOR 2>/dev/null || true
: "${REFTRACK:?}" "${BUILD:?}" "${ROOT:?}"
work=$(mktemp -d "${TMPDIR:-/tmp}/reftrack-e2e.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 99
failures=0
checks=0

fail() {
	echo "FAIL: $*"
	failures=$((failures + 1))
}

# What differs from run to run in reports: addresses, times, ids of processes.
normalize() {
	sed -E -e 's/0x[0-9a-f]{5,}/0xADDR/g' -e 's/pid [0-9]+/pid PID/g' -e 's/\.[0-9]+\.trk/.PID.trk/g' \
		-e 's/[+][0-9]+(\.[0-9]+)? ?(s|ms)/+TIME/g' -e 's/(< )?[0-9.]+ (ms|us|µs|s)\b/TIME/g' -e 's/[0-9]{2}:[0-9]{2}(:[0-9]{2})?/TIME/g' \
		-e 's/in thread [0-9]+/in thread TID/g' -e 's/, TIME (after the taking|later)//g' -e "s#$work/##g" -e "s#$ROOT/##g" -e 's/[0-9]+( [0-9]{3})* events/N events/g'
}

# same NAME FILE1 FILE2: the files are equal
same() {
	checks=$((checks + 1))
	cmp -s "$2" "$3" || {
		fail "$1: outputs differ"
		diff "$2" "$3" | head -20
	}
}

# equal NAME ACTUAL EXPECTED
equal() {
	checks=$((checks + 1))
	[ "$2" = "$3" ] || fail "$1: got '$2', expected '$3'"
}

# has NAME FILE PATTERN (extended regular expression)
has() {
	checks=$((checks + 1))
	grep -qE -- "$3" "$2" || {
		fail "$1: no line matches '$3' in:"
		head -30 "$2"
	}
}
hasnt() {
	checks=$((checks + 1))
	if grep -qE -- "$3" "$2"; then
		fail "$1: unexpected: $(grep -E -- "$3" "$2" | head -3)"
	fi
}

# oneline NAME FILE: exactly one line
oneline() {
	checks=$((checks + 1))
	[ "$(wc -l <"$2")" -eq 1 ] || {
		fail "$1: expected one line, got:"
		head -20 "$2"
	}
}

need() {
	for tool in "$@"; do
		command -v "$tool" >/dev/null 2>&1 || {
			echo "skipped: $tool is not installed"
			exit 77
		}
	done
}

finish() {
	echo "$checks checks, $failures failures"
	[ "$failures" -eq 0 ]
	exit
}
