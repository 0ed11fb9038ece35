#!/usr/bin/env python3
"""Programs of the distribution that use GLib and GObject: they run as ever, every call of every function that the adapters
name is seen (gdb counts, too), and no healthy object is reported. Usage: programs.py REFTRACK CC FOLDER_OF_SOURCES [long].
Skipped (77) without gio or gdb."""
import os
import shutil
import subprocess
import sys
import time

from rig import check, every_call, finish, folder, leaks, long_form, plain, recording, traces, unharmed

# Nothing of the session or system takes part.
os.environ.update(GIO_USE_VFS="local", GSETTINGS_BACKEND="memory", DBUS_SESSION_BUS_ADDRESS="disabled:", DBUS_SYSTEM_BUS_ADDRESS="disabled:",
                  LC_ALL="C.UTF-8")


def file_of(name, text=""):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def commands():
    """With the number of functions that are called at least."""
    resource = file_of("r.gresource.xml", "<gresources><gresource prefix='/r'><file>text</file></gresource></gresources>")
    text = file_of("text", "some text\n" * 20)
    compiled = os.path.join(folder, "r.gresource")
    yield 14, ["gio", "list", "/usr/share"]
    yield 14, ["gio", "info", "/usr/bin"]
    yield 10, ["gio", "cat", "/etc/passwd", text]
    yield 18, ["gio", "mime", "text/plain"]
    yield 14, ["gio", "tree", "/usr/share/glib-2.0"]
    yield 11, ["gio", "info", "/none"]
    yield 2, ["gio", "help", "list"]
    yield 12, ["gio", "copy", text, os.path.join(folder, "copy")]
    yield 9, ["gio", "mkdir", "-p", os.path.join(folder, "a", "b")]
    yield 10, ["gio", "set", text, "unix::mode", "384"]
    yield 10, ["gio", "rename", "/none", "no"]
    yield 10, ["gio", "remove", "/none"]
    yield 10, ["gio", "trash", "/none"]
    yield 18, ["gio", "mount", "-l"]
    yield 18, ["gio", "mount", "/none"]
    yield 20, ["gio", "open", "/none"]
    yield 20, ["gsettings", "list-recursively"]
    yield 10, ["gsettings", "range", "org.gnome.desktop.interface", "clock-format"]
    yield 20, ["gapplication", "list-apps"]
    yield 1, ["glib-compile-resources", "--sourcedir", folder, "--target", compiled, resource]
    yield 1, ["gresource", "list", compiled]
    yield 1, ["glib-compile-schemas", "--dry-run", "/usr/share/glib-2.0/schemas"]
    yield 10, ["gst-inspect-1.0", "fakesink"]


def on_a_bus():
    """gdbus with a bus of its own."""
    bus = subprocess.Popen(["dbus-daemon", "--session", "--nofork", "--print-address"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                           text=True)
    try:
        address = bus.stdout.readline().strip()
        every_call(["gdbus", "call", "--address", address, "--dest", "org.freedesktop.DBus", "--object-path", "/", "--method",
                    "org.freedesktop.DBus.NameHasOwner", "org.freedesktop.DBus"], 35)
    finally:
        bus.terminate()
        bus.wait(timeout=60)


def monitor():
    """It runs until it is killed."""
    watched = file_of("watched")
    said = []
    for command in (recording(["gio", "monitor", "-f", watched]), ["gio", "monitor", "-f", watched]):
        out = file_of("out")
        with open(out, "w") as file:
            run = subprocess.Popen(command, stdout=file, stderr=subprocess.DEVNULL)
        while "attributes" not in open(out).read().lower() and run.poll() is None: # it begins to listen at some time
            os.chmod(watched, 0o600)
            time.sleep(0.1)
        children = open("/proc/%d/task/%d/children" % (run.pid, run.pid)).read().split()
        os.kill(int(children[0]) if children else run.pid, 15)
        said.append((abs(run.wait(timeout=60)) & 127, set(open(out).read().splitlines())))
    check(said[0] == said[1] and said[0][0] == 15, "gio monitor: %s" % said)
    calls = {h["function"]: h["calls"] for h in leaks(traces()[0])["audit"]["hooks"]}
    check(calls.get("g_object_ref", 0) > 0, "gio monitor: calls %s" % {f: n for f, n in calls.items() if n > 0})


if shutil.which("gio") is None or shutil.which("gdb") is None:
    print("no gio (libglib2.0-bin) or no gdb")
    sys.exit(77)
every_call(["gio", "cat", "/etc/passwd"], 10)
if long_form:
    for least, command in commands():
        if shutil.which(command[0]) is not None:
            plain(command) # what it makes is there from now on
            every_call(command, least)
    check(open(os.path.join(folder, "text")).read() == open(os.path.join(folder, "copy")).read(), "a copy differs")
    if shutil.which("dbus-daemon") is not None:
        on_a_bus()
    monitor()
finish()
