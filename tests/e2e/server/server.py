#!/usr/bin/env python3
"""A server of one's own, with its own counting functions: every call seen, in each form that it may be built and stripped in, or
said why not; the mistakes that are planted in it named. Usage: server.py REFTRACK FOLDER_OF_PROGRAMS SOURCE [--long]"""
import os
import re
import shutil
import subprocess
import sys

source = sys.argv[3]
sys.path.insert(0, os.path.join(source, "..", "hooks"))
from rig import check, finish, folder, leaks, printed, program, record

NAMES = ["--new", "obj_new", "--ref", "obj_ref", "--unref", "obj_unref"]
ADAPTER = ["--adapter", os.path.join(source, "server.adapter")]
scratch = folder + ".forms"
os.mkdir(scratch)
GATING = {  # verdict, type, objects, where it was taken, or born
    "error": ("missing-unref", "session", 2, "answer"),
    "twice": ("over-released", "report", None, "answer_stat"),
    "cycle": ("cycle", "session", 8, "session_open"),
    "thread": ("missing-unref", "session", 4, "answer_stat"),
}


def calls(report):
    """By function; of one that is hooked and has copies as well, what was seen."""
    seen = {}
    for hook in report["audit"]["hooks"]:
        seen[hook["function"]] = max(seen.get(hook["function"], 0), hook["calls"])
    return seen


def called(out, names=("obj_new", "obj_ref", "obj_unref")):
    count = printed(out, "^")
    return dict(zip(names, (count["new"], count["ref"], count["unref"])))


def serve(options, exe, mistake="none", names=("obj_new", "obj_ref", "obj_unref")):
    """Recorded as it is, with the answers and the exit code that it has alone, and every call seen."""
    out, said, traces = record(options, [exe, "mistake=" + mistake], 7)
    report = leaks(traces[0])
    check(out.startswith("served 8, 12 lines of log, 0 wrong answers"), out)
    check(calls(report) == called(out, names), "%s: saw %s, it called %s" % (exe, calls(report), out))
    check("not seen" not in said and report["audit"]["lost"] == 0, said)
    return report, said


def gating(report):
    return [f for f in report["findings"] if f["gating"]]


def test_clean():
    for exe in ("server_debug", "server_dynamic"):
        for options in (NAMES, NAMES + ["--clock", "coarse"], ADAPTER):
            report, _ = serve(options, program(exe))
            check(gating(report) == [] and report["audit"]["certain"], "%s %s: %s" % (exe, options, report["findings"]))


def test_mistakes():
    """By names, with debug information; and by the adapter, which knows types and counts, without."""
    for mistake, (verdict, kind, objects, place) in GATING.items():
        for options, exe in ((NAMES, "server_debug"), (ADAPTER, "server_dynamic")):
            report, _ = serve(options, program(exe), mistake)
            found = gating(report)
            check(len(found) == 1 and found[0]["verdict"] == verdict, "%s %s: %s" % (exe, mistake, found))
            if len(found) != 1:
                continue
            f = found[0]
            check(objects is None or f["objects"] == objects, "%s: %d objects" % (mistake, f["objects"]))
            check(f["type"] == (kind if options == ADAPTER else "obj_new"), "%s: type %s" % (mistake, f["type"]))
            site = f["open"][0] if verdict != "cycle" else f["born"]
            check(exe != "server_debug" or site["function"] == place, "%s: taken at %s" % (mistake, site))
            check(options != ADAPTER or report["audit"]["count_identity"] in ("ok", "not checked"), "%s: %s" % (mistake, report["audit"]))
            if mistake == "cycle":
                check({e["function"] for e in f["cycle"]["edges"]} == {"timer_start"} or exe != "server_debug", "edges: %s" % f["cycle"])


def test_cache():
    """What a cache holds for ever is no leak by itself: it is told with the way to it."""
    report, _ = serve(ADAPTER, program("server_debug"), "cache")
    held = [f for f in report["findings"] if f["verdict"] == "reachable" and f["root_path"]]
    check(gating(report) == [] and any(f["root_path"][0]["text"] == "global bucket" for f in held), str(report["findings"]))
    check(report["audit"]["count_identity"] == "ok", str(report["audit"]))


def strip(options, name):
    exe = os.path.join(scratch, name)
    subprocess.run(["strip", "-o", exe] + options + [program("server_debug")], check=True)
    return exe


