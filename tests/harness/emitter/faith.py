"""What the tests of the recorder's faithfulness share. A test is a script `NAME.py REFTRACK EMITTER AUDIT FAIL [long]`; its
functions record `emitter`, compare the trace with the page that the program left (`audit`), and call check(). A part that
cannot run here says why through skip(); the rest still runs. Ends with finish()."""
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

reftrack, emitter, audit_exe, fail_so = (os.path.abspath(path) for path in sys.argv[1:5])
LONG = "long" in sys.argv[5:]
only = [name for name in sys.argv[5:] if name != "long"]
PAGE_BYTES = 32 + 32 * 1024
GRACE = 60
failures, checks, skipped = 0, 0, 0
seed = int(os.environ.get("FAITH_SEED", "0")) or random.randrange(1, 1 << 30)
rng = random.Random(seed)

for name in ("TRACK_OPTIONS", "LD_PRELOAD", "EMITTER_PAGE"):
    os.environ.pop(name, None)
os.environ["LC_ALL"] = "C.UTF-8"
work = tempfile.mkdtemp(prefix="reftrack-faith.")
os.chdir(work)


def check(what, good, *seen):
    global failures, checks
    checks += 1
    if not good:
        failures += 1
        print(f"FAIL: {what}: {' '.join(str(s) for s in seen)}"[:1500])
        sys.stdout.flush()
    return good


def skip(what, why):
    global skipped
    skipped += 1
    print(f"skipped: {what}: {why}")


def new_page(path="page"):
    with open(path, "wb") as file:
        file.truncate(PAGE_BYTES)
    return os.path.abspath(path)


def environment(page, **more):
    return dict(os.environ, EMITTER_PAGE=page, **{key: value for key, value in more.items() if value is not None})


def start(how, *args, page=None, out="t.trk", options="", command=(), wrap=(), **popen):
    """Starts `emitter ARGS`, recorded: how is run (preloaded), linked (under run without preloading) or alone (out=)."""
    page = page or new_page()
    env = popen.pop("env", environment(page))
    popen.setdefault("stdout", subprocess.PIPE)
    popen.setdefault("stderr", subprocess.PIPE)
    if how == "alone":
        env = dict(env, TRACK_OPTIONS=":".join(filter(None, [f"out={os.path.abspath(out)}", f"recorder={reftrack}", options])))
        return subprocess.Popen([*wrap, emitter, *map(str, args)], env=env, **popen)
    if options:
        env = dict(env, TRACK_OPTIONS=options)
    flags = ["--no-preload"] if how == "linked" else []
    return subprocess.Popen([*wrap, reftrack, "run", "-q", "--no-summary", *flags, *command, "-o", out, "--", emitter,
                             *map(str, args)], env=env, **popen)


def end(process, seconds=GRACE):
    """(exit code, output, messages); a program that hangs is a failure and is killed."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        check("ends in time", False, process.args)
    return process.returncode, (out or b"").decode(errors="replace"), (err or b"").decode(errors="replace")


def run(how, *args, seconds=GRACE, **more):
    return end(start(how, *args, **more), seconds)


def wait_for(what, good, seconds=GRACE):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if good():
            return True
        time.sleep(0.005)
    return check(what, False, "never happened")


class Audit:
    """traces: one dict per trace; lanes: by number; total."""

    def __init__(self, *paths, page="page"):
        result = subprocess.run([audit_exe, page, *paths], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
        self.code, self.errors = result.returncode, result.stderr.decode()
        self.traces, self.lanes, self.total = [], {}, {}
        for line in result.stdout.decode().splitlines():
            kind, *pairs = line.split()
            values = {key: int(value) for key, value in (pair.split("=") for pair in pairs)}
            if kind == "trace":
                self.traces.append(values)
            elif kind == "lane":
                self.lanes[values.pop("lane")] = values
            else:
                self.total = values

    def sum(self, key):
        return sum(trace[key] for trace in self.traces)

    def lost(self):
        return sum(self.sum(key) for key in ("dropped", "holes", "emergency", "write_lost"))


def finished(path):
    """A recorder that is nobody's child writes END a moment after the program's end."""
    def ready():
        traces = Audit(path, page="-").traces if os.path.exists(path) else []
        return traces and traces[0]["finished"]
    return wait_for(f"{path} is finished", ready)


def all_written(out):
    """A recorder that is nobody's child writes the traces of children, too, after the program's end."""
    return wait_for(f"the recorder of {out} ends", lambda: recorder_of(out) is None)


def readable(what, path):
    """Every reader gets through: info and a whole report, without a crash."""
    for command in (["info", "--json"], ["report", "--no-pager"]):
        result = subprocess.run([reftrack, *command, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=GRACE)
        if not check(f"{what}: {command[0]}", 0 <= result.returncode <= 4 and result.returncode != 3 and result.stdout,
                     result.returncode, result.stderr):
            return ""
    return result.stdout.decode(errors="replace")


def complete(what, audit):
    """Everything done is recorded, in order, without gaps or doubles; at most one more per lane; nothing was lost."""
    good = check(f"{what}: opens", audit.code == 0, audit.errors)
    good &= check(f"{what}: nothing was lost", audit.lost() == 0, audit.traces)
    for lane, v in audit.lanes.items():
        good &= check(f"{what}: lane {lane}", v["missing"] == v["gaps"] == v["twice"] == v["beyond"] == 0 and
                      v["ahead"] <= v["begun"] - v["done"] + v["torn"], v)
    return good


def remove(*paths):
    for path in paths:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        elif os.path.lexists(path):
            os.unlink(path)


def limit(kind, value):
    return lambda: resource.setrlimit(kind, (value, value))


def processes():
    """{pid: (parent, arguments)} of everything that runs."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                parent = int(file.read().rsplit(b")", 1)[1].split()[1])
            with open(f"/proc/{name}/cmdline", "rb") as file:
                found[int(name)] = (parent, file.read().split(b"\0"))
        except (OSError, IndexError):
            continue
    return found


def children(pid):
    return [child for child, (parent, _) in processes().items() if parent == pid]


def recorder_of(out):
    """The recorder that a program started for itself, by the trace that it writes."""
    for pid, (_, args) in processes().items():
        if b"recorder" in args and os.path.abspath(out).encode() in b"\0".join(args):
            return pid
    return None


def finish(tests):
    try:
        for test in tests:
            if not only or test.__name__ in only:
                begin = time.monotonic()
                test()
                print(f"{test.__name__}: {time.monotonic() - begin:.1f} s")
    finally:
        os.chdir("/")
        shutil.rmtree(work, ignore_errors=True)
    print(f"{checks} checks, {failures} failures, {skipped} parts skipped (FAITH_SEED={seed})")
    sys.exit(failures != 0)
