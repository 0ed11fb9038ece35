#!/usr/bin/env python3
"""The leak tests of Valgrind and of LeakSanitizer, from their Debian source packages: each is compiled as it is, recorded,
and must get the verdict that its authors expect; Valgrind and LeakSanitizer themselves are asked about the same source, too.
What differs stands in EXPLAINED, with its reason; docs/LEAKS.md has the same list in words. Sources are fetched once
and kept in ~/.cache/reftrack-tests (REFTRACK_TEST_CACHE). Usage: leak_truth.py REFTRACK PRELOAD [NAME...]"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["ROOT"], "tests/harness/leaks"))
from leaktools import *

reftrack, preload, only = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3:]
here = os.path.dirname(os.path.abspath(__file__))
checks = Checks()

# ---- Valgrind: memcheck/tests ----

# name of the .vgtest: how it is run. exit: as it is, looked at when it ends. asked: compiled with leak_requests.h in the place of
# memcheck.h, so that its questions go to us; it prints the answers itself.
VALGRIND = {
    "leak-cases-full": "exit", "leak-cases-possible": "exit", "leak-cases-summary": "exit", "lks": "exit",
    "leak-cycle": "exit", "leak-tree": "exit", "leak-delta": "exit", "trivialleak": "exit", "nanoleak2": "exit", "pointer-trace": "exit",
    "reach_thread_register": "exit", "leak_cpp_interior": "asked", "undef_malloc_args": "exit", "leak-segv-jmp": "exit",
    "nanoleak_supp": "exit",
    "leak-0": "asked", "leak-pool-0": "asked", "leak-pool-2": "asked", "leak-pool-3": "asked",
    "leak-pool-5": "asked", "leak-autofreepool-0": "asked", "leak-autofreepool-1": "asked", "leak-autofreepool-2": "asked",
    "leak-autofreepool-4": "asked", "leak-autofreepool-6": "asked", "mempool": "asked", "mempool2": "asked", "custom-overlap": "asked",
}
NOT_APPLICABLE = {
    "leak-autofreepool-5": "expects that Valgrind refuses pools whose blocks overlap; here blocks may nest",
    "static_malloc": "an option that makes Valgrind leave the program's own malloc alone; we do so always, and say that it is not recorded",
    "nanoleak_dynsupp": "changes an option of Valgrind from inside the program; suppressions are given to the report here",
    "leak-pool-1": "trims a pool to an address range: chunks are freed one by one here",
    "leak-pool-4": "trims a pool to an address range: chunks are freed one by one here",
    "recursive-merge": "asks Valgrind for stacks, not for leaks",
    "suppfree": "a double free, which is no question about leaks",
    "suppfreecollision": "a double free, which is no question about leaks",
    "clo_redzone_default": "prints distances of blocks under Valgrind's allocator",
    "clo_redzone_128": "prints distances of blocks under Valgrind's allocator",
    "error_counts": "counts the errors that Valgrind showed",
    "xml1": "the form of Valgrind's XML",
}


def expected(text):
    """What an .exp says: {"leaked"|"dubious"|"reachable"|"suppressed": (blocks, bytes)}, and {(class, (function, ...)): (blocks, bytes)}."""
    number = lambda s: int(s.replace(",", ""))
    totals, records = {}, {}
    for name, size, blocks in re.findall(r"^(leaked|dubious|reachable|suppressed): +([\d,]+) bytes in +([\d,]+) blocks", text, re.M):
        totals[name] = (number(blocks), number(size))
    names = {"definitely lost": "lost", "indirectly lost": "indirect", "possibly lost": "dubious", "still reachable": "reachable"}
    summary = {names[n]: (number(b), number(s)) for n, s, b in
               re.findall(r"^ +(definitely lost|indirectly lost|possibly lost|still reachable): ([\d,]+) bytes in ([\d,]+) blocks", text, re.M)}
    if len(summary) == 4 and not totals:
        lost, indirect = summary.pop("lost"), summary.pop("indirect")
        totals = dict(summary, leaked=(lost[0] + indirect[0], lost[1] + indirect[1]))
    kinds = {"definitely": "lost", "indirectly": "indirect", "possibly": "possible", "reachable": "reachable"}
    pattern = re.compile(r"^([\d,]+)(?: \(([\d,]+) direct, [\d,]+ indirect\))? bytes in ([\d,]+) blocks are (?:still )?(\w+)(?: lost)? in loss record.*\n"
                         r"((?:   (?:at|by) .*\n?)+)", re.M)
    for size, direct, blocks, kind, stack in pattern.findall(text):
        key = kinds[kind], tuple(re.findall(r": ([\w~:]+)(?:\(.*?\))? \((?!vg_replace)[\w.-]+:\d+\)", stack))
        before = records.get(key, (0, 0))
        records[key] = before[0] + number(blocks), before[1] + number(direct or size)
    return totals, records


def vgtest(path):
    fields = {}
    for line in open(path):
        name, colon, value = line.partition(":")
        if colon and not line.startswith("#"):
            fields[name.strip()] = value.strip()
    return fields


def in_files(seen, files):
    """{(class, (function, ...)): (blocks, bytes)} of what the files of the test allocated."""
    def key(record):
        return record.kind, tuple(re.sub(r"\(.*", "", f.function) for f in record.stack if f.file and os.path.basename(f.file) in files)
    return {k: v for k, v in seen.by(key, *CLASSES).items() if k[1]}


def prepare(work, sources):
    """Folders that look like Valgrind's tree: `exit` with its own header, `asked` with ours."""
    for kind, header in (("exit", "#include <valgrind/memcheck.h>\n"), ("asked", f'#include "{here}/leak_requests.h"\n')):
        top = os.path.join(work, kind)
        shutil.copytree(os.path.join(sources, "memcheck/tests"), os.path.join(top, "tests"))
        shutil.copy(os.path.join(sources, "tests/sys_mman.h"), os.path.join(top, "tests"))
        for name in ("memcheck.h", "memcheck/memcheck.h", "include/valgrind.h", "include/config.h", "valgrind.h", "tests/valgrind.h"):
            os.makedirs(os.path.dirname(os.path.join(top, name)), exist_ok=True)
            with open(os.path.join(top, name), "w") as f:
                f.write("" if name.endswith("config.h") else header)


