#!/usr/bin/env python3
"""Programs that were not changed for reftrack, whose functions are hooked: every call is seen, the programs run as ever,
their leaks are found, and what cannot be hooked is named. Usage: hooks.py REFTRACK FOLDER_OF_PROGRAMS
[--long]"""
import json
import os
import re
import subprocess
import sys
import time

from rig import check, finish, folder, leaks, printed, program, record, reftrack, seen

OPTIONS = ["--new", "obj_new", "--new", "obj_new_text", "--ref", "obj_ref", "--unref", "obj_unref"]


def born(report):
    return sum(f["objects"] for f in report["findings"])


def test_counts():
    for name in ["hooks_server", "hooks_server_fixed", "hooks_server_static", "hooks_server_library"]:
        out, said, traces = record(OPTIONS, [program(name), "requests=500"], 7)
        report = leaks(traces[0])
        check(seen(report) == printed(out, "^"), "%s: saw %s, it called %s" % (name, seen(report), printed(out, "^")))
        check(report["audit"]["lost"] == 0 and not [f for f in report["findings"] if f["verdict"] == "missing-unref"],
              "%s: a leak where there is none" % name)
        check("not seen" not in said, "%s: %s" % (name, said))


def test_threads_and_fork():
    out, _, traces = record(OPTIONS, [program("hooks_server"), "requests=5000", "threads=8", "fork"], 7)
    check(len(traces) == 2, "two processes, %d traces" % len(traces))
    check(seen(leaks(traces[0])) == printed(out, "^"), "threads: %s, %s" % (seen(leaks(traces[0])), out))
    check(seen(leaks(traces[1])) == printed(out, "^child "), "child: %s, %s" % (seen(leaks(traces[1])), out))


