"""References without a slot: how often a planted missing release is found in made-up programs, beside pairing by order; and how long many events
take. PAIRING_SEEDS=15 programs of each kind."""
from common import *

bench = program("bench_pairing")
names = {"one": "one bug", "unnamed": "one bug, nothing known of names", "leaf": "one bug, callers not told", "two": "two bugs",
         "detour": "one bug, 20 % of releases another way", "both": "two bugs, 20 % another way"}
leaked = ["1", "2 to 4", "5 and more", "any"]


def share(part, whole):
    return "%.1f %%" % (100 * part / whole) if whole else "-"


got = {}
for line in subprocess.run([bench, "quality", os.environ.get("PAIRING_SEEDS", "15")], check=True, stdout=subprocess.PIPE, text=True).stdout.split("\n"):
    if line:
        got[line.split()[0]] = [int(n) for n in line.split()[1:]]
rows = []
for sort, name in names.items():
    for at, lives in enumerate(leaked):
        runs, first, alone, alone_wrong, missing, missing_wrong, oldest, newest = got[f"{sort}_{at}"]
        rows.append([name, lives, str(runs), share(first, runs), share(alone - alone_wrong, alone), share(missing, runs), share(missing, missing + missing_wrong),
                     share(oldest, runs), share(newest, runs)])
table("Planted missing releases with five and more healthy siblings", ["programs", "leaked objects", "bugs", "guilty taking first", "of answers without a tie right",
      "missing release named", "of those named right", "oldest first", "newest first"], rows)
words = subprocess.run([bench, "speed", "10000000"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
table("Reference events of one type", ["events", "gathered", "solved"], [["%.1f M" % (int(words[1]) / 1e6), words[3] + " s", words[5] + " s"]])
