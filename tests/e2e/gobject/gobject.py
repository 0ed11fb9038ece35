#!/usr/bin/env python3
"""GObject and GStreamer programs as the distribution has them: what counts references in their libraries is seen call by
call, planted bugs are found by type and line, and programs run as ever.
Usage: gobject.py REFTRACK CC FOLDER_OF_SOURCES [long]. Skipped (77) without the libraries' headers."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

reftrack, sources = sys.argv[1], sys.argv[3]
compiler = sys.argv[2].split()
long_form = len(sys.argv) > 4
folder = tempfile.mkdtemp()
bad = 0


def check(ok, what):
    global bad
    if not ok:
        bad += 1
        print("FAILED:", what)


def flags(package):
    try:
        done = subprocess.run(["pkg-config", "--cflags", "--libs", package], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    except FileNotFoundError:
        return None
    return done.stdout.split() if done.returncode == 0 else None


def build(name, package):
    found = flags(package)
    if found is None:
        return None
    program = os.path.join(folder, name)
    subprocess.run(compiler + ["-g", "-O1", os.path.join(sources, name + ".c"), "-o", program] + found, check=True)
    return program


def record(command, adapters=()):
    """Its exit code, what it printed, and what is found. adapters: those that are not used by themselves."""
    trace = os.path.join(folder, "t.trk")
    for name in os.listdir(folder):
        if name.startswith("t.trk"):
            os.remove(os.path.join(folder, name))
    done = subprocess.run([reftrack, "run", "-o", trace] + [f"--adapter={a}" for a in adapters] + ["--"] + command, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=300)
    report = subprocess.run([reftrack, "leaks", "--json", trace], stdout=subprocess.PIPE, timeout=300).stdout
    return done.returncode, done.stdout, json.loads(report)


def plain(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=300)
    return done.returncode, done.stdout


def unharmed(command, adapters=()):
    """Runs it with and without; what is found."""
    code, out, report = record(command, adapters)
    check((code, out) == plain(command), "%s: exit %d or output differ" % (" ".join(command), code))
    check(report["audit"]["lost"] == 0, "%s: events were lost" % command)
    return report


def line_of(source, text):
    with open(os.path.join(sources, source)) as file:
        return [n for n, line in enumerate(file, 1) if text in line]


def planted(program, source, bug, verdict, kind, where, adapters=()):
    """An object of that type is found with one of these verdicts, born or taken at a line that has the text."""
    report = unharmed([program, bug], adapters)
    lines = line_of(source, where)
    for f in report["findings"]:
        places = [f["born"]] + f["open"] + [p for o in f["open"] for p in o["stack"]] + f["born"].get("stack", [])
        if f["verdict"] in verdict.split() and f["type"] == kind and any(p.get("line") in lines for p in places if p):
            return
    check(False, "%s %s: no %s of %s at %s: %s" % (source, bug, verdict, kind, lines, [
        (f["verdict"], f["type"], f["born"]) for f in report["findings"]]))


def healthy(command, adapters=()):
    report = unharmed(command, adapters)
    loud = [(f["verdict"], f["type"]) for f in report["findings"] if f["verdict"] not in ("reachable", "unfreed")]
    check(not loud, "%s: found where nothing is wrong: %s" % (command, loud))


def counted_by_gdb(command, functions):
    script = os.path.join(folder, "gdb")
    lines = ["set pagination off", "set confirm off", "set breakpoint pending on", "set debuginfod enabled off"]
    lines += ["break " + f for f in functions]
    lines += ["ignore %d 1000000000" % (n + 1) for n in range(len(functions))]
    with open(script, "w") as file:
        file.write("\n".join(lines + ["run", "info breakpoints", "quit"]) + "\n")
    said = subprocess.run(["gdb", "-q", "-nx", "-batch", "-x", script, "--args"] + command, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, timeout=300, text=True).stdout
    counts, at = dict.fromkeys(functions, 0), None
    for line in said[said.rfind("Num "):].splitlines():
        number = re.match(r"(\d+)\s+breakpoint", line)
        at = functions[int(number.group(1)) - 1] if number else at
        hit = re.search(r"already hit (\d+) time", line)
        if hit and at:
            counts[at] = int(hit.group(1))
    return counts


def every_call(command, functions):
    if shutil.which(command[0]) is None or shutil.which("gdb") is None:
        return
    report = unharmed(command)
    seen = {h["function"]: h["calls"] for h in report["audit"]["hooks"] if h["hooked"]}
    gdb = counted_by_gdb(command, functions)
    check(sum(gdb.values()) > 0, "%s: gdb saw nothing" % command)
    check({f: seen.get(f, 0) for f in functions} == gdb, "%s: saw %s, gdb %s" % (
        command, {f: seen.get(f, 0) for f in functions}, gdb))


def objects(program):
    planted(program, "shop.c", "error", "missing-unref", "ShopItem", "ShopItem *item = g_object_new(SHOP_TYPE_ITEM")
    planted(program, "shop.c", "floating", "floating", "ShopLabel", "= g_object_new(SHOP_TYPE_LABEL")
    planted(program, "shop.c", "cycle", "cycle", "ShopItem", "*right = g_object_new")
    planted(program, "shop.c", "variant", "missing-unref", "GVariant", "g_variant_ref_sink(")
    if not long_form:
        return
    planted(program, "shop.c", "bytes", "missing-unref", "GBytes", "*part = g_bytes_new_from_bytes")
    planted(program, "shop.c", "toggle", "missing-unref", "ShopItem", "ShopItem *item = g_object_new(SHOP_TYPE_ITEM")
    planted(program, "shop.c", "upgrade", "missing-unref", "ShopItem", "ShopItem *item = g_object_new(SHOP_TYPE_ITEM")
    planted(program, "shop.c", "table", "missing-unref", "GHashTable", "= g_hash_table_new_full")
    planted(program, "shop.c", "loop", "missing-unref", "GMainLoop", "= g_main_loop_new")
    planted(program, "shop.c", "steal", "missing-unref", "GBytes", "= g_byte_array_free_to_bytes")
    _, _, report = record([program, "over"])  # it may crash
    check([f for f in report["findings"] if f["verdict"] == "over-released" and f["type"] == "ShopItem"],
          "shop.c over: %s" % [(f["verdict"], f["type"]) for f in report["findings"]])


GST = ["gstreamer"]


def media(program):
    planted(program, "media.c", "caps", "missing-unref", "GstCaps", "*caps = gst_caps_new_simple", GST)
    planted(program, "media.c", "buffer", "missing-unref", "GstBuffer", "*buffer = gst_buffer_new_allocate", GST)
    if not long_form:
        return
    # The pad inside a ghost pad points back at it without owning it, which may look like a cycle.
    planted(program, "media.c", "pad", "missing-unref cycle", "GstGhostPad", "gst_ghost_pad_new_no_target", GST)
    planted(program, "media.c", "variable", "missing-unref", "GstCaps", "gst_caps_take(", GST)
    _, _, report = record([program, "over"], GST)
    check([f for f in report["findings"] if f["verdict"] == "over-released" and f["type"] == "GstBuffer"],
          "media.c over: %s" % [(f["verdict"], f["type"]) for f in report["findings"]])


counting = ["g_type_create_instance", "g_object_ref", "g_object_unref"]
try:
    shop, player = build("shop", "gobject-2.0"), build("media", "gstreamer-1.0")
    if shop is None:
        print("no gobject-2.0 (libglib2.0-dev)")
        sys.exit(77)
    healthy([shop, "none"])
    objects(shop)
    every_call([shop, "none"], counting)
    if player is not None:
        healthy([player, "none"], GST)
        media(player)
    if shutil.which("gio") is not None:
        every_call(["gio", "list", "/usr/share"], counting)
    if long_form and shutil.which("gio") is not None:
        for words in ["info /usr/bin", "cat /etc/passwd", "mime text/plain", "tree /usr/share/glib-2.0", "info /none"]:
            unharmed(["gio"] + words.split())
    if shutil.which("gst-launch-1.0") is not None:
        pipeline = "gst-launch-1.0 -q videotestsrc num-buffers=30 ! video/x-raw,width=64,height=64 ! fakesink".split()
        healthy(pipeline)
        if long_form:
            unharmed(pipeline, GST)
            unharmed(["gst-inspect-1.0", "fakesink"])
finally:
    shutil.rmtree(folder)
sys.exit(1 if bad else 0)
