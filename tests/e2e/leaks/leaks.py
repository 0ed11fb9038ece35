#!/usr/bin/env python3
"""What becomes of a block that nothing, or only something odd, holds: cases in which leak detectors are known to be wrong,
and the ends of a program. Usage: leaks.py REFTRACK CASES PLUGIN [NAME...]"""
import os
import sys

sys.path.insert(0, os.path.join(os.environ["ROOT"], "tests/harness/leaks"))
from leaktools import *

reftrack, program, plugin, only = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
checks = Checks()
ALLOCATE = ("allocate", "allocate_chunk", "reachable_arena", "arena", "chunk")


def case(name, options=(), report=(), code=None, process=0, what="", says=None, **expected):
    """Blocks by class; those that are not named must not be there. Gates when something is lost."""
    if only and name not in only:
        return
    seen = ours(reftrack, [program, name, plugin], options=options, report=report, process=process)
    mine = lambda record: any(f.function in ALLOCATE for f in record.stack)  # not what libc and the loader allocated
    blocks = {c: sum(r.blocks for r in seen.records if r.kind == c and mine(r)) for c in CLASSES}
    told = " ".join(filter(None, [name, what, *options, *report]))
    expected = {c: expected.get(c, 0) for c in CLASSES}
    checks.check(f"{told}: blocks by class", blocks == expected, blocks, expected, seen.output)
    gates = 23 if expected["lost"] else 0
    checks.check(f"{told}: exit code", seen.code == (gates if code is None else code), seen.code, seen.output)
    if says:
        found = [f["sentence"] for f in getattr(seen, "document", {"findings": []})["findings"]]
        checks.check(f"{told}: the report says {says}", any(says in sentence for sentence in found), found)


# LeakSanitizer takes stale words of stacks for pointers
case("stale_stack", lost=1)
case("dead_thread", lost=1)
case("red_zone", reachable=1)
case("below_red_zone", lost=1)
# LeakSanitizer knows only indirect leaks here, Valgrind no cycles
case("cycle", lost=1, indirect=2, says="1 cycle of blocks")
case("tail_of_cycle", lost=1, indirect=1)
case("holder_freed", lost=1)
# they need to be told
for name, options, untold in (("hidden_by_xor", ["--pointer", "xor=0x5a5a5a5a5a5a5a5a"], dict(lost=1)),
                              ("tagged", ["--pointer", "mask=0xfffffffffffffff8"], dict(possible=1)),
                              ("misaligned", ["--unaligned"], dict(lost=1)),
                              ("compressed", ["--pointer", "base=0x200000000000:shift=3:bits=32"], dict(lost=1)),
                              # a decoding hides nothing of what stands there as it is
                              ("page_of_pointer", ["--pointer", "mask=0xfffffffffffff000"], dict(reachable=1))):
    case(name, **untold)
    case(name, options=options, reachable=1)
# what its own holder never wrote
case("used_before", reachable=1)
case("used_before", options=["--fill"], lost=1)
case("interior", possible=1)
case("behind_interior", possible=2)
case("tls_held", reachable=1)
case("global_held", reachable=2)
case("register_held", reachable=1)
case("vector_held", possible=1, says="only a vector register")  # LeakSanitizer takes it for held, Valgrind for lost
case("vector_held", report=["--without-roots", "registers"], lost=1, code=0)
case("mmap_held", reachable=1)
case("mmap_guarded", reachable=1)
case("mmap_gone", lost=1)
case("arena", reachable=3, lost=1, indirect=1)
case("static_arena", reachable=1, possible=1, lost=1)
case("thread_stack", reachable=1)
case("detached_thread", reachable=1)
case("fork_child", what="the parent", reachable=1, code=23)
case("fork_child", what="the child", process=1, lost=1)  # what it inherited is not its own
for end in ("drop", "exit", "_exit", "quick_exit", "thread_exit"):
    case(end, lost=1, reachable=1)
for end in ("abort", "assert", "assert_errno"):
    case(end, lost=1, reachable=1, code=134)
case("abort_handled", lost=2, reachable=1)  # it goes on
case("open_library", reachable=1)
case("closed_library", lost=1)
case("library_tls", reachable=1)  # in memory that the dynamic loader allocated
case("library_tls", report=["--without-roots", "tls"], reachable=1)
case("library_tls", report=["--without-roots", "tls,loader"], indirect=1)  # the loader's block leads it
checks.finish()
