reftrack marks leaky.trk
reftrack types --to after-load leaky.trk
reftrack objects --from after-load leaky.trk
reftrack report --to nosuch leaky.trk
reftrack report --to 1m --from 2m leaky.trk
reftrack report --to after-load --from done -q leaky.trk
reftrack leaks --to 60s --from 70s leaky.trk
reftrack types --to 99h leaky.trk | head -1
reftrack objects --from 99h leaky.trk
reftrack report --to after-load --from nosuch leaky.trk
for command in check leaks; do
	reftrack $command --from 99h healthy.trk
	echo "status $?"
done
