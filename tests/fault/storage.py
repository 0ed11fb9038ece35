#!/usr/bin/env python3
"""The place of the trace fails: full disk, file size limit, folder gone or read-only, a cut file, writes that fail or
are short at every point. The program never notices; what is missing is told. Usage: storage.py REFTRACK EMITTER AUDIT FAIL
[PART...] [long]"""
import errno
import os
import resource
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.environ["FAITH_HARNESS"])
from faith import *


def judge(what, code, err, path="t.trk", issued=None, must_lose=False):
    """The program's own result; a readable trace whose numbers add up; losses are told, in the trace and on stderr."""
    check(f"{what}: the program's own exit code", code == 0, code, err)
    seen = Audit(path)
    if not check(f"{what}: opens", seen.code == 0, seen.errors):
        return seen
    check(f"{what}: no doubles, nothing invented", all(v["twice"] == v["beyond"] == 0 for v in seen.lanes.values()), seen.lanes)
    if issued is not None:
        check(f"{what}: all was issued", seen.total["done"] == issued, seen.total)
        missing = issued - seen.total["recorded"]
        trace = seen.traces[0]
        if trace["finished"]:
            check(f"{what}: what is missing is counted", missing <= seen.lost(), missing, trace)
        if missing or must_lose:
            check(f"{what}: there are losses", missing > 0, seen.total)
            check(f"{what}: reftrack says so", "reftrack" in err, err)
    return seen


def limited():
    """A file size limit is a full disk to the recorder, at every size. Shared memory is no file on a disk, but the kernel
    holds it to the limit as well: with one from the start nothing is recorded, in one line."""
    for size in range(800, 12000, 37 if LONG else 800):
        what = f"file size limit {size}"
        remove("t.trk")
        process = start("run", "paced", 2, 3000)
        wait_for(f"{what}: a trace", lambda: os.path.exists("t.trk") and os.path.getsize("t.trk") > 500)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, size))
        code, _, err = end(process)
        seen = judge(what, code, err, issued=6000)
        if seen.total.get("recorded", 6000) < 6000:
            text = readable(what, "t.trk")
            check(f"{what}: the report is uncertain", "ncertain" in text or "lost" in text or "no end" in text, text)
    remove("t.trk")
    code, _, err = run("run", "threads", 1, 10, preexec_fn=limit(resource.RLIMIT_FSIZE, 100000))
    check("a limit from the start: the program runs", code == 0 and "shared memory" in err, code, err)


def mounted(size):
    remove("disk")
    os.mkdir("disk")
    result = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", "disk"], stderr=subprocess.DEVNULL)
    return result.returncode == 0


def full_disk():
    """A disk that is full from the start, for a while, or from some moment on."""
    if os.geteuid() != 0 or not mounted("256k"):
        skip("full disk", "mounting a small file system is not allowed; limited() does without")
        return
    try:
        for fill in (256 << 10, 252 << 10, 248 << 10, 128 << 10) if LONG else (256 << 10, 248 << 10):
            for again in (False, True):
                what = f"disk with {(256 << 10) - fill} bytes, {'room later' if again else 'full for good'}"
                remove("disk/t.trk", "disk/ballast")
                try:
                    with open("disk/ballast", "wb") as file:
                        file.write(b"x" * fill)
                except OSError:
                    pass
                process = start("run", "paced", 4, 16000, out="disk/t.trk")
                time.sleep(0.5)
                if again:
                    remove("disk/ballast")
                code, _, err = end(process)
                if not os.path.exists("disk/t.trk"):
                    check(f"{what}: refused in one line", code in (0, 125) and err.strip().count("\n") <= 1, code, err)
                    continue
                seen = judge(what, code, err, path="disk/t.trk", issued=64000)
                if again and seen.traces:
                    check(f"{what}: recording resumed", seen.traces[0]["finished"] and
                          all(v["recorded"] and v["missing"] == v["gaps"] for v in seen.lanes.values()), seen.lanes)
    finally:
        subprocess.run(["umount", "-l", "disk"], stderr=subprocess.DEVNULL)


