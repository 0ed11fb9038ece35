#!/usr/bin/env python3
"""Small and strange surroundings: little shared memory, no memfd, limits, namespaces, a read-only root, no /proc. The
program always runs with its own result; recording works or says in one line why not. Memory in the program stays within
its budget. Usage: containers.py REFTRACK EMITTER AUDIT FAIL [PART...] [long]"""
import os
import resource
import shutil
import subprocess
import sys

sys.path.insert(0, os.environ["FAITH_HARNESS"])
from faith import *

MIB = 1 << 20


def works(what, how="run", wrap=(), may_refuse=False, last=False, **more):
    """Recorded completely; or, where that cannot be, refused in one line while the program runs. last: it is the first
    process of its container, and its recorder ends with it: END may be missing, events may not."""
    remove("t.trk")
    page = more.pop("page", None) or new_page()
    code, _, err = run(how, "paced", 2, 500, page=page, wrap=wrap, **more)
    if code != 0 and not check(f"{what}: the program's own exit code", may_refuse and code == 125, code, err):
        return
    seen = Audit("t.trk") if os.path.exists("t.trk") else None
    if may_refuse and (seen is None or seen.code != 0 or not seen.total.get("recorded")):
        check(f"{what}: says why not", 1 <= err.strip().count("\n") + 1 <= 2 and "reftrack" in err, err)
        return
    if check(f"{what}: a trace", seen is not None, err):
        if how == "alone" and not last:
            finished("t.trk")
            seen = Audit("t.trk")
        complete(what, seen)
        check(f"{what}: all was issued", seen.total.get("done") == 1000, seen.total)


def allowed(*wrap):
    """Whether this machine lets us make such a container."""
    return shutil.which(wrap[0]) and subprocess.run([*wrap, "true"], stdout=subprocess.DEVNULL,
                                                    stderr=subprocess.DEVNULL).returncode == 0


def script(text):
    """A wrapper that runs `text` and then the command."""
    return ("sh", "-c", f'{text}\nexec "$@"', "sh")


