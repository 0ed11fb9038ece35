"""Traces that are made shorter while they are recorded say what the whole ones say, stay in their budget, and are whole
at any moment. Usage: fold.py same|live REFTRACK FOLDTRACE SERVER AGAIN SAMPLES_FOLDER [long]"""
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

what, reftrack, foldtrace, server, again, samples = sys.argv[1:7]
long = sys.argv[7:] == ["long"]
for name in ("TRACK_OPTIONS", "LD_PRELOAD"):
    os.environ.pop(name, None)
os.environ["LC_ALL"] = "C.UTF-8"
work = tempfile.mkdtemp(prefix="reftrack-fold.")
failures = 0
SHORT = "3" if long else "1"


def check(what, good, *facts):
    global failures
    if not good:
        failures += 1
        print("FAIL:", what, *facts, flush=True)


def run(*args, env=None):
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, timeout=600)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def tool(*args):
    code, out, err = run(reftrack, *args)
    check(f"{' '.join(args)} works", code in (0, 4) or args[0] == "check", code, err)
    return out


def document(*args):
    return json.loads(tool(*args, "--json"))


def record(name, *args, program=None):
    """Records the server (or program) into a file of this name; returns its path, its output and reftrack's."""
    path = os.path.join(work, name + ".trk")
    program = program or [server, "1", "100000"]
    code, out, err = run(reftrack, "run", "-f", "--no-summary", "-o", path, *args, "--", *program)
    check(f"{name}: the program is not harmed", code == 0, code, err)
    return path, out, err


def counts(out):
    return {word: int(number) for word, number in re.findall(r"(\w+) (\d+)", out)}


def line_of(text):
    for number, line in enumerate(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "server.c")), 1):
        if text in line:
            return number
    raise SystemExit(f"no line with {text}")


def planted(name, path, said):
    """Every leak of the server is named with its line and counted exactly."""
    findings = document("leaks", path)["findings"]
    by_type = {f["type"]: f for f in findings if f["type"]}
    session, watch = by_type.get("struct session"), by_type.get("struct watch")
    check(f"{name}: session leak", session is not None and session["objects"] == said["sessions"] and
          [(o["line"], o["count"]) for o in session["open"]] == [(line_of("leak: an error path"), said["sessions"])],
          session and session["objects"], said)
    check(f"{name}: cycles", watch is not None and watch["verdict"] == "cycle" and
          watch["objects"] == 2 * said["cycles"], watch and watch["objects"], said)
    place = f"server.c:{line_of('leak: nobody remembers it')}"
    rows = [row for row in document("sites", path, "--top", "1000000")["rows"] if place in json.dumps(row)]
    live = sum(row["live"] for row in rows)
    check(f"{name}: lost blocks", live == said["blocks"], live, said)
    report = document("report", path)
    check(f"{name}: every event is known", report["audit"]["lost"] == 0 and report["audit"]["damage"] is None,
          report["audit"])
    check(f"{name}: refs", said["refs"] <= report["audit"]["events"], report["audit"], said)


# ---- A folded trace says what the whole one says ----

# What freed siblings did needs the events themselves, which a fold no longer has.
TABLES = [["report", "--siblings", "never"], ["types"], ["sites", "--top", "1000000"], ["blocks", "--top", "1000000"],
          ["objects", "--top", "1000000"], ["marks"]]


GENERATIONS = ["garbage", "objects", "stats"]  # of the cycle detector


def views(path):
    said = {table[0]: tool(*table, "--json", path) for table in TABLES}
    for action in GENERATIONS:
        said[f"gc {action}"] = re.sub(r'"took_us": *[0-9]+', "", tool("gc", path, action, "--top", "0", "--json"))
    return said


def same_as_whole(name, whole, parts):
    """Folds again and again, each time later; all files have one name, because documents show it."""
    folder = os.path.join(work, "same")
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    path = os.path.join(folder, "t.trk")
    shutil.copy(whole, path)
    want = views(path)
    for percent in parts:
        shutil.move(path, path + ".old")
        code, _, err = run(foldtrace, path + ".old", path, str(percent))
        check(f"{name}: folded at {percent} %", code == 0, err)
        got = views(path)
        for table in want:
            check(f"{name} folded at {percent} %: {table} is the same", got[table] == want[table])


def equality():
    parts = [7, 30, 31, 60, 99, 100] if long else [60]
    for sample in sorted(os.listdir(samples)):
        if os.access(os.path.join(samples, sample), os.X_OK) and os.path.isfile(os.path.join(samples, sample)):
            if sample.startswith("03-") or long and sample[:2].isdigit():
                path, _, _ = record("sample", program=[os.path.join(samples, sample)])
                same_as_whole(sample, path, parts)
    path, out, _ = record("whole", program=[server, "0.3", "400000"])
    planted("whole", path, counts(out))
    same_as_whole("server", path, range(1, 100, 3) if long else [40, 98])