def places():
    """The folder disappears, becomes read-only or a symlink; somebody cuts the file."""
    def gone():
        os.rename("place", "elsewhere")
        return "elsewhere/t.trk"

    def removed():
        os.unlink("place/t.trk")
        os.rmdir("place")
        return None

    def read_only():
        os.chmod("place/t.trk", 0o400)
        os.chmod("place", 0o500)
        return "place/t.trk"

    def replaced():
        os.rename("place", "elsewhere")
        os.mkdir("other")
        os.symlink("other", "place")
        return "elsewhere/t.trk"

    def cut():
        os.truncate("place/t.trk", 0)
        return "place/t.trk"

    def cut_some():
        os.truncate("place/t.trk", 700)
        return "place/t.trk"

    for change in (gone, removed, read_only, replaced, cut, cut_some):
        what = f"folder {change.__name__}"
        for path in ("place", "elsewhere", "other"):
            if os.path.isdir(path) and not os.path.islink(path):
                os.chmod(path, 0o700)
            remove(path)
        os.mkdir("place")
        process = start("run", "paced", 4, 12000, out="place/t.trk")
        wait_for(f"{what}: a trace", lambda: os.path.exists("place/t.trk") and os.path.getsize("place/t.trk") > 1000)
        time.sleep(0.15)
        path = change()
        code, _, err = end(process)
        check(f"{what}: the program's own exit code", code == 0, code, err)
        check(f"{what}: nothing in the new place", not os.path.exists("other/t.trk"))
        if change in (cut, cut_some):
            result = subprocess.run([audit_exe, "-", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=GRACE)
            check(f"{what}: read to where it is cut, or refused in one line",
                  result.returncode == 0 or result.stderr.count(b"\n") == 1, result)
            check(f"{what}: the recorder tells it", "reftrack" in err or b"finished=1" not in result.stdout, err, result)
        elif path is not None:
            complete(what, judge(what, code, err, path=path, issued=48000))


def failing(call, at, count, how, *args, out="t.trk", **more):
    env = environment(new_page(), FAIL_CALL=call, FAIL_AT=str(at), FAIL_COUNT=str(count), FAIL_HOW=str(how),
                      FAIL_COMM="reftrack", FAIL_LOG=os.path.abspath("calls"), LD_PRELOAD=fail_so)
    remove("calls", out)
    code, text, err = run("run", *args, env=env, out=out, **more)
    calls = int(open("calls").read()) if os.path.exists("calls") else 0
    return code, text, err, calls


def writes():
    """Every write of the recorder fails once, or from then on, or is short, or interrupted."""
    program = ("paced", 2, 2400)
    _, _, _, calls = failing("write", 0, 1, errno.EIO, *program)
    check("the shim sees the writes", calls >= 3, calls)
    for how, name in ((errno.ENOSPC, "ENOSPC"), (errno.EIO, "EIO"), (errno.EINTR, "EINTR"), (0, "short")):
        for count in (1, 0) if how not in (0, errno.EINTR) else (1, 3):
            for at in range(1, calls + 1, 1 if LONG or calls <= 4 else calls // 4 + 1):
                what = f"write {at} of {calls}: {name}, {'for ever' if count == 0 else count}"
                code, _, err, _ = failing("write", at, count, how, *program)
                if not os.path.exists("t.trk"):
                    check(f"{what}: refused in one line", at == 1 and code in (0, 125) and err.strip().count("\n") <= 1, err)
                    continue
                seen = judge(what, code, err, issued=4800)
                if how in (0, errno.EINTR) and os.path.exists("t.trk"):
                    complete(what, seen)
                elif count == 1 and seen.traces:
                    check(f"{what}: END is there", seen.traces[0]["finished"], seen.traces)
                    check(f"{what}: recording resumed", all(v["missing"] == v["gaps"] for v in seen.lanes.values()) or
                          at >= calls - 2, seen.lanes)


def allocations():
    """Every allocation of the recorder fails once: no crash, the program's own result, a trace that can be read or one
    line that says why there is none."""
    program = ("threads", 2, 2000)
    _, _, _, calls = failing("malloc", 0, 1, 0, *program)
    check("the shim sees the allocations", calls >= 20, calls)
    step = 1 if LONG else max(1, calls // 60)
    for count in (1, 0):
        for at in range(1, calls + 1, step):
            what = f"allocation {at} of {calls} fails{' and all later ones' if count == 0 else ''}"
            code, _, err, _ = failing("malloc", at, count, 0, *program)
            check(f"{what}: ends well", code in (0, 125), code, err)
            check(f"{what}: one line at most for each problem", err.count("\n") <= 6, err)
            page = Audit("t.trk") if os.path.exists("t.trk") else None
            if code == 0 and page is not None and page.code == 0 and page.traces[0]["finished"]:
                missing = page.total.get("done", 0) - page.total.get("recorded", 0)
                check(f"{what}: what is missing is counted or told", missing <= page.lost() or "reftrack" in err, missing,
                      page.traces, err)
            elif page is None or page.code != 0:
                check(f"{what}: says why there is no trace", err.strip() != "", code, err)


finish((limited, full_disk, places, writes, allocations))
