#!/usr/bin/env python3
"""Every function of some libraries is hooked while programs of the distribution run: their output and exit code must be
what they are without. With --callgrind the numbers of calls must be those that callgrind counted.
Usage: programs.py HOOK_ALL.so JSON_PROGRAM [--callgrind]"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

preload, json_program = (os.path.abspath(p) if p != "-" else p for p in sys.argv[1:3])
folder = tempfile.mkdtemp()
bad = 0


def complain(what):
    global bad
    bad += 1
    print("FAILED:", what)


def run(command, extra, **more):
    environment = dict(os.environ, **extra, LC_ALL="C", G_DEBUG="")
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder,
                          timeout=300, **more)


def hooked(command, words, way):
    out = os.path.join(folder, "counts")
    done = run(command, {"LD_PRELOAD": preload, "HOOK_ALL": words, "HOOK_WAY": way, "HOOK_OUT": out})
    counts, states = {}, {}
    if os.path.exists(out):
        for line in open(out):
            name, calls, state = line.split()
            counts[name] = counts.get(name, 0) + int(calls)
            states[name] = int(state)
        os.remove(out)
    return done, counts, states


def prepare():
    with open(os.path.join(folder, "in.json"), "w") as f:
        f.write("[" + ",".join('{"k%d": [%d, "x", null, 1.5]}' % (i % 7, i) for i in range(300)) + "]")
    with open(os.path.join(folder, "in.xml"), "w") as f:
        f.write('<?xml version="1.0"?><r>' + "".join('<e a="%d">&lt;t%d</e>' % (i, i) for i in range(300)) + "</r>")
    os.mkdir(os.path.join(folder, "files"))
    for i in range(5):
        open(os.path.join(folder, "files", "f%d" % i), "w").close()


PROGRAMS = [
    ([json_program], "libjson-c"),
    (["jq", "[..|numbers]|add", "in.json"], "libjq:libonig"),
    (["xmllint", "--format", "in.xml"], "libxml2:libz:liblzma"),
    (["gio", "list", "-l", "files"], "libglib:libgobject:libgio:libz:libpcre"),
    (["gio", "info", "files/f1"], "libglib:libgobject:libgio:libz"),
    (["sqlite3", ":memory:", "create table t(a,b); insert into t values(1,'x'),(2,'y'); select sum(a),group_concat(b) from t;"],
     "libsqlite3:libz"),
]


def check_programs():
    for command, words in PROGRAMS:
        if shutil.which(command[0]) is None:
            print("not installed:", command[0])
            continue
        plain = run(command, {})
        for way in "03x":
            done, counts, states = hooked(command, words, way)
            on = sum(1 for s in states.values() if s == 1)
            title = "%s, way %s" % (" ".join(command[:3]), way)
            print("%s: %d of %d functions hooked, %d calls" % (title, on, len(states), sum(counts.values())))
            if (done.returncode, done.stdout) != (plain.returncode, plain.stdout):
                complain("%s: exit %d instead of %d, or other output:\n%s" %
                         (title, done.returncode, plain.returncode, done.stdout.decode(errors="replace")[:2000]))
            if not states or on < 0.8 * len(states):
                complain("%s: too few functions hooked" % title)
            if not sum(counts.values()):
                complain("%s: no call was seen" % title)


def callgrind_counts(command):
    """Calls per function, of the libraries by name; compressed names as callgrind writes them."""
    out = os.path.join(folder, "callgrind.out")
    done = run(["valgrind", "--tool=callgrind", "--callgrind-out-file=" + out, "--compress-pos=no"] + command, {})
    if done.returncode != 0:
        complain("callgrind: " + done.stdout.decode())
    names, calls, callee = {}, {}, None
    for line in open(out):
        found = re.match(r"(c?fn)=\((\d+)\)(?: (.*))?", line)
        if found:
            if found.group(3):
                names[found.group(2)] = found.group(3).split("'")[0]
            callee = names[found.group(2)] if found.group(1) == "cfn" else callee
        found = re.match(r"calls=(\d+)", line)
        if found:
            calls[callee] = calls.get(callee, 0) + int(found.group(1))
    return calls


# Called where hashes collide, and json-c seeds them anew in each process.
BY_CHANCE = {"lh_char_equal"}


def check_counts(command, words):
    truth = callgrind_counts(command)
    for way in "02":
        _, counts, states = hooked(command, words, way)
        compared = 0
        for name, calls in counts.items():
            if states[name] != 1 or name in BY_CHANCE or (name not in truth and calls == 0):
                continue
            compared += 1
            if truth.get(name, 0) != calls:
                complain("%s: %d calls seen, callgrind counted %d" % (name, calls, truth.get(name, 0)))
        print("%s, way %s: %d functions called, %d calls" % (command[0], way, compared, sum(counts.values())))
        if compared < 10:
            complain("too few functions to compare")


prepare()
if "--callgrind" in sys.argv:
    check_counts([json_program, "20"], "libjson-c")
    check_counts(["xmllint", "--format", "in.xml"], "libxml2")
else:
    check_programs()
shutil.rmtree(folder)
sys.exit(bad != 0)
