#!/bin/sh
# `make bench`: speed as ratios, every comparison interleaved in one run (machines are noisy). Prints Markdown tables.
set -eu
build=$(cd "${1:-build}" && pwd)
exec python3 "$(dirname "$0")/bench.py" "$build" "${ROUNDS:-7}"
