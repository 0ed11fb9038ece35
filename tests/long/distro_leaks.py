#!/usr/bin/env python3
"""Unmodified programs of the distribution: what Valgrind calls definitely lost, and what we call lost, allocation by
allocation. None of ours that Valgrind denies, none missed that it reports. Blocks that words hold which their holder
never wrote, because it got memory that was used before, are the one known difference (docs/LEAKS.md): when the C library
fills memory as it hands it out, it must be gone. Usage: distro_leaks.py REFTRACK [PROGRAM...]"""
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["ROOT"], "tests/harness/leaks"))
from leaktools import *

reftrack, only = os.path.abspath(sys.argv[1]), sys.argv[2:]
checks = Checks()

XML = "<list>" + "".join(f"<item id='{i}'><name>n{i}</name></item>" for i in range(50)) + "</list>"
FILES = {
    "in.xml": XML,
    "in.json": '{"a": [1, 2, {"b": "c"}], "d": null}',
    "in.txt": "".join(f"{i} line of text number {i}\n" for i in range(200)),
    "Makefile": "all: a b\na:\n\t@echo a\nb: a\n\t@echo b\n",
    "script.sh": "f() { local x=$1; echo ${x%b*}; }\nfor i in 1 2 3; do f abc$i; done\nv=$(echo sub | tr a-z A-Z)\necho \"$v\" | cat\n",
    "big.txt": "".join(f"{i * 7919 % 100003} words of line {i}\n" for i in range(20000)),
    "in.cmake": "foreach(i RANGE 20)\n  string(REGEX REPLACE \"([0-9])\" \"<\\\\1>\" x \"${i}\")\n  list(APPEND all ${x})\nendforeach()\n"
                "list(LENGTH all n)\nmessage(STATUS \"${n} ${all}\")\n",
    "in.ninja": "rule touch\n  command = touch $out\n" + "".join(f"build o{i}: touch in.txt\n" for i in range(20)),
    "in.gschema.xml": "<schemalist><schema id='a.b' path='/a/b/'>" +
                      "".join(f"<key name='k{i}' type='s'><default>'v'</default></key>" for i in range(20)) + "</schema></schemalist>",
    "plain.sh": "f() { echo ${1%b*}; }\nfor i in 1 2 3; do f abc$i; done\ncase x$i in x*) echo yes;; esac\n",
}
# name: (command, environment)
PROGRAMS = {
    "jq": (["jq", "-c", "[.a[] | tostring] | join(\"-\")", "in.json"], {}),
    "sqlite3": (["sqlite3", ":memory:", "create table t(a,b); insert into t values(1,'x'),(2,'y'); select count(*), max(b) from t;"], {}),
    "xmllint": (["xmllint", "--noout", "--xpath", "count(//item)", "in.xml"], {}),
    "xmllint --schema": (["xmllint", "--format", "in.xml"], {}),
    "git": (["git", "--no-pager", "-c", "safe.directory=*", "log", "--oneline", "-3"], {}),
    "git diff": (["git", "--no-pager", "diff", "--no-index", "in.txt", "in.json"], {}),
    "python3": (["python3", "-I", "-S", "-c", "import re, json; print(len(json.dumps([re.sub('a', 'b', 'xay')] * 20)))"], {"PYTHONMALLOC": "malloc"}),
    "perl": (["perl", "-e", 'my %h; $h{$_ % 7} .= "x$_" for 1..200; my @s = sort values %h; print scalar(@s), "\n"'], {}),
    "perl, closures": (["perl", "-e", 'my $f; $f = sub { my $n = shift; $n ? $f->($n - 1) . "x" : "" }; print length($f->(9)), "\n"'], {}),
    "grep": (["grep", "-c", "-E", "li(n|m)e.*1", "in.txt"], {}),
    "sed": (["sed", "-n", "s/line/LINE/;3,5p", "in.txt"], {}),
    "gawk": (["gawk", "{ s[$1 % 7] += length($0) } END { for (i in s) print i, s[i] }", "in.txt"], {}),
    "mawk": (["mawk", "{ s[$1 % 7] += length($0) } END { for (i in s) print i, s[i] }", "in.txt"], {}),
    "bzip2": (["bzip2", "-k", "-c", "in.txt"], {}),
    "xz": (["xz", "-k", "-c", "in.txt"], {}),
    "curl": (["curl", "--version"], {}),
    "gdb": (["gdb", "-nx", "--version"], {}),
    "make": (["make", "-n", "all"], {}),
    "bash": (["bash", "--norc", "script.sh"], {}),
    "dash": (["dash", "plain.sh"], {}),
    "sort": (["sort", "-k2", "in.txt"], {}),
    "tar": (["tar", "-cf", "out.tar", "in.txt", "in.json"], {}),
    "find": (["find", ".", "-name", "*.txt", "-newer", "in.xml"], {}),
    "ls": (["ls", "-la"], {}),
    "diff": (["diff", "-u", "in.txt", "in.json"], {}),
    "openssl": (["openssl", "dgst", "-sha256", "in.txt"], {}),
    "readelf": (["readelf", "-hW", "/bin/true"], {}),
    "file": (["file", "in.xml"], {}),
    # GLib and GObject
    "gio": (["gio", "info", "in.txt"], {}),
    "glib-compile-schemas": (["glib-compile-schemas", "--dry-run", "."], {}),
    "gsettings": (["gsettings", "--schemadir", ".", "list-schemas"], {"GSETTINGS_BACKEND": "memory"}),
    # C++
    "cmake": (["cmake", "-P", "in.cmake"], {}),
    "apt-config": (["apt-config", "dump"], {}),
    "ninja": (["ninja", "-f", "in.ninja", "-n"], {}),
    # threads
    "xz, threads": (["xz", "-T2", "--block-size=65536", "-k", "-c", "big.txt"], {}),
    "zstd, threads": (["zstd", "-T2", "-k", "-c", "-q", "big.txt"], {}),
    "git grep, threads": (["git", "--no-pager", "grep", "--no-index", "--threads=3", "-c", "words", "--", "big.txt", "in.txt", "in.json"], {}),
    "sort, threads": (["sort", "--parallel=2", "-n", "big.txt"], {}),
    # others
    "ctags": (["ctags", "-f", "-", "in.cmake", "script.sh"], {}),
    "gpg": (["gpg", "--version"], {}),
    "fc-list": (["fc-list"], {}),
    "vim": (["vim", "-u", "NONE", "-es", "-c", "%s/line/row/g", "-c", "q!", "in.txt"], {}),
    "groff": (["groff", "-Tascii", "in.txt"], {}),
}

