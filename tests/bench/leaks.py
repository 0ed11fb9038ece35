"""Leak checks of plain malloc programs: recording with a look at memory and the report, against Valgrind and LeakSanitizer (preloaded,
as it comes with gcc). Wall time and CPU as ratios to the bare program of the same round."""
from common import *

with open("numbers.json", "w") as f:
    f.write("[" + ",".join('{"id": %d, "v": [%d, "%d"]}' % (i, i, i) for i in range(20000)) + "]")
with open("words.xml", "w") as f:
    f.write("<list>" + "".join(f"<item id='{i}'><name>n{i}</name></item>" for i in range(20000)) + "</list>")
workloads = [
    ("200 k blocks, 1 M allocations", [program("bench_heap"), "200000", "5"], {}),
    ("2 M blocks at its end", [program("bench_heap"), "2000000", "1"], {}),
    ("jq, 20 k objects", ["jq", "[.[] | .v[0]] | add", "numbers.json"], {}),
    ("sqlite3, 50 k inserts", ["sqlite3", ":memory:", "create table t(a,b text); with recursive c(x) as (select 1 union all select x+1 from c where"
     " x<50000) insert into t select x, hex(x) from c; create index i on t(b); select count(*) from t where b like '3%';"], {}),
    ("xmllint, 20 k items", ["xmllint", "--noout", "--xpath", "count(//item)", "words.xml"], {}),
    ("python3, PYTHONMALLOC=malloc", ["python3", "-I", "-S", "-c", "print(len([str(i) * 3 for i in range(100000)]))"], {"PYTHONMALLOC": "malloc"}),
    ("perl, hash of strings", ["perl", "-e", 'my %h; for (1..200000) { $h{$_ % 5000} = "x" x ($_ % 50) . $_ } print scalar(keys %h)'], {}),
]
lsan_so = next(iter(sorted(glob.glob("/usr/lib/*/liblsan.so.*"))), None)
lsan_env = {"LD_PRELOAD": lsan_so, "LSAN_OPTIONS": "exitcode=0:report_objects=0"}
trace = work + "/r.trk"


def whole(command, env):
    """Record and report."""
    clean()
    first = measure([reftrack, "run", "-q", "--no-summary", "--force", "-o", trace, "--"] + command, env)
    second = measure([reftrack, "leaks", "--no-pager", trace])
    return first[0] + second[0], first[1] + second[1]


def works(command, env):
    """LeakSanitizer can be preloaded into it: some programs end in its start."""
    return lsan_so and subprocess.run(command, env=dict(os.environ, **env, **lsan_env), stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def leaks():
    rows, shares = [], []
    for name, command, env in workloads:
        if not command[0] or not shutil.which(command[0]):
            continue
        measure(command, env)
        variants = {"bare": lambda: measure(command, env), "reftrack": lambda: whole(command, env),
                    "valgrind": lambda: measure(["valgrind", "-q", "--leak-check=full", "--num-callers=30"] + command, env)}
        if works(command, env):
            variants["lsan"] = lambda: measure(command, dict(env, **lsan_env))
        got = in_turns(variants)

        def ratio(of, to, what):
            return middle([a[what] / max(b[what], 1e-4) for a, b in zip(got[of], got[to])]) if of in got else None
        row = [name, "%.2f s" % middle([wall for wall, _ in got["bare"]])]
        for of in ("reftrack", "valgrind", "lsan"):
            row.append("%.2f / %.2f" % (ratio(of, "bare", 0), ratio(of, "bare", 1)) if of in got else "cannot be preloaded")
        share = ratio("reftrack", "valgrind", 0)
        shares.append(share)
        row.append("%.3f" % share)
        rows.append(row)
    table("Leak checks: slowdown against the bare program, wall / CPU", ["program", "bare", "reftrack run, then leaks", "valgrind --leak-check=full",
          "LeakSanitizer", "wall, reftrack : Valgrind"], rows)
    print("\ngeometric mean of the last column: %.3f" % statistics.geometric_mean(shares))


def large():
    """The readers alone, of as many blocks as fit; Valgrind is slow there and told once."""
    command = [program("bench_heap"), "10000000", "0"]
    clean()
    measure([reftrack, "run", "-q", "--no-summary", "--force", "-o", trace, "--"] + command)
    judge = [reftrack, "leaks", "--no-pager", trace]
    runs = [measure_all(judge) for _ in range(rounds)]
    checked = figures(["valgrind", "-q", "--leak-check=no", "--num-callers=30"] + command + ["check"])["check"]
    wall, cpu, most = (middle([run[i] for run in runs]) for i in range(3))
    table("Leak check of 10 M blocks: `reftrack leaks` from the trace, and Valgrind's own check inside the program",
          ["reader", "wall", "CPU", "peak memory", "trace"],
          [["reftrack leaks", "%.2f s" % wall, "%.2f s" % cpu, "%.0f MiB" % (most / 1024), "%.1f MiB" % (os.path.getsize(trace) / 1048576)],
           ["Valgrind, the check alone", "%.2f s" % checked, "", "", ""]])


if shutil.which("valgrind"):
    leaks()
    large()
else:
    print("valgrind is not installed: no comparison of leak checks")
