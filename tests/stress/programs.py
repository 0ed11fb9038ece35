#!/usr/bin/env python3
"""Programs that do what programs do: handlers, jumps, coroutines, processes made in every way, sandboxes after the
start. Nothing of it harms the program, everything is recorded or counted. Usage: programs.py REFTRACK EMITTER AUDIT FAIL
[PART...] [long]"""
import os
import signal
import stat
import sys

sys.path.insert(0, os.environ["FAITH_HARNESS"])
from faith import *

HOWS = ("run", "linked", "alone")


def record(what, how, *args, expect=0, **more):
    """Runs it into an empty folder; (audit of all its traces that issued, their paths)."""
    remove("out")
    os.mkdir("out")
    os.chmod(work, 0o711)
    code, out, err = run(how, *args, out="out/t.trk", **more)
    check(f"{what}: exit code", code == expect, code, out, err)
    wait_for(f"{what}: a trace", lambda: os.listdir("out"))
    all_written("out/t.trk")
    paths = [os.path.join("out", name) for name in sorted(os.listdir("out"))]
    for path in paths:
        finished(path)
    return Audit(*paths), paths


def whole(what, seen):
    """Nothing lost, and all that was begun is done."""
    complete(what, seen)
    check(f"{what}: it issued", seen.total.get("begun", 0) > 0 and seen.total["begun"] == seen.total["done"], seen.total)


def destructors():
    amount = 8000 if LONG else 800
    for how in HOWS:
        what = f"TLS destructors, {how}"
        seen, _ = record(what, how, "tls", amount)
        whole(what, seen)
        # the first event, and glibc's four rounds of destructors over three keys in turn
        check(f"{what}: all rounds", seen.total["done"] > 4 * amount, seen.total)


def handlers():
    """malloc and events in handlers, ten thousand a second over several threads."""
    for how in ("run", "linked"):
        what = f"handlers, {how}"
        seen, _ = record(what, how, "signals", 3, 5000 if LONG else 400, command=["--budget=16M"], seconds=200)
        total = seen.total
        check(f"{what}: handlers ran", total["handled"] > (500 if LONG else 50), total)
        lost = seen.lost()
        check(f"{what}: nothing but what met the engine at work was lost",
              lost == seen.sum("emergency") + seen.sum("dropped") and lost <= total["handled"] * 4, seen.traces)
        missing = total["done"] - total["recorded"]
        if how == "run": # the handlers' allocations count, too
            others = 2 * total["allocated"]
            known = total["allocs"] + total["frees"]
            check(f"{what}: recorded + lost = issued", missing <= lost and total["recorded"] + known + lost >=
                  total["done"] + others, total, seen.traces)
        else:
            check(f"{what}: recorded + lost = issued", missing == lost, missing, lost)
        for lane, v in seen.lanes.items():
            check(f"{what}: lane {lane}", v["twice"] == v["beyond"] == 0, v)


def jumps():
    """Handlers that leave by siglongjmp, on an alternate stack, now and then or ten thousand times a second: each tears
    at most one event of its own and one of the thread, nothing stalls, what comes later is intact and in its order."""
    for name in ("rare-jumps", "jumps"):
        for how, budget in (("run", "64M"), ("linked", "64M"), ("linked", "1M")):
            what = f"{name}, {how}, {budget}"
            seen, _ = record(what, how, name, 3, 5000 if LONG else 700, command=[f"--budget={budget}"], seconds=200)
            total = seen.total
            check(f"{what}: handlers ran", total["handled"] > (10 if name == "rare-jumps" else 100), total)
            torn = sum(v["torn"] for v in seen.lanes.values())
            missing = total["begun"] - total["recorded"]
            check(f"{what}: what is missing was torn or counted", missing <= torn + seen.lost(), missing, torn, seen.traces)
            backwards = sum(v["backwards"] for v in seen.lanes.values())
            # A ring with one hole after the other may fall behind the others by more than readers look back.
            check(f"{what}: in order, also where threads changed their rings", backwards <= total["recorded"] // 10,
                  backwards, total)
            for lane, v in seen.lanes.items():
                check(f"{what}: lane {lane}", v["twice"] == v["beyond"] == 0, v)


