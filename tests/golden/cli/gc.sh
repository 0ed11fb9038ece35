reftrack gc knots.trk
reftrack gc cycle.trk --debug stats,leak --top 2
reftrack gc healthy.trk --compat cpython
reftrack gc cycle.trk --threshold 1,1,1 --debug stats --where 'type~nothing'
reftrack gc growing.trk stats
reftrack gc knots.trk collect 0 --until +1500us
reftrack gc knots.trk count
reftrack gc knots.trk threshold 700,5
reftrack gc knots.trk threshold 0 --json | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["kind"], [(r["generation"], r["count"], r["threshold"]) for r in d["rows"]])'
reftrack gc collect.trk
reftrack gc collect.trk stats --threshold 1,1,1 --disable
reftrack gc collect.trk objects --gen 2 --until +4500us
reftrack gc cache.trk objects --gen 0 --top 3
reftrack gc cache.trk objects --gen 1 --type session
reftrack gc leaky.trk freeze --at after-load
reftrack gc knots.trk garbage --format csv
reftrack gc knots.trk --json | python3 -c 'import json,sys; d=json.load(sys.stdin); [p.pop("took_us") for p in d["passes"] + d["stats"]]; print(json.dumps(d, indent=1))'
reftrack gc knots.trk collcet
reftrack gc knots.trk collect 3
reftrack gc knots.trk collect 1 2
reftrack gc knots.trk objects --gen old
reftrack gc knots.trk --gen 1
reftrack gc knots.trk freeze
reftrack gc knots.trk freeze --at nothing
reftrack gc knots.trk --threshold 7,,1
reftrack gc knots.trk --debug verbose
reftrack gc knots.trk --from +1s
reftrack gc knots.trk --until +1s --to +2s
reftrack gc missing.trk stats
reftrack gc knots.trk enable
reftrack gc knots.trk debug stats
