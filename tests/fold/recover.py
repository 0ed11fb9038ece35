#!/usr/bin/env python3
"""The recorder of a trace that is folded is killed, and the trace recovered while the program lives: every event is there
once, in the state, the file or the rings, or counted as lost. What a killed helper leaves is removed by the next
recording. Usage: recover.py REFTRACK EMITTER AUDIT FAIL [long]"""
import fcntl
import json
import mmap
import os
import re
import struct
import sys

sys.path.insert(0, os.environ["FAITH_HARNESS"])
from faith import *

LANES, FOLDS = 4, 2


def numbers(page):
    """How many events were done, and begun, in all lanes."""
    with open(page, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as seen:
        lanes = [struct.unpack_from("QQ", seen, 32 + 32 * lane) for lane in range(LANES)]
    return sum(done for _, done in lanes), sum(begun for begun, _ in lanes)


def info(path):
    return json.loads(subprocess.run([reftrack, "info", "--json", path], stdout=subprocess.PIPE, timeout=GRACE).stdout or "{}")


def folds(path):
    trace = info(path).get("trace", {}) if os.path.exists(path) else {}
    return (trace.get("keep") or {}).get("folds", 0)


def refs(path):
    text = subprocess.run([reftrack, "info", "--no-pager", path], stdout=subprocess.PIPE, timeout=GRACE).stdout.decode()
    found = re.search(r"^ *([0-9 ,]+?)  ref$", text, re.M)
    return int(re.sub("[ ,]", "", found[1])) if found else 0


def fold_tells(path):
    """Behind its state a fold tells where the rings stand; is that whole in the file?"""
    META, STATE = 1, 10
    data, kinds = open(path, "rb").read(), []
    at = struct.unpack_from("I", data, 12)[0]
    while at + 32 <= len(data):
        kind, stored = struct.unpack_from("HxxI", data, at + 4)
        at += 32 + stored
        if at <= len(data):
            kinds = [kind] if kind == STATE else kinds + [kind]
    return META in kinds


def name_of(pid):
    """"": it has ended."""
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def recovered(what, keep, kill, spoil=None):
    """Kills the recorder, then stops the program, spoils the file and recovers it. Returns what it said was lost; None
    when it said, rightly, that it does not know."""
    page = new_page()
    remove("r.trk")
    remove("r.recovered.trk")
    remove("now")
    env = environment(page, LD_PRELOAD=fail_so, FAIL_COMM=os.path.basename(reftrack), FAIL_CALL="kill",
                      FAIL_AT=os.path.abspath("now"))
    process = start("linked", "paced", LANES, 1000000, page=page, out="r.trk", command=keep, env=env)
    wait_for(f"{what}: it is folded", lambda: folds("r.trk") >= FOLDS)
    target = children(process.pid)
    target = [pid for pid in target if name_of(pid) == os.path.basename(emitter)]
    check(f"{what}: the program runs", len(target) == 1, target)
    kill(process)
    process.wait()
    os.kill(target[0], signal.SIGSTOP)
    if spoil:
        spoil("r.trk")
    result = subprocess.run([reftrack, "recover", str(target[0]), "r.trk"], stderr=subprocess.PIPE, timeout=GRACE)
    said = result.stderr.decode()
    done, begun = numbers(page)
    os.kill(target[0], signal.SIGKILL)
    process.stdout.close()
    process.stderr.close()
    if not check(f"{what}: recovers", result.returncode == 0 and os.path.exists("r.recovered.trk"), said):
        return 0
    lost = re.search(r"([0-9 ,]+) events were lost with the recorder", said)
    if not fold_tells("r.trk"):
        check(f"{what}: what is lost cannot be known", not lost and "in hand when it died is not known" in said, said)
        readable(what, "r.recovered.trk")
        return None
    check(f"{what}: what is lost is known", lost, said)
    lost = int(re.sub("[ ,]", "", lost[1])) if lost else 0
    there = refs("r.recovered.trk")
    check(f"{what}: each event once", done <= there + lost <= begun, there, lost, done, begun)
    readable(what, "r.recovered.trk")
    return lost


def killed_behind_write(process):
    """The file has more than the rings' headers tell."""
    open("now", "w").close()


def killed(process):
    os.kill(process.pid, signal.SIGKILL)


def cut(path):
    os.truncate(path, os.stat(path).st_size - 100)


FOLDED, WINDOW = ["--keep=folded", "--max-trace=64KiB"], ["--keep=window", "--window=20KiB", "--max-trace=128KiB"]


def doubles():
    for number in range(10 if LONG else 1):
        for name, keep in (("folded", FOLDED), ("window", WINDOW)):
            lost = recovered(f"{name} {number}, killed behind a write", keep, killed_behind_write)
            check(f"{name}: nothing is lost", lost == 0, lost)


def losses():
    """Right behind a fold the cut may hit what that tells; recovered() judges either case. Of many some are far from it."""
    known = [recovered(f"cut {number}", FOLDED, killed, cut) is not None for number in range(20 if LONG else 2)]
    check("what is lost is known of some", any(known) or not LONG, known)


def leftovers():
    """The next recording in the folder removes what nobody holds, and nothing else."""
    remove("folder")
    os.mkdir("folder")
    whole = ["run", "-q", "--no-summary", "-o", "folder/a.trk", "--", emitter, "threads", "1", "10"]
    subprocess.run([reftrack, *whole], timeout=GRACE)
    bytes_of = open("folder/a.trk", "rb").read()
    names = {name: f"folder/{name}" for name in (".left.trk.fold", ".held.trk.fold", ".other.trk.fold", "plain.fold")}
    for name, path in names.items():
        with open(path, "wb") as file:
            file.write(b"not a trace" if "other" in name else bytes_of)
    os.symlink("a.trk", "folder/.link.trk.fold")
    with open(names[".held.trk.fold"], "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        subprocess.run([reftrack, *whole[:4], "folder/b.trk", *whole[5:]], timeout=GRACE)
    left = sorted(os.listdir("folder"))
    check("only the leftover is removed", left == sorted([".held.trk.fold", ".other.trk.fold", ".link.trk.fold", "a.trk", "b.trk",
                                                          "plain.fold"]), left)


finish([doubles, losses, leftovers])
