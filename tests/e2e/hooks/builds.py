#!/usr/bin/env python3
"""Hooks in programs as compilers make them: every call seen, or none, and said so; a big library, hundreds of whose functions
are hooked; two hundred threads while libraries come and go. Usage: builds.py REFTRACK FOLDER_OF_PROGRAMS SOURCE"""
import os
import re
import shutil
import subprocess
import sys
import time

from rig import check, finish, folder, leaks, printed, program, record, reftrack, seen

source = sys.argv[3]
scratch = os.path.join(os.path.dirname(folder), os.path.basename(folder) + ".builds")
os.mkdir(scratch)
OPTIONS = ["--new", "obj_new", "--new", "obj_new_text", "--ref", "obj_ref", "--unref", "obj_unref"]
FLAGS = [["-O0"], ["-O1"], ["-O2"], ["-O3"], ["-Os"], ["-O2", "-fcf-protection=full"], ["-O2", "-fcf-protection=none"], ["-O2", "-fno-pie", "-no-pie"],
         ["-O2", "-flto"], ["-O2", "-fno-omit-frame-pointer"], ["-O2", "-fomit-frame-pointer", "-fno-asynchronous-unwind-tables"],
         ["-O2", "-ffunction-sections", "-Wl,--gc-sections"], ["-O2", "-fstack-protector-all"], ["-O2", "-mavx2"], ["-O2", "-fno-plt", "-Wl,-z,now"],
         ["-O2", "-Wl,-z,separate-code"], ["-O2", "-Wl,-z,noseparate-code"], ["-O2", "-fpatchable-function-entry=5"], ["-O2", "-falign-functions=64"]]
FLAGS_OF = {"gcc": [["-O2", "-freorder-blocks-and-partition"], ["-O2", "-fipa-ra"], ["-O2", "-mmanual-endbr"]], "clang": [["-Oz"]]}


def build(compiler, flags, sources):
    """The program; None: this compiler cannot."""
    out = os.path.join(scratch, "program")
    done = subprocess.run([compiler, "-g", "-w", "-pthread", "-o", out] + flags + [os.path.join(source, s) for s in sources] + ["-ldl"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return out if done.returncode == 0 else None


def test_builds():
    built = 0
    for compiler in ("gcc", "clang"):
        if shutil.which(compiler) is None:
            continue
        for flags in FLAGS + FLAGS_OF[compiler]:
            for sources in (["server.c", "obj.c"], ["static.c"]):
                exe = build(compiler, flags, sources)
                if exe is None:
                    continue
                built += 1
                out, said, traces = record(OPTIONS, [exe, "requests=300", "threads=3"], 7)
                what = "%s %s %s" % (compiler, " ".join(flags), sources)
                if "not seen" in said:
                    print(what + ": " + said.strip())
                    continue
                check(bool(traces) and seen(leaks(traces[0])) == printed(out, "^"), "%s: %s" % (what, out))
    print("%d programs" % built)
    check(built >= 20, "hardly any program could be built")


def test_static():
    """Nothing can be preloaded into it: it runs as ever, and reftrack says that nothing was recorded."""
    for flags in (["-O2", "-static"], ["-O2", "-static-pie"]):
        exe = build("gcc", flags, ["server.c", "obj.c"])
        if exe is not None:
            out, said, traces = record(OPTIONS, [exe, "requests=30"], 7)
            check(printed(out, "^") == {"new": 31, "ref": 30, "unref": 91}, "%s: it ran as ever: %s" % (flags, out))
            check(not traces and re.search("static", said) is not None, "%s: said %s, %s" % (flags, said, traces))


def test_big():
    """A compiler, hundreds of whose functions are hooked, makes the same file."""
    clang, objects = shutil.which("clang"), []
    if clang is None:
        return
    for options in ([], ["--ref", "libLLVM*:_ZN4llvm*Inst*"], ["--new", "libLLVM*:_ZN4llvm*Inst*"]):
        out = os.path.join(scratch, "made.o")
        command = [clang, "-O2", "-c", os.path.join(source, "obj.c"), "-o", out]
        if options:
            _, _, traces = record(options, command, 0)
            hooks = leaks(traces[0])["audit"]["hooks"]
            hooked = sum(h["hooked"] for h in hooks)
            print("%d of %d functions hooked, %d calls" % (hooked, len(hooks), sum(h["calls"] for h in hooks)))
            check(not hooks or hooked > 1000, "%d hooked" % hooked)
        else:
            subprocess.run(command, check=True)
        with open(out, "rb") as made:
            objects.append(made.read())
    check(objects[0] == objects[1] == objects[2], "the compiler makes something else")


def test_stress():
    out, _, traces = record(OPTIONS, [program("hooks_stress"), program("hooks_plugin.so"), "60"], 7)
    report = leaks(traces[0])
    check(seen(report, "hooks_stress") == printed(out, "^"), "stress: %s, %s" % (seen(report, "hooks_stress"), out))
    check(seen(report, "hooks_plugin") == {"new": 660, "ref": 600, "unref": 1260}, "plugin: %s" % seen(report, "hooks_plugin"))
    check(not [f for f in report["findings"] if f["verdict"] == "missing-unref"], "a leak where there is none")


def test_snapshot():
    """What a flight recording holds so far tells the calls so far."""
    trace = os.path.join(folder, "s.trk")
    run = subprocess.Popen([reftrack, "run", "-q", "-o", trace, "--on-full", "flight"] + OPTIONS + ["--", program("hooks_stress"),
                           program("hooks_plugin.so"), "1000000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    calls, end = 0, time.monotonic() + 60
    while calls == 0 and time.monotonic() < end:
        children = open("/proc/%d/task/%d/children" % (run.pid, run.pid)).read().split()
        if children:
            subprocess.run([reftrack, "snapshot", children[0]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for name in os.listdir(folder):
            if name.startswith("s.") and name != "s.trk":
                calls += seen(leaks(os.path.join(folder, name)))["unref"]
        time.sleep(0.1)
    for child in children:
        os.kill(int(child), 9)
    run.wait()
    check(calls > 0, "no calls in a snapshot")


test_snapshot()
test_stress()
test_big()
test_static()
test_builds()
shutil.rmtree(scratch)
finish()
