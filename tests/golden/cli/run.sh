#!/bin/sh
# Golden tests of the command line: each NAME.sh runs in a folder full of synthesized traces, with reftrack in the path;
# what it prints on both outputs, and its status, must equal NAME.out.
#   run.sh REFTRACK TRACES [--update] [NAME...]
set -u
here=$(cd "$(dirname "$0")" && pwd)
reftrack=$(realpath "$1")
traces=$(realpath "$2")
shift 2
update=
[ "${1:-}" = --update ] && { update=1; shift; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
"$traces" "$work" || exit 99
mkdir "$work/bin" && ln -s "$reftrack" "$work/bin/reftrack"
PATH=$work/bin:$PATH
LC_ALL=C.UTF-8
TZ=UTC
export PATH LC_ALL TZ
unset PAGER NO_COLOR FORCE_COLOR DEBUGINFOD_URLS TRACK_OPTIONS 2>/dev/null

bad=0
count=0
for script in "$here"/*.sh; do
	name=$(basename "$script" .sh)
	[ "$name" = run ] && continue
	[ $# -eq 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
	count=$((count + 1))
	(cd "$work" && sh "$script") >"$work/.out" 2>&1
	echo "exit $?" >>"$work/.out"
	if [ -n "$update" ]; then
		cp "$work/.out" "$here/$name.out"
	elif ! diff -u "$here/$name.out" "$work/.out"; then
		echo "FAILED: $name (to accept: meson compile golden-update, or run.sh ... --update $name)"
		bad=$((bad + 1))
	fi
done
echo "$count scripts, $bad failed"
[ "$bad" -eq 0 ]
