reftrack check --color=always healthy.trk | od -c | head -1
FORCE_COLOR=1 reftrack check healthy.trk | od -c | head -1
FORCE_COLOR=1 NO_COLOR=1 reftrack check healthy.trk | od -c | head -1
FORCE_COLOR=1 reftrack check --color=never healthy.trk | od -c | head -1
NO_COLOR=1 reftrack check healthy.trk | od -c | head -1
