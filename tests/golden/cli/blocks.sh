reftrack blocks leaky.trk --where '!object'
reftrack blocks leaky.trk --where 'bytes>1KiB' --format tsv
reftrack blocks plain.trk --class lost
reftrack blocks plain.trk --class indirect --where 'bytes<40' --plain
reftrack blocks unread.trk --class lost
reftrack blocks plain.trk --class gone
