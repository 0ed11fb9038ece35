#!/usr/bin/env python3
"""`reftrack run` as a parent: exit codes, signals, job control in a terminal, processes that outlive the program, killed
programs. Usage: run.py REFTRACK COUNTER"""
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time

reftrack, counter = (os.path.abspath(path) for path in sys.argv[1:3])
failures = 0


def check(what, good, seen=""):
    global failures
    if not good:
        failures += 1
        print(f"FAIL: {what}: {seen}")


def run(*args, options=(), **more):
    return subprocess.run([reftrack, "run", *options, "--", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60, **more)


def info(path):
    return json.loads(subprocess.run([reftrack, "info", "--json", path], stdout=subprocess.PIPE, timeout=60).stdout)


def wait_for(what, good, seconds=20):
    end = time.time() + seconds
    while time.time() < end:
        if good():
            return
        time.sleep(0.02)
    check(what, False, "never happened")


def exit_codes():
    for code in (0, 1, 7, 125, 255):
        check(f"exit {code}", run("sh", "-c", f"exit {code}").returncode == code)
    check("killed", run("sh", "-c", "kill -KILL $$").returncode == 128 + 9)
    check("not found", run("./missing").returncode == 127)
    check("not executable", run("/etc/passwd").returncode == 126)
    with open("script", "w") as file:
        file.write("#!/no/such/interpreter\n")
    os.chmod("script", 0o755)
    result = run("./script")
    check("no interpreter", result.returncode == 127 and b"interpreter" in result.stderr, result.stderr)
    for options in (["--stacks", "65"], ["--stacks", "1,2,3,4"], ["--exitcode", "300"], ["-o", "/nowhere/x"]):
        result = run("true", options=options)
        check(f"{options}", result.returncode == 125 and result.stderr, result)
    result = run("cat", input=b"through\n")
    check("standard files", result.stdout == b"through\n", result.stdout)


def forwarded_signals():
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT):
        script = f"trap 'exit 9' {number.name[3:]}; echo up; while :; do sleep 0.02; done"
        process = subprocess.Popen([reftrack, "run", "-q", "--", "sh", "-c", script], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        process.stdout.readline()
        process.send_signal(number)
        check(f"{number.name} reaches the program", process.wait(30) == 9, process.returncode)
        process.stdout.close()


def inherited_state():
    # What the caller ignored or blocked, the program ignores and blocks; nothing else.
    result = run("grep", "-E", "Sig(Blk|Ign|Cgt)", "/proc/self/status",
                 preexec_fn=lambda: signal.signal(signal.SIGUSR1, signal.SIG_IGN), restore_signals=True)
    bare = subprocess.run(["grep", "-E", "Sig(Blk|Ign|Cgt)", "/proc/self/status"], stdout=subprocess.PIPE,
                          preexec_fn=lambda: signal.signal(signal.SIGUSR1, signal.SIG_IGN), restore_signals=True)
    check("signal state", result.stdout == bare.stdout, (result.stdout, bare.stdout))
    limits = run("sh", "-c", "ulimit -n; ls /proc/self/fd | wc -l").stdout
    bare = subprocess.run(["sh", "-c", "ulimit -n; ls /proc/self/fd | wc -l"], stdout=subprocess.PIPE).stdout
    check("limits and descriptors", limits == bare, (limits, bare))


def outlived():
    begin = time.time()
    result = run("sh", "-c", "sh -c 'sleep 2; exit 3' >/dev/null 2>&1 & echo done", options=["-o", "%e.%p.late"])
    check("does not wait for daemons", time.time() - begin < 1.9, time.time() - begin)
    check("says so", b"background" in result.stderr, result.stderr)
    late = [name for name in os.listdir(".") if name.startswith("sleep.") and name.endswith(".late")]
    check("daemon is recorded", len(late) == 1, os.listdir("."))
    wait_for("daemon's trace is finished", lambda: info(late[0])["trace"]["finished"])


def killed():
    for after in (0.15, 0.3):
        path = f"killed{after}.trk"
        process = subprocess.Popen([reftrack, "run", "-q", "-o", path, "--", counter, "counted"])
        wait_for("program runs", lambda: os.path.exists("counted") and os.path.getsize("counted") == 8)
        time.sleep(after)
        with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
            os.kill(int(file.read().split()[0]), signal.SIGKILL)
        check("killed program", process.wait(30) == 128 + 9, process.returncode)
        with open("counted", "rb") as file:
            (issued,) = struct.unpack("Q", file.read(8))
        facts = info(path)
        recorded = facts["events"]["free"]
        check("every free is in the trace", issued <= recorded <= issued + 1, (issued, recorded))
        check("nothing was lost", facts["trace"]["finished"], facts)
        os.unlink("counted")


class Terminal:
    def __init__(self):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["PS1"] = "$ "
            os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
        self.text = ""

    def type(self, text):
        os.write(self.fd, text.encode())

    def until(self, wanted, seconds=20):
        end = time.time() + seconds
        while wanted not in self.text and time.time() < end:
            if select.select([self.fd], [], [], 0.05)[0]:
                self.text += os.read(self.fd, 65536).decode(errors="replace")
        check(f"terminal shows '{wanted}'", wanted in self.text, self.text[-400:])
        at = self.text.find(wanted)
        self.text = self.text[at + len(wanted):] if at >= 0 else ""


def job_control():
    terminal = Terminal()
    terminal.type(f"{reftrack} run -q -- sh -c 'echo beg''un; exec sleep 60' </dev/null\n")
    terminal.until("begun")
    time.sleep(0.2)
    terminal.type("\x1a")
    terminal.until("Stopped")
    terminal.type("fg\n")
    time.sleep(0.3)
    terminal.type("\x03")
    time.sleep(0.1)
    terminal.type("echo code is $?\n")
    terminal.until("code is 130")
    terminal.type("exit\n")
    os.close(terminal.fd)
    os.waitpid(terminal.pid, 0)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    for name in ("TRACK_OPTIONS", "LD_PRELOAD"):
        os.environ.pop(name, None)
    for test in (exit_codes, forwarded_signals, inherited_state, outlived, killed, job_control):
        test()
    os.chdir("/")
print(f"{failures} failures")
sys.exit(failures != 0)
