"""What the benchmarks share: running, measuring, tables. Every figure is a ratio or a difference inside one round; variants take turns."""
import glob, os, shutil, statistics, subprocess, sys, tempfile, time

build = os.path.abspath(sys.argv[1])
rounds = max(7, int(sys.argv[2]))
reftrack = os.path.join(build, "profiler/cli/reftrack")
preload = os.path.join(build, "libtrack/libtrack-preload.so")
programs = os.path.join(build, "tests/bench")
heaptrack_so = next(iter(glob.glob("/usr/lib/heaptrack/libheaptrack_preload.so") + glob.glob("/usr/lib/*/heaptrack/libheaptrack_preload.so")), None)
work = tempfile.mkdtemp(prefix="reftrack-bench.")
os.chdir(work)


def program(name):
    """Path of a benchmark program; None when it could not be built here."""
    path = os.path.join(programs, name)
    return path if os.path.exists(path) else None


def measure(command, env=None):
    """(wall seconds, CPU seconds of the command and all it waited for)"""
    return measure_all(command, env)[:2]


def measure_all(command, env=None):
    """As measure, and the most KiB that were resident"""
    begin = time.monotonic()
    child = subprocess.Popen(command, env=dict(os.environ, **(env or {})), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 3, 4, 5, 7):
        raise SystemExit(f"bench: {command} ended with {child.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def figures(command, env=None):
    """The 'name value' lines that a benchmark program prints, as a dictionary."""
    run = subprocess.run(command, env=dict(os.environ, **(env or {})), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    found = {}
    for line in run.stdout.splitlines():
        parts = line.split()
        if len(parts) == 2:
            found[parts[0]] = float(parts[1])
    if run.returncode != 0 or not found:
        raise SystemExit(f"bench: {command} ended with {run.returncode}: {run.stderr.strip()}")
    return found


def recorded(command, *options):
    """The command under reftrack run, linked programs: no preload."""
    return [reftrack, "run", "-q", "--no-summary", "--force", "-o", work + "/m.trk", "--no-preload", *options, "--"] + command


def preloaded(options=""):
    """Environment that records an unmodified program by a recorder of its own: what is waited for is the program alone."""
    return {"LD_PRELOAD": preload, "TRACK_OPTIONS": f"out={work}/r.%p.trk:recorder={reftrack}" + (":" + options if options else "")}


def in_turns(variants, turns=None):
    """variants: {name: function}. Calls all of them in each round; {name: [results]}."""
    results = {name: [] for name in variants}
    for _ in range(turns or rounds):
        for name, run in variants.items():
            results[name].append(run())
    return results


def middle(values):
    return statistics.median(values)


def spread(values, form="%.1f"):
    """Median and, in brackets, the smallest and largest."""
    return (form + " (" + form + " to " + form + ")") % (statistics.median(values), min(values), max(values))


def ratios(results, name, to):
    return [a / b for a, b in zip(results[name], results[to])]


def table(title, head, rows):
    print(f"\n### {title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    sys.stdout.flush()


def clean():
    for name in glob.glob(work + "/r.*") + glob.glob(work + "/h.*") + glob.glob(work + "/m.*"):
        os.unlink(name)


def done():
    os.chdir("/")
    shutil.rmtree(work)
