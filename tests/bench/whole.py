"""Whole programs under reftrack and under heaptrack, and how fast their traces are read. Ratios to the bare program of the same round."""
import json, math

from common import *

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

with open("words.xml", "w") as f:
    f.write("<list>" + "".join(f"<item id='{i}'><name>n{i}</name><value>{i * 7}</value></item>" for i in range(60000)) + "</list>")
workloads.append(("xmllint, 60 k items", ["xmllint", "--noout", "--xpath", "count(//item)", "words.xml"], {}))


def recorder_cpu():
    """CPU seconds of the recorder that a preloaded program started, as the last sample in its traces tells."""
    spent = 0
    for path in glob.glob(work + "/r.*"):
        told = subprocess.run([reftrack, "leaks", "--json", "--no-symbols", path], capture_output=True, text=True).stdout
        spent += ((json.loads(told)["audit"] or {}).get("cost") or {}).get("recorder_cpu_us") or 0
    return spent / 1e6


def whole():
    rows, shares = [], []
    kinds = {"defaults": "", "call sites": "stacks=1,1,1"}
    for name, command, env in workloads:
        measure(command, env)
        got = {kind: {"wall": [], "target": [], "all": []} for kind in kinds}
        theirs, pipeline = [], []
        for _ in range(rounds):
            wall0, cpu0 = measure(command, env)
            for kind, options in kinds.items():
                clean()
                wall, cpu = measure(command, dict(env, **preloaded(options)))
                settle()
                got[kind]["wall"].append(wall / wall0)
                got[kind]["target"].append(cpu / cpu0)
                got[kind]["all"].append((cpu + recorder_cpu()) / cpu0)
            clean()
            if heaptrack_so:
                theirs.append(measure(command, dict(env, LD_PRELOAD=heaptrack_so, DUMP_HEAPTRACK_OUTPUT=work + "/h.raw"))[1] / cpu0)
                pipeline.append(measure(["heaptrack", "-o", work + "/h.full"] + command, env)[1] / cpu0)
        row = [name]
        for kind in kinds:
            row.append("%.2f / %.2f / %.2f" % tuple(middle(got[kind][k]) for k in ("wall", "target", "all")))
        if heaptrack_so:
            share = (middle(got["defaults"]["target"]) - 1) / max(middle(theirs) - 1, 1e-9)
            shares.append(max(share, 0.001))
            row += ["%.2f" % middle(theirs), "%.2f" % middle(pipeline), "%.2f" % share]
        rows.append(row)
    head = ["program", "reftrack, defaults: wall / program's CPU / with recorder", "call sites"]
    if heaptrack_so:
        head += ["heaptrack raw preload, CPU", "heaptrack whole, CPU", "overhead of the program's CPU, reftrack : heaptrack raw"]
    table("Whole programs: slowdown against the bare program", head, rows)
    if shares:
        print("\ngeometric mean of the last column: %.2f" % math.exp(sum(math.log(s) for s in shares) / len(shares)))


def settle():
    """Waits until the recorders that preloaded programs started are gone."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        ended = [b"reftrk" in open(path, "rb").read(8) and finished(path) for path in glob.glob(work + "/r.*")]
        if ended and all(ended):
            return
        time.sleep(0.01)


def finished(path):
    with open(path, "rb") as f:
        f.seek(0, 2)
        size = f.tell()
        f.seek(max(0, size - 512))
        tail = f.read()
    at = tail.rfind(b"TBLK")
    return at >= 0 and tail[at + 4] == 9  # the END block


def references():
    """An unmodified jq whose reference counting is recorded: its values are copied and freed tens of millions of times in a second."""
    shim = program("libbench_jq_refs.so")
    if not shim:
        return
    command = ["jq", "[.[] | .v[0]] | add", "numbers.json"]
    verbs = os.path.join(build, "libtrack/libtrack.so.0")

    def run(options):
        clean()
        env = {"LD_PRELOAD": shim} if options is None else {
            "LD_PRELOAD": f"{verbs} {shim}", "TRACK_OPTIONS": f"out={work}/r.%p.trk:recorder={reftrack}" + options}
        cpu = measure(command, env)[1]
        if options is not None:
            settle()
        return cpu
    results = in_turns({"native": lambda: measure(command)[1], "interposed, nobody records": lambda: run(None),
                        "call site": lambda: run(":stacks=1,1,1"), "default depth (8 frames)": lambda: run("")})
    events = json.loads(subprocess.run([reftrack, "info", "--json"] + glob.glob(work + "/r.*"), capture_output=True, text=True, check=True).stdout)
    rows = [[name, "%.2f" % middle(ratios(results, name, "native"))] for name in results]
    print(f"\n{events['trace']['records']:,} reference events of jq")
    table("Reference-heavy program: the program's CPU against native", ["what", "ratio"], rows)


def reading():
    """Events per second of `reftrack report` and of heaptrack_print on recordings of the same run."""
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


whole()
references()
reading()
