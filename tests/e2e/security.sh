#!/bin/sh
# Setuid programs stay untouched, traces are private, links are not followed, hostile names are escaped in every output.
. "$ROOT/tests/e2e/lib.sh"
need cc

umask 022
"$REFTRACK" run -q -o mode.trk -- true
equal 'a trace is private' "$(stat -c %a mode.trk)" 600
ln -s /etc/passwd link.trk
"$REFTRACK" run -q -o link.trk -- true >out 2>err
equal 'a symbolic link as output is refused' $? 125
checks=$((checks + 1))
[ -L link.trk ] || fail 'the link was replaced'

if [ "$(id -u)" -eq 0 ] && id nobody >/dev/null 2>&1; then
	# A setuid program started by somebody else: inert, whatever the environment says. The file system must allow setuid.
	chmod 755 "$work"
	cc -O1 -I"$ROOT/libtrack/include" -Wl,-u,trk_gate_v1 "$ROOT/samples/01-missing-unref.c" -o suid "$BUILD/libtrack/libtrack.a" -lpthread
	chown root suid
	chmod 4755 suid
	mkdir open && chmod 777 open
	setpriv --reuid=nobody --clear-groups env TRACK_OPTIONS="out=$work/open/suid.trk:recorder=$REFTRACK" ./suid >out 2>err
	equal 'setuid: runs' $? 0
	sleep 0.3
	checks=$((checks + 1))
	[ ! -e open/suid.trk ] || fail 'setuid: left a trace'
fi

# Names that try to write to the terminal, to break JSON or markup.
esc=$(printf '\033')
hostile="x${esc}[31m\"<&>'y"
cp "$BUILD/samples/01-missing-unref" "$hostile"
"$REFTRACK" run -q -o hostile.trk -- "./$hostile" "arg${esc}]0;title" >out 2>err
for command in report leaks info types sites marks dump; do
	"$REFTRACK" $command --no-pager --color=never hostile.trk >"$command.out" 2>&1
	equal "hostile names: $command" $? 0
	checks=$((checks + 1))
	! grep -q "$esc" "$command.out" || fail "hostile names: $command lets an escape sequence through"
	"$REFTRACK" $command --json hostile.trk >"$command.json" 2>/dev/null || continue
	checks=$((checks + 1))
	! grep -q "$esc" "$command.json" || fail "hostile names: $command --json lets an escape sequence through"
	python3 -m json.tool <"$command.json" >/dev/null 2>json.err || fail "hostile names: $command --json is not JSON: $(cat json.err)"
done
finish
