#!/bin/sh
# The manual page of the viewer lints, and names every action with its keys, every command, option, role and view that
# the viewer has by its help; every column of every list has a meaning.
#   man.sh REFTRACK REFTRACK_TUI TUI_SH TRACES
command -v mandoc >/dev/null || exit 77
reftrack=$(realpath "$1") viewer=$(realpath "$2") join=$(realpath "$3") traces=$(realpath "$4")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 99
"$traces" "$work" >/dev/null || exit 99
bad=0
complain() { echo "$*"; bad=1; }

sh "$join" "$reftrack" "$viewer" >page || complain 'no page is made'
mandoc -T lint -W warning page >lint 2>&1 || complain "$(cat lint)"
mandoc -T utf8 page | col -bx >text
for section in KEYS COMMANDS CONFIGURATION FILES EXAMPLES; do
	grep -q "^$section" text || complain "there is no section $section"
done

# what the help shows, without an end to its screen
cat >keys <<'K'
key ?
do export help-keys.txt
key Tab Tab
do export help-about.txt
K
for view in types objects cycles leaks sites diff marks; do
	printf 'do %s\ndo help\nkey Tab\ndo export format-%s.txt\ndo close\n' $view $view >>keys
done
echo show >>keys
LC_ALL=C.UTF-8 "$viewer" --size 160x40 --script keys leaky.trk >screens 2>&1 || complain "$(tail -3 screens)"

sed -n '/ Move$/,/ Commands behind :$/p' help-keys.txt | grep -v '──' >actions
[ "$(wc -l <actions)" -gt 50 ] || complain "the help has too few actions: $(wc -l <actions)"
while read -r line; do
	name=$(echo "$line" | sed -n 's/.*  \([a-z][a-z-]*\)  .*/\1/p')
	keys=$(echo "$line" | sed 's/   *.*//')
	[ "$keys" != "$name" ] || keys=
	grep -qF -e "$keys  ($name)" -e "($name)" text || complain "the page does not name the action $name"
	[ -z "$keys" ] || grep -qF -e "$keys  ($name)" text || complain "the page has other keys for $name than '$keys'"
done <actions
sed -n '/Commands behind :$/,$p' help-keys.txt | sed -n '2,$s/^ \([a-z-]*\) .*/\1/p' >commands
[ "$(wc -l <commands)" -ge 10 ] || complain "the help has too few commands"
while read -r name; do
	sed -n '/^COMMANDS/,/^CONFIGURATION/p' text | grep -q "^ *$name" || complain "the page does not name the command $name"
done <commands
sed -n '/options: :set/,$p' help-about.txt | sed -n '2,$s/^ \([a-z-]*\) .*/\1/p' >options
[ "$(wc -l <options)" -ge 8 ] || complain "the help has too few options"
while read -r name; do
	sed -n '/^CONFIGURATION/,/^SIGNS/p' text | grep -qE "^ *$name( |\$)" || complain "the page does not name the option $name"
done <options
for file in format-*.txt; do
	grep -q '──.* columns of' "$file" || [ "$file" = format-sites.txt ] || complain "$file: no columns"
	grep 'nobody wrote down' "$file" && complain "$file: columns without a meaning"
done
# every view that can have keys of its own is one that there is, and the other way round
awk '/tui_view_ops [a-z_]* = [{]$|[.]ops = [{]$/ { inside = 1 }
	inside && /[.]name = "/ { inside = 0; gsub(/.*[.]name = "|".*/, ""); print }
	/OPS[(]"/ { sub(/.*OPS[(]"/, ""); sub(/".*/, ""); print }' "${join%/docs/*}"/tui/view_*.c | grep -v ' ' | sort -u >views
[ "$(wc -l <views)" -ge 14 ] || complain "too few views are known: $(cat views)"
while read -r name; do
	sed -n '/^ *Views:/,/^ *Roles:/p' text | grep -qw "$name" || complain "no key can be bound in the view $name"
done <views
exit $bad
