#!/usr/bin/env python3
"""Programs, their recorders and their children are killed at random moments: what was recorded until then is in the
trace, event by event. Usage: kill.py REFTRACK EMITTER AUDIT FAIL [long]"""
import os
import sys

sys.path.insert(0, os.environ["FAITH_HARNESS"])
from faith import *

KILLS = 1000 if LONG else 30


def issuing(page, lanes):
    """Lanes 0..lanes-1 have begun."""
    import mmap
    import struct
    with open(page, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as seen:
        return all(struct.unpack_from("Q", seen, 32 + 32 * lane + 8)[0] > 0 for lane in range(lanes))


def target_of(process, how):
    """The process that `emitter` runs in."""
    if how == "alone":
        return process.pid
    found = children(process.pid)
    return found[0] if found else None


KINDS = (("threads", 1, 0), ("threads", 8, 0), ("forks", 3, 0))
HOWS = ("run", "linked", "alone")


def one_kill(kind, how, number):
    """SIGKILL to the target, or to all its processes when it forks."""
    what = f"kill {number} of {how} {kind}"
    page = new_page()
    program, count, _ = kind
    lanes = count + 1 if program == "forks" else count
    remove("out")
    os.mkdir("out")
    process = start(how, *kind, page=page, out="out/t.trk", process_group=0, command=["--budget=8M"])
    wait_for(f"{what}: it runs", lambda: issuing(page, lanes))
    time.sleep(rng.random() ** 2 * (0.05 if LONG else 0.02))
    target = target_of(process, how)
    if program == "forks":
        victims = children(target) + [target]
    else:
        victims = [target]
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    code, _, err = end(process)
    check(f"{what}: exit code", code == (-9 if how == "alone" else 128 + 9), code, err)
    expected = lanes if program == "forks" else 1
    # A recorder that is nobody's child may still have to look at the children.
    wait_for(f"{what}: a trace per process", lambda: len(os.listdir("out")) >= expected)
    traces = [os.path.join("out", name) for name in sorted(os.listdir("out"))]
    check(f"{what}: no other trace", len(traces) == expected, traces)
    for trace in traces:
        finished(trace)
    seen = Audit(*traces)
    complete(what, seen)
    for trace in seen.traces:
        check(f"{what}: END tells signal 9", (trace["reason"], trace["value"]) == (2, 9), trace)
        check(f"{what}: in flight", trace["in_flight"] <= count, trace)
    if number % 10 == 0:
        for trace in traces:
            readable(what, trace)


def kills():
    for number in range(KILLS):
        one_kill(KINDS[number % len(KINDS)], HOWS[number // len(KINDS) % len(HOWS)], number)


def group_kills():
    """The whole process group dies, recorder included: the trace is good up to what was flushed. A recorder that a
    program started for itself is in a session of its own and finishes its work."""
    for number in range(40 if LONG else 4):
        how = HOWS[number % len(HOWS)]
        what = f"group kill {number} of {how}"
        page = new_page()
        remove("g.trk")
        process = start(how, "paced", 4, 1000000, page=page, out="g.trk", process_group=0)
        wait_for(f"{what}: it runs", lambda: issuing(page, 4))
        time.sleep(0.15 + rng.random() * 0.2)
        os.killpg(process.pid, signal.SIGKILL)
        end(process)
        if how == "alone":
            finished("g.trk")
            seen = Audit("g.trk")
            complete(what, seen)
            check(f"{what}: END", [t["reason"] for t in seen.traces] == [2], seen.traces)
            continue
        readable(what, "g.trk")
        seen = Audit("g.trk")
        check(f"{what}: no END", seen.traces and not seen.traces[0]["finished"], seen.traces)
        check(f"{what}: something was saved", seen.total.get("recorded", 0) > 0, seen.total)
        for lane, v in seen.lanes.items():
            check(f"{what}: lane {lane} is a prefix", v["gaps"] == v["twice"] == v["beyond"] == 0, v)


def child_kills():
    """A forked child is killed: its trace tells, those of the others are not touched by it."""
    for number in range(20 if LONG else 2):
        what = f"child kill {number}"
        page = new_page()
        remove("out")
        os.mkdir("out")
        process = start("run", "forks", 3, 30000, page=page, out="out/t.trk")
        wait_for(f"{what}: it runs", lambda: issuing(page, 4))
        target = target_of(process, "run")
        victim = (children(target) or [None])[0] if target else None
        if victim:
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                victim = None
        code, _, err = end(process)
        check(f"{what}: the parent ends as it likes", code == 0, code, err)
        seen = Audit(*[os.path.join("out", name) for name in os.listdir("out")])
        complete(what, seen)
        check(f"{what}: four traces", len(seen.traces) == 4, seen.traces)
        for trace in seen.traces:
            good = (1, 0) if trace["pid"] != victim else None
            ends = (trace["reason"], trace["value"])
            check(f"{what}: END", ends == good or (good is None and ends in ((2, 9), (1, 0))), trace)


def recorder_kills():
    """The recorder is killed: the program goes on unharmed, soon at full speed, and ends with its own status."""
    for number in range(30 if LONG else 3):
        how = HOWS[number % len(HOWS)]
        what = f"recorder kill {number} of {how}"
        page = new_page()
        remove("r.trk")
        process = start(how, "paced", 4, 6000, page=page, out="r.trk")
        wait_for(f"{what}: it runs", lambda: issuing(page, 4))
        time.sleep(0.12 + rng.random() * 0.1)
        target = target_of(process, how)
        recorder = process.pid if how != "alone" else None
        if how == "alone":
            wait_for(f"{what}: its recorder runs", lambda: recorder_of("r.trk"))
            recorder = recorder_of("r.trk")
        os.kill(recorder, signal.SIGKILL)
        if how == "alone":
            code, _, err = end(process)
            check(f"{what}: the program's own status", code == 0, code, err)
        else:
            end(process)
            wait_for(f"{what}: the program ends", lambda: not os.path.exists(f"/proc/{target}") or
                     open(f"/proc/{target}/stat").read().rsplit(")", 1)[1].split()[0] == "Z", 60)
        seen = Audit("r.trk")
        lanes = seen.lanes.values()
        check(f"{what}: the program did all it wanted", len(lanes) == 4 and all(v["done"] == 6000 for v in lanes), seen.lanes)
        for lane, v in seen.lanes.items():
            check(f"{what}: lane {lane} is a prefix", v["gaps"] == v["twice"] == v["beyond"] == 0 and v["recorded"] > 0, v)
        check(f"{what}: no END", seen.traces and not seen.traces[0]["finished"], seen.traces)
        readable(what, "r.trk")


ENDS = (("exit", 1, 7), ("_exit", 1, 7), ("quick_exit", 1, 7), ("raw", 1, 7), ("abort", 2, 6), ("segv", 2, 11),
        ("term", 2, 15), ("handler", 1, 7), ("main", 1, 0))


def ends():
    """All the ways a program can end by itself, with threads that are still at it."""
    for how in HOWS:
        for name, reason, value in ENDS:
            for threads in (0, 3) if name != "main" else (0,):
                what = f"{name} with {threads} threads, {how}"
                remove("e.trk")
                code, _, err = run(how, f"die-{name}", threads, out="e.trk")
                own = value if reason == 1 else -value if how == "alone" else 128 + value
                check(f"{what}: exit code", code == own, code, err)
                finished("e.trk")
                seen = Audit("e.trk")
                complete(what, seen)
                check(f"{what}: END", [(t["reason"], t["value"]) for t in seen.traces] == [(reason, value)], seen.traces)


def execs():
    """exec while other threads record: the old image is complete, the new one has a trace of its own."""
    for number in range(60 if LONG else 6):
        how = HOWS[number % len(HOWS)]
        what = f"exec {number}, {how}"
        page, second = new_page(), new_page("page2")
        remove("out")
        os.mkdir("out")
        code, _, err = run(how, "die-exec", number % 4, page=page, out="out/t.trk",
                           env=environment(page, EMITTER_PAGE2=second))
        check(f"{what}: exit code", code == 0, code, err)
        traces = [os.path.join("out", name) for name in os.listdir("out")]
        if not check(f"{what}: two traces", len(traces) == 2, traces):
            continue
        for trace in traces:
            finished(trace)
        traces.sort(key=lambda trace: trace != "out/t.trk")
        seen = Audit(traces[0], page=page)
        complete(f"{what}: before", seen)
        # An exec that nobody announces, of a program that ends at once, may look like the end of the first.
        ends = (4, 1) if how == "alone" else (4,)
        check(f"{what}: END before", len(seen.traces) == 1 and seen.traces[0]["reason"] in ends, seen.traces)
        seen = Audit(traces[1], page=second)
        complete(f"{what}: after", seen)
        check(f"{what}: END after", [(t["reason"], t["value"]) for t in seen.traces] == [(1, 0)], seen.traces)


finish((kills, group_kills, child_kills, recorder_kills, ends, execs))
