for trace in healthy leaky lossy missing header; do
	reftrack check $trace.trk
	echo "status $?"
done
reftrack check -q healthy.trk lossy.trk leaky.trk >out
echo "worst $?"
reftrack check --fail-on none leaky.trk
echo "none $?"
reftrack check --fail-on +nosuch leaky.trk
