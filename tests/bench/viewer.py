"""The viewer at size: a trace of 1 GB opened, keys in a list of 10 M objects, and a program that it watches. VIEWER_OBJECTS=10000000, VIEWER_BYTES=1000000000
and VIEWER_EVENTS=20000000 choose the sizes; VIEWER_PARTS="open keys live" what is done."""
import pty, select, signal, threading

from common import *

parts = os.environ.get("VIEWER_PARTS", "open keys live").split()
objects = int(os.environ.get("VIEWER_OBJECTS", "10000000"))
size = int(os.environ.get("VIEWER_BYTES", "1000000000"))
events = int(os.environ.get("VIEWER_EVENTS", "20000000"))
maker, keys, watched = os.path.join(build, "tests/harness/viewer-trace"), program("bench_viewer_keys"), program("bench_viewer_live")
viewer = os.path.join(build, "tui/reftrack-tui")


def made(kind, amount):
    path = os.path.join(work, kind + ".trk")
    got = figures([maker, kind, str(amount), path], {"TMPDIR": work})
    return path, got["events"]


def opened():
    path, count = made("bytes", size)
    got = in_turns({"open": lambda: figures([keys, path])}, 3)["open"]
    table("A trace of %.2f GB, %.0f M events: opened" % (os.path.getsize(path) / 1e9, count / 1e6), ["until there is", "seconds", "processor seconds of all processes until then"],
          [[what, spread([run[name] / 1e3 for run in got], "%.2f"), spread([run[name + "_cpu"] / 1e3 for run in got], "%.2f")]
           for what, name in (("a screen with numbers", "screen"), ("what leaks of what was read by then", "found"))])
    os.unlink(path)


def pressed():
    path, count = made("objects", objects)
    got = figures([keys, path, "objects"])
    names = {"open": "3: the list of objects", "down": "Down", "page": "PgDn", "ends": "G, g: the last, the first", "sort": ">: by another column", "reverse": "I: the other way round",
             "sort_two": ":sort site,-object", "filter": "a filter", "find": "a text that is there", "find_nothing": "one that is not", "types": "2: types", "of_type": "Enter: objects of a type"}
    table("Keys in a list of %.0f M objects: milliseconds" % (objects / 1e6), ["key", "drawn with what is known, at most", "all rows there: median, most", "processor time of the workers: median, most"],
          [[words, "%.1f" % got[name + "_drawn_most"], "%.1f, %.1f" % (got[name + "_median"], got[name + "_most"]), "%.1f, %.1f" % (got[name + "_cpu_median"], got[name + "_cpu_most"])]
           for name, words in names.items()])
    table("Memory with %.0f M objects alive" % (objects / 1e6), ["what", "bytes per object"],
          [["the reader, when everything is read", "%.0f" % (got["read_memory_bytes"] / objects)], ["all processes, when leaks were found", "%.0f" % (got["found_memory_bytes"] / objects)],
           ["the same after these keys", "%.0f" % (got["memory_bytes"] / objects)]])
    os.unlink(path)


def child_of(pid):
    """The program below reftrack run, once it has written events."""
    for _ in range(600):
        found = subprocess.run(["pgrep", "-P", str(pid), "bench_viewer_li"], capture_output=True, text=True).stdout.split()
        if found and os.path.exists(work + "/m.trk") and os.path.getsize(work + "/m.trk") > 100000:
            return int(found[0])
        time.sleep(0.05)
    raise SystemExit("bench: the watched program did not begin")


def drain(fd):
    """Reads what the viewer writes, and throws it away."""
    while True:
        try:
            if not os.read(fd, 65536):
                return
        except OSError:
            return


def live(watch):
    run = subprocess.Popen(recorded([watched, str(events)]), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    shown = None
    if watch:
        target = child_of(run.pid)
        shown, fd = pty.fork()
        if shown == 0:
            os.environ["TERM"] = "xterm-256color"
            os.execv(viewer, [viewer, "--pid", str(target), work + "/m.trk"])
        threading.Thread(target=drain, args=(fd,), daemon=True).start()
    got = {name: float(value) for name, value in (line.split() for line in run.communicate()[0].splitlines())}
    if shown is not None:
        os.kill(shown, signal.SIGTERM)
        os.waitpid(shown, 0)
    return got


def watching():
    got = in_turns({"alone": lambda: live(False), "watched": lambda: live(True)}, rounds)
    wall = [run["wall"] for run in got["alone"]]
    table("A program that makes %.1f M events a second, recorded, and the same with the viewer on its overview: ratios of %d pairs" % (events / middle(wall) / 1e6, rounds),
          ["", "watched to not watched"], [[what, spread([b[name] / a[name] for a, b in zip(got["alone"], got["watched"])], "%.2f")]
                                           for what, name in (("seconds by the clock", "wall"), ("processor seconds of the program", "cpu"))])


if keys is None:
    print("\nThe viewer: not measured, bench_viewer_keys was not built")
else:
    for name, part in (("open", opened), ("keys", pressed), ("live", watching)):
        if name in parts:
            part()
