/* test_oracle.c: real programs with the oracle loaded: each stack that libtrack takes against libunwind's.
 *
 * test_oracle [--long | --speed] ORACLE.so CXX-PROGRAM GDB-SCRIPT FOLDER. The short form compares some thousands of
 * samples, the long one 100 000 and, through gdb, some hundreds with its backtrace. --speed compares nothing: it
 * measures both on every event. Ends with 77 when libunwind is not there. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oracle.h"

static const char *const class_names[ORACLE_CLASSES] = {
    [ORACLE_SAME] = "identical",
    [ORACLE_ZERO] = "libunwind adds a frame 0 at the end",
    [ORACLE_SIGNAL] = "interrupted instruction stored + 1",
    [ORACLE_FAST_TRACE] = "unw_backtrace wrong, unw_step agrees",
    [ORACLE_NO_ROWS] = "ends where no unwind table shows the way out",
    [ORACLE_UNEXPLAINED] = "NOT EXPLAINED",
};

struct program {
    const char *name;
    const char *command;      /* shell; short */
    const char *long_command; /* NULL: the same */
    unsigned every, long_every;
    unsigned timer_us;
};
static const struct program programs[] = {
    { "python3",
      "python3 -c 'import json,re,ast\nfor i in range(30): json.loads(json.dumps([{str(k):[k]*3} for k in "
      "range(50)]))\n"
      "ast.parse(open(re.__file__).read())'",
      "PYTHONMALLOC=malloc python3 -c 'import json,re,ast\n"
      "for i in range(60): json.loads(json.dumps([{str(k):[k]*3} for k in range(80)]))\n"
      "for i in range(3): ast.dump(ast.parse(open(ast.__file__).read()))'",
      40, 60, 1000 },
    { "perl", "perl -e 'my %h; for (1..6000) { $h{\"k$_\"} = [1,{a=>$_}] } print join q(,), sort keys %h' >/dev/null",
      "perl -e 'my %h; for (1..90000) { $h{\"k$_\"} = [1,{a=>$_}]; (my $s = \"x$_\" x 3) =~ s/1/22/g } "
      "print join q(,), sort keys %h' >/dev/null",
      30, 20, 1000 },
    { "jq", "jq -nc '[range(400)|{a:.,b:[.,{c:\"\\(.)\"}]}]|sort_by(.b[1].c)|group_by(.a%7)|map(length)' >/dev/null",
      "jq -nc '[range(6000)|{a:.,b:[.,{c:\"\\(.)\"}]}]|sort_by(.b[1].c)|group_by(.a%7)|map(length)' >/dev/null", 40, 40,
      1000 },
    { "sqlite3",
      "sqlite3 :memory: 'create table t(a integer primary key,b text); with recursive c(x) as (select 1 union all "
      "select "
      "x+1 from c where x<3000) insert into t select x,hex(x) from c; select count(*) from t a join t b using(b) where "
      "a.a%3=0; create index i on t(b); select sum(length(b)) from (select * from t order by b desc);' >/dev/null",
      "sqlite3 :memory: 'create table t(a integer primary key,b text); with recursive c(x) as (select 1 union all "
      "select "
      "x+1 from c where x<90000) insert into t select x,hex(x) from c; select count(*) from t a join t b using(b) "
      "where "
      "a.a%3=0; create index i on t(b); select sum(length(b)) from (select * from t order by b desc);' >/dev/null",
      20, 10, 1000 },
    { "cc1plus",
      "printf '#include <string>\\nint f(std::string s){return s.size();}' >$D/a.cc; "
      "g++ -O0 -S $D/a.cc -o /dev/null",
      "printf '#include <map>\\n#include <string>\\n#include <algorithm>\\nint f(std::map<std::string,int>&m)"
      "{return m[\"a\"]+m.size();}' >$D/a.cc; g++ -O2 -g -S $D/a.cc -o /dev/null",
      120, 40, 2000 },
    { "git",
      "cd $D && rm -rf r && git init -q r && cd r && seq 1 2000 >f && git add f && git -c user.name=a -c user.email=a "
      "commit -qm 1 && seq 1 3 2000 >f && git -c user.name=a -c user.email=a commit -qam 2 && git log -p >/dev/null",
      "cd $D && rm -rf r && git init -q r && cd r && for i in 1 2 3 4 5 6 7 8 9 10 11 12; do seq $i $i 4000 >f; seq 1 "
      "$i 3000 >g; git add f g && git -c user.name=a -c user.email=a commit -qm $i; done && git log -p --stat "
      ">/dev/null "
      "&& git gc -q && git blame f >/dev/null",
      8, 2, 1000 },
    { "c++, threads and exceptions", "$CXX_PROGRAM 100", "$CXX_PROGRAM 900", 60, 25, 1000 },
};
enum { PROGRAMS = sizeof programs / sizeof programs[0] };

static struct oracle_results *results_map(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct oracle_results *r = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, sizeof *r) == 0)
        r = mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return r == MAP_FAILED ? NULL : r;
}

