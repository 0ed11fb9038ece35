#!/usr/bin/env python3
"""What is recorded equals what was issued: many threads, short threads, tiny budgets, a recorder or a program that is
stopped for a while. Usage: counts.py REFTRACK EMITTER AUDIT FAIL [PART...] [long]"""
import os
import signal
import sys
import time

sys.path.insert(0, os.environ["FAITH_HARNESS"])
from faith import *

EACH = {1: 400000, 2: 200000, 16: 25000, 200: 2000}


def exact(what, seen, issued):
    """recorded + dropped = issued, and what is missing in a thread is what its DROP records say."""
    check(f"{what}: opens", seen.code == 0, seen.errors)
    check(f"{what}: all was issued", seen.total.get("done") == issued, seen.total)
    ours = seen.total["recorded"] + seen.sum("dropped")
    # The program's last words and the map of its modules may be among the dropped.
    others = 2 - min(seen.total["exits"], 1) - min(seen.total["modules"], 1)
    check(f"{what}: recorded + dropped = issued", issued <= ours <= issued + others, ours, issued, seen.total, seen.traces)
    check(f"{what}: nothing else was lost", seen.sum("holes") == seen.sum("emergency") == seen.sum("write_lost") == 0,
          seen.traces)
    check(f"{what}: no doubles", all(v["twice"] == v["beyond"] == 0 for v in seen.lanes.values()), seen.lanes)
    check(f"{what}: gaps are explained by DROP records", seen.total["unexplained"] == 0 or
          seen.sum("dropped") > seen.total["in_band"], seen.total, seen.traces)


def threads():
    factor = 20 if LONG else 1
    for policy in ("block", "drop"):
        for budget in ("64M", "1M"):
            for count, each in EACH.items():
                what = f"{count} threads, {policy}, {budget}"
                each *= factor
                remove("t.trk")
                how = "linked" if policy == "drop" else "run"
                code, _, err = run(how, "threads", count, each, command=[f"--on-full={policy}", f"--budget={budget}"],
                                   seconds=300)
                check(f"{what}: exit code", code == 0, code, err)
                seen = Audit("t.trk")
                exact(what, seen, count * each)
                enough_rings = budget == "64M" or count <= 16
                if policy == "block" and enough_rings:
                    complete(what, seen)
                if policy == "drop" and budget == "1M" and count == 1:
                    check(f"{what}: something was dropped", seen.sum("dropped") > 0, seen.traces)
                    check(f"{what}: each gap has its DROP record", seen.total["unexplained"] == 0, seen.total)


def short_threads():
    """Threads that come and go: rings go from hand to hand, nothing is lost, memory stays flat."""
    amount = 100000 if LONG else 10000
    for how in ("run", "alone"):
        what = f"{amount} short threads, {how}"
        remove("t.trk")
        code, out, err = run(how, "short", amount, seconds=300)
        check(f"{what}: exit code", code == 0, code, err)
        finished("t.trk")
        seen = Audit("t.trk")
        check(f"{what}: all was issued", seen.total.get("done") == 3 * amount, seen.total)
        complete(what, seen)
        said = dict(line.split("=") for line in out.split())
        early, late = int(said["early"]), int(said["late"])
        check(f"{what}: the program's memory is flat", late < early + (16 << 20), early, late)


def stopped_recorder():
    """The recorder stands still: block waits its bound once per thread, then drops and counts; it recovers."""
    for what, args, still in (("events now and then", ("paced", 4, 60000), 3 if LONG else 1.5),
                              ("full rings", ("threads", 2, 2000000), 3 if LONG else 1)):
        what = f"stopped recorder, {what}"
        issued = args[1] * args[2]
        remove("t.trk")
        process = start("run", *args, options="block_ms=200", command=["--budget=1M"])
        wait_for(f"{what}: it runs", lambda: children(process.pid))
        time.sleep(0.05 if args[0] == "paced" else 0.01)
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(still)
        os.kill(process.pid, signal.SIGCONT)
        code, _, err = end(process)
        check(f"{what}: exit code", code == 0, code, err)
        seen = Audit("t.trk")
        exact(what, seen, issued)
        check(f"{what}: events were dropped", seen.sum("dropped") > 0, seen.traces)
        if args[0] == "paced":
            for lane, v in seen.lanes.items():
                check(f"{what}: lane {lane} has its last events", v["missing"] == v["gaps"] and v["recorded"] > 0, v)
            check(f"{what}: each gap has its DROP record", seen.total["unexplained"] == 0, seen.total)
            check(f"{what}: the report says it", "lost" in readable(what, "t.trk"))


def stopped_program():
    """The program stands still, as in a suspended machine: nothing happens to it, and time goes on."""
    what = "stopped program"
    remove("t.trk")
    process = start("run", "paced", 4, 8000)
    wait_for(f"{what}: it runs", lambda: children(process.pid))
    time.sleep(0.05)
    target = children(process.pid)[0]
    os.kill(target, signal.SIGSTOP)
    time.sleep(3 if LONG else 1)
    os.kill(target, signal.SIGCONT)
    code, _, err = end(process)
    check(f"{what}: exit code", code == 0, code, err)
    seen = Audit("t.trk")
    check(f"{what}: all was issued", seen.total["done"] == 32000, seen.total)
    complete(what, seen)


finish((threads, short_threads, stopped_recorder, stopped_program))
