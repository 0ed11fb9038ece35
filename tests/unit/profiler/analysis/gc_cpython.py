"""The same births, deaths, cycles and calls through Python's gc and through the driver: counters, which generations are
examined when, and how much is found, must be the same. gc_cpython.py STEPS_PROGRAM

Exit 77 (skipped) where gc is not the classic collector of three generations, as in 3.14 and later."""
import gc
import random
import subprocess
import sys

RUNS = 60


class Node:
    __slots__ = ("a",)


def random_steps(rng):
    # Passes over everything are asked for and not due: they give back what the interpreter keeps for reuse, and what it
    # allocates anew then counts as births until one over the youngest sets the counter back. For the same reason no
    # threshold is below 5.
    steps = [("full",)]
    steps += [("threshold", rng.randrange(5, 60), rng.randrange(0, 5), 1000000)]
    kinds = ["new"] * 6 + ["drop"] * 3 + ["loop", "pair"] * 2 + ["young", "middle", "full"] + ["threshold", "enable", "freeze", "unfreeze"]
    for _ in range(60):
        kind = rng.choice(kinds)
        if kind in ("new", "drop", "loop", "pair"):
            steps.append((kind, rng.randrange(1, 70)))
        elif kind == "young":
            steps.append(("collect", 0))
        elif kind == "middle":
            steps.append(("collect", 1))
        elif kind == "full":
            steps.append(("full",))
        elif kind == "threshold":
            steps.append(("threshold", rng.choice([0, rng.randrange(5, 60)]), rng.randrange(0, 5), 1000000))
        elif kind == "enable":
            steps.append(("enable", rng.randrange(0, 2)))
        else:
            steps.append((kind,))
    return steps


def run_python(steps):
    """Observes without allocating anything that the collector counts."""
    live = [None] * 20000
    passes = [0] * 10000
    found = [0] * 10000
    counts = [[0, 0, 0] for _ in steps]
    passed = [0] * (len(steps) + 1)
    returned = [None] * len(steps)
    at = first = last = 0

    def on_pass(phase, info):
        nonlocal at
        if phase == "stop":
            passes[at] = info["generation"]
            found[at] = info["collected"] + info["uncollectable"]
            at += 1

    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.callbacks.append(on_pass)
    gc.enable()
    gc.collect()
    at = 0
    for index in range(len(steps)):
        step = steps[index]
        kind = step[0]
        if kind == "new":
            for _ in range(step[1]):
                live[last] = Node()
                last += 1
        elif kind == "drop":
            left = step[1]
            while left > 0 and first < last:
                live[first] = None
                first += 1
                left -= 1
        elif kind == "loop":
            for _ in range(step[1]):
                node = Node()
                node.a = node
                node = None
        elif kind == "pair":
            for _ in range(step[1]):
                node = Node()
                other = Node()
                node.a = other
                other.a = node
                node = other = None
        elif kind == "collect":
            returned[index] = gc.collect(step[1])
        elif kind == "full":
            returned[index] = gc.collect()
            gc.get_count()  # a tuple for it is at hand again from here on
            gc.collect(0)
        elif kind == "threshold":
            gc.set_threshold(step[1], step[2], step[3])
        elif kind == "enable":
            if step[1]:
                gc.enable()
            else:
                gc.disable()
        elif kind == "freeze":
            gc.freeze()
        elif kind == "unfreeze":
            gc.unfreeze()
        a, b, c = gc.get_count()
        row = counts[index]
        row[0] = a
        row[1] = b
        row[2] = c
        passed[index + 1] = at
    gc.disable()
    gc.callbacks.remove(on_pass)
    lines = []
    for index in range(len(steps)):
        words = [f"{passes[i]}:{found[i]}" for i in range(passed[index], passed[index + 1])]
        if returned[index] is not None:
            words.append(f"={returned[index]}")
        row = counts[index]
        lines.append(" ".join(words + [f"{row[0]},{row[1]},{row[2]}"]))
    gc.set_threshold(700, 10, 10)
    return lines


def generations(lines):
    return [word.split(":")[0] for line in lines for word in line.split() if ":" in word]


def same_quarters(program, rng):
    """Passes over everything that are due, by the rule of a quarter: which generation is examined after which. (What the
    interpreter allocates anew after each of these moves them by some births.)"""
    steps = [("full",), ("threshold", rng.randrange(100, 300), rng.randrange(1, 5), rng.randrange(1, 5)), ("new", 15000)]
    theirs, ours = generations(run_python(steps)), generations(run_driver(program, steps))
    if theirs != ours:
        print(f"{steps}\n  python {' '.join(theirs)}\n  here   {' '.join(ours)}")
    return theirs == ours and ours.count("2") >= 4


def run_driver(program, steps):
    text = "".join(" ".join(str(word) for word in step) + "\n" for step in steps)
    done = subprocess.run([program], input=text, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def main():
    if len(gc.get_threshold()) != 3 or sys.implementation.name != "cpython" or not hasattr(gc, "freeze"):
        return 77
    if sys.version_info >= (3, 12):  # passes are due between instructions there, not at a birth
        return 77
    bad = 0
    for run in range(RUNS):
        steps = random_steps(random.Random(run))
        theirs, ours = run_python(steps), run_driver(sys.argv[1], steps)
        if theirs != ours:
            bad += 1
            for step, a, b in zip(steps, theirs, ours):
                print(f"{'  ' if a == b else '! '}{step!s:35} python {a:40} here {b}")
                if a != b:
                    break
    for run in range(5):
        bad += not same_quarters(sys.argv[1], random.Random(run))
    print(f"{RUNS} scripts, {bad} differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
