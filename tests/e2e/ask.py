#!/usr/bin/env python3
"""Talking to recorders, flight recordings, and what is left when a recorder is killed.
Usage: ask.py REFTRACK EMITS [long]"""
import json
import os
import random
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time

reftrack, emits = (os.path.abspath(path) for path in sys.argv[1:3])
long_form = len(sys.argv) > 3
failures = checks = 0


def check(what, good, seen=""):
    global failures, checks
    checks += 1
    if not good:
        failures += 1
        print(f"FAIL: {what}: {seen}", flush=True)


def run(*args, **more):
    return subprocess.run([reftrack, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                          universal_newlines=True, **more)


def document(*args):
    result = run(*args)
    try:
        return json.loads(result.stdout)
    except ValueError:
        check(f"json of {args}", False, (result.stdout[:300], result.stderr))
        return {"events": {}, "trace": {}}


def issued(path):
    with open(path, "rb") as file:
        return sum(struct.unpack("64Q", file.read(512)))


def references(path):
    events = document("info", "--json", path)["events"]
    return events.get("ref", 0) + events.get("unref", 0)


def wait_for(what, good, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        if good():
            return True
        time.sleep(0.005)
    check(what, False, "never happened")
    return False


class Target:
    """A program under `reftrack run`; pid is its own."""

    def __init__(self, name, threads, events, pause_us, *more, options=()):
        self.counts, self.trace = name + ".counts", name + ".trk"
        self.run = subprocess.Popen([reftrack, "run", "-q", "--no-preload", "--no-summary", "-o", self.trace, *options,
                                     "--", emits, self.counts, str(threads), str(events), str(pause_us), *more],
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
        wait_for("program starts", self.find)

    def find(self):
        if not os.path.exists(self.counts) or os.path.getsize(self.counts) < 512 or issued(self.counts) == 0:
            return False
        with open(f"/proc/{self.run.pid}/task/{self.run.pid}/children") as file:
            text = file.read().split()
        self.pid = int(text[0]) if text else 0
        return bool(text)

    def end(self):
        out, err = self.run.communicate(timeout=60)
        return out, err


def marks_and_reports():
    target = Target("mark", 2, 400000, 2000, "wait")
    check("mark", run("mark", target.pid, "warm").returncode == 0)
    rows = document("marks", "--json", "--pid", target.pid)
    check("the mark is seen at once", "warm" in json.dumps(rows), rows)
    first = references(target.trace)
    check("the trace is brought up to date", first > 0, first)
    wait_for("program issued all", lambda: issued(target.counts) == 800000)
    result = run("report", "--pid", target.pid)
    check("report of a running program", "still running" in result.stdout and target.trace in result.stderr + result.stdout,
          result)
    check("everything so far is in the file", references(target.trace) == 800000, references(target.trace))
    info = run("info", "--pid", target.pid).stdout
    check("info is live", re.search(r"^recorded by +process \d+", info, re.M), info)
    check("mark --all", "marked" in run("mark", "--all", "done").stderr)
    check("to a mark", run("report", "--pid", target.pid, "--to", "warm").returncode == 0)
    for bad, text in ((("mark", str(os.getpid()), "x"), "not being recorded"), (("mark", "4194305", "x"), "no process"),
                      (("mark", "me", "x"), "not a process id"), (("mark", str(target.pid)), "wanted"),
                      (("mark", str(target.pid), ""), "1 to 255"), (("snapshot", str(target.pid)), "not a flight"),
                      (("snapshot", str(os.getpid())), "not being recorded"), (("recover", str(target.pid)), "is being recorded by")):
        result = run(*bad)
        check(f"{bad}", result.returncode in (2, 3) and text in result.stderr and result.stderr.count("\n") == 1, result)
    os.kill(target.pid, signal.SIGUSR1)
    check("the program is not disturbed", target.end()[0] == "800000\n")
    names = [row["mark"] for row in document("marks", "--json", target.trace)["rows"]]
    check("marks in order", [n for n in names if n in ("warm", "done")] == ["warm", "done"], names)


def alone():
    """A linked program that starts its own recorder."""
    env = dict(os.environ, TRACK_OPTIONS=f"out=alone.trk:recorder={reftrack}")
    process = subprocess.Popen([emits, "alone.counts", "1", "5000", "100", "wait"], env=env, stdout=subprocess.PIPE)
    wait_for("it counts", lambda: os.path.exists("alone.counts") and os.path.getsize("alone.counts") == 512 and
             issued("alone.counts") == 5000)
    check("mark of a program that runs alone", run("mark", process.pid, "here").returncode == 0)
    check("its report", "still running" in run("report", "--pid", process.pid).stdout)
    check("all of it", references("alone.trk") == 5000, references("alone.trk"))
    process.send_signal(signal.SIGUSR1)
    process.communicate()


def background():
    """A program whose child outlives it."""
    script = f"{emits} back.counts 1 3000 100 wait >/dev/null 2>&1 & echo $! >back.pid"
    subprocess.run([reftrack, "run", "-q", "--no-summary", "-o", "back.%e.%p.trk", "--", "sh", "-c", script],
                   timeout=60)
    wait_for("it counts", lambda: os.path.exists("back.counts") and os.path.getsize("back.counts") == 512 and
             issued("back.counts") == 3000)
    pid = int(open("back.pid").read())
    result = run("mark", pid, "late")
    check("mark of a process in the background", result.returncode == 0, result)
    result = run("report", "--pid", pid)
    check("its report", "still running" in result.stdout, result)
    os.kill(pid, signal.SIGUSR1)


def flights():
    cases = [(threads, killed) for threads in (1, 2, 16) for killed in (False, True)]
    for threads, killed in cases if long_form else ((1, False), (2, True), (16, False)):
        name = f"flight{threads}{killed}"
        each = (1200000 if long_form else 600000) // threads
        target = Target(name, threads, each, 0 if threads < 16 else 100, "wait",
                        options=["--on-full", "flight", "--budget", "4MiB"])
        if not killed:
            snapshot = run("snapshot", target.pid, "-o", name + ".snap.trk")
            check("snapshot", snapshot.returncode == 0 and os.path.exists(name + ".snap.trk"), snapshot)
            check("reports of a snapshot", "after this snapshot" in run("report", name + ".snap.trk").stdout)
            wait_for("program issued all", lambda: issued(target.counts) == each * threads)
            beside = run("snapshot", target.pid).stdout.strip()
            flight_sums(name + " snapshot", beside, issued(target.counts), 0)
            os.kill(target.pid, signal.SIGUSR1)
        else:
            time.sleep(random.uniform(0.02, 0.3))
            os.kill(target.pid, signal.SIGKILL)
        target.end()
        flight_sums(name, target.trace, issued(target.counts), threads if killed else 0)


def flight_sums(name, path, wanted, slack):
    recorded = references(path)
    facts = document("info", "--json", path)
    gone = facts["trace"]["flight"]["overwritten"]
    # A module map and the exit are events as well; at most two of them were written over.
    others = sum(n for op, n in facts["events"].items() if op not in ("ref", "unref"))
    wanted += others
    total = recorded + others + gone
    check(f"{name}: recorded + overwritten == issued", wanted <= total <= wanted + slack + 2,
          (recorded, gone, others, wanted))
    report = run("report", path).stdout
    if gone:
        check(f"{name}: report says how far back", "the last " in report and "overwritten" in report, report[:400])
        check(f"{name}: never certain", run("check", path).returncode in (1, 4))


def recorder_killed():
    for i in range(300 if long_form else 8):
        name = f"kill{i}"
        threads = random.choice((1, 2, 3))
        target = Target(name, threads, 60000 // threads, random.choice((0, 200, 1000)), "wait")
        time.sleep(random.uniform(0, 0.12))
        os.kill(target.run.pid, signal.SIGKILL)
        target.run.wait()
        wait_for("program goes on", lambda: issued(target.counts) == 60000 // threads * threads)
        if i == 0:  # it had made its file, and written nothing
            open(target.trace, "w").close()
        # Killed early enough, it has not even begun a file.
        old = [target.trace] if os.path.exists(target.trace) else []
        result = run("recover", target.pid, *old, "-o", name + ".saved.trk")
        check("recover", result.returncode == 0, result)
        lost = re.search(r"([\d  ]+) events were lost with the recorder", result.stderr)
        number = int(re.sub(r"\D", "", lost.group(1))) if lost else -1
        saved = references(name + ".saved.trk")
        # What an emptied file had may have been the map of the modules, too.
        check(f"{name}: recovered + lost == issued", 0 <= saved + number - issued(target.counts) <= (i == 0),
              (saved, number, issued(target.counts), result.stderr))
        os.kill(target.pid, signal.SIGUSR1)
        check("the program is unharmed", target.run.stdout.read() == f"{60000 // threads * threads}\n")
        info = document("info", "--json", name + ".saved.trk")
        check("recovered trace is complete", info["trace"].get("finished"), info["trace"])
        for path in (*old, name + ".saved.trk", target.counts):
            os.unlink(path)


def cut_files():
    target = Target("whole", 1, 200000, 0)
    target.end()
    check("a complete trace", "nothing to recover" in run("recover", target.trace).stderr)
    data = open(target.trace, "rb").read()
    for cut in (len(data) - 1, len(data) - 50, len(data) // 2, 200):
        with open("cut.trk", "wb") as file:
            file.write(data[:cut])
        result = run("recover", "cut.trk")
        check(f"recover of a cut file ({cut})", result.returncode == 0, result)
        facts = document("info", "--json", "cut.recovered.trk")
        check("it has an end", facts["trace"].get("finished"), facts)
        check("the original is untouched", open("cut.trk", "rb").read() == data[:cut])
        os.unlink("cut.recovered.trk")
    result = run("recover", "nothing.trk")
    check("no such file", result.returncode == 3 and result.stderr.count("\n") == 1, result)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    for name in ("TRACK_OPTIONS", "LD_PRELOAD"):
        os.environ.pop(name, None)
    os.environ["XDG_RUNTIME_DIR"] = folder  # where only this test's `mark --all` looks
    for test in (marks_and_reports, alone, background, flights, cut_files, recorder_killed):
        begin = time.monotonic()
        test()
        print(f"{test.__name__}: {time.monotonic() - begin:.1f} s", flush=True)
    os.chdir("/")
print(f"{checks} checks, {failures} failures")
sys.exit(failures != 0)