def namespaces():
    user = ("unshare", "-U", "-r")
    for name, wrap in (("user namespace", user),
                       ("pid namespace", ("unshare", "-p", "-f", "--mount-proc")),
                       ("user and pid namespace", (*user, "-p", "-f", "--mount-proc")),
                       ("network namespace", (*user, "-n")),
                       ("ipc and uts namespace", (*user, "-i", "-u"))):
        if not allowed(*wrap):
            skip(name, "this machine does not allow it")
            continue
        works(name, wrap=wrap)
        works(f"{name}, own recorder", how="alone", wrap=wrap, last="-p" in wrap)
    wrap = ("unshare", "-U", "-r", "-p", "-f")
    if allowed(*wrap):  # the target alone is inside: it has another number there, and /proc is the outer one
        remove("t.trk")
        page = new_page()
        process = subprocess.Popen([reftrack, "run", "-q", "--no-summary", "-o", "t.trk", "--", *wrap, emitter, "paced", "2", "500"],
                                   env=environment(page), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        code, _, err = end(process)
        check("the program alone in a namespace: exit code", code == 0, code, err)
        paths = [name for name in os.listdir(".") if name.endswith(".trk")]
        seen = Audit(*paths)
        complete("the program alone in a namespace", seen)
        check("the program alone in a namespace: all", seen.total["recorded"] == 1000, seen.total)
        remove(*paths)


def mounts():
    base = ("unshare", "-U", "-r", "-m")
    if not allowed(*base):
        skip("mounts", "no mount namespace of our own here")
        return
    for name, text, refuse in (
            ("/dev/shm of 64 MiB", "mount -t tmpfs -o size=64m none /dev/shm || exit 77", False),
            ("no /dev/shm", "mount -t tmpfs -o size=4k,mode=000 none /dev/shm || exit 77", False),
            ("read-only root", "mount -o bind . . && cd . && mount -o remount,bind,ro / || exit 77", False),
            ("no /proc", "mount -t tmpfs none /proc || exit 77", True)):
        wrap = (*base, *script(text))
        result = subprocess.run([*wrap, "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if result.returncode != 0:
            skip(name, "this machine does not allow it")
            continue
        works(name, wrap=wrap, may_refuse=refuse, cwd=work)
        if not refuse:
            works(f"{name}, own recorder", how="alone", wrap=wrap, cwd=work)


NO_MEMFD = '''
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
numbers = {"x86_64": 319, "aarch64": 279}
code = [(0x20, 0, 0, 0), (0x15, 0, 1, numbers[os.uname().machine]), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000)]
filters = b"".join(struct.pack("HBBI", *c) for c in code)
buffer = ctypes.create_string_buffer(filters)
program = struct.pack("HxxxxxxQ", len(code), ctypes.addressof(buffer))
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.create_string_buffer(program), 0, 0):
    sys.exit(77)
os.execvp(sys.argv[1], sys.argv[1:])
'''


def no_memfd():
    with open("no_memfd.py", "w") as file:
        file.write(NO_MEMFD)
    wrap = (sys.executable, os.path.abspath("no_memfd.py"))
    if subprocess.run([*wrap, "true"]).returncode != 0:
        skip("no memfd_create", "no seccomp filters here")
        return
    works("no memfd_create", wrap=wrap, may_refuse=True)
    works("no memfd_create, own recorder", how="alone", wrap=wrap, may_refuse=True)


def limits():
    for name, kind, value in (("address space of 1 GiB", resource.RLIMIT_AS, 1 << 30),
                              ("address space of 64 MiB", resource.RLIMIT_AS, 64 * MIB),
                              ("address space of 40 MiB", resource.RLIMIT_AS, 40 * MIB),
                              ("ten files", resource.RLIMIT_NOFILE, 10),
                              ("six files", resource.RLIMIT_NOFILE, 6),
                              ("no locked memory", resource.RLIMIT_MEMLOCK, 0),
                              ("no core", resource.RLIMIT_CORE, 0)):
        works(name, preexec_fn=limit(kind, value), may_refuse=kind in (resource.RLIMIT_AS, resource.RLIMIT_NOFILE))
    path = "/sys/fs/cgroup/memory" if os.path.isdir("/sys/fs/cgroup/memory") else "/sys/fs/cgroup"
    group = os.path.join(path, f"reftrack-faith-{os.getpid()}")
    try:
        os.mkdir(group)
    except OSError as error:
        skip("memory cgroup", error.strerror)
        return
    try:
        name = "memory.limit_in_bytes" if os.path.exists(os.path.join(group, "memory.limit_in_bytes")) else "memory.max"
        with open(os.path.join(group, name), "w") as file:
            file.write(str(96 * MIB))
        works("memory cgroup of 96 MiB", wrap=script(f"echo $$ >{group}/cgroup.procs"))
    except OSError as error:
        skip("memory cgroup", error.strerror)
    finally:
        wait_for("the cgroup is empty", lambda: not open(os.path.join(group, "cgroup.procs")).read(), 10)
        os.rmdir(group)


def mapped(pid):
    """Resident bytes of the arena and, by subtracting what an unrecorded run has, of the engine's private memory."""
    arena = private = 0
    with open(f"/proc/{pid}/smaps") as file:
        name = ""
        for line in file:
            if "-" in line.split(" ", 1)[0]:
                name = line.split(None, 5)[5].strip() if len(line.split(None, 5)) > 5 else ""
            elif line.startswith("Rss:"):
                size = int(line.split()[1]) * 1024
                arena += size if "memfd:reftrack" in name else 0
                private += size if not name else 0
    return arena, private


def budgets():
    """200 threads: the arena and the engine's private memory fit into the budget together."""
    for budget in (64, 16):
        what = f"200 threads, budget {budget} MiB"
        remove("t.trk")
        seen = {}
        for how in ("plain", "linked"):
            args = ("stay", 200, 30000)
            if how == "plain":
                process = subprocess.Popen([emitter, *map(str, args)], env=environment(new_page()), stdin=subprocess.PIPE,
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            else:
                process = start("linked", *args, command=[f"--budget={budget}M"], stdin=subprocess.PIPE)
            check(f"{what}: it is up", process.stdout.readline() == b"ready\n")
            target = process.pid if how == "plain" else children(process.pid)[0]
            seen[how] = mapped(target)
            process.stdin.write(b"x\n")
            process.stdin.flush()
            code, _, err = end(process)
            check(f"{what}: exit code", code == 0, code, err)
        arena, private = seen["linked"][0], seen["linked"][1] - seen["plain"][1]
        check(f"{what}: the arena within the budget", 0 < arena <= budget * MIB, arena)
        check(f"{what}: the arena and private memory within the budget", arena + private <= budget * MIB, arena, private)


finish((namespaces, mounts, no_memfd, limits, budgets))