def compile_valgrind(work, kind, program):
    top = os.path.join(work, kind)
    out = os.path.join(top, program)
    if not os.path.exists(out):
        cpp = os.path.exists(f"{top}/tests/{program}.cpp")
        source_file = f"{top}/tests/{program}.{'cpp' if cpp else 'c'}"
        command = ["g++" if cpp else "gcc", "-g", "-O0", "-w", "-DVGA_amd64", "-DVGP_amd64_linux", "-DVGO_linux", f"-I{top}", f"-I{top}/include",
                   f"-I{os.environ['ROOT']}/libtrack/include", source_file, "-o", out, "-pthread"]
        code, output = run(command)
        if code != 0:
            raise SystemExit(f"{program} does not compile: {output}")
    return out


def valgrind_tests():
    sources = source("valgrind", "*/memcheck/tests/*", "*/tests/sys_mman.h")
    if sources is None:
        print("skipped: the source package of valgrind cannot be fetched (offline, or no deb-src for it)")
        return False
    folder = os.path.join(sources, "memcheck/tests")
    with tempfile.TemporaryDirectory(prefix="truth.") as work:
        prepare(work, sources)
        for name, how in VALGRIND.items():
            if not only or name in only:
                one_valgrind(work, folder, name, how)
    if not only:
        wants = re.compile(r"loss record|^leaked: |definitely lost", re.M)
        for path in sorted(os.listdir(folder)):
            name = path[:-len(".stderr.exp")]
            if path.endswith(".stderr.exp") and name not in VALGRIND and name not in NOT_APPLICABLE:
                checks.check(f"valgrind {name}: nobody said what it expects of us", not wants.search(open(f"{folder}/{path}").read()))
        for name, reason in NOT_APPLICABLE.items():
            checks.note(f"valgrind {name}: not applicable: {reason}")
    return True


