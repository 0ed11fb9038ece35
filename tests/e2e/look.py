#!/usr/bin/env python3
"""Looks at the memory of programs: which words are found where, on every rung of the ladder, and that nobody is harmed.
Usage: look.py REFTRACK LOOKED REFUSE MEMDUMP [long]"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

reftrack, looked, refuse, memdump = (os.path.abspath(path) for path in sys.argv[1:5])
long_form = len(sys.argv) > 5
failures = checks = 0
PTRACE, VM_READ = 101, 310  # x86-64
machine = os.uname().machine


def check(what, good, seen=""):
    global failures, checks
    checks += 1
    if not good:
        failures += 1
        print(f"FAIL: {what}: {seen}", flush=True)


class Look:
    """One checkpoint: figures, areas, words."""

    def __init__(self, line):
        self.figures = dict(re.findall(r"(\w+)=(\S*)", line))
        self.words = []  # (kind of area, tid, address, value, how)

    def where(self, block):
        return sorted({word[0] for word in self.words if word[3] == block})

    def __getattr__(self, name):
        return self.figures.get(name)


def read_looks(trace):
    result = subprocess.run([memdump, trace, "words"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            universal_newlines=True, timeout=60)
    check(f"{trace} is readable", result.returncode == 0, result.stderr)
    looks, kind, tid = [], "", ""
    for line in result.stdout.splitlines():
        parts = line.split()
        if parts[0] == "checkpoint":
            looks.append(Look(line))
        elif parts[0] == "area":
            kind, tid = parts[1], parts[2].split("=")[1]
        elif parts[0] == "word":
            looks[-1].words.append((kind, tid, int(parts[1], 16), int(parts[2], 16), int(parts[3])))
    return looks


class Program:
    """A recorded program that waits for a line."""

    def __init__(self, mode, *args, options=(), before=(), inside=()):
        self.folder = tempfile.mkdtemp(dir=place)
        os.chmod(self.folder, 0o777)
        self.trace = os.path.join(self.folder, "t.trk")
        command = [*before, reftrack, "run", *([] if mode == "crash" else ["--no-summary"]), "-o", self.trace, *options, "--", *inside, looked, mode]
        self.process = subprocess.Popen([*command, *map(str, args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, universal_newlines=True)
        self.blocks, self.pid = {}, 0
        for line in self.process.stdout:
            name, value = line.split()
            if name == "ready":
                self.pid = int(value)
                break
            self.blocks[name] = int(value, 16)

    def ask(self, *args):
        return subprocess.run([reftrack, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              universal_newlines=True, timeout=60)

    def end(self, what, code=5):
        out, self.err = self.process.communicate("\n", timeout=120)
        for line in out.splitlines():
            name, value = line.split()
            self.blocks[name] = int(value, 16)
        check(f"{what}: the program ends as ever", self.process.returncode == code, (self.process.returncode, self.err[-300:]))
        return read_looks(self.trace)


def check_words(what, look, blocks, stopped=True):
    homes = {"data": ["data"], "bss": [], "outer": ["data"], "inner": ["anon"], "mapped": ["mapped"], "tls": ["tls"]}
    if stopped:
        homes["dead"] = []
    for name, kinds in homes.items():
        seen = look.where(blocks[name])
        # Compilers leave copies in frames that are still in use.
        check(f"{what}: {name}", not kinds if not seen else {*kinds} == {*seen} - {"stack", "registers"}, seen)
    if "stack" in blocks:
        check(f"{what}: stack", "stack" in look.where(blocks["stack"]), look.where(blocks["stack"]))
    if "thread-stack" in blocks:
        check(f"{what}: stack of a thread", "stack" in look.where(blocks["thread-stack"]))
        check(f"{what}: its thread-local variable", not stopped or "tls" in look.where(blocks["thread-tls"]),
              look.where(blocks["thread-tls"]))


def at_exit():
    for threads in (0, 3):
        program = Program("exit", threads)
        looks = program.end(f"exit with {threads} threads")
        check("one look at exit", [(look.why, look.rung, look.cut) for look in looks] == [("exit", "stopped", "0")],
              [look.figures for look in looks])
        check("its threads", looks[0].threads == str(threads + 1) and looks[0].unread == "0", looks[0].figures)
        check_words(f"exit with {threads} threads", looks[0], program.blocks)
    for options, count in ((["--checkpoint=none"], 0), (["--no-memory"], 0), (["--checkpoint", "exit,mark"], 1)):
        check(f"exit with {options}", len(Program("exit", options=options).end(f"exit with {options}")) == count)
    program = Program("crash")
    check("a fatal signal leaves no moment", program.end("crash", 128 + signal.SIGSEGV) == [])
    check("which is said", "without a moment" in program.err, program.err)


def on_request():
    program = Program("wait", 2, options=["--checkpoint=mark"])
    result = program.ask("checkpoint", "--pid", program.pid, "first")
    check("a checkpoint", result.returncode == 0 and "all threads stood still" in result.stderr, result.stderr)
    check("a mark with a look", program.ask("mark", program.pid, "second").returncode == 0)
    check("nobody", program.ask("checkpoint", "--pid", 1 << 22).returncode == 3)
    looks = program.end("request")
    check("names", [(look.why, look.name) for look in looks] == [("request", "first"), ("mark", "second")],
          [look.figures for look in looks])
    for look in looks:
        check_words(f"look {look.name}", look, program.blocks)
    program = Program("wait", options=["--no-memory"])
    result = program.ask("checkpoint", "--pid", program.pid)
    check("refused", result.returncode == 3 and "--no-memory" in result.stderr, (result.returncode, result.stderr))
    program.end("refused")


def pointers():
    options = ["--unaligned", "--pointer", "xor=0xf0f0f0f0f0f0f0f0", "--pointer", "mask=0x0000ffffffffffff",
               "--pointer", "shift=4:bits=32", "--pointer", "bits=32"]
    program = Program("exit", options=options)
    look = program.end("decodings")[0]
    for name, how in (("packed", 0), ("xor", 1), ("tag", 2), ("data", 0)):
        seen = {word[4] for word in look.words if word[3] == program.blocks[name] and word[0] == "data"}
        check(f"{name} is found", how in seen, seen)
    for start in (options, ["--pointer", "bits=32"]):
        program = Program("exit", options=start)
        look = program.end("halves")[0]
        seen = [word for word in look.words if word[3] == program.blocks.get("half") and word[0] == "mapped"]
        check("half a word at the end is found once", machine != "x86_64" or len(seen) == 1, seen)
    program = Program("exit")
    look = program.end("no decodings")[0]
    for name in ("packed", "xor", "tag"):
        check(f"{name} is not found", "data" not in look.where(program.blocks[name]), look.where(program.blocks[name]))
    for bad in ("mask", "mask=", "shift=64", "xor=1:", "bits=0", "what=3"):
        result = subprocess.run([reftrack, "run", "--pointer", bad, "--", "true"], stderr=subprocess.PIPE)
        check(f"--pointer {bad}", result.returncode == 125 and b"--pointer takes" in result.stderr, result.stderr)


def ladder():
    """What is refused makes a look weaker, never the program worse."""
    program = Program("exit", before=[refuse, str(PTRACE)])
    looks = program.end("without ptrace")
    check("its only thread waits", [(look.rung, look.single) for look in looks] == [("waiting", "1")],
          [look.figures for look in looks])
    check_words("without ptrace", looks[0], program.blocks)
    program = Program("exit", 2, before=[refuse, str(PTRACE)])
    looks = program.end("without ptrace, threads")
    check("one waits", [(look.rung, look.single, look.unread) for look in looks] == [("waiting", "0", "2")],
          [look.figures for look in looks])
    check_words("without ptrace, threads", looks[0], program.blocks, stopped=False)
    program = Program("wait", 2, before=[refuse, f"{PTRACE},{VM_READ}"])
    result = program.ask("checkpoint", "--pid", program.pid)
    check("twice", result.returncode == 0 and "twice while the program ran" in result.stderr, result.stderr)
    check("and why", "does not allow to stop it" in result.stderr, result.stderr)
    looks = program.end("nobody waits")
    check("confirmed, then waiting", [look.rung for look in looks] == ["confirmed", "waiting"],
          [look.figures for look in looks])
    for look in looks:
        check_words(f"{look.rung}", look, program.blocks, stopped=False)
        check(f"{look.rung}: nothing changed meanwhile", look.cut == "0", look.figures)
    if os.geteuid() == 0 and shutil.which("setpriv"):
        # Nothing can be read from outside: the waiting thread reads for the recorder.
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
        # Not where the tree lies in somebody's private folder.
        if subprocess.run([*user, "test", "-x", reftrack], stderr=subprocess.DEVNULL).returncode == 0:
            for threads, single in ((0, "1"), (2, "0")):
                program = Program("undumpable", threads, before=user)
                looks = program.end(f"undumpable, {threads} threads")
                check(f"served, {threads} threads", [(look.rung, look.single) for look in looks] == [("waiting", single)],
                      [look.figures for look in looks] or program.ask("info", program.trace).stdout)
                if looks:
                    check_words(f"served, {threads} threads", looks[0], program.blocks, stopped=False)
    if shutil.which("strace"):
        program = Program("exit", inside=["strace", "-o", "/dev/null"])
        program.end("under strace")
        looks = [look for name in os.listdir(program.folder) for look in read_looks(os.path.join(program.folder, name))]
        check("a tracer is there already", sorted(look.rung for look in looks) == ["stopped", "waiting"],
              [look.figures for look in looks])


def moving():
    """Pointers that go from place to place are missed without a stop; nothing may be called lost for that."""
    for before, options, rungs in (([], [], ("stopped",)), ([], ["--pause", "1us"], ("confirmed", "waiting")),
                                   ([refuse, str(PTRACE)], [], ("confirmed", "waiting"))):
        program = Program("moving", options=[*options, "--checkpoint=none"], before=before)
        for _ in range(1 if not long_form else 20):
            result = program.ask("checkpoint", "--pid", program.pid)
            why = "--pause" if options else "does not allow" if before else "stood still"
            check("a checkpoint", result.returncode == 0 and why in result.stderr, result.stderr)
        what = f"moving {options} {before[1:]}"
        for look in program.end(what):
            check(f"{what}: rung", look.rung in rungs, look.figures)
            check(f"{what}: told", (look.cut == "0") == (look.rung == "stopped"), look.figures)
        result = program.ask("leaks", "--json", program.trace)
        gating = [f for f in json.loads(result.stdout)["findings"]
                  if f["gating"] and any("moves" == g.get("function") for g in f["born"]["stack"])]
        check(f"{what}: nothing of it is lost", gating == [], gating)


def odd_threads():
    program = Program("wait", 200)
    begin = time.time()
    check("200 threads", program.ask("checkpoint", "--pid", program.pid).returncode == 0)
    took = time.time() - begin
    program.end(f"200 threads ({took:.2f} s)")
    program = Program("headless", 1)
    check("first thread ended", program.ask("checkpoint", "--pid", program.pid).returncode == 0)
    looks = program.end("first thread ended")
    check("first thread ended: stopped", [look.rung for look in looks] == ["stopped"] * 2,
          [look.figures for look in looks])
    program = Program("vfork")
    check("a thread that cannot be stopped", program.ask("checkpoint", "--pid", program.pid).returncode == 0)
    looks = read_looks(program.trace)
    check("is told", [(look.rung, look.unread) for look in looks] == [("stopped", "1")],
          [look.figures for look in looks])
    os.kill(program.pid, signal.SIGKILL)
    program.process.communicate(timeout=60)
    program = Program("calls")
    for _ in range(12 if not long_form else 30):
        program.ask("checkpoint", "--pid", program.pid)
    program.end("calls go on as if nothing had been", 5)


def stopped_already():
    program = Program("wait")
    os.kill(program.pid, signal.SIGSTOP)
    time.sleep(0.05)
    check("a stopped program", program.ask("checkpoint", "--pid", program.pid).returncode == 0)
    time.sleep(0.05)
    with open(f"/proc/{program.pid}/stat", encoding="ascii", errors="replace") as file:
        state = file.read().rsplit(")", 1)[1].split()[0]
    check("is still stopped", state == "T", state)
    os.kill(program.pid, signal.SIGCONT)
    looks = program.end("stopped")
    check("stopped: looks", [look.rung for look in looks] == ["stopped"] * 2, [look.figures for look in looks])


def killed():
    """The recorder, or the program, dies in the middle of a look."""
    for round_ in range(1 if not long_form else 40):
        program = Program("wait", 8)
        ask = subprocess.Popen([reftrack, "checkpoint", "-q", "--pid", str(program.pid)], stderr=subprocess.DEVNULL)
        time.sleep(0.002 + round_ % 10 * 0.001)
        os.kill(program.pid, signal.SIGKILL)
        program.process.communicate(timeout=60)
        ask.wait(timeout=60)
        check("killed target", program.process.returncode == 137, program.process.returncode)
        read_looks(program.trace)
        program = Program("wait", 8)
        ask = subprocess.Popen([reftrack, "checkpoint", "-q", "--pid", str(program.pid)], stderr=subprocess.DEVNULL)
        time.sleep(0.002 + round_ % 10 * 0.001)
        program.process.kill()
        program.process.stdin.write("\n")
        program.process.stdin.flush()
        ask.wait(timeout=60)
        end = time.time() + 20
        while time.time() < end and os.path.exists(f"/proc/{program.pid}"):
            time.sleep(0.01)
        check("killed recorder: the program goes on to its end", not os.path.exists(f"/proc/{program.pid}"))
        program.process.communicate(timeout=60)


def limited():
    """A trace with a limit has its room for events: what memory said is left out where it does not fit."""
    for keep in ("all", "folded"):
        limit = 128 << 10
        program = Program("scatter", 1 << 14, options=[f"--max-trace={limit}", f"--keep={keep}"])
        result = program.ask("checkpoint", "--pid", program.pid)
        check(f"{keep}: no room", result.returncode == 3 and "does not fit into --max-trace" in result.stderr,
              (result.returncode, result.stderr))
        check(f"{keep}: nothing of it", program.end(f"limited, {keep}") == [])
        check(f"{keep}: the trace is not longer", os.stat(program.trace).st_size <= limit, os.stat(program.trace).st_size)
        report = json.loads(program.ask("report", "--json", program.trace).stdout)
        check(f"{keep}: up to the end", report["program"]["exit"]["reason"] == "exit", report["program"]["exit"])
        text = program.ask("leaks", program.trace).stdout
        check(f"{keep}: leaks say so", "was not read (what was read does not fit into --max-trace)" in text, text)
        check(f"{keep}: nothing is called lost", "lost " not in text.replace("lost blocks cannot", ""), text)
    program = Program("scatter", 1 << 9, options=["--max-trace=128KiB"])
    for name in ("first", "second"):
        check("a small one fits", program.ask("checkpoint", "--pid", program.pid, name).returncode == 0)
    looks = program.end("limited, small")
    check("small ones are there", [look.why for look in looks] == ["request", "request", "exit"],
          [look.figures for look in looks])
    facts = program.ask("info", program.trace).stdout
    check("and all events", "limit" not in facts, facts)


with tempfile.TemporaryDirectory(prefix="reftrack-look.") as place:
    os.chmod(place, 0o777)
    for part in (at_exit, on_request, pointers, ladder, odd_threads, stopped_already, killed, moving, limited):
        if part in (ladder, moving) and machine != "x86_64":
            continue
        began = time.time()
        part()
        print(f"{part.__name__}: {time.time() - began:.1f} s", flush=True)
print(f"{checks} checks, {failures} failures")
sys.exit(failures != 0)
