#!/bin/sh
# The viewer says what the commands print: each line of findings, an object, a way and growth is on its screen, too.
. "$ROOT/tests/e2e/lib.sh"
LC_ALL=C.UTF-8
export LC_ALL

"$REFTRACK" run -q -o leak.trk -- "$BUILD/samples/01-missing-unref" >/dev/null 2>&1
"$REFTRACK" run -q -o cache.trk -- "$BUILD/samples/09-eviction-stops" >/dev/null 2>&1

# However wide columns are, and however titles stand out.
plain() { sed 's/─//g; s/^[ >]*//; s/ *$//' | tr -s ' ' | grep -v '^$'; }
# same NAME TRACE KEYS COMMAND...: KEYS, one line of a script each, lead to what the command prints
same_words() {
	name=$1 trace=$2
	printf '%b\nshow\n' "$3" >words.keys
	shift 3
	timeout -s KILL 60 "$REFTRACK" tui --script words.keys --size 400x200 "$trace" >screen 2>&1 </dev/null
	plain <screen >shown
	"$REFTRACK" "$@" --no-pager --color=never 2>/dev/null </dev/null | plain |
		grep -vE '^[0-9]+ findings? in |^Look closer: ' >printed
	checks=$((checks + 1))
	[ "$(wc -l <printed)" -gt 1 ] || fail "$name: nothing is printed"
	while IFS= read -r line; do
		checks=$((checks + 1))
		grep -qF -- "$line" shown || fail "$name: the viewer does not say: $line"
	done <printed
}

same_words 'a finding' leak.trk 'key 5 Tab O' leaks leak.trk
same_words 'an object' leak.trk 'key 3 /\ntype conn#4\nkey Enter Enter' show leak.trk 'struct conn#4'
same_words 'a way' cache.trk 'key 3 Enter w' why cache.trk 'struct table#1'
same_words 'growth' cache.trk 'key 0' growth cache.trk
finish
