reftrack leaks over.trk
for n in 1 2 3; do
	reftrack show over.trk @leak:$n
done
reftrack refs over.trk 'buffer#13'
reftrack refs over.trk 'buffer#12'
reftrack balance over.trk @leak:1
reftrack narrow over.trk @leak:1
reftrack narrow over.trk buffer#14 -q
