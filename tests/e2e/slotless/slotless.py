#!/usr/bin/env python3
"""Programs that tell no slot, recorded with memory: cycles, forgotten ones, held ones. Usage: slotless.py REFTRACK PROGRAM"""
import json
import os
import subprocess
import sys
import tempfile

reftrack, program, only = sys.argv[1], sys.argv[2], sys.argv[3:]
failed = 0
work = tempfile.TemporaryDirectory(prefix="reftrack-slotless.")


def fail(name, what, told):
    global failed
    failed += 1
    print(f"FAIL: {name}: {what}\n{told}")


def case(name, *expected):
    """Each finding that gates, as (verdict, type, objects, what else must be in it)."""
    if only and name not in only:
        return
    trace = os.path.join(work.name, name + ".trk")
    subprocess.run([reftrack, "run", "-q", "-o", trace, "--", program, name], check=True)
    text = subprocess.run([reftrack, "leaks", "--json", trace], check=True, stdout=subprocess.PIPE, text=True).stdout
    told = json.loads(text)
    findings = [f for f in told["findings"] if f["gating"]]
    short = "\n".join(f"  {f['verdict']} {f['strength']} {f['type']} {f['objects']}: {f['sentence']}" for f in told["findings"])
    if not told["audit"]["references_in_memory"]:
        fail(name, "memory was not read", short)
        return
    if [(f["verdict"], f["type"], f["objects"]) for f in findings] != [e[:3] for e in expected]:
        fail(name, f"not {[e[:3] for e in expected]}", short)
        return
    for f, e in zip(findings, expected):
        edges = f["cycle"]["edges"] if f["cycle"] else []
        facts = {
            "fields": sorted(x["field"] for x in edges),
            "takes": sorted(x.get("function") or "" for x in edges),
            "pairings": {x["pairing"] for x in edges},
            "sentence": f["sentence"],
            "open": f["open"][0].get("function") if f["open"] else None,
            "takes_named": " ".join(o.get("function") or "" for o in f["open"]),
            "holders": sorted(filter(None, ((o["holder"] or {}).get("field") for o in f["open"]))),
        }
        for key, value in e[3].items():
            good = value in facts[key] if key in ("sentence", "takes_named") else facts[key] == value
            if not good:
                fail(name, f"{key}: {facts[key]!r} instead of {value!r}", short)


case("parent_child", ("cycle", "struct child", 8, {
    "fields": ["child", "parent"], "takes": ["parent_adopt", "parent_adopt"], "pairings": {"adopted"},
    "sentence": "4 cycles of the same shape, 8 objects in them"}))
case("parent_child_parted")
case("parent_forgotten", ("missing-unref", "struct parent", 1, {"open": "parent_new"}))
case("list_ring", ("cycle", "struct node", 5, {"fields": ["next"] * 5, "pairings": {"adopted"}}))
case("list_forgotten", ("missing-unref", "struct node", 1, {"open": "node_new"}))
case("list_handed_over")
case("closure_of_itself", ("cycle", "struct subject", 1, {"fields": ["closures[].data"], "takes": ["subject_connect"]}))
case("observers", ("cycle", "struct subject", 2, {"fields": ["closures[].data"] * 2}))
case("observer_freed")
case("table_held")
case("table_over_retained", ("over-retained", "struct node", 1, {
    "sentence": "a release is missing", "takes_named": "table_find", "holders": ["buckets[]"]}))
case("table_forgotten", ("missing-unref", "struct table", 1, {"open": "table_new"}))
case("extra_ref", ("missing-unref", "struct node", 1, {"sentence": "no pointer to it exists anywhere: a release is missing"}))
print(f"{failed} failed")
sys.exit(failed != 0)
