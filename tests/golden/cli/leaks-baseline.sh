reftrack leaks --json leaky.trk >known.json
reftrack check --baseline known.json leaky.trk && echo passed
reftrack check -q --baseline known.json leaky.trk && echo quiet
