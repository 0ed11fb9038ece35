#!/usr/bin/env python3
"""Adapters of programs that were not changed: used when their library is loaded, when they are asked for, or not; who goes before
whom; what is told of them. Usage: adapters.py REFTRACK FOLDER_OF_PROGRAMS"""
import os
import subprocess
import tempfile

from rig import check, finish, folder, info, leaks, printed, program, record, reftrack, seen

HEAD = """adapter obj
library libhooks_obj.so libhooks_obj.so.* program
type struct obj
  count +0 int32
"""
FUNCTIONS = """  new   obj_new*   ret
  ref   obj_ref    arg1
  unref obj_unref  arg1
"""
config = tempfile.TemporaryDirectory()
os.environ["XDG_CONFIG_HOME"] = config.name
own = os.path.join(config.name, "reftrack", "adapters")
os.makedirs(own)
given = os.path.join(config.name, "given.adapter")
SERVER = [program("hooks_server_library"), "requests=100", "leak=4"]


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def clear():
    for name in os.listdir(own):
        os.remove(os.path.join(own, name))


def used(trace):
    return {a["name"]: (a["origin"], a["functions"], a["calls"]) for a in info(trace)["adapters"]}


def check_whole(out, said, trace, origin):
    report = leaks(trace)
    calls = printed(out, "^")
    check(seen(report) == calls, "%s: saw %s, it called %s" % (origin, seen(report), calls))
    found = [(f["type"], f["objects"]) for f in report["findings"] if f["verdict"] == "missing-unref"]
    check(found == [("struct obj", 4)], "%s: %s" % (origin, found))
    check({h["adapter"] for h in report["audit"]["hooks"]} == {"obj"}, "%s: hooks" % origin)
    check(used(trace).get("obj", ("", 0))[:2] == (origin, 4), "%s: %s" % (origin, used(trace)))
    check("not seen" not in said, said)


def test_user():
    """In the user's folder it is used as soon as the library, or the program, has its functions."""
    write(os.path.join(own, "mine.adapter"), HEAD + FUNCTIONS + "  unref obj_gone arg1\n")
    for name in ["hooks_server_library", "hooks_server"]:
        out, said, traces = record([], [program(name)] + SERVER[1:], 7)
        check_whole(out, said, traces[0], "user")
    text = subprocess.run([reftrack, "info", "--no-pager", traces[0]], stdout=subprocess.PIPE, text=True).stdout
    check("not in this version: obj_gone" in text, text)
    check("json-c (shipped" in text and "not used, no file that was loaded is called libjson-c.so" in text, text)
    _, _, traces = record(["--no-adapters"], SERVER, 7)
    check(used(traces[0]) == {} and leaks(traces[0])["audit"]["hooks"] == [], "--no-adapters")
    clear()


def test_given():
    write(given, HEAD + FUNCTIONS)
    for options in [["--adapter", given], ["--adapter", given, "--no-adapters"]]:
        out, said, traces = record(options, SERVER, 7)
        check_whole(out, said, traces[0], "given")
    check(list(used(traces[0])) == ["obj"], "only the given one: %s" % used(traces[0]))
    text = subprocess.run([reftrack, "report", "--no-pager", traces[0]], stdout=subprocess.PIPE, text=True).stdout
    check("adapter obj: " in text and " of 4 functions in libhooks_obj.so" in text, text)
    write(given, HEAD + FUNCTIONS + "  unref obj_gone arg1\n  unref obj_away arg1\n")
    _, said, _ = record(["--adapter", given], SERVER, 7)
    check(said.count("are not seen: no program or library") == 2, said)
    _, said, traces = record(["--adapter", given], ["true"], 0)
    check(said.count("adapter obj: no program or library that was loaded has one of its functions") == 1, said)
    check("are not seen" not in said, said)


