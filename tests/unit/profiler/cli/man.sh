#!/bin/sh
# Man pages lint without a word, describe every option of --help, and every listed command has one.
#   man.sh REFTRACK FOLDER_OF_HANDWRITTEN_PAGES
reftrack=$(realpath "$1") folder=$(realpath "$2")
command -v mandoc >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
complain() { echo "$*"; bad=1; }

commands=$("$reftrack" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ "$(echo "$commands" | wc -l)" -ge 12 ] || complain "help lists too few commands: $commands"
for command in $commands; do
	page=$work/reftrack-$command.1
	"$reftrack" help --man "$command" >"$page" || complain "no man page of $command"
	mandoc -T lint -W warning "$page" >"$work/lint" 2>&1 || complain "$(cat "$work/lint")"
	mandoc -T ascii "$page" | col -b >"$work/text"
	"$reftrack" "$command" --help | grep -oE '^  .{4}--[a-z-]+' | grep -oE -- '--[a-z-]+' | while read -r option; do
		grep -qe "$option" "$work/text" || echo "$command: $option is missing in the man page"
	done >"$work/missing"
	[ -s "$work/missing" ] && complain "$(cat "$work/missing")"
	[ "$command" = help ] || grep -q "reftrack-$command 1" "$folder/reftrack.1" || complain "reftrack.1 does not name $command"
done
for page in "$folder"/*.[13]; do
	mandoc -T lint -W warning "$page" || complain "$page does not lint"
done
exit $bad
