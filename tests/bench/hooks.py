"""What the hook of a call costs, against libtrack's verb in the same function, a kernel probe (uprobe), and ltrace. See hooks.c."""
import shutil, subprocess

from common import *

CALLS, INNER, PROBED = "200000", "9", "2000"
RULES = ["--new", "hook_new", "--ref", "hook_ref", "--unref", "hook_unref"]
bench = program("bench_hooks")


def hooked(stacks):
    return lambda: figures([reftrack, "run", "-q", "--no-summary", "--force", "-o", work + "/m.trk", "--on-full", "flight", "--budget", "8MiB", "--stacks", stacks,
                            *RULES, "--", bench, CALLS, INNER])


def with_ltrace():
    """Its time for all, the functions without it are too fast to matter."""
    return figures(["ltrace", "-o", work + "/ltrace.out", *[word for f in ("new", "ref", "unref") for word in ("-x", f"probe_{f}@bench_hooks")],
                    bench, PROBED, "1", "plain"])


variants = {"call site": hooked("1,1,1"), "default stacks": hooked("64,8,1"), "uprobe": lambda: figures([bench, CALLS, INNER, "probe"])}
if shutil.which("ltrace"):
    variants["ltrace"] = with_ltrace
results = in_turns(variants)
rows = []
for call, name in (("ref", "ref, unref: hook at entry"), ("birth", "new: hook of the return")):
    for depth in ("call site", "default stacks"):
        got = results[depth]
        rows.append([name, depth, "%.2f" % middle([r[call + "_bare"] for r in got]), spread([r[call + "_verb"] for r in got]), spread([r[call + "_hook"] for r in got]),
                     spread([r[call + "_ratio"] for r in got], "%.2f")])
table("One call of a hooked function, flight", ["call", "stacks", "bare, ns", "verb in place, ns added", "hook, ns added", "hook to verb"], rows)
others = []
for name in ("uprobe", "ltrace"):
    for call in ("ref", "birth"):
        key = call + "_probe" if name == "uprobe" else call
        if name in results and key in results[name][0]:
            ns = [r[key] for r in results[name]]
            hook = middle([r[call + "_hook"] for r in results["call site"]])
            others.append([name, call, spread([n / 1000 for n in ns]), "%.0f" % (middle(ns) / hook)])
if others:
    table("The same call seen by others", ["by", "call", "µs added", "times the hook, call site"], others)
