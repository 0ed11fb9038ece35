"""What the tests of hooked programs share: running one under reftrack, and what its trace says. Import it first: it reads the
arguments REFTRACK FOLDER_OF_PROGRAMS."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

reftrack, programs = sys.argv[1:3]
folder = tempfile.mkdtemp()
bad = 0


def check(ok, what):
    global bad
    if not ok:
        bad += 1
        print("FAILED:", what)


def record(options, command, code):
    """Runs it; returns what the program printed, what reftrack said, and its traces, the first one first."""
    for name in os.listdir(folder):
        os.remove(os.path.join(folder, name))
    done = subprocess.run([reftrack, "run", "-o", os.path.join(folder, "t.trk")] + options + ["--"] + command,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, text=True)
    check(done.returncode == code, "%s: exit %d instead of %d: %s" % (command, done.returncode, code, done.stderr))
    return done.stdout, done.stderr, [os.path.join(folder, n) for n in sorted(os.listdir(folder), key=lambda n: (len(n), n))]


def leaks(trace):
    done = subprocess.run([reftrack, "leaks", "--json", trace], stdout=subprocess.PIPE, timeout=120, text=True)
    return json.loads(done.stdout)


def seen(report, module=""):
    """Calls per role, of functions that are hooked. obj_new calls obj_new_text: births are those of the inner one."""
    calls = {}
    for hook in report["audit"]["hooks"]:
        if hook["hooked"] and module in hook["module"]:
            calls[hook["function"]] = calls.get(hook["function"], 0) + hook["calls"]
    return {"new": calls.get("obj_new_text", 0), "ref": calls.get("obj_ref", 0), "unref": calls.get("obj_unref", 0)}


def printed(text, start=""):
    found = re.search(start + r"new (\d+) ref (\d+) unref (\d+)", text, re.M)
    return {"new": int(found.group(1)), "ref": int(found.group(2)), "unref": int(found.group(3))} if found else None


def program(name):
    return os.path.join(programs, name)


def info(trace):
    done = subprocess.run([reftrack, "info", "--json", trace], stdout=subprocess.PIPE, timeout=120, text=True)
    return json.loads(done.stdout)


def finish():
    """Removes what was written; the exit code of the test."""
    shutil.rmtree(folder)
    sys.exit(bad != 0)
