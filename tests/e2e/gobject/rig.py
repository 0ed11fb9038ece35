"""What the tests of GObject and GStreamer programs share: building them, running them under reftrack and without, what is
found in them, and counts of calls that gdb made. Import it first: it reads the arguments REFTRACK CC FOLDER_OF_SOURCES
[long]."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

reftrack, sources = sys.argv[1], sys.argv[3]
compiler = sys.argv[2].split()
long_form = len(sys.argv) > 4
has_gdb = shutil.which("gdb") is not None
folder = tempfile.mkdtemp()
bad = 0


def check(ok, what):
    global bad
    if not ok:
        bad += 1
        print("FAILED:", what)


def flags(package):
    try:
        done = subprocess.run(["pkg-config", "--cflags", "--libs", package], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    except FileNotFoundError:
        return None
    return done.stdout.split() if done.returncode == 0 else None


def build(name, package):
    found = flags(package)
    if found is None:
        return None
    program = os.path.join(folder, name)
    subprocess.run(compiler + ["-g", "-O1", os.path.join(sources, name + ".c"), "-o", program] + found, check=True)
    return program


def traces():
    """Those of the last recording, that of the program itself first."""
    names = [n for n in os.listdir(folder) if n.startswith("t.") and n.endswith(".trk")]
    return [os.path.join(folder, n) for n in sorted(names, key=lambda n: (len(n), n))]


def leaks(trace):
    return json.loads(subprocess.run([reftrack, "leaks", "--json", trace], stdout=subprocess.PIPE, timeout=300).stdout)


def recording(command, adapters=(), options=()):
    """The command line. adapters: those that are not used by themselves."""
    for trace in traces():
        os.remove(trace)
    return ([reftrack, "run", "-o", os.path.join(folder, "t.trk")] + [f"--adapter={a}" for a in adapters] + list(options) + ["--"] + command)


def record(command, adapters=(), options=()):
    """Its exit code, what it printed, and what is found."""
    done = subprocess.run(recording(command, adapters, options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    return done.returncode, done.stdout, leaks(traces()[0])


def plain(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=300)
    return done.returncode, done.stdout


def unharmed(command, adapters=(), options=()):
    """Runs it with and without; what is found."""
    code, out, report = record(command, adapters, options)
    check((code, out) == plain(command), "%s: exit %d or output differ" % (" ".join(command), code))
    check(report["audit"]["lost"] == 0, "%s: events were lost" % command)
    return report


def line_of(source, text):
    with open(os.path.join(sources, source)) as file:
        return [n for n, line in enumerate(file, 1) if text in line]


def planted(program, source, bug, verdict, kind, where, adapters=(), missing=None):
    """An object of that type is found with one of these verdicts, born or taken at a line that has the text, and the release
    missing at one that has that text."""
    report = unharmed([program, bug], adapters)
    lines = line_of(source, where)
    for f in report["findings"]:
        places = [f["born"]] + f["open"] + [p for o in f["open"] for p in o["stack"]] + f["born"].get("stack", [])
        if (f["verdict"] in verdict.split() and f["type"] == kind and any(p.get("line") in lines for p in places if p) and
                (missing is None or (f["missing"] and f["missing"]["line"] in line_of(source, missing)))):
            return
    check(False, "%s %s: no %s of %s at %s: %s" % (source, bug, verdict, kind, lines, [
        (f["verdict"], f["type"], f["born"], f["missing"]) for f in report["findings"]]))


def healthy(command, adapters=()):
    report = unharmed(command, adapters)
    loud = [(f["verdict"], f["type"]) for f in report["findings"] if f["verdict"] not in ("reachable", "unfreed")]
    check(not loud, "%s: found where nothing is wrong: %s" % (command, loud))


LATER = 1000000000 # calls


def gdb_says(functions, before, after, command, prefix=()):
    """Runs gdb with commands before and after the breakpoints at functions; calls of each, and how many threads the program
    had beside the first. prefix: what starts gdb."""
    script = os.path.join(folder, "gdb")
    lines = ["set pagination off", "set confirm off", "set breakpoint pending on", "set debuginfod enabled off"]
    with open(script, "w") as file:
        file.write("\n".join(lines + before + after + ["info breakpoints", "quit"]) + "\n")
    said = subprocess.run(list(prefix) + ["gdb", "-q", "-nx", "-batch", "-x", script, "--args"] + command, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, timeout=300, text=True).stdout
    counts, at = dict.fromkeys(functions, 0), None
    left = iter(functions)
    for line in said[said.rfind("Num "):].splitlines():
        number = re.match(r"(\d+)\s+breakpoint\s+keep", line)
        at = next(left, None) if number else at
        hit = re.search(r"already hit (\d+) time", line)
        if hit and at:
            counts[at] = int(hit.group(1))
    return counts, said.count("[New Thread")


def jumped_to(function):
    """Where the function without a name begins that NAME> means, for gdb; objdump tells where NAME jumps."""
    name = function.rstrip(">")
    for library in ("libglib-2.0.so.0", "libgobject-2.0.so.0"):
        path = subprocess.run(["gcc", "-print-file-name=" + library], stdout=subprocess.PIPE, text=True).stdout.strip()
        code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", "--disassemble=" + name, path], stdout=subprocess.PIPE, text=True).stdout
        start = re.search(r"^([0-9a-f]+) <%s(@@\w+)?>:" % name, code, re.M)
        to = re.findall(r"\sjmp\s+([0-9a-f]+) <(\w+)[^>]*\+0x", code)
        to = [address for address, symbol in to if symbol != name]
        if start and len(to) == 1:
            return "((char *)%s + (%d))" % (name, int(to[0], 16) - int(start.group(1), 16))
    return "nothing"


def stops(functions, first, at=""):
    """Breakpoints that never stop."""
    return (["break " + (at + f if not f.endswith(">") else "*" + jumped_to(f)) for f in functions] +
            ["ignore %d %d" % (n + first, LATER) for n in range(len(functions))])


START = "__libc_start_main"  # behind the constructors of libraries, which are alike in all runs


def counted_by_gdb(command, functions, until_start=False):
    """Calls of each in a run without reftrack; until_start: up to START. Functions without a name can be found from there
    on only, and are not called before."""
    named, others = [f for f in functions if not f.endswith(">")], [f for f in functions if f.endswith(">")]
    before = stops(named, 1) + ["tbreak " + START, "run"]
    after = [] if until_start else stops(others, len(named) + 2) + ["continue"]
    return gdb_says(named + ([] if until_start else others), before, after, command)


def counted_here(report):
    """Calls per function, of those that are hooked."""
    return {h["function"]: h["calls"] for h in report["audit"]["hooks"] if h["hooked"]}


def same_calls(command, here, gdb, least, threads=0):
    """A thread that stands before a function when the process ends has called it for gdb only."""
    differ = {f: (n, gdb[f]) for f, n in here.items() if n != gdb[f]}
    check(all(n < m for n, m in differ.values()) and sum(m - n for n, m in differ.values()) <= threads,
          "%s: calls seen, and those that gdb saw: %s" % (command, differ))
    called = sum(n > 0 for n in gdb.values())
    check(called >= least, "%s: only %d functions were called" % (command, called))


def every_call(command, least=1):
    """The program runs as ever, and all functions that are hooked were called as often as gdb says, at least so many of them at
    all. What was found."""
    report = unharmed(command)
    here = counted_here(report)
    gdb, threads = counted_by_gdb(command, sorted(here))
    if threads == 0:
        same_calls(command, here, gdb, least)
    else:
        every_call_inside(command, sorted(here), least)
    return report


def every_call_inside(command, functions, least):
    """For programs whose threads do not the same in each run: gdb counts in the one that is recorded. From START on, since
    what it changes there before cannot be hooked."""
    early, _ = counted_by_gdb(command, functions, True)
    late, threads = gdb_says(functions, ["break " + START, "run", "delete"] + stops(functions, 2, "*"), ["continue"], command, recording([]))
    name = os.path.basename(command[0])
    found = [r for r in map(leaks, traces()) if r["program"]["args"][:1] and os.path.basename(r["program"]["args"][0]) == name]
    check(len(found) == 1, "%s: %d traces of it beside that of gdb" % (command, len(found)))
    for report in found:
        same_calls(command, counted_here(report), {f: early.get(f, 0) + late[f] for f in functions}, least, threads)


def finish():
    """Removes what was made, and ends the test."""
    shutil.rmtree(folder)
    sys.exit(1 if bad else 0)