# ---- Live ----


def watch_size(path, child):
    """The largest size of the file, and of it and the one beside it, until the child ends."""
    beside = os.path.join(os.path.dirname(path), "." + os.path.basename(path) + ".fold")
    most = both = 0
    while child.poll() is None:
        sizes = []
        for name in (path, beside):
            try:
                sizes.append(os.stat(name).st_size)
            except OSError:
                sizes.append(0)
        most, both = max(most, sizes[0]), max(both, sum(sizes))
        time.sleep(0.002)
    return most, both


def folded_live():
    path = os.path.join(work, "folded.trk")
    child = subprocess.Popen([reftrack, "run", "-f", "--no-summary", "--keep=folded", "--max-trace=2MiB", "-o", path,
                              server, SHORT, "500000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    most, both = watch_size(path, child)
    out, err = child.communicate()
    check("folded: the program is not harmed", child.returncode == 0, child.returncode, err)
    keep = document("info", path)["trace"]["keep"]
    check("folded: folds", keep["folds"] >= (2 if long else 1) and keep["folds_failed"] == 0, keep)
    # How far a starved helper lets the file grow is not for a short test to say; soak.py does.
    events = document("report", path)["audit"]["events"]
    check("folded: shorter than its events", not long or os.stat(path).st_size < events * 2, os.stat(path).st_size, events)
    print(f"folded: {keep['folds']} folds, at most {most >> 10} KiB, {both >> 10} KiB with the file beside it")
    check("folded: nothing lies about", not [n for n in os.listdir(work) if n.endswith(".fold")])
    planted("folded", path, counts(out.decode()))
    text = tool("info", path)
    check("info tells", "made shorter" in text and "below 2.0 MiB" in text, text)


def window_live():
    for _ in range(1 if long else 5):  # a starved helper may not be done with its first fold when the program ends
        path, out, _ = record("window", "--keep=window", "--window=200ms", "--max-trace=4MiB",
                              program=[server, SHORT, "400000"])
        planted("window", path, counts(out))
        info = document("info", path)
        if info["trace"]["keep"]["folds"] > 0:
            break
    kept = info["trace"]["duration"] - (info["trace"]["keep"]["state_at"] or 0)
    check("window: the newest events are there", info["trace"]["keep"]["folds"] > 0 and kept >= 0.15, info["trace"])
    code, dump, _ = run(reftrack, "dump", "-q", path)
    check("window: and can be read", code == 0 and len(dump.splitlines()) > 10000, len(dump.splitlines()))


def too_much_alive():
    """A budget that not even the state fits into: recording goes on, exact, and says so once."""
    path, out, err = record("tight", "--keep=folded", "--max-trace=64KiB", program=[server, "0.3", "300000"])
    planted("tight", path, counts(out))
    check("tight: the program is recorded to its end", counts(out)["recorded"] == 1, out)
    check("tight: said once", err.count("too much for max-trace") <= 1, err)
    check("tight: info tells", "too much for max-trace" in tool("info", path))


def defined_again():
    """What only events in front of the cut and behind it cite is defined behind it, too."""
    path, _, _ = record("again", "--keep=folded", "--max-trace=64KiB", program=[again, "2" if long else "0.6"])
    keep = document("info", path)["trace"]["keep"]
    check("again: folded in between", keep["folds"] > 0, keep)
    code, dump, _ = run(reftrack, "dump", "-q", "--plain", path)
    lines = dump.splitlines()[-12:]
    for event, words in (("new", ("type=struct rare", "cite ")), ("touch", ("text=touched rarely", "cite ")),
                         ("context", ("text=rarely",))):
        of_event = [line for line in lines if f"\t{event}\t" in line]
        check(f"again: {event} is defined", code == 0 and any(all(w in line for w in words) for line in of_event),
              lines)


def limit_of_all():
    path, out, err = record("limit", "--max-trace=256KiB", program=[server, "0.4", "400000"])
    check("limit: the file stays below", os.stat(path).st_size <= 256 << 10, os.stat(path).st_size)
    check("limit: the program is idle from then on", counts(out)["recorded"] == 0, out)
    check("limit: said at the end", "nothing is known from then on" in err, err)
    report = document("report", path)
    check("limit: uncertain, and why", report["audit"]["certain"] is False and
          "limit" in report["audit"]["why_uncertain"], report["audit"])
    check("limit: its own reason", report["program"]["exit"]["reason"] == "limit", report["program"]["exit"])
    code, _, _ = run(reftrack, "check", path)
    check("limit: check is uncertain", code in (1, 4), code)
    check("limit: text", "limit of size" in tool("report", "--no-pager", path), tool("report", "--no-pager", path))


def cannot_fold():
    """Something stands where the other file should go: the old one survives and recording goes on."""
    path = os.path.join(work, "blocked.trk")
    os.mkdir(os.path.join(work, ".blocked.trk.fold"))
    _, out, err = record("blocked", "--keep=folded", "--max-trace=5MiB", program=[server, "0.6", "500000"])
    planted("blocked", path, counts(out))
    keep = document("info", path)["trace"]["keep"]
    check("blocked: counted", keep["folds_failed"] > 0 and keep["folds"] == 0, keep)
    check("blocked: said", err.count("could not be made shorter") == 1, err)


def moved_away():
    """Whoever moves the trace away keeps it; it does not come back under its old name."""
    path, away = os.path.join(work, "moved.trk"), os.path.join(work, "away.trk")
    child = subprocess.Popen([reftrack, "run", "-f", "--no-summary", "--keep=folded", "--max-trace=5MiB", "-o",
                              path, server, "0.6", "500000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while child.poll() is None and not (os.path.exists(path) and os.stat(path).st_size > 10000):
        time.sleep(0.01)
    os.rename(path, away)
    out, _ = child.communicate()
    check("moved: not made again", not os.path.exists(path))
    planted("moved", away, counts(out.decode()))


def full_disk():
    """The disk is full while folds are made, and has room again."""
    folder = os.path.join(work, "small")
    os.mkdir(folder)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", folder], stderr=subprocess.DEVNULL).returncode:
        print("full disk: not tried, file systems cannot be mounted here")
        return
    try:
        path, filler = os.path.join(folder, "t.trk"), os.path.join(folder, "filler")
        room = os.statvfs(folder)
        with open(filler, "wb") as out:  # room for a trace that is due to be folded, not for another one beside it
            out.write(bytes(room.f_bavail * room.f_bsize - (800 << 10)))
        child = subprocess.Popen([reftrack, "run", "-f", "--no-summary", "--keep=folded", "--max-trace=1MiB", "-o", path,
                                  server, "4", "150000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(1.5)
        os.unlink(filler)
        out, err = child.communicate()
        check("full disk: the program is not harmed", child.returncode == 0, child.returncode, err)
        code, _, err = run(reftrack, "info", path)
        keep = document("info", path)["trace"]["keep"]
        check("full disk: readable", code == 0 and "cut" not in err, err)
        check("full disk: folds failed and went on", keep["folds_failed"] > 0 and keep["folds"] > 0, keep)
    finally:
        subprocess.run(["umount", folder])


def killed():
    """The recorder and its helper are killed at any moment: one whole trace stands under the name."""
    times = 60 if long else 1
    dice = random.Random(4)
    folds = 0
    for i in range(times):
        path = os.path.join(work, "killed.trk")
        child = subprocess.Popen([reftrack, "run", "-f", "--no-summary", "--keep=folded", "--max-trace=256KiB", "-o",
                                  path, server, "20", "300000"], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, start_new_session=True)
        while not os.path.exists(path):
            time.sleep(0.01)
        first = os.stat(path).st_ino
        while child.poll() is None and os.stat(path).st_ino == first:
            time.sleep(0.01)
        time.sleep(dice.random() * (1 if long else 0.2))
        child.send_signal(signal.SIGKILL)
        child.wait()
        os.killpg(child.pid, signal.SIGKILL)
        info = document("info", path)
        folds += info["trace"]["keep"]["folds"]
        damage = info["trace"]["damage"]  # the last write may be cut, which is as whole as without folding
        check("killed: whole", damage is None or "the file ends inside" in damage, damage)
        report = document("report", path)
        leaks = {o["line"] for f in report["findings"] if f["type"] == "struct session" for o in f["open"]}
        check("killed: leaks are known", line_of("leak: an error path") in leaks, leaks)
        os.unlink(path)
    check("killed: folds were under way", folds >= times, folds)


def bad_input():
    for args, words in ((["--keep=some"], "all|folded|window"), (["--keep=window", "--window=often"], "5m or 64MiB"),
                        (["--window=5m"], "without --keep=window"), (["--max-trace=1KiB"], "at least 64 KiB")):
        code, _, err = run(reftrack, "run", *args, "--", server)
        check(f"{args} is refused in one clear line", code == 125 and words in err and err.count("\n") == 1, code, err)


def main():
    try:
        steps = {"same": (equality,), "live": (bad_input, defined_again, folded_live, window_live, too_much_alive, limit_of_all,
                                               cannot_fold, moved_away, killed) + ((full_disk,) if long else ())}
        for step in steps[what]:
            begin = time.monotonic()
            step()
            print(f"{step.__name__}: {time.monotonic() - begin:.1f} s", flush=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"{failures} failures")
    return failures != 0


sys.exit(main())
