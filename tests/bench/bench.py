"""Whole programs under reftrack and under heaptrack, and how fast their traces are read. Interleaved rounds, medians, ratios to the
bare program of the same round. Usage: bench.py BUILD ROUNDS"""
import glob, json, os, platform, resource, shutil, statistics, subprocess, sys, tempfile, time

build, rounds = sys.argv[1], max(7, int(sys.argv[2]))
reftrack = os.path.join(build, "profiler/cli/reftrack")
heaptrack_so = next(iter(glob.glob("/usr/lib/heaptrack/libheaptrack_preload.so") + glob.glob("/usr/lib/*/heaptrack/libheaptrack_preload.so")), None)
work = tempfile.mkdtemp(prefix="reftrack-bench.")
os.chdir(work)


def measure(command, env=None, keep=None):
    """(wall seconds, cpu seconds of the command and all it waited for)"""
    full = dict(os.environ, **(env or {}))
    begin = time.monotonic()
    child = subprocess.Popen(command, env=full, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 3, 4, 5, 7):
        raise SystemExit(f"bench: {command} ended with {child.returncode}")
    return wall, usage.ru_utime + usage.ru_stime


def table(title, head, rows):
    print(f"\n### {title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    sys.stdout.flush()


with open("numbers.json", "w") as f:
    json.dump([{"id": i, "v": [i, str(i), {"k": i}]} for i in range(60000)], f)
with open("load.py", "w") as f:
    f.write("import json\nd = json.load(open('numbers.json'))\nfor _ in range(3):\n    s = json.dumps(d); d = json.loads(s)\n"
            "x = [str(i) * 3 for i in range(300000)]\nprint(len(x))\n")
python = subprocess.run(["python3", "-c", "import sys; print(sys.executable)"], capture_output=True, text=True, check=True).stdout.strip()
workloads = [
    ("jq, 60 k objects", ["jq", "[.[] | .v[0]] | add", "numbers.json"], {}),
    ("python3, PYTHONMALLOC=malloc", [python, "load.py"], {"PYTHONMALLOC": "malloc"}),
    ("sqlite3, 300 k inserts", ["sqlite3", ":memory:", "create table t(a,b text); with recursive c(x) as (select 1 union all select x+1 from c where"
     " x<300000) insert into t select x, hex(x) from c; create index i on t(b); select count(*) from t where b like '3%';"], {}),
    ("perl, hash of strings", ["perl", "-e", 'my %h; for (1..1500000) { $h{$_ % 5000} = "x" x ($_ % 50) . $_ } print scalar(keys %h)'], {}),
]
if shutil.which("g++"):
    with open("a.cc", "w") as f:
        f.write("#include <map>\n#include <string>\n#include <regex>\nint main(){std::map<std::string,std::regex> m; return (int)m.size();}\n")
    subprocess.run(["g++", "-E", "a.cc", "-o", "a.ii"], check=True)
    compiler = subprocess.run(["g++", "-print-prog-name=cc1plus"], capture_output=True, text=True, check=True).stdout.strip()
    workloads.append(("cc1plus -O1", [compiler, "-quiet", "-O1", "-fpreprocessed", "a.ii", "-o", "a.s"], {}))

variants = [("reftrack, defaults", lambda c: [reftrack, "run", "-q", "--no-summary", "-o", work + "/r.%p.trk", "--"] + c, {}),
            ("reftrack, call sites", lambda c: [reftrack, "run", "-q", "--no-summary", "--stacks=1,1,1", "-o", work + "/r.%p.trk", "--"] + c, {})]
if heaptrack_so:
    variants.append(("heaptrack, raw preload", lambda c: c, {"LD_PRELOAD": heaptrack_so, "DUMP_HEAPTRACK_OUTPUT": work + "/h.raw"}))
if shutil.which("heaptrack"):
    variants.append(("heaptrack, whole", lambda c: ["heaptrack", "-o", work + "/h.full"] + c, {}))


def clean():
    for name in glob.glob(work + "/r.*") + glob.glob(work + "/h.*"):
        os.unlink(name)


print(f"machine: {platform.processor() or platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}; {rounds} rounds, medians of ratios")
rows = []
for name, command, env in workloads:
    ratios = {v[0]: ([], []) for v in variants}
    measure(command, env)
    for _ in range(rounds):
        wall0, cpu0 = measure(command, env)
        for variant, wrap, more in variants:
            clean()
            wall, cpu = measure(wrap(command), dict(env, **more))
            ratios[variant][0].append(wall / wall0)
            ratios[variant][1].append(cpu / cpu0)
    med = {v: (statistics.median(w), statistics.median(c)) for v, (w, c) in ratios.items()}
    row = [name]
    for variant, _, _ in variants:
        row.append("%.2f / %.2f" % med[variant])
    if heaptrack_so:
        ours, theirs = med["reftrack, defaults"][1] - 1, med["heaptrack, raw preload"][1] - 1
        row.append("%.2f" % (ours / theirs) if theirs > 0 else "-")
    rows.append(row)
head = ["program", *[v[0] + " (wall / CPU)" for v in variants]] + (["CPU overhead, reftrack : heaptrack raw"] if heaptrack_so else [])
table("Whole programs: slowdown against the bare program (CPU includes the recorder or interpreter)", head, rows)

# Reading: events per second of `reftrack report` and of heaptrack_print on recordings of the same run.
clean()
command, env = workloads[1][1], workloads[1][2]
measure([reftrack, "run", "-q", "--no-summary", "-o", work + "/r.trk", "--"] + command, env)
info = json.loads(subprocess.run([reftrack, "info", "--json", work + "/r.trk"], capture_output=True, text=True, check=True).stdout)
events = info["trace"]["records"]
size = os.path.getsize(work + "/r.trk")
interpret = next(iter(glob.glob("/usr/lib/heaptrack/libexec/heaptrack_interpret") + glob.glob("/usr/lib/*/heaptrack/libexec/heaptrack_interpret")), None)
theirs = shutil.which("heaptrack_print") and heaptrack_so and interpret
if theirs:
    measure(command, dict(env, LD_PRELOAD=heaptrack_so, DUMP_HEAPTRACK_OUTPUT=work + "/h.raw"))
ours_s, interpret_s, print_s = [], [], []
for _ in range(rounds):
    ours_s.append(measure([reftrack, "report", "--no-pager", work + "/r.trk"])[0])
    if theirs:
        interpret_s.append(measure(["sh", "-c", f"{interpret} <h.raw >h.txt"])[0])
        print_s.append(measure(["heaptrack_print", "-f", "h.txt"])[0])


def reader(name, seconds, bytes_):
    middle = statistics.median(seconds)
    return [name, "%.2f" % middle, "%.1f" % (events / middle / 1e6), "%.2f" % (bytes_ / max(events, 1))]


rows = [reader("reftrack report", ours_s, size)]
if theirs:
    both = [a + b for a, b in zip(interpret_s, print_s)]
    rows.append(reader("heaptrack_interpret, then heaptrack_print", both, os.path.getsize("h.raw")))
    rows.append(reader("heaptrack_print alone, on the interpreted file", print_s, os.path.getsize("h.txt")))
print(f"\n{events:,} events of python3")
table("Reading a recording", ["reader", "seconds", "million events/s", "bytes per event on disk"], rows)
shutil.rmtree(work)