def one_valgrind(work, folder, name, how):
    fields = vgtest(f"{folder}/{name}.vgtest")
    program, arguments = fields["prog"], fields.get("args", "").split()
    text = open(f"{folder}/{name}.stderr.exp").read()
    if name == "leak_cpp_interior":  # asks several times; here only the heads of arrays are known
        text = text[text.index("leak_check summary any heuristics newarray"):].split("To see details")[0]
        text = re.sub(r" \([+-]?[x\d]+\) ", " ", text).replace("x bytes", "0 bytes")
    for mark in ("finished\n",):  # several answers: the last
        text = text.split(mark)[-1]
    totals, records = expected(text)
    files = [f for f in os.listdir(folder) if f.startswith(program + ".")]
    options = [f"--suppressions={folder}/{fields['vgopts'].split('--suppressions=')[1].split()[0]}"] if "--suppressions=" in fields.get("vgopts", "") else []
    if name == "leak_cpp_interior":
        options = []
    command = [compile_valgrind(work, how, program), *arguments]
    seen = ours(reftrack, command, report=options, cwd=f"{work}/{how}/tests")
    what = f"valgrind {name}"
    compare(what, seen, files, totals, records, count_bytes=name != "leak_cpp_interior", printed=how == "asked" and "leaked:" in seen.output,
            shown=fields.get("vgopts", ""))
    if name == "leak_cpp_interior":
        return  # it turns Valgrind's XML off
    # the same source under Valgrind, which answers the requests itself
    theirs = valgrind([compile_valgrind(work, "exit", program), *arguments], options=["--leak-check-heuristics=none", *options], cwd=f"{work}/exit/tests")
    compare_tools(what, seen, theirs, files)


# (test, class): (what is right here, why). Checked as strictly as what needs no explanation.
READ_ALL_THE_SAME = "a page that the program may not read still holds what it held: it is read through /proc/PID/mem; Valgrind cannot read it"
ARENA = "a block of malloc from which a lost pool's chunks were cut is lost with them; Valgrind leaves such blocks out"
GIVEN_BACK = "a chunk that is freed takes along what was cut from it: that memory is not lost; Valgrind wants to be told (AUTO_FREE)"
LOADERS = "the loader's block with a thread's own variables: it keeps pointers where nobody else looks; here it is a root"
EMPTY = "`new T[0]` points behind its block; Valgrind's authors say in the test that its answer is wrong"
EXPLAINED = {
    ("valgrind leak-pool-0", "lost+indirect"): ((102, 5720), ARENA),
    ("valgrind leak-pool-3", "lost+indirect"): ((102, 5720), ARENA),
    ("valgrind mempool", "lost+indirect"): ((6, 100088), ARENA),
    ("valgrind custom-overlap", "lost+indirect"): ((9, 2464), ARENA),
    ("valgrind leak-autofreepool-0", "leaked"): ((0, 0), GIVEN_BACK),
    ("valgrind leak-autofreepool-0", "lost+indirect"): ((0, 0), GIVEN_BACK),
    ("valgrind leak-autofreepool-1", "leaked"): ((0, 0), GIVEN_BACK),
    ("valgrind leak-autofreepool-1", "lost+indirect"): ((0, 0), GIVEN_BACK),
    ("valgrind leak_cpp_interior", "leaked"): ((0, 0), EMPTY),
    ("valgrind leak_cpp_interior", "reachable"): ((5, 0), EMPTY + "; and the C++ library's own block, which the test suppresses"),
    ("valgrind reach_thread_register", "possible"): ((0, 0), LOADERS),
    ("valgrind reach_thread_register", "reachable"): ((2, 292), LOADERS),
    ("valgrind leak-segv-jmp", "leaked"): ((0, 0), READ_ALL_THE_SAME),
    ("valgrind leak-segv-jmp", "reachable"): ((2, 201000), READ_ALL_THE_SAME),
    ("valgrind leak-segv-jmp", "lost+indirect"): ((0, 0), READ_ALL_THE_SAME),
    ("lsan many_tls_keys_pthread.cpp (report_objects=1:use_stacks=0:use_registers=0:use_tls=0)", "leaks"):
        ((10240, 1259520), "LeakSanitizer takes one of the 1024 keys of each thread for itself"),
    ("lsan malloc_zero.c (use_stacks=0)", "leaks"): ((1, 0), "malloc(0) asked for no byte; LeakSanitizer turns it into 1"),
    ("lsan swapcontext.cpp", "leaks"): ((1, 2664), "it is lost: LeakSanitizer says nothing of blocks whose stack it cannot walk"),
}