def coroutines():
    for how in HOWS:
        what = f"coroutines, {how}"
        seen, _ = record(what, how, "coroutines", 4)
        whole(what, seen)
        check(f"{what}: all of them", len(seen.lanes) == 32 and seen.total["done"] == 32000, seen.total)


AT_ONCE = 64  # processes that one memory has room for (TRK_PROC_MAX)


def without_room(what, seen):
    """Takes the children out of `seen` that found no room beside so many others: each is wholly absent, and one loss."""
    absent = [lane for lane, v in seen.lanes.items() if lane != 0 and v["recorded"] == 0]
    check(f"{what}: each child is recorded or counted", len(absent) == seen.sum("dropped"), len(absent), seen.sum("dropped"))
    seen.lanes = {lane: v for lane, v in seen.lanes.items() if lane not in absent}
    seen.traces = [dict(trace, dropped=0) for trace in seen.traces]
    return len(absent)


def storms():
    """vfork+exec, posix_spawn and raw clone, over and over. Children of clone run all at once."""
    amount = 500 if LONG else 40
    for how in HOWS:
        for name, traces in (("vfork", amount), ("spawn", amount), ("clone", amount)):
            what = f"{amount} times {name}, {how}"
            seen, paths = record(what, how, name, amount, seconds=200)
            absent = without_room(what, seen) if name == "clone" and amount >= AT_ONCE else 0
            whole(what, seen)
            # /bin/true is recorded where the engine is preloaded
            if how == "run" or name == "clone":
                check(f"{what}: traces", len(paths) == traces + 1 - absent, len(paths), absent)
            for trace in seen.traces:
                # of a child that was reaped before the recorder could ask nobody knows
                check(f"{what}: END", (trace["reason"], trace["value"]) in ((1, 0), (3, 0), (4, 0)), trace)


def daemons():
    for how in HOWS:
        what = f"daemon, {how}"
        page = new_page()
        remove("out")
        os.mkdir("out")
        code, _, err = run(how, "daemon", page=page, out="out/t.trk")
        check(f"{what}: exit code", code == 0, code, err)
        wait_for(f"{what}: two traces", lambda: len(os.listdir("out")) == 2)
        paths = [os.path.join("out", name) for name in os.listdir("out")]
        for path in paths:
            finished(path)
        seen = Audit(*paths)
        whole(what, seen)
        check(f"{what}: three lanes", seen.total.get("done") == 3000, seen.total)


def privileges():
    """closefrom, chroot, setuid, an undumpable process: after the start nothing more is needed of the system."""
    os.makedirs("root", exist_ok=True)
    for name in ("closefrom", "undump", "chroot", "setuid"):
        if name in ("chroot", "setuid") and os.geteuid() != 0:
            skip(name, "needs root")
            continue
        for how in HOWS:
            what = f"{name}, {how}"
            page = new_page()
            os.chmod(page, 0o666)
            seen, paths = record(what, how, name, page=page,
                                 env=environment(page, EMITTER_ROOT=os.path.abspath("root")))
            whole(what, seen)
            check(f"{what}: all lanes", seen.total.get("done") == 5000, seen.total)
            check(f"{what}: the child has its trace", len(paths) == 2, paths)
            for trace in seen.traces:
                check(f"{what}: END", (trace["reason"], trace["value"]) in ((1, 0), (3, 0)), trace)


def sandboxes():
    """seccomp after the start. Refused calls only cost events of new threads. Where forbidden calls kill, the ordinary
    ones must do: those of threads and clocks."""
    for how in HOWS:
        for kills, wide in ((0, 0), (0, 1), (1, 1)):
            what = f"seccomp, {'killing' if kills else 'refusing'}, {'wide' if wide else 'narrow'}, {how}"
            seen, paths = record(what, how, "seccomp", kills, wide)
            check(f"{what}: all was issued", seen.total.get("done") == 41000, seen.total)
            check(f"{what}: recorded or counted", seen.total["recorded"] + seen.lost() >= 41000, seen.total, seen.traces)
            check(f"{what}: the first thread is complete", seen.lanes[0]["missing"] == 0, seen.lanes)
            if wide:
                complete(what, seen)


finish((destructors, handlers, jumps, coroutines, storms, daemons, privileges, sandboxes))