/* 0, or the shell's status. */
static int run(const char *command, const char *oracle)
{
    pid_t pid = fork();
    if (pid == 0) {
        setenv("LD_PRELOAD", oracle, 1);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    return status;
}

static uint64_t understood(const struct oracle_results *r)
{
    uint64_t n = 0;
    for (unsigned c = 0; c < ORACLE_UNEXPLAINED; c++)
        n += r->classes[c];
    return n;
}

static bool check_program(const struct program *p, bool thorough, const char *oracle, const char *path, uint64_t *total)
{
    struct oracle_results *r = results_map(path);
    if (!r)
        exit(1);
    r->every = thorough ? p->long_every : p->every;
    r->most = thorough ? 30000 : 1500;
    r->timer_us = p->timer_us;
    int status = run(thorough && p->long_command ? p->long_command : p->command, oracle);
    if (r->no_unwind) {
        printf("skipped: libunwind.so.8 is not installed (package libunwind-dev)\n");
        exit(77);
    }
    printf("%-28s %9lu events, %6lu compared (%lu in signal handlers), %.1f frames each\n", p->name,
           (unsigned long)r->events, (unsigned long)r->samples, (unsigned long)r->interrupts,
           r->samples ? (double)r->frames / (double)r->samples : 0);
    for (unsigned c = 0; c < ORACLE_CLASSES; c++)
        if (r->classes[c])
            printf("    %8lu  %s\n", (unsigned long)r->classes[c], class_names[c]);
    if (r->cached_differs)
        printf("    %8lu  stack through the cache DIFFERS from a fresh walk\n", (unsigned long)r->cached_differs);
    if (r->classes[ORACLE_UNEXPLAINED])
        printf("%.*s", (int)(r->text_used < ORACLE_TEXT ? r->text_used : ORACLE_TEXT), r->text);
    if (status != 0)
        printf("    the program failed: status %#x\n", (unsigned)status);
    bool ok = status == 0 && r->samples >= 20 && understood(r) == r->samples && r->cached_differs == 0 &&
              /* Mistakes of libunwind's fast path, and code that nobody describes, are rare in programs as these: when
               * signals hit it is chance, so a short run may see a few. */
              (r->classes[ORACLE_FAST_TRACE] + r->classes[ORACLE_NO_ROWS]) * 1000 <= r->samples + 3000;
    *total += r->samples;
    munmap(r, sizeof *r);
    return ok;
}

static int speed(const char *oracle, const char *path)
{
    double product = 1;
    for (unsigned i = 0; i < PROGRAMS; i++) {
        struct oracle_results *r = results_map(path);
        if (!r)
            return 1;
        r->timed = 1;
        run(programs[i].long_command, oracle);
        if (r->no_unwind || r->timed_events == 0)
            return 77;
        double track = (double)r->track_cycles / (double)r->timed_events;
        double unwind = (double)r->unwind_cycles / (double)r->timed_events;
        printf("%-28s %9lu stacks: %6.1f cycles, libunwind %6.1f: %.3f\n", programs[i].name,
               (unsigned long)r->timed_events, track, unwind, track / unwind);
        product *= track / unwind;
        munmap(r, sizeof *r);
    }
    double mean = 1; /* the root by bisection: no libm for one number */
    for (double lo = 0, hi = 16; hi - lo > 1e-6; mean = (lo + hi) / 2) {
        double power = 1, mid = (lo + hi) / 2;
        for (unsigned i = 0; i < PROGRAMS; i++)
            power *= mid;
        *(power < product ? &lo : &hi) = mid;
    }
    printf("geometric mean %.3f x libunwind (both include reading the clock)\n", mean);
    return 0;
}

/* gdb prints "gdb: N compared, M different". */
static bool check_gdb(const char *oracle, const char *script, const char *program, const char *path)
{
    char command[2048];
    struct oracle_results *r = results_map(path);
    if (system("command -v gdb >/dev/null 2>&1") != 0) {
        printf("gdb is not installed: not compared with it\n");
        return true;
    }
    if (!r)
        return false;
    r->every = 3;
    r->most = 1000;
    r->stop = 1;
    fflush(stdout);
    snprintf(
        command, sizeof command,
        "env -u LD_PRELOAD gdb -nx -q -batch -ex 'set startup-with-shell off' -ex 'set environment LD_PRELOAD %s' "
        "-x '%s' --args %s >'%s.gdb' 2>&1; status=$?; grep ^gdb: '%s.gdb' || cat '%s.gdb'; rm '%s.gdb'; exit $status",
        oracle, script, program, path, path, path, path);
    int status = system(command);
    munmap(r, sizeof *r);
    return status == 0;
}

int main(int argc, char **argv)
{
    bool thorough = argc > 1 && strcmp(argv[1], "--long") == 0, timed = argc > 1 && strcmp(argv[1], "--speed") == 0;
    int first = 1 + (thorough || timed);
    if (argc != first + 4)
        return 2;
    const char *cxx = argv[first + 1], *script = argv[first + 2], *folder = argv[first + 3];
    char path[4096], program[4096], oracle[4096];
    if (!realpath(argv[first], oracle))
        return 2;
    snprintf(path, sizeof path, "%s/oracle.%d", folder, (int)getpid());
    setvbuf(stdout, NULL, _IOLBF, 0);
    setenv("ORACLE_RESULTS", path, 1);
    setenv("CXX_PROGRAM", cxx, 1);
    setenv("D", folder, 1);
    if (timed) {
        int ret = speed(oracle, path);
        unlink(path);
        return ret;
    }
    bool ok = true;
    uint64_t total = 0;
    for (unsigned i = 0; i < PROGRAMS; i++)
        ok = check_program(&programs[i], thorough, oracle, path, &total) && ok;
    if (thorough) {
        snprintf(program, sizeof program, "'%s' 10", cxx);
        ok = check_gdb(oracle, script, program, path) && ok;
        ok = check_gdb(oracle, script, "$(command -v jq) -n '[range(60)|tojson]|sort'", path) && ok;
    }
    printf("%lu stacks compared\n", (unsigned long)total);
    unlink(path);
    return ok && (!thorough || total >= 100000) ? 0 : 1;
}
