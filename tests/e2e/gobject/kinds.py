#!/usr/bin/env python3
"""One mistake with each kind of counted value of GLib and GObject: type, taking and missing release are told, and nothing else;
the program without a mistake is clean. Usage: kinds.py REFTRACK CC FOLDER_OF_SOURCES [long]. Skipped (77) without the
libraries' headers."""
import os
import re
import sys

from rig import build, check, every_call, finish, has_gdb, healthy, long_form, sources, unharmed

TYPES = {"source": "GSource", "closure": "GClosure", "loose": "GClosure", "param": "GParamInt", "variant": "GVariant", "child": "GVariant",
         "floating": "GVariant", "builder": "GVariantBuilder", "dict": "GVariantDict", "bytes": "GBytes", "table": "GHashTable",
         "pointers": "GPtrArray", "array": "GArray", "byte_array": "GArray", "tree": "GTree", "key_file": "GKeyFile",
         "mapped": "GMappedFile", "date": "GDateTime", "queue": "GAsyncQueue", "channel": "GIOChannel", "regex": "GRegex",
         "match": "GMatchInfo", "markup": "GMarkupParseContext", "group": "GOptionGroup", "hmac": "GHmac", "box": "GRcBox",
         "uri": "GAtomicRcBox", "value": "GObject", "data": "GObject"}
NOBODYS = ["loose", "param", "floating"]  # their reference was never anybody's
SHORT = ["source", "child", "param", "bytes"]


def lines(word):
    """Which line says that of which mistake."""
    found = {}
    with open(os.path.join(sources, "kinds.c")) as file:
        for number, line in enumerate(file, 1):
            name = re.search(r"/\* %s: (\w+) \*/" % word, line)
            if name:
                found[name.group(1)] = number
    return found


def one_mistake(program, bug, taken, missing):
    report = unharmed([program, bug])
    wanted = "floating" if bug in NOBODYS else "missing-unref"
    found = [f for f in report["findings"] if f["verdict"] not in ("reachable", "unfreed")]
    said = [(f["verdict"], f["type"], f["objects"], f["born"]["line"], [o["line"] for o in f["open"]], f["missing"] and f["missing"]["line"])
            for f in found]
    check(len(found) == 1 and (found[0]["verdict"], found[0]["type"], found[0]["objects"]) == (wanted, TYPES[bug], 7),
          "%s: %s" % (bug, said))
    for f in found[:1]:
        check(taken in [f["born"]["line"]] + [o["line"] for o in f["open"]],
              "%s: taken in line %d: %s" % (bug, taken, said))
        check(f["missing"] is not None and f["missing"]["line"] == missing, "%s: missing in line %d: %s" % (bug, missing, said))
    check(report["audit"]["count_identity"] == "ok", "%s: counts %s" % (bug, report["audit"]["count_identity"]))


program = build("kinds", "gobject-2.0")
if program is None:
    print("no gobject-2.0 (libglib2.0-dev)")
    sys.exit(77)
taken, missing = lines("taken"), lines("missing")
check(sorted(taken) == sorted(missing) == sorted(TYPES), "kinds.c has other mistakes: %s" % sorted(taken))
healthy([program, "none"])
for bug in TYPES if long_form else SHORT:
    one_mistake(program, bug, taken[bug], missing[bug])
if long_form:
    for bug in lines("kept"):
        healthy([program, bug])
    if has_gdb:
        every_call([program, "none", "1"], 70)
finish()
