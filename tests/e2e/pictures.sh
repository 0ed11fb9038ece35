#!/bin/sh
# The pictures in docs are of what the samples still do: the same graphviz text, and each of its names in the drawing.
. "$ROOT/tests/e2e/lib.sh"

"$ROOT/docs/pictures/draw.sh" "$REFTRACK" "$BUILD/samples" . || fail "nothing to draw"
for dot in "$ROOT"/docs/pictures/*.dot; do
	name=$(basename "$dot" .dot)
	same "$name ('make docs-pictures' draws anew)" "$dot" "$name.dot"
	sed -n 's/.*label="\([^"\\]*\)[\\"].*/\1/p' "$dot" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; /^$/d' | sort -u >labels
	while read -r label; do
		checks=$((checks + 1))
		grep -qF ">$label<" "$ROOT/docs/pictures/$name.svg" || fail "$name.svg does not show $label"
	done <labels
	grep -qF "pictures/$name.svg" "$ROOT"/docs/*.md || fail "no page shows $name.svg"
done
finish