def test_who_goes_first():
    """The same name: the given one, the user's, the shipped one. The same function: what was asked for."""
    write(os.path.join(own, "mine.adapter"), HEAD + FUNCTIONS)
    write(os.path.join(own, "json-c.adapter"), "adapter json-c\nlibrary none.so\ntype t\nref f arg1\n")
    write(given, HEAD + FUNCTIONS)
    _, said, traces = record(["--adapter", given], SERVER, 7)
    check(used(traces[0])["obj"][0] == "given" and used(traces[0])["json-c"][0] == "user", str(used(traces[0])))
    _, said, traces = record(["--adapter", "obj"], SERVER, 7)
    check(used(traces[0])["obj"][0] == "given", "by name: %s" % used(traces[0]))
    _, said, traces = record(["--adapter", "mine"], SERVER, 7)
    check(used(traces[0])["obj"][0] == "given", "by the name of its file: %s" % used(traces[0]))
    out, said, traces = record(["--ref", "obj_ref", "--unref", "obj_unref"], SERVER, 7)
    check("adapter obj is not used: another rule speaks of its function obj_ref" in said, said)
    check(seen(leaks(traces[0]))["ref"] == printed(out, "^")["ref"] and "obj" not in used(traces[0]), "counted once")
    text = subprocess.run([reftrack, "info", "--no-pager", traces[0]], stdout=subprocess.PIPE, text=True).stdout
    check("Functions that were named\n  calls: obj_" in text, text)
    out, said, traces = record(["--ref", "libother.so:obj_ref"], SERVER, 7)
    check(used(traces[0])["obj"][1] == 4, "of another library: %s" % said)
    clear()


def test_hidden():
    """obj_new calls obj_new_text inside of the library: births are the library's, or those of who called it."""
    functions = FUNCTIONS.replace("obj_new* ", "obj_new_text")
    for hidden, sites in [("", {"obj_new", "serve"}), ("inside hidden\n", {"serve"}), ("inside hidden libother.so\n", {"obj_new", "serve"})]:
        write(given, HEAD.replace(" program", "").replace("type", hidden + "type", 1) + functions)
        _, _, traces = record(["--adapter", given], SERVER, 7)
        born = {f["born"]["function"] for f in leaks(traces[0])["findings"] if f["verdict"] == "missing-unref"}
        check(born == sites, "'%s': %s" % (hidden.strip(), born))


def test_refused():
    write(os.path.join(own, "bad.adapter"), "adapter b\nlibrary l\ntype t\nrefs f arg1\n")
    _, said, _ = record([], ["true"], 0)
    check("bad.adapter:4: unknown word 'refs'; did you mean 'ref'?" in said and said.count("left out") == 1, said)
    clear()
    write(given, HEAD + "ref obj_ref arg9\n")
    for options, words in [(["--adapter", given], "given.adapter:5: no place: 'arg9'"),
                           (["--adapter", "jsonc"], "did you mean 'json-c'?"),
                           (["--adapter", "xyzzy"], "there are: "),
                           (["--adapter", folder + "/none.adapter"], "No such file"),
                           (["--adapter", folder], "cannot read"),
                           (["--no-preload", "--adapter", "json-c"], "leave --no-preload away")]:
        _, said, traces = record(options, ["true"], 125)
        check(words in said and traces == [] and said.count("\n") == 1, "%s: %s" % (options, said))


def test_tail():
    """A function without a name, found by the one that jumps to it: all calls of it, whoever makes them."""
    rules = "adapter items\nlibrary program\ntype item\n  count +0 int32\n  new tail_make ret\n  ref tail_hold arg1\n  unref %s arg1\n"
    write(given, rules % "tail_put>")
    out, said, traces = record(["--adapter", given], [program("hooks_tail")], 7)
    report = leaks(traces[0])
    calls = {h["role"]: h["calls"] for h in report["audit"]["hooks"]}
    check([h["roles"] for h in report["audit"]["hooks"]] == [[h["role"]] for h in report["audit"]["hooks"]], "one role each")
    check(calls == printed(out, "^") and "not seen" not in said, "%s: saw %s, it called %s" % (said, calls, out))
    check({f["verdict"] for f in report["findings"]} <= {"reachable"}, "tail: %s" % report["findings"])
    write(given, rules % "tail_hold>")
    _, said, _ = record(["--adapter", given], [program("hooks_tail")], 7)
    check("does not jump to one function without a symbol" in said, said)


def test_tells_itself():
    """A module that calls libtrack is left alone, unless the adapter was asked for: it would be counted twice."""
    clear()
    write(os.path.join(own, "mine.adapter"), HEAD + FUNCTIONS)
    for options, hooked in ([], False), (["--adapter", "obj"], True):
        _, said, traces = record(options, [program("hooks_tells")], 5)
        states = [h["hooked"] for h in leaks(traces[0])["audit"]["hooks"] if "hooks_tells" in h["module"]]
        check(states == [hooked] * 4, "%s: %s %s" % (options, states, said))
        text = subprocess.run([reftrack, "info", "--no-pager", traces[0]], stdout=subprocess.PIPE, text=True).stdout
        check(("it calls libtrack itself" in text) != hooked, text)


test_user()
test_tail()
test_tells_itself()
test_given()
test_who_goes_first()
test_hidden()
test_refused()
config.cleanup()
finish()
