reftrack blocks leaky.trk --where '!object'
reftrack blocks leaky.trk --where 'bytes>1KiB' --format tsv
