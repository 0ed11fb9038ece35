"""The object graph: passes over synthetic heaps of 1 M and 10 M objects in four shapes, beside CPython's gc.collect() over the same shapes
(processor time, one thread each, in turns), and the whole way of a trace. GRAPH_OBJECTS="1000000 10000000" chooses the sizes."""
from common import *

sizes = [int(n) for n in os.environ.get("GRAPH_OBJECTS", "1000000 10000000").split()]
shapes = {"list": "lists of 1 000", "tree": "trees with parent pointers", "random": "random with hubs", "double": "one doubly linked list"}
bench, peer = program("bench_graph"), os.path.join(os.path.dirname(os.path.abspath(__file__)), "graph_peer.py")


def million(n):
    return "%g M" % (n / 1e6)


def passes(n):
    turns, inner = (3, "3") if n <= 2000000 else (1, "3")
    rows, pass_rows = [], []
    for shape, name in shapes.items():
        got = in_turns({"ours": lambda: figures([bench, "rows", shape, str(n), inner]), "cpython": lambda: figures([sys.executable, "-I", peer, shape, str(n), inner])},
                       turns)

        def ours(what):
            return middle([run[what] for run in got["ours"]])
        edges = ours("edges")

        def per(what):
            return "%.2f s, %.0f ns" % (ours(what), ours(what) / n * 1e9)
        peers = [run["collect"] / run["tracked"] for run in got["cpython"]]
        share = middle([run["pass"] / n / other for run, other in zip(got["ours"], peers)])
        pass_rows.append([name, "%.3f s, %.1f ns" % (ours("pass"), ours("pass") / n * 1e9), "%.1f ns" % (middle(peers) * 1e9), "%.2f" % share])
        rows.append([name, million(edges), "%.2f s, %.0f ns" % (ours("csr"), ours("csr") / edges * 1e9), per("scc"), per("dominate"), per("retained"), per("distance"),
                     "%.0f" % ((ours("pass_bytes") - 8 * edges) / n), "%.0f" % ((ours("dominate_bytes") - 8 * edges) / n)])
    table(f"Trial deletion over {million(n)} objects, a full pass: seconds, and per object", ["shape", "reftrack", "CPython's gc.collect()", "ratio per object"], pass_rows)
    table(f"Rows of {million(n)} objects: seconds, and per object (rows: per reference)",
          ["shape", "references", "rows", "components of the trash", "dominators", "retained sizes", "ways from the roots",
           "pass: bytes per object, besides 8 per reference", "dominators: the same"], rows)


def whole(n):
    rows = []
    for shape, name in shapes.items():
        got = figures([bench, "trace", shape, str(n)])
        edges = got["edges"]
        rows.append([name, "%.2f s, %.1f" % (got["replay"], got["events"] / got["replay"] / 1e6), "%.2f s, %.0f ns" % (got["create"], got["create"] / edges * 1e9),
                     "%.2f s" % got["dominate"], "%.2f s" % got["distance"], "%.0f" % (got["heap_bytes"] / n),
                     "%.0f" % ((got["graph_bytes"] - 8 * edges) / n), "%.0f" % ((got["create_bytes"] - 8 * edges) / n)])
    table(f"From a trace of {million(n)} objects to its graph", ["shape", "replay, million events/s", "graph, per reference", "dominators, sizes, order", "ways from the roots",
          "replayed: bytes per object with its references", "graph: bytes per object, besides 8 per reference", "the same while it is made"], rows)


for n in sizes:
    passes(n)
for n in sizes:
    whole(n)
