"""The peer of bench_graph: CPython's own collector over the shapes of shapes.h. Usage: graph_peer.py SHAPE OBJECTS ROUNDS. Prints
"name value" lines: seconds of processor time of a full gc.collect() that finds nothing (what was garbage at first is gone by then)."""
import gc, os, random, statistics, sys, time

CHAIN, NEAR, WORDS = 1000, 65536, 8
shape, count, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
names = {"list": ["next"], "double": ["next", "prev"], "tree": ["parent", "a", "b", "c", "d"], "random": ["w%d" % i for i in range(WORDS)]}[shape]
Node = type("Node", (), {"__slots__": names})
gc.disable()
objects, roots = [None] * count, []
if shape in ("list", "double"):
    before = None
    for i in range(count):
        objects[i] = node = Node()
        if before is None or (shape == "list" and i % CHAIN == 0):
            roots.append(node)
        else:
            before.next = node
            if shape == "double":
                node.prev = before
        before = node
    del before
elif shape == "tree":
    roots.append(Node())
    objects[0] = roots[0]
    for i in range(1, count):
        objects[i] = node = Node()
        node.parent = parent = objects[(i - 1) // 4]
        setattr(parent, names[(i - 1) % 4 + 1], node)
    del parent
else:
    below, used = random.Random(5).random, bytearray(count)

    def refer(i, node):
        if used[i] == WORDS:
            return False
        setattr(objects[i], names[used[i]], node)
        used[i] += 1
        return True
    alive = count - (count // 100 & ~1)
    for i in range(count):
        objects[i] = node = Node()
        if i >= alive:
            if (i - alive) % 2:
                refer(i, objects[i - 1])
                refer(i - 1, node)
            continue
        near = min(i, NEAR)
        if i == 0 or below() < 0.002 or not refer(i - 1 - int(below() * near), node):
            roots.append(node)
        if i > 0 and below() < 0.8:
            refer(i, objects[i - 1 - int(below() * near)])
        if i > 0 and below() < 0.3:
            far = int(below() * i)
            if below() < 0.5:
                refer(i, objects[far])
            else:
                refer(far, node)
    del used
del objects, node
found = gc.collect()
tracked = len(gc.get_objects())
took = []
for _ in range(rounds):
    begin = time.process_time()
    gc.collect()
    took.append(time.process_time() - begin)
print(f"collect {statistics.median(took):.6f}\ntracked {tracked}\nfound {found}")
sys.stdout.flush()
os._exit(0)  # taking it all down takes longer than measuring it
