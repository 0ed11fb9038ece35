"""The cost of single events: references, stacks, malloc pairs. Programs of this folder measure themselves (see clock.h)."""
import shutil, subprocess

from common import *

EVENTS, INNER = "1000000", "7"


def refs(name, threads, options, turns="0"):
    return lambda: figures(recorded([program(name), str(threads), EVENTS, INNER, turns], "--stacks", "1,1,1", *options))


def with_lttng(threads):
    """One tracepoint in overwrite mode, as LTTng-UST's users keep it running."""
    def run():
        session = "reftrack-bench"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(["lttng", "create", session, "--snapshot", "-o", work + "/lttng"], check=True, **quiet)
        subprocess.run(["lttng", "enable-channel", "-u", "c", "--subbuf-size", "1M", "--num-subbuf", "4", "--overwrite"], check=True, **quiet)
        subprocess.run(["lttng", "enable-event", "-u", "reftrack_bench:*", "-c", "c"], check=True, **quiet)
        subprocess.run(["lttng", "start"], check=True, **quiet)
        try:
            return figures([program("bench_refs_lttng"), str(threads), EVENTS, INNER, "0"])
        finally:
            subprocess.run(["lttng", "destroy", session], check=False, **quiet)
    return run


def references():
    flight = ("--on-full", "flight", "--budget", "8MiB")
    variants = {"idle": lambda: figures([program("bench_refs"), "1", EVENTS, INNER, "0"]),
                "flight": refs("bench_refs", 1, flight), "flight, 2 threads": refs("bench_refs", 2, flight)}
    names = {"idle": "nobody records", "flight": "library call, flight", "flight, 2 threads": "library call, flight, 2 threads"}
    if program("bench_refs_inline"):
        variants.update({"inline": refs("bench_refs_inline", 1, flight)})
        names["inline"] = "inline, flight"
    variants["seq"] = refs("bench_refs_seq", 1, flight)
    names["seq"] = "trk_refcount_t with its sequence (bare: the same atomic operations), flight"
    variants["lossless, paced"] = refs("bench_refs", 1, (), "12")
    names["lossless, paced"] = "library call, lossless to a file, a little work between events"
    variants["lossless, 2 threads, paced"] = refs("bench_refs", 2, (), "40")
    names["lossless, 2 threads, paced"] = "the same with 2 threads and more work: two cores for three busy threads"
    variants["lossless"] = refs("bench_refs", 1, ())
    names["lossless"] = "library call, lossless, nothing else: as fast as the recorder compresses"
    if program("bench_refs_lttng") and shutil.which("lttng"):
        subprocess.run(["lttng-sessiond", "-d"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        variants["lttng"] = with_lttng(1)
        names["lttng"] = "LTTng-UST tracepoint (object and slot), overwrite mode"
    results = in_turns(variants)
    base = [r["added"] for r in results["flight"]]
    rows = []
    for name in variants:
        added = [r["added"] for r in results[name]]
        rows.append([names[name], spread(added), "%.2f" % middle([r["bare"] for r in results[name]]), "%.2f" % middle([a / b for a, b in zip(added, base)])])
    table("One reference with its slot, call site only", ["what", "ns added per event", "bare loop, ns", "to library call, flight"], rows)


def stacks():
    if not program("bench_stacks_nofp"):
        return
    rows = []
    for depth in ("10", "16", "30"):
        variants = {kind: (lambda kind=kind: figures(recorded([program("bench_stacks_" + kind), depth, "50000", INNER], "--stacks", "64,64,1", "--on-full", "flight")))
                    for kind in ("fp", "nofp")}
        results = in_turns(variants)
        for kind, title in (("fp", "with"), ("nofp", "without")):
            for case in ("repeated", "different"):
                ours = [r[case + "_reftrack"] for r in results[kind]]
                theirs = [r[case + "_libunwind"] for r in results[kind]]
                rows.append([depth, title, "one, repeated" if case == "repeated" else "4096 in random order", spread(ours), spread(theirs),
                             "%.2f" % middle([a / b for a, b in zip(ours, theirs)])])
    table("One event with its full stack, interned and written (libunwind: unw_backtrace alone)",
          ["frames", "frame pointers", "stacks", "reftrack, ns", "libunwind, ns", "ratio"], rows)


def pairs():
    rows = []
    for threads in ("1", "2"):
        def run(env=None, name="bench_pairs"):
            return lambda: (clean(), figures([program(name), threads, "100000", INNER], env))[1]["pair"]
        variants = {"bare": run(), "hooks, idle": run({"LD_PRELOAD": preload}), "call site, flight": run(preloaded("stacks=1,1,1:on_full=flight")),
                    "default (stacks on malloc, call site on free), flight": run(preloaded("on_full=flight")),
                    "full stacks on both, flight": run(preloaded("stacks=64,64,64:on_full=flight")),
                    "call site, lossless": run(preloaded("stacks=1,1,1")), "default, lossless": run(preloaded()),
                    "full stacks on both, lossless": run(preloaded("stacks=64,64,64"))}
        if program("bench_pairs_lsan"):
            variants["LeakSanitizer"] = run({"LSAN_OPTIONS": "detect_leaks=0"}, "bench_pairs_lsan")
        if heaptrack_so:
            variants["heaptrack, raw preload"] = run({"LD_PRELOAD": heaptrack_so, "DUMP_HEAPTRACK_OUTPUT": work + "/h.raw"})
        results = in_turns(variants)
        for name in variants:
            to = "heaptrack, raw preload"
            rows.append([threads, name, spread(results[name]), "%.2f" % middle(ratios(results, name, "bare")),
                         "%.3f" % middle(ratios(results, name, to)) if to in results else "-"])
    table("malloc and free, 16 frames deep", ["threads", "what", "ns per pair", "to bare", "to heaptrack raw"], rows)


references()
stacks()
pairs()