DEPTH = 4  # findings are told apart by so many
BEYOND = re.compile(r"\(below main\)|__libc_start_.*|_start|start_thread|clone.*")


def key(record):
    """The functions on the stack, innermost first; modules for those whose names neither tool knows."""
    names = []
    for f in record.stack:
        if not BEYOND.match(f.function or ""):
            name = re.sub(r"@.*|\(.*", "", f.function).lstrip("_") if f.function else f.module
            if name and (f.function or names[-1:] != [name]):  # functions without names count once: tools differ in how many they see
                names.append(name)
    return tuple(names[:DEPTH])


def describe(record):
    return " < ".join(f.function or f"{f.module}+0x..{f.page or 0:03x}" for f in record.stack[:6])


def differences(mine, theirs):
    """[(functions, ours, Valgrind's)] of lost blocks that are not the same."""
    ours_by, theirs_by = mine.by(key, "lost"), theirs.by(key, "lost")
    pairs = [(where, ours_by.get(where, (0, 0)), theirs_by.get(where, (0, 0))) for where in sorted(set(ours_by) | set(theirs_by))]
    return [pair for pair in pairs if pair[1] != pair[2]]


def one(name, command, env):
    mine = ours(reftrack, command, env=env)
    theirs = valgrind(command, options=["--run-libc-freeres=no", "--run-cxx-freeres=no"], env=env)
    checks.check(f"{name}: both ran it", mine.code in (theirs.code, 23, 24), mine.code, theirs.code, mine.output[-300:], theirs.output[-300:])
    different, held = differences(mine, theirs), []
    if different and all(a[0] < b[0] for _, a, b in different):
        held, mine = different, ours(reftrack, command, options=["--fill"], env=env)
        different = differences(mine, theirs)
    for where, a, b in held:
        if not different:
            checks.note(f"{name}: {b[0] - a[0]} of {b[0]} lost blocks held by words that were never written: {' < '.join(where)}")
    examples = {key(r): describe(r) for r in mine.records + theirs.records}
    for where, a, b in different:
        checks.check(f"{name}: lost here {a[0]} blocks, {a[1]} bytes; Valgrind {b[0]}, {b[1]}: {examples[where]}", False,
                     {k: v.get(where) for k, v in ((c, theirs.by(key, c)) for c in CLASSES) if v.get(where)},
                     {k: v.get(where) for k, v in ((c, mine.by(key, c)) for c in CLASSES) if v.get(where)})
    count = lambda seen: " ".join(f"{c} {seen.total(c)[0]}/{seen.total(c)[1]}" for c in CLASSES)
    checks.count += 1
    print(f"{name}: ours {count(mine)}; Valgrind {count(theirs)}", flush=True)


need("valgrind")
with tempfile.TemporaryDirectory(prefix="distro.") as work:
    os.chdir(work)
    for name, text in FILES.items():
        with open(name, "w") as f:
            f.write(text)
    ran = 0
    for name, (command, env) in PROGRAMS.items():
        if only and name not in only or not shutil.which(command[0]):
            continue
        if name == "git":
            run(["sh", "-c", "git init -q . && git -c user.name=a -c user.email=a@b add in.txt && git -c user.name=a -c user.email=a@b commit -qm one"])
        ran += 1
        one(name, command, env)
    os.chdir("/")
checks.check("at least ten programs were there", only or ran >= 10, ran)
checks.finish()