def explained(what, kind, theirs):
    """What is right here: theirs, unless there is a reason."""
    return EXPLAINED.get((what, kind), (theirs, None))[0]


def compare(what, seen, files, totals, records, count_bytes, printed, shown):
    """Against what the authors expect."""
    groups = {"leaked": ("lost", "indirect"), "dubious": ("possible",), "reachable": ("reachable",), "suppressed": ("suppressed",)}
    if printed:
        said, _ = expected(seen.output)
        for group, expect in totals.items():
            got, expect = said.get(group), explained(what, group, expect)
            good = got == expect if count_bytes else got and got[0] == expect[0]
            checks.check(f"{what}: {group}, as it was told", good, "got", got, "expected", expect)
        return
    for group, expect in totals.items():
        got, expect = seen.total(*groups[group], where=files), explained(what, group, expect)
        if not count_bytes:
            got, expect = got[0], expect[0]
        checks.check(f"{what}: {group}", got == expect, "got", got, "expected", expect)
    if count_bytes and records:
        got = in_files(seen, files)
        for key, expect in records.items():
            checks.check(f"{what}: {key}", got.get(key) == expect, "got", got.get(key), "expected", expect)
    elif not totals and re.search("--leak-check=(yes|full)", shown):
        kinds = ("lost", "indirect") + (() if re.search("--show-possibly-lost=no|--show-leak-kinds=definite", shown) else ("possible",))
        checks.check(f"{what}: nothing is lost", seen.total(*kinds, where=files) == (0, 0), seen.records)


def compare_tools(what, seen, theirs, files):
    for kinds in (("lost", "indirect"), ("possible",), ("reachable",)):
        kind = "+".join(kinds)
        mine, other = seen.total(*kinds, where=files), explained(what, kind, theirs.total(*kinds, where=files))
        checks.check(f"{what}: {kind} as Valgrind says of this binary", mine == other, "got", mine, "Valgrind", other)


# ---- LeakSanitizer: compiler-rt/test/lsan ----
LSAN_NOT_APPLICABLE = {
    "default_options.cpp": "prints the options of LeakSanitizer",
    "ignore_object_errors.cpp": "misuse of LeakSanitizer that it must report in its own words",
    "log-path_test.cpp": "where LeakSanitizer writes its report",
    "strace_test.cpp": "LeakSanitizer refuses to work under ptrace",
    "use_poisoned_asan.cpp": "memory poisoned by AddressSanitizer",
    "sanity_check_pure_c.c": "that it links without C++",
    "realloc_too_big.c": "a limit of LeakSanitizer's allocator",
}


def runs_of(path):
    """Parsed RUN lines: (compile flags, [(options, leaks, arguments, prefix)])."""
    base, flags, runs = "", [], []
    for line in open(path):
        told = re.match(r"// RUN: *(.*)", line)
        if not told:
            continue
        text = told.group(1)
        if text.startswith("LSAN_BASE="):
            base = text.split("=", 1)[1].strip('"')
        if re.search(r"%clang(xx)?_lsan ", text):
            flags = [f for f in re.findall(r" (-\S+)", text.split("&&")[0]) if f != "-o"]
        ran = re.search(r"(?:%env_lsan_opts=(\S*) )?(not )?%run %t((?: \w+)*)", text.split(" 2>")[0])
        if ran and "exitcode=0" not in text:  # with it a run only looks whether the test tests what it should
            options = (ran.group(1) or "").replace("$LSAN_BASE", base).replace('"', "").replace("'", "")
            prefix = re.search(r"--check-prefix[= ](\S+)", text)
            runs.append((options, bool(ran.group(2)), ran.group(3).split(), prefix.group(1) if prefix else "CHECK"))
    return flags, runs


