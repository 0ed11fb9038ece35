reftrack refs owners.trk conn#1 --in
reftrack show owners.trk conn#2 --no-history
reftrack refs owners.trk conn#3 --in
reftrack report owners.trk
reftrack report owners.trk --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["audit"]["overowned"])'
