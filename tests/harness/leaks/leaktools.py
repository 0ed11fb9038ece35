"""What the leak tests share: a program's blocks by class, as reftrack, Valgrind and LeakSanitizer see them.

All three become a Seen: records of (class, blocks, bytes, stack). Classes are lost, indirect, possible, reachable, in
Valgrind's meaning; LeakSanitizer knows lost ("Direct") and indirect only. A stack is a list of (function, file, line,
module, offset), innermost first, allocation functions left out."""
import collections
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

CLASSES = ("lost", "indirect", "possible", "reachable")
Frame = collections.namedtuple("Frame", "function file line module page")
Record = collections.namedtuple("Record", "kind blocks bytes stack")
ALLOCATORS = re.compile(r"(.*vg_replace_malloc.*|(__interceptor_|__libc_|__GI___?libc_|rpl_)?(malloc|calloc|realloc|reallocarray|memalign|"
                        r"aligned_alloc|posix_memalign|valloc|pvalloc|strdup|strndup)|operator new(\[\])?(\(.*\))?)$")
EXTRA = {"LC_ALL": "C.UTF-8", "DEBUGINFOD_URLS": ""}


class Seen:
    """One program's live blocks at its end."""

    def __init__(self, code=0, output=""):
        self.records = []
        self.code = code
        self.output = output
        self.rung = None

    def add(self, kind, blocks, size, stack):
        if blocks:
            self.records.append(Record(kind, blocks, size, tuple(stack)))

    def total(self, *kinds, where=None, first=False):
        """(blocks, bytes) of these classes, of stacks that pass through (first: begin in) a file of the list `where` only."""
        found = [r for r in self.records if r.kind in kinds and
                 (where is None or any(f.file and os.path.basename(f.file) in where for f in (r.stack[:1] if first else r.stack)))]
        return sum(r.blocks for r in found), sum(r.bytes for r in found)

    def by(self, key, *kinds):
        """{key(record): (blocks, bytes)}"""
        found = collections.defaultdict(lambda: (0, 0))
        for r in self.records:
            if r.kind in kinds:
                blocks, size = found[key(r)]
                found[key(r)] = (blocks + r.blocks, size + r.bytes)
        return dict(found)


def environment(**more):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("TRACK_", "LSAN_", "ASAN_", "VALGRIND_")) and k != "LD_PRELOAD"}
    return dict(env, **EXTRA, **more)


def run(command, seconds=120, stdin=subprocess.DEVNULL, **more):
    """(exit code, output of both kinds); 128 + N for signals, 124 when it took too long."""
    try:
        done = subprocess.run(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds,
                              **dict({"env": environment()}, **more))
    except subprocess.TimeoutExpired as late:
        return 124, (late.output or b"").decode(errors="replace")
    return done.returncode if done.returncode >= 0 else 128 - done.returncode, done.stdout.decode(errors="replace")


# ---- reftrack ----
VERDICTS = {"lost": "lost", "indirect": "indirect", "possible": "possible", "reachable": "reachable"}


def ours(reftrack, command, options=(), report=(), symbols=True, env=None, cwd=None, process=0):
    """Records and reports. `process`: which trace, in order of their pids, when the program forks."""
    folder = tempfile.mkdtemp(prefix="leaks.")
    try:
        code, output = run([reftrack, "run", "-q", "--no-summary", "--check", *options, "-o", f"{folder}/t.trk", "--", *command],
                           env=environment(**(env or {})), cwd=cwd)
        traces = sorted(glob.glob(f"{folder}/*.trk"), key=lambda p: [int(n) for n in re.findall(r"\d+", os.path.basename(p))])
        if len(traces) <= process:
            return Seen(code, output + "\n(no trace)")
        return of_trace(reftrack, traces[process], Seen(code, output), report, symbols)
    finally:
        shutil.rmtree(folder)


def of_trace(reftrack, trace, seen, report=(), symbols=True):
    told = subprocess.run([reftrack, "leaks", "--all", "--json", *([] if symbols else ["--no-symbols"]), *report, trace],
                          capture_output=True, text=True, env=environment())
    if told.returncode != 0:  # never that it found something: that is what `check` is for
        raise SystemExit(f"{told.args} ended with {told.returncode}: {told.stderr}")
    document = json.loads(told.stdout)
    seen.document = document
    for finding in document["findings"]:
        kind = VERDICTS.get(finding["verdict"])
        if kind is None:
            seen.add(finding["verdict"], finding["objects"], finding["bytes"], frames(finding))
            continue
        if finding["suppressed_by"] is not None:
            kind = "suppressed"
        seen.add(kind, finding["objects"], finding["bytes"], frames(finding))
    return seen


def frames(finding):
    stack = [Frame(f.get("function"), f.get("file"), f.get("line"), os.path.basename(f.get("module") or ""),
                   f["offset"] & 0xfff if f.get("offset") is not None else None)
             for f in (finding.get("born") or {}).get("stack") or []]
    return without_allocators(stack)


def without_allocators(stack):
    at = 0
    while at < len(stack) and (ALLOCATORS.match(stack[at].function or "") or "vgpreload" in (stack[at].module or "")):
        at += 1
    return stack[at:]


