#!/usr/bin/env python3
"""The screens of docs/STORIES.md, from real runs: each story of the page is done again, and what is on the screen then must be what the
page shows. `--update` writes the page and its pictures anew.

Comments in the page say what is done; the block behind "keys" is the screen behind it:

    <!-- trace NAME: COMMAND -->     records COMMAND; NAME is the trace
    <!-- story NAME 80x24 -->        opens the viewer on it
    <!-- live 100x30: COMMAND -->    starts COMMAND with the viewer beside it, which begins when COMMAND read its first line
    <!-- input TEXT -->              a line for that program
    <!-- keys NAME ... -->           pressed one after the other; names as in scripts of the viewer; 'word' types it
    <!-- shows PATTERN -->           (of what runs live) must be on the screen, before it is taken: numbers differ from run to run
    <!-- picture FILE -->            the screen in colours

Addresses, times, and numbers of processes are not compared. Usage: stories.py REFTRACK TUI SAMPLES PAGE [--update]"""
import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import terminal

reftrack, viewer, samples, page_path = (os.path.abspath(path) for path in sys.argv[1:5])
update = "--update" in sys.argv[5:]
folder = tempfile.mkdtemp(prefix="reftrack-stories.")
atexit.register(shutil.rmtree, folder, True)
env = dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC", PATH=os.path.dirname(reftrack) + ":" + samples + ":" + os.environ["PATH"],
           XDG_CONFIG_HOME=folder + "/config", XDG_STATE_HOME=folder + "/state", XDG_RUNTIME_DIR=folder)
for name in ("NO_COLOR", "DEBUGINFOD_URLS", "TRACK_OPTIONS", "LD_PRELOAD", "TMUX"):
    env.pop(name, None)
bad = 0
COMMENT = re.compile(r"<!-- (trace|story|live|input|keys|shows|picture) ?(.*) -->")


def fail(text):
    global bad
    bad += 1
    print("FAILED: " + text)


def brief(screen):
    """As it stands on the page: not more than one empty row in a place."""
    # Not the frames of libc, nor where this was built.
    lines = [line.rstrip() for line in screen.replace(samples, "build/samples").rstrip("\n").split("\n")
             if re.search(r"^ +\d+ +_(_libc)?_?start", line) is None]
    return "\n".join(line for i, line in enumerate(lines) if line or i == 0 or lines[i - 1])


def normal(screen):
    """Without what differs from run to run, and however lines are broken."""
    screen = re.sub(r"^ *(time|bytes|objs)\b.*$", "", screen, flags=re.MULTILINE)  # the strip of time
    text = " ".join(re.sub("[⠀-⣿▀-▟│─┴▲▼…]+", " ", screen).split())
    text = re.sub(r"0x[0-9a-f]{6,}", "ADDR", text)
    text = re.sub(r"\b(sample-\w+)\[\d+\]", r"\1[PID]", text)
    text = re.sub(r"\b(thread|pid) \d+", r"\1 PID", text)
    text = re.sub(r"[<+] ?\d+(\.\d+)?( )?(us|ms|s|min)\b|\b\d+(\.\d+)?( )?(us|ms|s)\b|\d+:\d\d\b", "TIME", text)
    text = re.sub(r"(born|died|ref|unref)( +[\d.]+[kMG]?){2}\b", r"\1 RATES", text)
    return re.sub(r"[\s\[\]]+", " ", text).strip()


def alike(one, other):
    """Equal; or what does not fit on a screen ends a little later, because numbers before it are shorter."""
    body, tail = zip(*(("\n".join(lines[:-2]), "\n".join(lines[-2:]))
                       for lines in (screen.rstrip("\n").split("\n") for screen in (one, other))))
    shorter, longer = sorted((normal(text) for text in body), key=len)
    return normal(tail[0]) == normal(tail[1]) and longer.startswith(shorter) and len(longer) - len(shorter) < 160


