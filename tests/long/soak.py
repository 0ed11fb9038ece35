"""A server that runs for weeks, in minutes: keep=folded within a budget. After the warm-up the file, the recorder's
memory and its files do not grow; every planted leak is named and counted exactly; the program is not harmed. Prints
CPU shares. Usage: soak.py REFTRACK SERVER [SECONDS]"""
import json
import os
import re
import subprocess
import sys
import tempfile
import time

reftrack, server = sys.argv[1:3]
seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 180
RATE, BUDGET = 200000, 32 << 20
work = tempfile.mkdtemp(prefix="reftrack-soak.")
path = os.path.join(work, "soak.trk")
beside = os.path.join(work, ".soak.trk.fold")
failures = 0


def check(what, good, *facts):
    global failures
    if not good:
        failures += 1
        print("FAIL:", what, *facts, flush=True)


def size(name):
    try:
        return os.stat(name).st_size
    except OSError:
        return 0


def stat(pid):
    """CPU seconds (with those of children that ended), resident bytes and open files; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        files = len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return None
    cpu, children = sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
    tick = os.sysconf("SC_CLK_TCK")
    return cpu / tick, children / tick, int(fields[21]) * os.sysconf("SC_PAGESIZE"), files


def child_of(pid, name):
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit():
                with open(f"/proc/{entry}/stat") as f:
                    text = f.read()
                if text.split("(", 1)[1].startswith(name) and int(text.rsplit(")", 1)[1].split()[1]) == pid:
                    return int(entry)
        except OSError:
            pass
    return None


def main():
    begin = time.monotonic()
    recorder = subprocess.Popen([reftrack, "run", "-f", "--no-summary", "--keep=folded", f"--max-trace={BUDGET}", "-o", path,
                                 server, str(seconds), str(RATE)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    samples, target, last = [], None, None
    while recorder.poll() is None:
        target = target or child_of(recorder.pid, "server)")
        own, its = stat(recorder.pid), stat(target) if target else None
        if own and its:
            helper = child_of(recorder.pid, "reftrack)")
            samples.append((time.monotonic() - begin, size(path), size(beside), own[2], own[3],
                            (stat(helper) or (0, 0, 0, 0))[2] if helper else 0))
            last = own, its, time.monotonic() - begin
        time.sleep(0.05)
    out, err = recorder.communicate()
    check("the program is not harmed", recorder.returncode == 0, recorder.returncode, err)
    said = {word: int(number) for word, number in re.findall(r"(\w+) (\d+)", out.decode())}

    # Flat: the second half against the quarter before it.
    quarter = [s for s in samples if seconds / 4 <= s[0] < seconds / 2]
    rest = [s for s in samples if s[0] >= seconds / 2]
    for what, column, slack in (("file", 1, 4 << 20), ("recorder's memory", 3, 8 << 20), ("open files", 4, 4)):
        before, after = max(s[column] for s in quarter), max(s[column] for s in rest)
        check(f"flat: {what}", after <= before + slack, before, after)
        print(f"{what}: at most {before} in the second quarter, {after} in the second half")
    check("budget", max(s[1] + s[2] for s in samples) <= BUDGET, max(s[1] + s[2] for s in samples))
    check("memory of the recorder", max(s[3] for s in samples) <= 200 << 20)
    print(f"helper: at most {max(s[5] for s in samples) >> 20} MiB")

    report = json.loads(subprocess.run([reftrack, "report", "--json", path], stdout=subprocess.PIPE).stdout)
    info = json.loads(subprocess.run([reftrack, "info", "--json", path], stdout=subprocess.PIPE).stdout)
    sites = json.loads(subprocess.run([reftrack, "sites", "--top", "1000000", "--json", path], stdout=subprocess.PIPE).stdout)
    lines = {}
    for number, line in enumerate(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../fold/server.c")), 1):
        lines.update({text: number for text in ("leak: an error path", "leak: nobody remembers it") if text in line})
    by_type = {f["type"]: f for f in report["findings"] if f["type"]}
    session, watch = by_type.get("struct session", {}), by_type.get("struct watch", {})
    check("sessions", session.get("verdict") == "missing-unref" and session["objects"] == said["sessions"] and
          session["open"][0]["line"] == lines["leak: an error path"], said, session)
    check("cycles", watch.get("verdict") == "cycle" and watch["objects"] == 2 * said["cycles"], said, watch)
    place = f"server.c:{lines['leak: nobody remembers it']}"
    lost = sum(row["live"] for row in sites["rows"] if place in json.dumps(row))
    check("lost blocks", lost == said["blocks"], lost, said)
    check("nothing lost", report["audit"]["lost"] == 0, report["audit"])
    keep, events = info["trace"]["keep"], report["audit"]["events"]
    check("folded often", keep["folds"] >= 3 and keep["folds_failed"] == 0, keep)
    own, its, wall = last
    print(f"{events} events, {keep['folds']} folds, {os.stat(path).st_size / events:.3f} bytes per event on disk")
    print(f"CPU of one core: program {100 * its[0] / wall:.1f} %, recorder {100 * own[0] / wall:.1f} %, "
          f"helpers {100 * own[1] / wall:.1f} %")
    for name in os.listdir(work):
        os.unlink(os.path.join(work, name))
    os.rmdir(work)
    print(f"{failures} failures")
    return failures != 0


sys.exit(main())