# ---- Valgrind ----
LEAKS = {"Leak_DefinitelyLost": "lost", "Leak_IndirectlyLost": "indirect", "Leak_PossiblyLost": "possible",
         "Leak_StillReachable": "reachable"}


def valgrind(command, options=(), env=None, cwd=None, seconds=300):
    folder = tempfile.mkdtemp(prefix="leaks.")
    try:
        code, output = run(["valgrind", "--leak-check=full", "--show-leak-kinds=all", "--leak-resolution=high", "--num-callers=40", "--xml=yes",
                            f"--xml-file={folder}/%p.xml", *options, *command], seconds=seconds, env=environment(**(env or {})), cwd=cwd)
        seen = Seen(code, output)
        files = sorted(glob.glob(f"{folder}/*.xml"), key=lambda p: int(os.path.basename(p)[:-4]))
        if not files:
            return seen
        try:
            root = xml.etree.ElementTree.parse(files[0]).getroot()
        except xml.etree.ElementTree.ParseError as e:
            seen.output += f"\n{e}"
            return seen
        elements = list(root)
        ended = max((i for i, e in enumerate(elements) if e.tag == "status"), default=0)  # before it: answers to requests
        for error in elements[ended:]:
            kind = LEAKS.get(error.findtext("kind")) if error.tag == "error" else None
            if kind is None:
                continue
            what = error.find("xwhat")
            # bytes of a lost one are told with those that only it leads to; those have a record of their own
            direct = re.match(r"[\d,]+ \(([\d,]+) direct", what.findtext("text") or "")
            size = int(direct.group(1).replace(",", "")) if direct else int(what.findtext("leakedbytes"))
            stack = []
            for f in error.find("stack").iter("frame"):
                ip = int(f.findtext("ip"), 16)
                stack.append(Frame(f.findtext("fn"), f.findtext("file"), int(f.findtext("line") or 0), os.path.basename(f.findtext("obj") or ""),
                                   ip & 0xfff))
            seen.add(kind, int(what.findtext("leakedblocks")), size, without_allocators(stack))
        return seen
    finally:
        shutil.rmtree(folder)


# ---- LeakSanitizer ----
def lsan(command, options="", env=None, cwd=None):
    """Runs a program that was built with -fsanitize=leak. Of several answers the last counts."""
    code, output = run(command, env=environment(LSAN_OPTIONS=options, **(env or {})), cwd=cwd)
    seen = Seen(code, output)
    kind, size, blocks, stack = None, 0, 0, []
    for line in output.splitlines() + [""]:
        head = re.match(r"(Direct|Indirect) leak of (\d+) byte\(s\) in (\d+) object\(s\)", line)
        frame = re.match(r"\s+#\d+ 0x[0-9a-f]+ (?:in (\S.*?) )?(\S+?):(\d+)(:\d+)?$|\s+#\d+ 0x[0-9a-f]+ (?:in (\S+) )?\((.*?)\+0x([0-9a-f]+)\)", line)
        if "ERROR: LeakSanitizer: detected" in line:
            seen.records, kind = [], None
        elif head:
            kind, size, blocks, stack = {"Direct": "lost", "Indirect": "indirect"}[head.group(1)], int(head.group(2)), int(head.group(3)), []
        elif frame and kind:
            stack.append(Frame(frame.group(1) or frame.group(5), frame.group(2), int(frame.group(3) or 0), "", None))
        elif not line.strip() and kind:
            seen.add(kind, blocks, size, without_allocators(stack))
            kind = None
    return seen


# ---- sources of the distribution ----
def cache():
    """Where fetched sources stay, outside of every tree."""
    base = os.environ.get("REFTRACK_TEST_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "reftrack-tests")
    os.makedirs(base, exist_ok=True)
    return base


def source(package, *patterns):
    """Folder with those files of a Debian source package that match the patterns (as tar's; none: all); None when it cannot be fetched."""
    folder = os.path.join(cache(), package)
    if os.path.exists(os.path.join(folder, ".complete")):
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    fetch = os.path.join(os.environ["ROOT"], "tests/long/fetch_source.sh")
    with tempfile.TemporaryDirectory(prefix="source.") as fetched:
        if subprocess.run(["sh", fetch, fetched, package]).returncode != 0:
            return None
        archives = [name for name in glob.glob(f"{fetched}/*.orig.tar.*") if not name.endswith(".asc")]
        os.makedirs(folder)
        if not archives or subprocess.run(["tar", "-xf", archives[0], "-C", folder, "--strip-components=1", *(["--wildcards"] if patterns else []), *patterns]).returncode != 0:
            return None
    open(os.path.join(folder, ".complete"), "w").close()
    return folder


# ---- results ----
class Checks:
    def __init__(self):
        self.count = self.failures = 0
        self.notes = []

    def check(self, name, good, *facts):
        self.count += 1
        if not good:
            self.failures += 1
            print(f"FAIL: {name}", *facts, flush=True)
        return good

    def note(self, text):
        self.notes.append(text)
        print(f"note: {text}", flush=True)

    def finish(self):
        print(f"{self.count} checks, {self.failures} failures, {len(self.notes)} notes")
        sys.exit(1 if self.failures else 0)


def need(*tools):
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        print(f"skipped: {', '.join(missing)} not installed")
        sys.exit(77)