def expects(path, prefix):
    """What the CHECK lines name: ("total", (blocks, bytes)), or ("block", bytes) of one that must be among them; None."""
    text = open(path).read()
    found = re.search(rf"// {prefix}: .*?(\d+) byte\(s\) leaked in (\d+) allocation", text)
    if found:
        return "total", (int(found.group(2)), int(found.group(1)))
    found = re.search(rf"// {prefix}: .*\((\d+) bytes\)", text)
    return ("block", int(found.group(1))) if found else None


# What the CHECK lines do not say in a form that is read here.
LSAN_EXPECTED = {"recoverable_leak_check.cpp": ("total", (2, 1360))}  # asks three times, then ends by _exit(0)
# LeakSanitizer of this version, on glibc since 2.34, does not do as the test says; we do.
LSAN_DIFFERS = {"Linux/use_tls_dynamic.cpp": "a library's thread-local data lies in memory of the loader, which counts as a root there"}
# Functions of the program that LeakSanitizer calls: what they say is told to us as the user would.
LSAN_TOLD = {
    "suppressions_default.cpp": ("suppressions", "leak:*LSanTestLeakingFunc*\n"),
    "print_suppressions.cpp": ("suppressions", "leak:*LSanTestLeakingFunc*\n"),
    "link_turned_off.cpp": ("off", ()),  # of the run without arguments
}


def lsan_options(options):
    """LeakSanitizer's options as ours: those of the recording, and those of the report."""
    set_to = dict(o.split("=", 1) for o in options.split(":") if "=" in o)
    names = {"use_stacks": "stacks", "use_registers": "registers", "use_tls": "tls", "use_globals": "globals", "use_root_regions": "regions",
             "use_ld_allocations": "loader"}
    # It knows no roots in what a program mapped itself.
    report = ["--without-roots", ",".join(["mmap"] + [names[k] for k, v in set_to.items() if k in names and v == "0"])]
    recording = ["--unaligned"] if "use_unaligned" in set_to else []
    if set_to.get("use_unaligned") == "0":
        report.append("--no-unaligned")
    if set_to.get("leak_check_at_exit") == "0":
        recording += ["--checkpoint", "request"]
    return recording, report


def lsan_tests():
    version = re.search(r"version (\d+)", run(["clang", "--version"])[1])
    package = f"llvm-toolchain-{version.group(1)}"
    sources = source(package, "*/compiler-rt/test/lsan/*", "*/compiler-rt/test/sanitizer_common/*.h", "*/compiler-rt/include/sanitizer/*.h")
    if sources is None:
        print(f"skipped: the source package {package} cannot be fetched (offline, or no deb-src for it)")
        return False
    top = os.path.join(sources, "compiler-rt/test/lsan/TestCases")
    include = ["-I" + os.path.join(sources, "compiler-rt/test"), "-I" + os.path.join(sources, "compiler-rt/include")]
    names = sorted(n for n in os.listdir(top) if n.endswith((".c", ".cpp"))) + sorted(
        "Linux/" + n for n in os.listdir(top + "/Linux") if n.endswith((".c", ".cpp")))
    with tempfile.TemporaryDirectory(prefix="truth.") as work:
        for name in names:
            if only and name not in only:
                continue
            if os.path.basename(name) in LSAN_NOT_APPLICABLE:
                checks.note(f"lsan {name}: not applicable: {LSAN_NOT_APPLICABLE[os.path.basename(name)]}")
                continue
            one_lsan(work, os.path.join(top, name), name, include)
    return True


