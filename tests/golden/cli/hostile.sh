# no byte below a blank but line feeds, and valid UTF-8
for format in text json csv tsv; do
	reftrack types --format $format hostile.trk
done
reftrack report hostile.trk
reftrack leaks --style lsan hostile.trk
reftrack cycles hostile.trk
reftrack dump hostile.trk
reftrack marks hostile.trk
