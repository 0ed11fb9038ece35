#!/bin/sh
# Traces that begin with a state: every command says of them what it says of the whole trace, but for what is gone.
#   state.sh REFTRACK TRACES CUTTRACE       STATE_PARTS: where they are cut, in tenths (3 9)
set -u
reftrack=$(realpath "$1")
traces=$(realpath "$2")
cuttrace=$(realpath "$3")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
LC_ALL=C.UTF-8
TZ=UTC
export LC_ALL TZ
unset PAGER NO_COLOR FORCE_COLOR DEBUGINFOD_URLS TRACK_OPTIONS 2>/dev/null
mkdir "$work/traces" "$work/whole" "$work/cut"
"$traces" "$work/traces" || exit 99
bad=0
compared=0
partly=0
wholly=0
marks=0
times=0
siblings=0

fail() {
	echo "FAILED: $*"
	bad=$((bad + 1))
}

# Both files have the same name in different folders; sizes and numbers of blocks are those of the file.
run() {
	(cd "$work/$1" && shift && "$reftrack" "$@" 2>&1; echo "exit $?") |
		sed -e '/^trace  *t.trk/d' -e '/^begins /d' -e '/^ *"state": {/,/^ *}/d' \
			-e '/^  *"\(bytes\|usable_bytes\|blocks\)":/d'
}

same() {
	compared=$((compared + 1))
	run whole "$@" >"$work/a"
	run cut "$@" >"$work/b"
	cmp -s "$work/a" "$work/b" && return
	fail "$name cut at $cut: reftrack $*"
	diff "$work/a" "$work/b" | head -${DIFF_LINES:-8}
}

# The lines of a history end with those that the file still has, numbered from there.
history() {
	run whole show --top 0 t.trk "$1" | sed -n '/^History$/,$p' | grep '^ *[0-9]' | sed 's/^ *[0-9]* *//; s/  =[0-9]*//' >"$work/a"
	run cut show --top 0 t.trk "$1" >"$work/b"
	told=0
	grep -q -e "^What happened to it before the state" -e "^ *born before the state" "$work/b" && told=1
	if [ $told -eq 1 ]; then
		partly=$((partly + 1))
	else
		wholly=$((wholly + 1))
	fi
	sed -n '/^History$/,$p' "$work/b" | grep '^ *[0-9]' | sed 's/^ *[0-9]* *//; s/  =before//; s/  =[0-9]*//' >"$work/c"
	tail -n "$(wc -l <"$work/c")" "$work/a" | cmp -s - "$work/c" || fail "$name cut at $cut: history of $1"
	[ $told -eq 1 ] || cmp -s "$work/a" "$work/c" ||
		fail "$name cut at $cut: the whole history of $1"
}

commands() {
	# What freed siblings did needs the events before the state.
	for command in report leaks check; do
		same $command --siblings never t.trk
	done
	for command in types objects sites blocks marks info; do
		same $command t.trk
	done
	same info --json t.trk
	same leaks --siblings never --json t.trk
	same leaks --siblings never --all t.trk
	same objects --top 0 t.trk
	for finding in 1 2 3; do
		same show --no-history t.trk @leak:$finding
		history @leak:$finding
	done
	same leaks --siblings never --from 1us t.trk
	same leaks --siblings never --to "${last}us" t.trk
}

# What was before the state is not made up: a line says so.
gone() {
	at=$("$reftrack" info --json "$work/cut/t.trk" | sed -n '/"state": {/,/}/s/.*"at": 0*[.]*0*\([0-9.]*\).*/\1/p')
	if [ -n "$at" ]; then
		times=$((times + 1))
		"$reftrack" leaks --to 1us "$work/cut/t.trk" >"$work/a" 2>&1
		[ $? -ne 0 ] && grep -q "begins with the state at" "$work/a" || fail "$name cut at $cut: --to before the state"
		[ "$(wc -l <"$work/a")" -eq 1 ] || fail "$name cut at $cut: --to before the state takes one line"
	fi
	mark=$("$reftrack" dump --plain -e mark,checkpoint "$work/whole/t.trk" 2>/dev/null | head -1 | sed -n 's/.*\ttext=\([^\t]*\)\t.*/\1/p')
	number=$("$reftrack" dump --plain -e mark,checkpoint "$work/whole/t.trk" 2>/dev/null | head -1 | cut -f1)
	case $mark in *\\*) mark= ;; esac # written as escapes
	if [ -n "$mark" ] && [ "$number" -le "$cut" ]; then
		marks=$((marks + 1))
		"$reftrack" leaks --to "$mark" "$work/cut/t.trk" >"$work/a" 2>&1
		[ $? -ne 0 ] && grep -q "begins with the state at .*mark '$mark'" "$work/a" ||
			fail "$name cut at $cut: --to $mark before the state"
	fi
	"$reftrack" info "$work/cut/t.trk" | grep -q "^begins .*state" || fail "$name cut at $cut: info names the state"
	"$reftrack" dump --plain "$work/cut/t.trk" 2>"$work/notice" >"$work/b"
	"$reftrack" dump --plain --skip "$cut" "$work/whole/t.trk" >"$work/a" 2>/dev/null
	cmp -s "$work/a" "$work/b" || fail "$name cut at $cut: dump"
	grep -q "begins with the state" "$work/notice" || fail "$name cut at $cut: dump names the state"
	"$reftrack" leaks --siblings always "$work/cut/t.trk" 2>&1 | grep "^ *siblings  " >"$work/a"
	siblings=$((siblings + $(wc -l <"$work/a")))
	grep -v "those freed before the trace was folded are not in it" "$work/a" &&
		fail "$name cut at $cut: siblings that were freed before the state are not missed"
}

for name in cache cycle growing healthy leaky lossy misuse hostile; do
	trace=$work/traces/$name.trk
	[ -s "$trace" ] || continue
	"$cuttrace" "$trace" "$work/whole/t.trk" 0 || exit 99
	events=$("$reftrack" dump --plain "$work/whole/t.trk" 2>/dev/null | wc -l)
	last=99999999999
	for part in ${STATE_PARTS:-3 9}; do
		cut=$((events * part / 10))
		[ "$cut" -gt 0 ] || continue
		"$cuttrace" "$trace" "$work/cut/t.trk" "$cut" || exit 99
		commands
		gone
	done
done
echo "$compared answers compared, $bad differ; $partly histories in part, $wholly whole; $marks marks before the state"
[ "$bad" -eq 0 ] && [ "$compared" -gt 100 ] && [ "$partly" -gt 4 ] && [ "$wholly" -gt 4 ] && [ "$marks" -gt 0 ] && [ "$times" -gt 0 ] && [ "$siblings" -gt 0 ]
