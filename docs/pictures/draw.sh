#!/bin/sh
# draw.sh REFTRACK SAMPLES FOLDER [--svg]: what the documentation shows, as graphviz text, from samples recorded now;
# with --svg drawn, too. `make docs-pictures` does it for this folder; e2e-pictures checks that it still says the same.
set -eu
reftrack=$1 samples=$2 folder=$3
work=$(mktemp -d "${TMPDIR:-/tmp}/reftrack-pictures.XXXXXX")
trap 'rm -rf "$work"' EXIT

# picture NAME SAMPLE ARGUMENT...: what 'reftrack graph' draws of it
picture() {
	name=$1 sample=$2
	shift 2
	"$reftrack" run -q --no-summary -o "$work/$name.trk" -- "$samples/$sample" >/dev/null 2>&1 || true
	"$reftrack" graph "$work/$name.trk" "$@" >"$folder/$name.dot"
}
picture cycle 03-cycle @leak:1
picture observers cycle-observers @leak:1 --depth 2

[ "${4:-}" = --svg ] || exit 0
for dot in "$folder"/*.dot; do
	# Without the comment that names the version of graphviz.
	dot -Tsvg "$dot" | sed '/^<!-- Generated/,/-->$/d' >"${dot%.dot}.svg"
done
