#!/bin/sh
# growth and suspects on real recordings: a cache whose eviction stops, and one that was never emptied.
. "$ROOT/tests/e2e/lib.sh"
need jq

"$REFTRACK" run -q -o stops.trk -- "$BUILD/samples/09-eviction-stops"
"$REFTRACK" growth --color=never stops.trk >growth.out 2>&1
equal 'growth: status' $? 0
has 'the edge that grows' growth.out '1\. struct table\.buckets\[\]\.val -> struct entry'
has 'how many there were' growth.out 'moments +64 64 64 264 464 664'
has 'where they are put' growth.out 'inserted += insert 09-eviction-stops.c:52  664 of them'
has 'who used to remove, and has stopped' growth.out 'removed +~ evict 09-eviction-stops.c:39  536 times, the last .*: it has stopped'
has 'the way from the root' growth.out '= global g_cache .*-> struct table#1'
has 'above its peak' growth.out 'in 600 struct entry born at insert 09-eviction-stops.c:49'
"$REFTRACK" growth --json stops.trk >growth.json
equal 'json: one edge' "$(jq -c '.edges | length' growth.json)" 1
equal 'json: the removing site' "$(jq -r '.edges[0].removed[0] | "\(.function) \(.stopped) \(.late)"' growth.json)" 'evict true 0'

# What is asked for first leads there: the summary of the run, the report and the list of findings.
"$REFTRACK" run -o told.trk -- "$BUILD/samples/09-eviction-stops" >run.out 2>&1
"$REFTRACK" report --no-pager told.trk >report.out 2>&1
"$REFTRACK" leaks --no-pager told.trk >leaks.out 2>&1
for told in run report leaks; do
	has "$told: what became more" $told.out 'More than ever before: struct entry born at insert .*, 64 64 64 264 464 664 at the'
	has "$told: who tells" $told.out 'reftrack growth told.trk'
done

# Before it goes wrong the cache only fills up and is silent.
"$REFTRACK" growth --from one --to three --color=never stops.trk >healthy.out 2>&1
has 'as long as it evicts nothing grows' healthy.out '^  none$|too few'
has 'new ones take the place of old ones' healthy.out '^ +64 +64 +64 +\+0 .* struct entry'

# What is there at a mark and was not at another.
"$REFTRACK" growth --from three --to five --color=never stops.trk >between.out 2>&1
has 'new between marks' between.out '^ +64 +464 +400 +\+400 .* struct entry'
"$REFTRACK" growth --from never stops.trk >out 2>&1
equal 'unknown mark' $? 2

"$REFTRACK" suspects --color=never stops.trk >suspects.out 2>&1
equal 'suspects: status' $? 0
has 'who keeps it all' suspects.out '1\. struct table#1 keeps .* alive'
has 'of what' suspects.out 'struct table#1 keeps 664 struct entry alive'
has 'where it falls apart' suspects.out '664 struct entry keep '

"$REFTRACK" run -q -o fills.trk -- "$BUILD/samples/05-cache-growth"
"$REFTRACK" growth --color=never fills.trk >fills.out 2>&1
has 'a list grows by its links' fills.out '1\. struct session\.next -> struct session'
has 'nothing ever removes' fills.out 'never: nothing gave back'
"$REFTRACK" suspects --percent 1 --color=never fills.trk >group.out 2>&1
has 'many that only globals have in common' group.out 'global g_sessions'
finish
