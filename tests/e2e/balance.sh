#!/bin/sh
# balance: the tree of call paths names the function that gives back too little, without any pairing.
. "$ROOT/tests/e2e/lib.sh"
need jq

"$REFTRACK" run -q -o untold.trk -- "$BUILD/tests/e2e/untold/untold" 30 2>/dev/null
"$REFTRACK" balance --color=never --wrapper 'conn_*ref' untold.trk conn >type.out 2>&1
equal 'status' $? 0
has 'who is compared with whom' type.out '^10 struct conn, compared with 20 that were freed'
has 'from main on' type.out '\+1\.00 +0 +\+1\.00 +main$'
has 'where it diverges' type.out 'plugin_show  <- here'
has 'which line' type.out 'plugin_show plugin.c:[0-9]+  gives back 0\.00 times, for freed ones 1\.00 times'
hasnt 'balanced lines are left out' type.out 'untold\.c:27'
"$REFTRACK" balance --color=never --wrapper 'conn_*ref' untold.trk @leak:1 --all --reverse >all.out 2>&1
has 'all lines with --all' all.out '\+1\.00 +\+1\.00 +0 +plugin_show plugin.c:7'
"$REFTRACK" balance --wrapper 'conn_*ref' --exclude 'plugin_*' --json untold.trk conn >without.json
equal 'without what is understood, nothing is left' "$(jq -c '[.nodes[0].difference == 0, .divergence, .excluded]' without.json)" '[true,0,50]'
"$REFTRACK" balance untold.trk struct >bad.out 2>&1
equal 'a wrong name' $? 2
oneline 'a wrong name' bad.out
finish