def test_stripped():
    """Without a symbol its functions have no names: by address, or by the file that the symbols were put into."""
    if shutil.which("strip") is None or shutil.which("objcopy") is None:
        print("left out: stripped servers; binutils are missing")
        return
    bare = strip([], "bare")
    _, said, _ = record(NAMES, [bare], 7)
    check(len(re.findall(r"bare is stripped: .*--add-gnu-debuglink.* by address, as in 0x1250", said)) == 3, said)
    table = subprocess.run(["nm", program("server_debug")], stdout=subprocess.PIPE, text=True, check=True).stdout
    at = {line.split()[2]: "0x" + line.split()[0] for line in table.splitlines() if line.endswith((" obj_new", " obj_ref", " obj_unref"))}
    by_address = ["--new", at["obj_new"], "--ref", "bare:" + at["obj_ref"], "--unref", "program:" + at["obj_unref"]]
    names = (at["obj_new"], at["obj_ref"], at["obj_unref"])
    report, _ = serve(by_address, bare, "none", names)
    check(gating(report) == [], "by address: %s" % report["findings"])
    report, _ = serve(by_address, bare, "thread", names)
    check([(f["verdict"], f["objects"]) for f in gating(report)] == [("missing-unref", 4)], "by address: %s" % report["findings"])
    inside = hex(int(at["obj_ref"], 16) + 4)
    _, said, traces = record(["--ref", inside, "--unref", at["obj_unref"]], [bare], 7)
    check("calls of %s in %s are not seen: no function begins at this address" % (inside, bare) in said, said)
    check(not leaks(traces[0])["audit"]["certain"], "half of a pair is no proof")
    for options in (["--ref", "0x"], ["--ref", "0x12g"], ["--ref", "12"]):
        done = subprocess.run([sys.argv[1], "run"] + options + ["--", "true"], stderr=subprocess.PIPE, text=True)
        check(done.returncode == 125 and "name of a function" in done.stderr, "%s: %s" % (options, done.stderr))
    for place in ("", ".debug"):
        os.makedirs(os.path.join(scratch, place), exist_ok=True)
        symbols = os.path.join(scratch, place, "linked.debug")
        subprocess.run(["objcopy", "--only-keep-debug", program("server_debug"), symbols], check=True)
        linked = strip([], "linked")
        subprocess.run(["objcopy", "--add-gnu-debuglink=" + symbols, linked], check=True)
        report, _ = serve(NAMES, linked, "thread")
        check([f["open"][0]["function"] for f in gating(report)] == ["answer_stat"], "debug file: %s" % report["findings"])
        os.remove(symbols)
    # Of another build: not taken.
    subprocess.run(["objcopy", "--only-keep-debug", program("server_other"), symbols], check=True)
    _, said, _ = record(NAMES, [linked], 7)
    check(said.count("is stripped") == 3, "symbols of another build: " + said)


def test_half():
    """One half of a pair proves nothing, and says so; a name that was meant is suggested."""
    for options, words in ((["--new", "obj_new", "--ref", "obj_reff", "--unref", "obj_unref"], "calls of obj_reff are not seen"),
                           (["--new", "obj_new", "--ref", "obj_ref", "--unref", "obj_unre"], "calls of obj_unre are not seen"),
                           (["--new", "obj_new", "--ref", "obj_ref"], "no function was named that gives references back (--unref)")):
        _, said, traces = record(options, [program("server_debug"), "mistake=thread"], 7)
        report = leaks(traces[0])
        check(gating(report) == [] and report["audit"]["why_uncertain"] == words, "%s: %s" % (options, report["audit"]["why_uncertain"]))
        check("obj_ref" in options and "obj_unref" in options or "did you mean 'obj_" in said or len(options) == 4, said)


def build(flags, files):
    exe = os.path.join(scratch, "built")
    done = subprocess.run(["cc", "-pthread", "-w", "-o", exe] + flags + [os.path.join(source, f) for f in files],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        print("left out: %s %s" % (flags, done.stderr.splitlines()[-1:]))
    return exe if done.returncode == 0 else None


def test_forms():
    """Each way to build it: every call is seen, or it is said whose are not, and nothing is proven."""
    files = [name for name in os.listdir(source) if name.endswith(".c")]
    whole, partly = 0, 0
    for level in ("-O0", "-O1", "-O2", "-O3", "-Os"):
        for more in ([], ["-flto"], ["-fno-plt", "-fcf-protection=none"], ["-fno-pie", "-no-pie"], ["-fno-optimize-sibling-calls"],
                     ["-fomit-frame-pointer", "-rdynamic", "-s"], ["-flto", "-fno-inline"], ["-ffunction-sections", "-Wl,--gc-sections"]):
            flags = [level, "-g"] + more
            exe = build(flags, files)
            if exe is None:
                continue
            out, said, traces = record(NAMES, [exe, "mistake=thread"], 7)
            report = leaks(traces[0])
            if calls(report) == called(out) and "not seen" not in said:
                whole += 1
                check([f["verdict"] for f in gating(report)] == ["missing-unref"], "%s: %s" % (flags, gating(report)))
            else:
                partly += 1
                check("the compiler put copies of it into functions that call it" in said, "%s: %s %s" % (flags, said, calls(report)))
                check(not report["audit"]["certain"] and [f for f in gating(report) if f["type"]] == [],
                      "%s: half seen, and sure: %s" % (flags, report["findings"]))
    print("%d forms seen whole, %d partly" % (whole, partly))
    check(whole >= 20, "most forms are seen whole")


def test_crowd():
    """Many clients: the same equality."""
    for mistake, objects in (("none", 0), ("thread", 100)):
        out, _, traces = record(ADAPTER, [program("server_debug"), "clients=200", "requests=200", "mistake=" + mistake], 7)
        report = leaks(traces[0])
        check(calls(report) == called(out), "crowd: %s %s" % (calls(report), out))
        check(sum(f["objects"] for f in gating(report)) == objects, "crowd %s: %s" % (mistake, gating(report)))


if sys.argv[4:] == ["--long"]:
    test_forms()
    test_crowd()
else:
    test_clean()
    test_mistakes()
    test_cache()
    test_stripped()
    test_half()
shutil.rmtree(scratch)
finish()