def test_relay():
    """Calls tell no counts: with times of their own their order is known, and nothing is guessed."""
    coarse = None
    for leaked in [0, 3]:
        out, said, traces = record(OPTIONS, [program("hooks_relay"), "8000", str(leaked)], 7)
        if subprocess.run([reftrack, "info", traces[0]], stdout=subprocess.PIPE, text=True).stdout.find("exact where functions") < 0:
            coarse = said # a machine whose counter is no clock
            continue
        report = leaks(traces[0])
        check(seen(report) == printed(out, "^"), "relay: %s, %s" % (seen(report), out))
        found = [(f["verdict"], f["objects"]) for f in report["findings"] if f["verdict"] != "reachable"]
        check(found == ([("missing-unref", leaked)] if leaked else []), "relay, %d leaked: %s" % (leaked, found))
        events = [line.split("\t") for line in subprocess.run([reftrack, "dump", "--plain", traces[0]], stdout=subprocess.PIPE,
                                                              text=True).stdout.splitlines()]
        events = [e for e in events if e[0] != "-"]
        check(not [e for e in events if "?" in e[0]], "relay: order is a guess")
        second = next(i for i, e in enumerate(events) if e[2] != events[0][2])
        exact = [re.search(r"\.\d{9}$", e[1]) is not None for e in events]
        check(not any(exact[:second // 2]) and all(exact[second:]), "relay: times are not exact from the second thread on")
    _, _, traces = record(OPTIONS + ["--clock", "coarse"], [program("hooks_relay"), "100"], 7)
    text = subprocess.run([reftrack, "dump", "--plain", traces[0]], stdout=subprocess.PIPE, text=True).stdout
    check(not re.search(r"\t\d+\.\d{9}\t", text), "relay: coarse times are exact")
    if coarse is not None:
        print("no exact times here:", coarse)


def test_leak():
    _, _, traces = record(OPTIONS, [program("hooks_server"), "requests=100", "leak=7"], 7)
    found = [f for f in leaks(traces[0])["findings"] if f["verdict"] == "missing-unref"]
    check(len(found) == 1 and found[0]["objects"] == 7, "7 objects: %s" % found)
    if found:
        check(found[0]["type"] == "obj", "type: %s" % found[0]["type"])
        check(found[0]["born"]["function"] == "serve", "born: %s" % found[0]["born"])
    # Where the release is missing: named, or as what all siblings did and none of these.
    text = subprocess.run([reftrack, "leaks", traces[0]], stdout=subprocess.PIPE, text=True).stdout
    check(re.search(r"missing +~ finish server\.c|siblings then: unref at finish server\.c", text), text)


def test_types():
    """Named by debug information, or by the function that made them."""
    for name, options, wanted in (("hooks_server", OPTIONS, {"obj"}), ("hooks_server_plain", OPTIONS, {"obj_new_text"}),
                                  ("hooks_server", ["--new", "obj_n*", "--ref", "obj_ref"], {"obj"}),
                                  ("hooks_server", ["--new", "obj_untyped", "--ref", "obj_ref"], {"obj"}),
                                  ("hooks_server", ["--new", "obj_untyped", "--ref", "obj_*ref"], {"obj"}),
                                  ("hooks_server", ["--new", "obj_untyped"], {"obj_untyped"})):
        _, _, traces = record(options, [program(name), "requests=10", "leak=5", "untyped"], 7)
        done = subprocess.run([reftrack, "types", "--json", traces[0]], stdout=subprocess.PIPE, timeout=120, text=True)
        types = {row["type"] for row in json.loads(done.stdout)["rows"] if row["kind"] == "objects"}
        types.discard("(unknown type)")
        check(types == wanted, "%s %s: types are %s" % (name, options, types))


def test_cxx():
    """Functions of C++ by the names that people write; const or not, whatever the parameters are."""
    if not os.path.exists(program("hooks_cxx")):
        return
    for options in (["--new", "ns::Conn::make", "--ref", "ns::Conn::ref", "--unref", "ns::Conn::unref"],
                    ["--new", "hooks_cxx:ns::Conn::make(int)", "--ref", "ns::Conn::ref()", "--unref", "*:ns::Conn::unref() const"],
                    ["--new", "_ZN2ns4Conn4makeEi", "--ref", "_ZN2ns4Conn3refEv", "--unref", "_ZNK2ns4Conn5unrefEv"]):
        out, said, traces = record(options, [program("hooks_cxx")], 7)
        report = leaks(traces[0])
        calls = {hook["function"]: hook["calls"] for hook in report["audit"]["hooks"]}
        check(sorted(calls.values()) == [10, 20, 29], "%s: %s %s" % (options, calls, said))
        check([f["type"] for f in report["findings"] if f["type"]] == ["ns::Conn"], "%s: %s" % (options, [f["type"] for f in report["findings"]]))


def test_plugin():
    out, _, traces = record(OPTIONS, [program("hooks_server"), "requests=20", "reload=5",
                                      "plugin=" + program("hooks_plugin.so")], 7)
    report = leaks(traces[0])
    # Each time its constructor and destructor, too: hooked before they ran.
    check(seen(report, "hooks_plugin") == {"new": 105, "ref": 100, "unref": 205}, "plugin: %s" % seen(report, "hooks_plugin"))
    check(seen(report, "hooks_server") == printed(out, "^"), "its program: %s, %s" % (seen(report, "hooks_server"), out))
    functions = [h["function"] for h in report["audit"]["hooks"] if "hooks_plugin" in h["module"]]
    check(len(functions) == len(set(functions)), "a library that is loaded again is the same: %s" % functions)


def test_recovered():
    """The recorder is killed when all calls were made: what it told the program, and what became of it, is recovered."""
    trace, saved = os.path.join(folder, "k.trk"), os.path.join(folder, "saved.trk")
    for with_file in (True, False):
        run = subprocess.Popen([reftrack, "run", "-q", "-f", "-o", trace] + OPTIONS + ["--", program("hooks_server"), "wait"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        said = run.stdout.readline()
        while with_file and run.poll() is None and not os.path.exists(trace):
            time.sleep(0.01)
        with open("/proc/%d/task/%d/children" % (run.pid, run.pid)) as children:
            target = [pid for pid in children.read().split() if os.readlink("/proc/%s/exe" % pid).endswith("hooks_server")]
        run.kill()
        run.wait()
        check(len(target) == 1, "children: %s" % target)
        done = subprocess.run([reftrack, "recover", target[0]] + ([trace] if with_file else []) + ["-o", saved],
                              stderr=subprocess.PIPE, timeout=120, text=True)
        run.stdin.write("\n")
        run.stdin.close()
        run.stdout.close()
        check(done.returncode == 0, "recover: %s" % done.stderr)
        report = leaks(saved) if done.returncode == 0 else {"audit": {"hooks": []}}
        check(seen(report) == printed(said), "recovered %s a file: saw %s, it called %s" %
              ("with" if with_file else "without", seen(report), said))
        for path in (trace, saved):
            if os.path.exists(path):
                os.remove(path)


def test_refused():
    _, said, traces = record(OPTIONS + ["--ref", "obj_tiny", "--unref", "obj_nowhere", "--ref", "libnone.so:obj_ref"],
                             [program("hooks_server")], 7)
    check(re.search(r"calls of obj_tiny in \S*hooks_server are not seen: its code is too short", said), said)
    check("calls of obj_nowhere are not seen: no program or library" in said, said)
    check(said.count("reftrack: calls of") == 2, said)
    report = leaks(traces[0])
    check(sorted(h["function"] for h in report["audit"]["hooks"] if not h["hooked"]) == ["obj_nowhere", "obj_ref", "obj_tiny"],
          "named in the audit: %s" % report["audit"]["hooks"])
    check(not report["audit"]["certain"] and "calls of obj_tiny" in report["audit"]["why_uncertain"], "half seen is no proof")
    audit = subprocess.run([reftrack, "report", traces[0]], stdout=subprocess.PIPE, text=True).stdout
    check(re.search(r"^hooked: .*obj_ref 10 calls", audit, re.M) and "not hooked: obj_tiny in " in audit, audit)
    _, said, traces = record(OPTIONS, [program("hooks_server_stripped")], 7)
    check(said.count("no program or library") == 4, "a stripped program: " + said)


def test_patterns():
    _, _, traces = record(["--new", "hooks_server*:obj_n*", "--ref", "hooks_server:obj_ref", "--unref", "*:obj_unref"],
                          [program("hooks_server")], 7)
    names = sorted(h["function"] for h in leaks(traces[0])["audit"]["hooks"] if h["hooked"])
    check(names == ["obj_new", "obj_new_text", "obj_ref", "obj_unref"], "patterns: %s" % names)


def test_forbidden():
    for way in [], ["mdwe"]:
        if way and subprocess.run([program("hooks_forbid")] + way + ["/bin/true"]).returncode == 97:
            continue
        out, said, traces = record(OPTIONS, [program("hooks_forbid")] + way + [program("hooks_server")], 7)
        check(printed(out, "^") == {"new": 11, "ref": 10, "unref": 31}, "it ran as ever: " + out)
        check(said.count("are not seen: the system does not let code be changed") == 4, said)


def test_flow():
    """Calls that do not return, signals, forks, constructors that refer to what they make, libraries that come and go."""
    if not os.path.exists(program("hooks_flow")):
        return
    options = ["--new", "obj_new", "--new", "obj_new_deep", "--new", "obj_new_text", "--ref", "obj_ref", "--unref", "obj_unref"]
    out, said, traces = record(options, [program("hooks_flow"), program("hooks_plugin.so")], 5)
    report = leaks(traces[0])
    calls = {}
    for hook in report["audit"]["hooks"]:
        key = hook["function"], "plugin" in hook["module"]
        calls[key] = calls.get(key, 0) + hook["calls"]
    mine = {"new": calls["obj_new", False], "ref": calls["obj_ref", False], "unref": calls["obj_unref", False]}
    check(mine == printed(out, "^"), "flow: %s, %s" % (mine, out))
    # 4 threads load it 30 times each: how often it is really loaded is not said, each time one object is made and freed.
    loads = calls["obj_new", True]
    theirs = [calls[f, True] for f in ("obj_new_text", "obj_ref", "obj_unref")]
    check(theirs == [600 + loads, 600, 1200 + loads] and 0 < loads <= 120, "plugin: %s" % calls)
    wrong = [f["verdict"] for f in report["findings"] if f["verdict"] != "reachable"]
    check(report["audit"]["lost"] != 0 or not wrong, "flow: nothing leaks: %s" % wrong)


def test_many_reloads():
    """Code that comes and goes again and again does not use up the room for hooks near it."""
    _, _, traces = record(OPTIONS, [program("hooks_server"), "requests=1", "reload=17000",
                                    "plugin=" + program("hooks_plugin.so")], 7)
    check(seen(leaks(traces[0]), "hooks_plugin") == {"new": 34000, "ref": 17000, "unref": 51000}, "reloads")


def test_usage():
    for options, word in ((["--ref", ""], "name of a function"), (["--new", ":x"], "name of a function"),
                          (["--unref", "f(obj)"], "name of a function"),
                          (["--ref", "a::"], "name of a function"), (["--ref", "a::::b"], "name of a function"),
                          (["--ref", "a::b(int"], "name of a function"), (["--ref", "x::y=z"], "name of a function"), (["--no-preload", "--ref", "x"], "--no-preload")):
        done = subprocess.run([reftrack, "run"] + options + ["--", "true"], stderr=subprocess.PIPE, text=True)
        check(done.returncode == 125 and word in done.stderr, "%s: %d %s" % (options, done.returncode, done.stderr))


if sys.argv[3:] == ["--long"]:
    test_many_reloads()
    finish()
test_counts()
test_threads_and_fork()
test_relay()
test_leak()
test_types()
test_cxx()
test_plugin()
test_recovered()
test_refused()
test_patterns()
test_forbidden()
test_flow()
test_usage()
finish()
