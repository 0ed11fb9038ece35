reftrack objects leaky.trk 'struct conn' --sort -id
reftrack objects leaky.trk --top 2 --where 'age>1s && finding~unref'
reftrack objects leaky.trk nosuch
reftrack objects --plain leaky.trk | head -3
reftrack objects --format csv --top 1 leaky.trk