def compile_lsan(work, path, include, flags, sanitized):
    """The program alone, with the __lsan_ functions of the preloaded engine, or with LeakSanitizer."""
    compiler = "clang" if path.endswith(".c") else "clang++"
    out = os.path.join(work, os.path.basename(path) + (".lsan" if sanitized else ".bin"))
    kind = ["-fsanitize=leak"] if sanitized else []
    linking = kind if sanitized else [preload, "-Wl,-rpath," + os.path.dirname(preload)]
    command = [compiler, "-O0", "-g", "-w", *include, *flags, *kind]
    if "use_globals_unused" in path:
        code, output = run([*command, "-DTEST_LIB", "-c", path, "-o", out + ".o"])
        flags = flags + [out + ".o"]
        command.append(out + ".o")
    if "use_tls_dynamic" in path:
        run([compiler, "-g", "-w", *include, path, "-DBUILD_DSO", "-fPIC", "-shared", "-o", out + "-so.so"])
    code, output = run([*command, path, "-o", out, "-pthread", *linking])
    if code != 0:
        raise SystemExit(f"{path} does not compile: {output}")
    return out


def one_lsan(work, path, name, include):
    flags, runs = runs_of(path)
    alone, sanitized = (compile_lsan(work, path, include, flags, s) for s in (False, True))
    done = set()
    for number, (options, leaks, arguments, prefix) in enumerate(runs):
        recording, report = lsan_options(options)
        told, text = LSAN_TOLD.get(name, (None, ""))
        if name == "suppressions_file.cpp":
            told, text = "suppressions", ("", "leak:*LSanTestLeakingFunc*\n", f"leak:{alone}\n")[number]
            with open(f"{work}/theirs.supp", "w") as f:
                f.write(text.replace(alone, sanitized))
        if told == "suppressions":
            with open(f"{work}/ours.supp", "w") as f:
                f.write(text)
            report += ["--suppressions", f"{work}/ours.supp"]
        if told == "off" and not arguments:
            recording.append("--no-memory")
        key = tuple(recording), tuple(report), tuple(arguments), leaks, prefix if "suppressions" in name else ""
        if key in done:
            continue
        done.add(key)
        what = " ".join(["lsan", name, *arguments, *(f"({options})" for _ in range(1) if options)])
        theirs_options = re.sub("(?<![a-z_])suppressions=[^:]*", f"suppressions={work}/theirs.supp", options)
        for _ in range(3):  # any word that happens to look like a pointer holds a block there: a large one, now and then
            theirs = lsan([sanitized, *arguments], options=theirs_options)
            agrees = (theirs.code == 23) == leaks
            if agrees:
                break
        if not agrees and name in LSAN_DIFFERS:
            checks.note(f"{what}: LeakSanitizer differs: {LSAN_DIFFERS[name]}")
        else:
            checks.check(f"{what}: LeakSanitizer itself does as its authors say", agrees, theirs.code)
        seen = ours(reftrack, [alone, *arguments], options=recording, report=report, process=1 if "fork_and_leak" in name else 0)
        compare_lsan(what, name, seen, theirs if agrees else None, LSAN_EXPECTED.get(name, expects(path, prefix) if leaks else ("total", (0, 0))))


def compare_lsan(what, name, seen, theirs, expect):
    files, lost = [os.path.basename(name)], ("lost", "indirect")
    got = seen.total(*lost, where=files)
    if expect is None:
        checks.check(f"{what}: leaks", got[0] > 0, got, seen.output)
    elif expect[0] == "block":
        checks.check(f"{what}: a block of {expect[1]} bytes", any(r.kind in lost and r.bytes == expect[1] * r.blocks for r in seen.records), seen.records)
    else:
        total = explained(what, "leaks", expect[1])
        checks.check(f"{what}: leaks", got == total, "got", got, "expected", total, seen.code, seen.output)
    if theirs is not None and theirs.records:
        # It does not see who called libc: what that allocated for the program is left out.
        got, total = (s.total(*lost, where=files, first=True) for s in (seen, theirs))
        total = explained(what, "leaks", total)
        checks.check(f"{what}: leaks as LeakSanitizer says of this source", got == total, "got", got, "LeakSanitizer", total)


if __name__ == "__main__":
    need("gcc", "g++", "clang", "valgrind", "tar")
    ran = [valgrind_tests(), lsan_tests()]
    if not any(ran):
        sys.exit(77)
    checks.finish()
