#!/bin/sh
# coverage: a plugin that gives back less than it takes, wrappers that nobody declared; and what coverage proposes, done
# to the sources, makes the finding certain.
. "$ROOT/tests/e2e/lib.sh"
need jq python3

program=$BUILD/tests/e2e/untold/untold
"$REFTRACK" run -q -o untold.trk -- "$program" 30 2>/dev/null
"$REFTRACK" coverage --color=never untold.trk >first.out 2>&1
equal 'status' $? 0
has 'nothing has an owner yet' first.out '^0 % of 90 references'
has 'the function that takes' first.out '~ conn_ref toolkit.c:[0-9]+  took 60 times, called from 2 places'
has 'the function that gives back' first.out '~ conn_unref toolkit.c:[0-9]+  gave back 80 times, called from 3 places'
has 'wrappers first' first.out 'first +declare conn_ref as a wrapper'

"$REFTRACK" leaks --color=never untold.trk >leaks.out 2>&1
has 'findings say whom to declare' leaks.out 'hint +~ conn_ref\(\) takes for 2 places that call it: --wrapper conn_ref'
"$REFTRACK" leaks --color=never --wrapper 'conn_*ref' untold.trk >leaks.out 2>&1
hasnt 'no hint when it is declared' leaks.out '^ +hint '

# Each module speaks for itself.
"$REFTRACK" coverage --color=never --wrapper 'conn_*ref' --module libplugin.so untold.trk >plugin.out 2>&1
has 'what the plugin did' plugin.out '^libplugin.so took 30, gave back 20; of objects that are alive it took 10 more'
hasnt 'nothing of the others' plugin.out 'taken +main'
"$REFTRACK" coverage --wrapper 'conn_*ref' --json untold.trk >told.json
equal 'who took what' "$(jq -c '[.modules[] | [.module, .taken, .given]]' told.json)" \
	'[["libplugin.so",30,20],["libtoolkit.so",30,0],["untold",30,60]]'
equal 'declared wrappers are none to find' "$(jq '.wrappers | length' told.json)" 0
equal 'the plugin decides' "$(jq -r '.steps[0] | "\(.taken.place) \(.undecided)"' told.json)" 'plugin_show plugin.c:7 10'

# Do what it says, to copies of the sources.
mkdir src
cp "$ROOT"/tests/e2e/untold/*.[ch] src/
cat >apply.py <<'PY'
import json, os
lines = {}
for step in json.load(open("told.json"))["steps"]:
    for place in [step["taken"]] + step["given"]:
        name = os.path.basename(place["file"])
        text = lines.setdefault(name, open("src/" + name).read().split("\n"))
        at = place["line"] - 1
        if text[at].strip() == place["becomes"]:
            continue
        assert text[at].strip() == place["is"], (text[at], place)
        text[at] = place["becomes"]
for name, text in lines.items():
    open("src/" + name, "w").write("#include <track/track.h>\n" + "\n".join(text))
PY
python3 apply.py || fail 'a proposed line is not the one that it should replace'
flags="-g -O0 -I$ROOT/libtrack/include -Isrc"
{ cc $flags -shared -fPIC -o libtoolkit.so src/toolkit.c && cc $flags -shared -fPIC -o libplugin.so src/plugin.c -L. -ltoolkit &&
	cc $flags -o untold src/untold.c -L. -lplugin -ltoolkit -Wl,-rpath,"$work"; } >cc.out 2>&1 || {
	fail 'what coverage proposes does not compile'
	cat cc.out
}
LD_LIBRARY_PATH=$work "$REFTRACK" run -q -o owned.trk -- ./untold 30 2>/dev/null
"$REFTRACK" coverage --color=never --wrapper 'conn_*ref' owned.trk >owned.out 2>&1
has 'all have an owner' owned.out '^100 % of 90 references'
hasnt 'nothing left to do' owned.out 'annotate next'
"$REFTRACK" leaks --wrapper 'conn_*ref' --json owned.trk >leaks.json
equal 'the finding is certain' "$(jq -c '[.findings[] | [.verdict, .open[0].function, .open[0].pairing]]' leaks.json)" \
	'[["missing-unref","plugin_show","slot"]]'
finish
