for trace in knots cycle slotless healthy; do
	reftrack cycles $trace.trk
done
reftrack cycles --to +1500us knots.trk
reftrack cycles --format csv knots.trk
