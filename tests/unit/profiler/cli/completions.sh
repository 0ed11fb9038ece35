#!/bin/sh
# Completion scripts load in their shells and offer commands, options, values and traces.
#   completions.sh REFTRACK
reftrack=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 99
bad=0
complain() { echo "$*"; bad=1; }
touch app.1.trk other.txt

for shell in bash zsh fish; do
	"$reftrack" help --completions $shell >$shell.script || complain "no script for $shell"
done
"$reftrack" help --completions csh >csh.script 2>err && complain "a script for csh?"

if command -v bash >/dev/null; then
	cat >try.bash <<'END'
source ./bash.script
offer() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }; _reftrack; printf '%s\n' "${COMPREPLY[@]}"; }
offer reftrack re; echo --; offer reftrack leaks --base; echo --; offer reftrack leaks --format j; echo --
offer reftrack report app; echo --; offer reftrack help con; echo --; offer reftrack report ot
END
	bash --norc try.bash >out 2>&1
	printf 'record\nreport\nrefs\nretained\nrecover\n--\n--baseline\n--\njson\n--\napp.1.trk\n--\nconcepts\n--\n\n' >expected
	diff expected out || complain "bash offers something else"
fi
if command -v zsh >/dev/null; then
	zsh -f -n zsh.script || complain "zsh does not parse it"
	zsh -f -c 'autoload -U compinit; compinit -u -d ./dump; source ./zsh.script; [[ ${_comps[reftrack]} == _reftrack ]]' ||
		complain "zsh does not load it"
fi
if command -v fish >/dev/null; then
	HOME=$work fish --no-execute fish.script || complain "fish does not parse it"
	HOME=$work fish -N -c 'source fish.script; complete -C "reftrack re"; complete -C "reftrack leaks --format "; complete -C "reftrack leaks --basel"' >out 2>&1
	grep -q '^report' out && grep -q 'json' out && grep -q -e '--baseline' out || complain "fish offers: $(cat out)"
fi
exit $bad
