#!/usr/bin/env python3
"""Counts that are read from memory: found where types say, on every rung, and compared with what events say.
Usage: counted.py REFTRACK COUNTED VERDICTS REFUSE MEMDUMP"""
import json
import os
import subprocess
import sys
import tempfile

reftrack, counted, verdicts, refuse, memdump = (os.path.abspath(path) for path in sys.argv[1:6])
work = tempfile.TemporaryDirectory(prefix="reftrack-counted.")
PTRACE, VM_READ = 101, 310  # x86-64
NONE = -(1 << 63)
failures = checks = 0


def check(what, good, seen=""):
    global failures, checks
    checks += 1
    if not good:
        failures += 1
        print(f"FAIL: {what}: {seen}", flush=True)


def read_looks(trace):
    """(rung, {address: count}) of each checkpoint."""
    out = subprocess.run([memdump, trace], check=True, stdout=subprocess.PIPE, text=True).stdout
    looks = []
    for line in out.splitlines():
        parts = line.split()
        if parts[0] == "checkpoint":
            looks.append((dict(p.split("=") for p in parts[2:] if "=" in p)["rung"], {}))
        elif parts[0] == "count":
            looks[-1][1][int(parts[1], 16)] = int(parts[2])
    return looks


def run(name, before=(), options=(), wait=False):
    trace = os.path.join(work.name, name + ".trk")
    process = subprocess.Popen([*before, reftrack, "run", "--no-summary", "-o", trace, *options, "--", counted,
                                *(["wait"] if wait else [])], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    objects = {}
    for line in process.stdout:
        what, address, count = line.split()
        if what == "ready":
            if wait:
                asked = subprocess.run([reftrack, "checkpoint", "--pid", count], stderr=subprocess.PIPE, text=True)
                check(f"{name}: asked", asked.returncode == 0, asked.stderr)
            break
        objects[what] = (int(address, 16), count)
    process.communicate("\n", timeout=60)
    check(f"{name}: the program ends as ever", process.returncode == 0, process.returncode)
    return objects, read_looks(trace)


def compare(name, objects, counts):
    for what, (address, count) in objects.items():
        want = None if count == "-" else NONE if count == "none" else int(count)
        check(f"{name}: {what}", counts.get(address) == want, (counts.get(address), count))
    extra = set(counts) - {address for address, _ in objects.values()}
    check(f"{name}: nothing else", not extra, extra)


def rungs():
    objects, looks = run("stopped")
    check("one look", [look[0] for look in looks] == ["stopped"], looks)
    compare("stopped", objects, looks[0][1])
    _, looks = run("unread", options=["--no-memory"])
    check("--no-memory: nothing", looks == [], looks)
    if os.uname().machine != "x86_64":
        return
    objects, looks = run("waiting", before=[refuse, str(PTRACE)])
    check("it waits", [look[0] for look in looks] == ["waiting"], looks)
    compare("waiting", objects, looks[0][1])
    objects, looks = run("confirmed", before=[refuse, f"{PTRACE},{VM_READ}"], wait=True)
    check("read twice", [look[0] for look in looks] == ["confirmed", "waiting"], looks)
    for rung, counts in looks:
        compare(rung, objects, counts)


def case(name, expected, audit, sentence=""):
    trace = os.path.join(work.name, name + ".trk")
    subprocess.run([reftrack, "run", "-q", "-o", trace, "--", verdicts, name], check=True)
    told = json.loads(subprocess.run([reftrack, "leaks", "--json", trace], check=True, stdout=subprocess.PIPE,
                                     text=True).stdout)
    found = [(f["verdict"], f["strength"], f["objects"]) for f in told["findings"] if f["class"] != "reachable"]
    found = [f for f in found if f[0] != "reachable"]
    check(f"{name}: findings", found == expected, told["findings"])
    memory = told["audit"]["references_in_memory"]
    seen = (memory["counts_read"], memory["counts_higher"], memory["counts_lower"], memory["vetoed"])
    check(f"{name}: audit", seen == audit, seen)
    check(f"{name}: said", any(sentence in f["sentence"] for f in told["findings"]) or not expected,
          [f["sentence"] for f in told["findings"]])


def verdicts_by_counts():
    case("agrees", [("missing-unref", "proven", 1)], (1, 0, 0, 0), "; its own count says the same")
    case("more", [("missing-unref", "suspect", 1)], (1, 1, 0, 0),
         "; its own count is 3, events say 1: 2 references taken without telling")
    case("less", [("missing-unref", "suspect", 1)], (1, 0, 1, 0),
         "; its own count is 1, events say 2: 1 reference given back without telling, or told and not counted")
    case("zero", [("zero-not-freed", "suspect", 1)], (1, 0, 1, 0), "; its own count is 0, events say 1")
    case("held", [], (1, 0, 1, 0))
    case("ring", [("cycle", "proven", 2)], (2, 0, 0, 0))
    case("ring-borrowed", [("cycle-held", "suspect", 1)], (2, 0, 0, 2), "a pointer is at global g_borrowed")
    case("ring-more", [("cycle-held", "suspect", 1)], (2, 1, 0, 0), "; its own count is 2, events say 1")


def two_looks():
    twice = "; the same pointers stood there at a checkpoint "
    case("twice", [("cycle", "proven", 2)], (2, 0, 0, 0), twice)
    case("twice-once", [("cycle", "probable", 2)], (2, 0, 0, 0), "2 objects hold each other")
    case("twice-changed", [("cycle", "suspect", 2)], (2, 0, 0, 0), "2 objects hold each other")


rungs()
two_looks()
verdicts_by_counts()
print(f"{checks} checks, {failures} failures")
sys.exit(failures != 0)
