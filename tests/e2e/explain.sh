#!/bin/sh
# explain: the whole argument behind a finding, part by part, agreeing with the commands that have the parts.
. "$ROOT/tests/e2e/lib.sh"
need jq

"$REFTRACK" run -q -o untold.trk -- "$BUILD/tests/e2e/untold/untold" 30 2>/dev/null
"$REFTRACK" explain --color=never --wrapper 'conn_*ref' untold.trk @leak:1 >out 2>&1
equal 'status' $? 0
has 'the finding' out 'missing +~ plugin_show plugin.c:10 .*20 of 20 healthy ones'
has 'a life' out '^The life of struct conn#3'
has 'the taking that nobody gave back' out 'ref +plugin_show plugin.c:7 .*not given back'
has 'where the paths differ' out 'plugin_show  <- here'
has 'how sure' out '^  the missing release was made for 20 of 20 healthy objects'
has 'the audit' out '^identities: counts hold'
has 'what would make it surer' out 'becomes TRK_OWN\(shown, conn_ref\(conn\)\);'
has 'how to see it again' out "reftrack run --objects 'conn#1-4,6,9,12,15,18,21,24' --stacks"
# Nothing is declared: the tie is said, and what resolves it.
"$REFTRACK" explain --color=never untold.trk 1 >tie.out 2>&1
has 'a wrapper first' tie.out 'declare conn_ref as a wrapper'
# Misuse and plain blocks have fewer parts.
"$REFTRACK" run -q -o twice.trk -- "$BUILD/samples/02-double-unref" 2>/dev/null
"$REFTRACK" explain --color=never twice.trk 1 >misuse.out 2>&1
equal 'misuse: status' $? 0
has 'misuse: both places' misuse.out 'first released at|released to zero at|also'
hasnt 'misuse: nothing to weigh' misuse.out 'By call path'
"$REFTRACK" run -q -o lost.trk -- "$BUILD/samples/leak-lost" 2>/dev/null
"$REFTRACK" explain --color=never lost.trk 1 >lost.out 2>&1
equal 'plain blocks: status' $? 0
has 'plain blocks: how sure' lost.out '^How sure that is'
"$REFTRACK" explain lost.trk 99 >bad.out 2>&1
equal 'no such finding' $? 2
oneline 'no such finding' bad.out
finish
