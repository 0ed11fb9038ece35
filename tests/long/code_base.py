"""Real code bases whose references are told with the API at test time: fetch the Debian source package, add one line per place
that counts, build, run the code base's own programs, then take out one release and see what the report names.

Every edit keeps the number of lines, so places are those of the source package. A place is (function, file, fragment): the line
is looked up by a fragment of text that stands once in that file."""
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile

ROOT, REFTRACK = os.environ["ROOT"], os.environ["REFTRACK"]
sys.path.insert(0, os.path.join(ROOT, "tests/harness/leaks"))
from leaktools import Checks, need, source


NEVER_GATES = ("unfreed", "reachable", "possible", "growth", "indirect", "collateral")


class CodeBase(Checks):
    """One source package. `wrapper`: functions whose callers count. `flags`: of the compiler."""

    def __init__(self, package, wrapper, flags=()):
        super().__init__()
        need("cc", "apt-get", "tar")
        fetched = source(package)
        if fetched is None:
            print("skipped: source packages cannot be fetched here")
            sys.exit(77)
        self.folder = tempfile.TemporaryDirectory(prefix="reftrack-real.")
        self.work = self.folder.name
        self.src = shutil.copytree(fetched, os.path.join(self.work, f"{package}-source"))
        self.package, self.wrapper = package, wrapper
        self.flags = ["-g", "-O1", "-fno-optimize-sibling-calls", "-w", f"-I{ROOT}/libtrack/include", *flags]
        self.rows, self.objects = [], {}

    def text(self, name):
        with open(os.path.join(self.src, name), encoding="utf-8", errors="surrogateescape") as file:
            return file.read()

    def write(self, name, text):
        with open(os.path.join(self.src, name), "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)

    def edit(self, name, old, new):
        """Replaces `old`, which stands there once; no line moves."""
        text = self.text(name)
        if text.count(old) != 1 or old.count("\n") != new.count("\n"):
            raise SystemExit(f"{self.package}: {name}: {text.count(old)} places with {old!r}")
        self.write(name, text.replace(old, new))

    def line(self, place):
        """The line of a place: its fragment stands in the file once, and may begin on lines before."""
        text = self.text(place[1])
        if text.count(place[2]) != 1:
            raise SystemExit(f"{self.package}: {place[1]}: {text.count(place[2])} places with {place[2]!r}")
        return text[:text.index(place[2]) + len(place[2])].count("\n") + 1

    def compile(self, names):
        def one(name):
            target = os.path.join(self.work, name.replace("/", "_") + ".o")
            subprocess.run(["cc", *self.flags, "-c", name, "-o", target], cwd=self.src, check=True)
            return name, target
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            self.objects.update(pool.map(one, names))

    def link(self, program, names, *libraries):
        subprocess.run(["cc", *[self.objects[n] for n in names], "-o", os.path.join(self.work, program), *libraries], check=True)

    def record(self, argv, cwd=None):
        """Runs a recorded program of the build: (its result, path of the trace)."""
        trace = os.path.join(self.work, "run.trk")
        if os.path.exists(trace):
            os.unlink(trace)
        command = [REFTRACK, "run", "-q", "--wrapper", self.wrapper, "-o", trace, "--", os.path.join(self.work, argv[0]), *argv[1:]]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=cwd or self.work,
                                errors="surrogateescape", timeout=300)
        return result, trace

    def clean(self, name, argv, **how):
        """A run of the unharmed program: nothing to report, and nothing left open. Returns its result."""
        result, trace = self.record(argv, **how)
        said = subprocess.run([REFTRACK, "check", trace], capture_output=True, text=True)
        self.check(f"{name}: clean", said.returncode == 0, f"check says {said.returncode}\n{said.stdout}{said.stderr}"[:3000])
        return result

    def findings(self, trace):
        said = subprocess.run([REFTRACK, "leaks", "--json", trace], capture_output=True, text=True)
        return json.loads(said.stdout)["findings"]

    def planted(self, name, what, change, relink, argv, taken, missing, also=(), known=()):
        """One release taken out: the first finding has to name `taken` and `missing`, and no other may name anything else.
        `change`: (file, old, new); `relink`: called when the file is compiled again; `also`: other takings that the same
        release serves; `known`: what is not found yet, of "taken", "missing" and "nothing else": counted, no failure."""
        places = {place: self.line(place) for place in (taken, missing, *also)}
        kept = self.text(change[0])
        self.edit(*change)
        self.compile([change[0]])
        relink()
        result, trace = self.record(argv)
        findings = self.findings(trace)
        self.write(change[0], kept)
        self.compile([change[0]])
        said = subprocess.run([REFTRACK, "leaks", trace], capture_output=True, text=True).stdout
        gating = [f for f in findings if f["verdict"] not in NEVER_GATES and f["strength"] in ("proven", "probable")]

        def told(site):
            return (site["function"], os.path.basename(site["file"] or ""), site["line"]) if site else None

        def meant(place):
            return place[0], os.path.basename(place[1]), places[place]

        takes, releases, rest = [], set(), set()
        if self.check(f"{name}: something is reported", gating, said[:2000]):
            first = gating[0]
            takes = [told(o) for o in first["open"]]
            rest = {told(o) for f in gating[1:] for o in f["open"]} - {meant(place) for place in (taken, *also)}
            releases = {told(f["missing"]) for f in gating if f["verdict"] == first["verdict"]}
        facts = {"taken": (takes[:1] == [meant(taken)], meant(taken), takes), "missing": (releases == {meant(missing)}, meant(missing), releases),
                 "nothing else": (not rest, "", rest)}
        for fact, (right, wanted, got) in facts.items():
            if fact not in known:
                self.check(f"{name}: {fact} {wanted}", right, f"says {got}\n{said}"[:4000])
        self.rows.append((name, what, sum(f["objects"] for f in gating), facts["taken"][0], facts["missing"][0]))

    def finish(self):
        for name, what, objects, take, release in self.rows:
            self.note(f"{self.package}: {name}: {what}: {objects} objects, taken {'right' if take else 'WRONG'}, "
                      f"missing {'right' if release else 'WRONG'}")
        self.note(f"{self.package}: of {len(self.rows)} releases taken out: taken right {sum(row[3] for row in self.rows)}, "
                  f"missing right {sum(row[4] for row in self.rows)}")
        super().finish()
