#!/usr/bin/env python3
"""docs/ADAPTERS.md as it stands: its files are written, its commands run, and what they print must have the lines that the page shows, in
their order. "..." in a line is any text; a line of "..." skips lines. Usage: adapters_page.py REFTRACK PAGE"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

reftrack, page = sys.argv[1:3]
if shutil.which("cc") is None:
    print("skipped: no cc (package gcc)")
    sys.exit(77)
text = open(page, encoding="utf-8").read()
folder = tempfile.mkdtemp()
env = dict(os.environ, PATH=os.path.dirname(os.path.abspath(reftrack)) + ":" + os.environ["PATH"],
           XDG_CONFIG_HOME=os.path.join(folder, "nothing"), PAGER="cat")
env.pop("LD_PRELOAD", None)
bad = files = commands = 0


def matches(expected, line):
    return re.fullmatch(".*".join(re.escape(part.strip()) for part in expected.split("...")), line.strip()) is not None


def run(command, wanted):
    global bad
    done = subprocess.run(command, shell=True, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                          text=True)
    printed = done.stdout.split("\n")
    at = 0
    if done.returncode != 0:
        bad += 1
        print("FAILED: %s: exit status %d\n%s" % (command, done.returncode, done.stdout))
        return
    for expected in (line for line in wanted if line.strip() != "..."):
        while at < len(printed) and not matches(expected, printed[at]):
            at += 1
        if at == len(printed):
            bad += 1
            print("FAILED: %s: no line '%s' in its place in\n%s" % (command, expected, done.stdout))
            return
        at += 1


for kind, name, body in re.findall(r"<!-- (file|run) ?(\S*) -->\n```\w*\n(.*?)```", text, re.S):
    if kind == "file":
        files += 1
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(body)
        continue
    for part in re.split(r"^\$ ", body, flags=re.M)[1:]:
        commands += 1
        lines = part.rstrip("\n").split("\n")
        run(lines[0], lines[1:])
if (files, commands) != (4, 9):
    bad += 1
    print("FAILED: the page has %d files and %d commands" % (files, commands))
shutil.rmtree(folder)
sys.exit(bad != 0)
