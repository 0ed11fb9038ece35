#!/bin/sh
# An installed tree works from where it was put: the command finds its preload library, programs link through pkg-config, man pages
# and completions are there.
. "$ROOT/tests/e2e/lib.sh"
need meson pkg-config cc

DESTDIR=$work/root meson install -C "$BUILD" --no-rebuild >install.log 2>&1 || { tail -5 install.log; exit 99; }
command=$(find "$work/root" -path '*/bin/reftrack')
[ -x "$command" ] || { fail 'no command was installed'; finish; }
prefix=${command%/bin/reftrack}
"$command" run -q -o first.trk -- "$BUILD/samples/01-missing-unref" >out 2>err
equal 'the installed command records' $? 0
"$command" leaks --no-pager first.trk >leaks.out
has 'and reports' leaks.out 'handle 01-missing-unref.c:42'

pc=$(dirname "$(find "$work/root" -name libtrack.pc)")
flags=$(PKG_CONFIG_PATH=$pc PKG_CONFIG_SYSROOT_DIR=$work/root PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 pkg-config --cflags --libs libtrack)
# shellcheck disable=SC2086
cc -g -O1 "$ROOT/samples/01-missing-unref.c" -o linked $flags -Wl,-rpath,"$(dirname "$pc")" || fail "linking with: $flags"
TRACK_OPTIONS=out=linked.trk ./linked
i=0
while [ $i -lt 100 ] && ! "$command" info --json linked.trk 2>/dev/null | grep -q '"finished": *true'; do i=$((i + 1)); sleep 0.1; done
"$command" leaks --no-pager linked.trk >leaks.out
has 'a linked program records itself' leaks.out 'handle 01-missing-unref.c:42'

"$command" adapters >adapters.out
has 'the adapters lie where it looks for them' adapters.out "shipped, $prefix/share/reftrack/adapters/json-c.adapter"

for page in reftrack.1 reftrack-run.1 reftrack-leaks.1 reftrack-adapters.1 reftrack-check.1 libtrack.3; do
	checks=$((checks + 1))
	[ -n "$(find "$prefix/share/man" -name "$page*")" ] || fail "no man page $page"
done
for file in bash-completion/completions/reftrack zsh/site-functions/_reftrack fish/vendor_completions.d/reftrack.fish; do
	checks=$((checks + 1))
	[ -s "$prefix/share/$file" ] || fail "no $file"
done
finish