def record(rest):
    name, command = rest.split(": ", 1)
    done = subprocess.run([reftrack, "run", "-q", "--no-summary", "-o", name, "--"] + command.split(), cwd=folder, env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
    if done.returncode != 0:
        fail("%s: exit status %d\n%s" % (command, done.returncode, done.stdout))


class Recorded:
    """The viewer on a trace: by a script of keys; in a terminal, too, when there is something to picture."""

    def __init__(self, rest):
        self.trace, size = rest.split()
        self.width, self.height = (int(n) for n in size.split("x"))
        self.script = []

    def keys(self, rest):
        self.script.append(rest)

    def run(self, lines):
        path = os.path.join(folder, "keys")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        done = subprocess.run([viewer, "--script", path, "--size", "%dx%d" % (self.width, self.height), self.trace], cwd=folder,
                              env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
        if done.returncode != 0:
            fail("%s: exit status %d\n%s" % (self.trace, done.returncode, done.stdout))
        return done.stdout

    def lines(self):
        out = []
        for keys in self.script:
            for word in re.findall(r"'[^']*'|\S+", keys):
                out.append("type " + word.strip("'") if word[0] == "'" else "key " + word)
        return out

    def screen(self, _shows):
        return self.run(self.lines() + ["show"])

    def colours(self):
        wanted = self.screen([])
        term = terminal.Terminal(terminal.server_name(), self.width, self.height,
                                 "%s %s" % (viewer, os.path.join(folder, self.trace)), env)
        try:
            if term.until(lambda screen: "[overview]" in screen and "Reading" not in screen and "lost 0" in screen) is None:
                fail("%s in a terminal: no screen\n%s" % (self.trace, term.text()))
            for line in self.lines():
                press(term, line)
            if term.until(lambda screen: alike(screen, wanted), 30) is None:
                fail("%s in a terminal is not what the script shows:\n%s" % (self.trace, term.text()))
            return term.text(True)
        finally:
            term.close()

    def close(self):
        pass


def press(term, line):
    word, rest = line.split(" ", 1)
    if word == "type":
        term.type(rest)
    else:
        term.press(terminal.script_name(rest))
    time.sleep(0.3)  # a person would look, too; what is compared is waited for


class Live:
    """A program that runs, with the viewer beside it."""

    def __init__(self, rest):
        size, command = rest.split(": ", 1)
        self.width, self.height = (int(n) for n in size.split("x"))
        self.trace = os.path.join(folder, "live.trk")
        self.program = subprocess.Popen([reftrack, "run", "-q", "--no-summary", "-o", self.trace, "--"] + command.split(), cwd=folder,
                                        env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
        self.term = None

    def input(self, rest):
        self.program.stdin.write(rest + "\n")
        self.program.stdin.flush()
        time.sleep(0.7)  # so that what it does has a time of its own
        if self.term is None:
            end = time.monotonic() + 60
            while self.pid() is None and time.monotonic() < end:
                time.sleep(0.1)
            self.term = terminal.Terminal(terminal.server_name(), self.width, self.height,
                                          "%s tui --pid %s" % (reftrack, self.pid()), env)

    def pid(self):
        children = subprocess.run(["pgrep", "-P", str(self.program.pid)], stdout=subprocess.PIPE, text=True, check=False).stdout.split()
        return children[0] if children and os.path.exists(self.trace) and os.path.getsize(self.trace) > 0 else None

    def keys(self, rest):
        for word in re.findall(r"'[^']*'|\S+", rest):
            press(self.term, "type " + word.strip("'") if word[0] == "'" else "key " + word)

    def screen(self, shows):
        good = lambda screen: all(re.search(pattern, screen) for pattern in shows)
        screen = self.term.until(good)
        if screen is None:
            screen = self.term.text()
            fail("%s is not on the screen:\n%s" % (" or ".join(shows), screen))
        elif update:  # until it stands still
            time.sleep(2)
            screen = self.term.until(good) or screen
        return screen

    def colours(self):
        return self.term.text(True)

    def close(self):
        if self.term is not None:
            self.term.close()
        self.program.stdin.close()
        self.program.wait(timeout=60)


def show_picture(viewing, name):
    path = os.path.join(os.path.dirname(page_path), name)
    svg = terminal.picture(viewing.colours(), viewing.width, viewing.height)
    if update:
        with open(path, "w", encoding="utf-8") as file:
            file.write(svg)
        return
    with open(path, encoding="utf-8") as file:
        was = file.read()
    if isinstance(viewing, Recorded) and not alike(terminal.words_of(was), terminal.words_of(svg)):
        fail("%s shows something else ('meson compile docs-stories' takes it anew):\n%s\n%s" %
             (name, normal(terminal.words_of(was)), normal(terminal.words_of(svg))))


def do_page(lines):
    viewing, shows, out, at, blocks = None, [], [], 0, 0
    pictures = terminal.can_run()
    while at < len(lines):
        line = lines[at]
        out.append(line)
        at += 1
        match = COMMENT.fullmatch(line)
        if match is None:
            continue
        word, rest = match.groups()
        if word == "trace":
            record(rest)
        elif word in ("story", "live"):
            if viewing is not None:
                viewing.close()
            viewing = Recorded(rest) if word == "story" else Live(rest) if pictures else None
        elif word == "shows":
            shows.append(rest)
        elif viewing is None:
            continue  # live, and there is no terminal
        elif word == "input":
            viewing.input(rest)
        elif word == "picture":
            if pictures:
                show_picture(viewing, rest)
        else:
            viewing.keys(rest)
            while COMMENT.fullmatch(lines[at]) and COMMENT.fullmatch(lines[at]).group(1) == "shows":
                shows.append(COMMENT.fullmatch(lines[at]).group(2))
                out.append(lines[at])
                at += 1
            if not lines[at].startswith("```"):
                shows = []
                continue
            end = lines.index("```", at + 1)
            was = "\n".join(lines[at + 1:end])
            screen = brief(viewing.screen(shows))
            blocks += 1
            if isinstance(viewing, Live):
                for pattern in shows:
                    if not update and re.search(pattern, was) is None:
                        fail("the page does not show %s:\n%s" % (pattern, was))
            elif not update and not alike(was, screen):
                fail("keys %s: the page shows\n%s\nthe viewer\n%s" % (rest, was, screen))
            out += [lines[at]] + (screen.split("\n") if update else lines[at + 1:end]) + ["```"]
            at = end + 1
            shows = []
    if viewing is not None:
        viewing.close()
    return out, blocks


with open(page_path, encoding="utf-8") as page:
    written, count = do_page(page.read().split("\n"))
if update:
    with open(page_path, "w", encoding="utf-8") as page:
        page.write("\n".join(written))
if not terminal.can_run():
    print("without tmux neither live stories nor pictures (package tmux)")
print("%d screens, %d failed" % (count, bad))
if bad or count == 0:
    sys.exit(1)
