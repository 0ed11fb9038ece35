#!/usr/bin/env python3
"""Reports by way of an index say what reports without one say, byte for byte.

    index.py REFTRACK SERVER ARGS        SERVER: the program of tests/fold; INDEX_STEPS: how often it is asked (4)

A recording grows by steps; after each step every command is asked with the index of the step before and with
--no-index. Then: readers at the same time, folders that cannot be written, indexes of somebody else."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

REFTRACK, SERVER = (os.path.abspath(a) for a in sys.argv[1:3])
COMMANDS = ["report", "report --json", "leaks", "leaks --all", "leaks --json", "leaks --from 1ms", "check", "types --json", "types", "sites",
            "blocks", "objects --top 0", "marks", "info", "info --json", "leaks --to 20ms", "show @leak:1", "show --json @leak:1"]
ENV = {**{k: v for k, v in os.environ.items() if k not in ("TRACK_OPTIONS", "DEBUGINFOD_URLS")}, "REFTRACK_INDEX": "1", "LC_ALL": "C.UTF-8"}
compared = used = 0


def ask(command, trace, *options, env=ENV):
    words = command.split()
    operands = [trace.name] + [w for w in words[1:] if w.startswith("@")]
    words = [w for w in words if not w.startswith("@")] + ["--no-symbols"]
    done = subprocess.run([REFTRACK, *words, *options, *operands], cwd=trace.parent, env=env, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def verbose(trace, **more):
    return ask("types", trace, "-v", **more)[2]


def same(trace):
    global compared
    for command in COMMANDS:
        compared += 1
        a, b = ask(command, trace), ask(command, trace, "--no-index")
        assert a == b, f"{command} differs at {trace.stat().st_size} bytes:\n{a}\n{b}"


def grow(whole, trace):
    global used
    steps = int(os.environ.get("INDEX_STEPS", "4"))
    for step in range(1, steps + 1):
        data = whole[:len(whole) * step // steps]
        with open(trace, "r+b" if trace.exists() else "wb") as file:  # as a recorder does: the same file
            file.seek(0, os.SEEK_END)
            file.write(data[file.tell():])
        used += ".idx was used" in verbose(trace)
        same(trace)
    assert used >= steps // 2, used
    index = pathlib.Path(str(trace) + ".idx")
    assert index.stat().st_mode & 0o777 == 0o600
    code, _, message = ask("report", index)
    assert code == 3 and "is the index of a trace" in message and message.count("\n") == 1, message


def at_once(trace):
    index = pathlib.Path(str(trace) + ".idx")
    index.unlink()
    readers = [subprocess.Popen([REFTRACK, "types", "--json", trace.name], cwd=trace.parent, env=ENV, stdout=subprocess.PIPE) for _ in range(6)]
    answers = {reader.communicate(timeout=60)[0] for reader in readers}
    assert len(answers) == 1
    assert sorted(p.name for p in trace.parent.iterdir()) == [trace.name, index.name]
    assert ".idx was used" in verbose(trace)


def unwanted(trace):
    index = pathlib.Path(str(trace) + ".idx")
    for env in ({**ENV, "REFTRACK_INDEX": "off"}, {k: v for k, v in ENV.items() if k != "REFTRACK_INDEX"}):
        index.unlink(missing_ok=True)
        assert ".idx" not in verbose(trace, env=env)
        assert not index.exists()
    _, _, message = ask("types", trace, env={**ENV, "REFTRACK_INDEX": "much"})
    assert "REFTRACK_INDEX='much'" in message


def not_ours(trace):
    index = pathlib.Path(str(trace) + ".idx")
    verbose(trace)
    if os.geteuid() == 0:
        os.chown(index, 12345, 12345)
        assert ".idx was used" not in verbose(trace)
        os.chown(trace, 12345, 12345)
        index.unlink(missing_ok=True)
        same(trace)
        assert not index.exists()
        os.chown(trace, 0, 0)
    else:
        index.unlink()
        os.chmod(trace.parent, 0o500)
        try:
            same(trace)
            assert "no index of" in verbose(trace)
        finally:
            os.chmod(trace.parent, 0o700)
        assert not index.exists()


folder = pathlib.Path(tempfile.mkdtemp())
try:
    first = folder / "first.trk"
    subprocess.run([REFTRACK, "run", "-q", "-o", str(first), "--", SERVER, *sys.argv[3:]], env={**ENV, "REFTRACK_INDEX": "off"}, check=True, timeout=60,
                   stdout=subprocess.DEVNULL)
    (folder / "t").mkdir()
    trace = folder / "t" / "t.trk"
    grow(first.read_bytes(), trace)
    at_once(trace)
    unwanted(trace)
    not_ours(trace)
    print(f"{compared} answers compared; {used} steps began at an index")
finally:
    shutil.rmtree(folder)
