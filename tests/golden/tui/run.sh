#!/bin/sh
# Golden screens of the viewer: each NAME.keys is a script of keys (tui/script.h) for the trace that its first line
# names, with options: "# leaky.trk --size 80x24 --ascii"; every further such line runs it once more. What it prints
# must equal NAME.screen, with files NAME-* that it writes. Configuration files, NAME.rc, and what is remembered, NAME.state, and suppressions, NAME.supp, lie beside the traces.
#   run.sh REFTRACK_TUI TRACES [--update] [NAME...]
set -u
here=$(cd "$(dirname "$0")" && pwd)
tui=$(realpath "$1")
traces=$(realpath "$2")
shift 2
update=
[ "${1:-}" = --update ] && { update=1; shift; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
"$traces" "$work" || exit 99
cp "$here"/*.rc "$here"/*.state "$here"/*.supp "$work"
LC_ALL=C.UTF-8
TZ=UTC
export LC_ALL TZ
unset NO_COLOR DEBUGINFOD_URLS TRACK_OPTIONS 2>/dev/null

bad=0
count=0
for keys in "$here"/*.keys; do
	name=$(basename "$keys" .keys)
	[ $# -eq 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
	count=$((count + 1))
	sed -n 's/^# \([a-z0-9_-]*\.trk.*\)/\1/p' "$keys" | while read -r trace options; do
		echo "== $trace $options"
		# shellcheck disable=SC2086 # several options
		(cd "$work" && "$tui" $options --script "$keys" "$trace") 2>&1
		echo "exit $?"
		for file in "$work/$name"-*; do # what it wrote
			[ -f "$file" ] || continue
			echo "-- $(basename "$file")"
			cat "$file"
			rm "$file"
		done
	done >"$work/.out"
	if [ -n "$update" ]; then
		cp "$work/.out" "$here/$name.screen"
	elif ! diff -u "$here/$name.screen" "$work/.out"; then
		echo "FAILED: $name (to accept: meson compile golden-update-tui, or run.sh ... --update $name)"
		bad=$((bad + 1))
	fi
done
echo "$count scripts, $bad failed"
[ "$bad" -eq 0 ]
