#!/usr/bin/env python3
"""What changes when the output is a terminal: pager and colours, and what turns them off.   terminal.py REFTRACK TRACES"""
import os, pty, re, subprocess, sys, tempfile

reftrack, traces = map(os.path.realpath, sys.argv[1:3])
work = tempfile.TemporaryDirectory()
subprocess.run([traces, work.name], check=True)
os.chdir(work.name)
bad = 0
COLOUR = r"\033\[[0-9;]+m"  # other sequences may erase a progress line


def run(args, **env):
    """Output and status of reftrack on a terminal of 80 columns."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PAGER", "NO_COLOR", "FORCE_COLOR", "TERM")}
    environment.update({"TERM": "xterm", "PAGER": "cat"}, **env)
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(reftrack, ["reftrack"] + args, environment)
    data = b""
    while True:
        try:
            piece = os.read(fd, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        data += piece
    os.close(fd)
    return data.decode().replace("\r\n", "\n"), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def check(name, condition, shown=""):
    global bad
    if not condition:
        bad += 1
        print("FAILED:", name, repr(shown[:300]))


text, status = run(["help", "leaks"], PAGER="sed s/^/P:/")
check("pager is used", status == 0 and text.startswith("P:LEAKS"), text)
text, status = run(["help", "leaks", "--no-pager"], PAGER="sed s/^/P:/")
check("--no-pager", text.startswith("LEAKS"), text)
text, status = run(["help", "leaks"], PAGER="")
check("empty PAGER", text.startswith("LEAKS"), text)
text, status = run(["help", "leaks"], PAGER="sed s/^/P:/", TERM="dumb")
check("dumb terminal", text.startswith("LEAKS"), text)
text, status = run(["help", "leaks"], PAGER="true")
check("pager that leaves at once", status == 0, text)
text, status = run(["help", "leaks"], PAGER="no-such-pager-here")
check("pager that does not exist", status == 0, text)
text, status = run(["types", "--json", "healthy.trk"], PAGER="sed s/^/P:/")
check("no pager for json", "P:" not in text and "{" in text, text)

text, status = run(["check", "healthy.trk"])
check("colour on a terminal", re.search(COLOUR, text) and status == 0, text)
for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"FORCE_COLOR": "0"}):
    text, status = run(["check", "healthy.trk"], **env)
    check("no colour with %s" % env, not re.search(COLOUR, text), text)
text, status = run(["check", "--color=never", "healthy.trk"], FORCE_COLOR="1")
check("--color=never wins", not re.search(COLOUR, text), text)
text, status = run(["types", "--json", "--color=always", "healthy.trk"])
check("json has no colour", not re.search(COLOUR, text), text)
# Into a closed pipe: silence.
process = subprocess.run("'%s' dump leaky.trk | head -1" % reftrack, shell=True, capture_output=True)
check("closed pipe", process.stderr == b"", process.stderr.decode())
with open("/dev/full", "w") as full:
    process = subprocess.run([reftrack, "types", "leaky.trk"], stdout=full, stderr=subprocess.PIPE)
check("full disk", process.returncode == 3 and b"cannot write" in process.stderr, process.stderr.decode())
sys.exit(bad != 0)
