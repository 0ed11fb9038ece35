#!/bin/sh
# `make bench`: speed as ratios, every comparison interleaved in one run (machines are noisy). Prints Markdown tables.
# PARTS="micro whole leaks graph pairing hooks viewer" chooses, ROUNDS=7 is the least.
set -eu
build=$(cd "${1:-build}" && pwd)
meson compile -C "$build" bench-programs >"$build/bench.log" 2>&1 || { cat "$build/bench.log" >&2; exit 1; }
# shellcheck disable=SC2086
exec python3 "$(dirname "$0")/bench.py" "$build" "${ROUNDS:-7}" ${PARTS:-}
