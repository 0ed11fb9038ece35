/* topics.c: the pages of `reftrack help TOPIC`. */
#include "topics.h"

#include <string.h>

const char *const cli_topics[] = { "concepts", "leaks", "ci", "format", "suppressions", "environment", "long", NULL };

static const char concepts[] =
    "CONCEPTS\n\n"
    "block                 memory from an allocator: malloc, mmap, or your own through trk_alloc\n"
    "object                a counted thing inside a block, reported with trk_new; called Type#12, the twelfth of its "
    "type\n"
    "ref, unref            a reference is taken, is given back\n"
    "slot                  the address of the pointer variable that owns a reference\n"
    "holder                what contains the slot: an object, a block, a global, a stack\n"
    "open reference        taken and not given back\n"
    "referrer, referent    who holds, who is held\n"
    "site                  the first line outside allocators, libc and registered wrappers\n"
    "coverage              the share of references whose owner is known; the higher, the more is certain\n"
    "mark                  a named moment set with trk_mark; --from and --to take it, and what is more at every mark "
    "is "
    "growing\n"
    "checkpoint            a mark at which memory is examined\n"
    "generation            how many passes of the cycle detector an object survived, not its age\n"
    "shallow, retained     its own bytes; what its death would free\n"
    "verdict               what is wrong with an object, with a strength: proven, probable, suspect, growth\n\n"
    "Times of events are those of the recorder's clock, which moves every 1 to 10 ms: what happened in between has the "
    "same time, and ages below that are '< 10 ms'. The order of events is known beyond that.\n\n"
    "In evidence, = marks a pair that is certain because both events named the same slot, or a reference whose slot "
    "was "
    "told and nothing since then named no owner, and ~ what was learned from objects of the same type that were "
    "freed.\n\n"
    "A count is explained as: holders + globals + local variables + without owner + unaccounted. Unaccounted is "
    "known only where the program tells its own count (trk_ref_rc and the like).\n";

static const char leaks[] =
    "LEAKS\n\n"
    "Every finding begins with one of four words:\n\n"
    "lost      nobody can give it back any more\n"
    "held      something still holds it, longer than its peers or by mistake\n"
    "growing   more and more of them stay alive\n"
    "misused   released too often, used after release, or its owner was overwritten\n\n"
    "Verdicts (with * those that fail a check by default):\n\n"
    "missing-unref *      a reference was taken, or born, and never given back\n"
    "cycle *              objects that only hold each other\n"
    "cycle-held *         a cycle that something still holds ('reftrack cycles' shows how to break it)\n"
    "over-retained *      held longer than its peers\n"
    "over-released *      released once too often\n"
    "use-after-release *  an event on an object that was already dead\n"
    "zero-not-freed *     its count reached zero, but it was not freed\n"
    "slot-overwritten *   the variable that owned it got another value first\n"
    "holder-freed *       its holder was freed without releasing it\n"
    "uncollectable *      a cycle with destructors that need an order\n"
    "lost *               no pointer to it exists\n"
    "indirect             held only by something lost; folded below it\n"
    "collateral           alive only because of another finding; folded below it\n"
    "possible             only pointers into the middle of blocks lead to it\n"
    "resurrected          referenced again inside its destructor\n"
    "weak-hazard          a weak pointer outlived it, or the memory that it is in\n"
    "floating             its floating reference was never sunk\n"
    "reachable            alive at the end and held by a root: a global, a stack, or pinned or allowed to leak\n"
    "unfreed              a plain block not freed at the end; memory was not read, or before it was allocated\n"
    "growth               more and more of them stay alive: statistics, held or not\n\n"
    "Growing is what reachability cannot see: a cache that nobody empties is held by a global, and fills memory. Set "
    "marks at moments when the program should have the same again: trk_mark(\"idle\") after each round of work. Two "
    "marks show what was added between them, which may be warming up. From three marks on, a kind of object, or the "
    "plain blocks of one place (64 KiB and more), is told when there is more of it at every mark than at the one "
    "before, and not less at the end. Without marks a run of a minute or more is cut in thirds, and the last two must "
    "both add to it. The "
    "finding names who holds them and where they were put there. It never fails a check unless --fail-on names "
    "growth.\n\n"
    "Lost, indirect, possible and reachable are said of plain blocks, from the pointers that stood in memory when it "
    "was read last. A block is reachable when pointers lead from a root to it: from the data of a module (globals), "
    "thread-local variables (tls), stacks from the stack pointer up, registers, regions that trk_root_add named, "
    "shared or file-backed memory (mapped), what the program mapped itself (mmap), memory freed after it was read "
    "(freed), blocks kept by trk_pin, trk_may_leak or trk_ignore (purpose), and those of the dynamic loader (loader); "
    "--without-roots leaves kinds out. It is possible "
    "when one of these points into the middle of a block; pointers to an object in it, behind the head of a C++ "
    "array, and into what GLib made (types, instances, slices), are no such. The first block of a lost tree or cycle "
    "is lost, what it leads to indirect. --all lists each "
    "kind; 'blocks' has a column.\n\n"
    "Strengths: proven (the events say so), probable (all evidence agrees, memory was not examined), suspect, growth "
    "(statistics).\n\n"
    "\"Nothing lost\" is said only when there were counted objects, no event was lost and the identities hold; "
    "otherwise the answer is uncertain, or that there was nothing to judge.\n";

static const char ci[] =
    "CONTINUOUS INTEGRATION\n\n"
    "  reftrack run --check -- ./tests        the tests' own status; else 23 for findings, 24 uncertain\n"
    "  reftrack run -q -o t.trk -- ./tests    record now,\n"
    "  reftrack check t.trk                   judge later: 0 clean, 1 findings, 2 usage, 3 unreadable, 4 uncertain\n\n"
    "Old findings do not have to block: 'reftrack leaks --json t.trk >known.json' once, then '--baseline known.json'. "
    "A finding of the baseline counts again when it grows, or at one more line of its function. A function that was "
    "edited keeps its findings: each line may have become any other one with no more objects. Or write suppressions: "
    "'reftrack leaks "
    "--gen-suppressions', then '--suppressions FILE' (see 'reftrack help suppressions').\n\n"
    "--fail-on LIST changes which verdicts count: '+unfreed,-cycle-held' changes the default set, 'lost,cycle' "
    "replaces it, 'all' and 'none' exist.\n\n"
    "Plain blocks that are lost fail a check when memory was read (the default; see 'reftrack help leaks'), those that "
    "something still points to do not: '--fail-on +possible,+reachable' makes them count. Without memory nobody can "
    "tell them apart, and '--fail-on +unfreed' makes all of them count. Of a program that reports no counted objects a "
    "check says so, and passes when nothing is lost.\n\n"
    "A leak never hides the target's own failure, and a recording that lost events is never called clean.\n";

static const char format[] =
    "FORMATS\n\n"
    "--format text   for people; may change between versions\n"
    "--format json   one document with \"schema\": 1; keys are only ever added. Times are seconds since the trace "
    "began, sizes bytes, what is not known is null\n"
    "--format csv    tables with all columns, RFC 4180, first line the keys\n"
    "--format tsv    the same separated by tabs\n"
    "--plain         text without colour and pager; tables, events and the findings of leaks and report are one line "
    "each, columns separated by one tab, full numbers. What has no such lines (check, show, info) stays prose: use "
    "--format json\n\n"
    "leaks --json has: schema, tool, kind, program{path, args, pid, exit, build_id}, memory{rss, live, slack, "
    "retained, mmap,"
    "stacks, files, reftrack, unknown, untouched, bytes_per_h}, audit{events, lost, coverage, skewed, attached, "
    "count_identity, "
    "byte_identity,"
    "revived, filter, filtered, certain, why_uncertain}, findings[{id, headline, class, verdict, strength, gating, "
    "type, objects, bytes, "
    "retained,"
    "rate_bytes_per_h, first_seen, born, site, open[], missing, siblings, root_path, cycle, growth, sites[], "
    "objects_sample[], "
    "context, "
    "fingerprint}].\n\n"
    "siblings{example, life[{number, event, count, pair, evidence: slot|holder|learned|hint, open, at, tid, slot, "
    "text}], life_events, leaked, compared, all, alike_up_to, here{the event, leaked, siblings}, there{the same, "
    "after, "
    "other_thread}, through{function, file, line, leaked, siblings, to}, release_after, release_in_other_thread}, null "
    "without a comparison.\n\n"
    "cycle{signature, edges[{from, field, to, taken, frees, frees_objects}], closing, break{the same, "
    "reasons[], ends[]}, release_alone, destructors[], dangling[]}. cycles --json has such findings in cycles[], "
    "held[], "
    "over_retained[] and zero_not_freed[], and underflows[{object, count, known, observed}]. growth --json: moments[], "
    "new[], above_peak[], edges[{from, field, to, live[] by moment (by looks[] where not null), delta, inserted[], "
    "removed[{..., stopped}], "
    "path[]}]; suspects --json: total, suspects[{group, type, retained, percent, accumulates_at, largest_part, "
    "path[]}], "
    "drops[]. coverage --json: types[], modules[], sites[], wrappers[{function, taken, given, callers}], "
    "steps[{type, undecided, tied, taken{place, file, line, is, becomes, count}, given[]}]. balance --json: type, "
    "objects, freed, divergence, nodes[{id, parent, function, file, line, event, leaked, freed, difference}]. narrow "
    "--json: objects, command, "
    "environment, gdb, notes[]. explain --json: finding, life[], divergence{function, lines[]}, annotate{place, is, "
    "becomes}, narrow{command, gdb}, audit."
    "\n\n"
    "--where EXPR    conditions on columns: 'live>100 && (type~json_ || bytes>=64KiB) && !parked'. Operators == != < "
    "<= "
    "> >= ~ !~; ~ is a substring, or a glob when it has * ? or [. Sizes take KiB, MiB, kB, MB; times ms, s, m, h, d; "
    "shares %. A key alone holds when it is neither zero nor empty. Quote values with blanks: type=='struct conn'.\n"
    "--sort KEYS     'bytes,-age': numbers largest first, texts from A; - turns a key round\n"
    "--from, --to    a mark, or a moment such as 90s\n\n"
    "A trace is a file NAME.PID.trk, readable up to its last whole block however the program ended.\n";

static const char suppressions[] =
    "SUPPRESSIONS\n\n"
    "A file may mix three kinds of lines; # begins a comment.\n\n"
    "  leak:GLOB                     as LeakSanitizer: a function, file or module of the birth stack\n\n"
    "  {                             as Valgrind\n"
    "    name\n"
    "    Memcheck:Leak\n"
    "    fun:parse_*\n"
    "    ...\n"
    "    obj:*/libfoo.so*\n"
    "  }\n\n"
    "  type:GLOB fun:GLOB verdict:NAME fingerprint:HEX reason:TEXT expires:YYYY-MM-DD max:N\n"
    "                                our own: all conditions of a line must hold\n\n"
    "What was used is listed with counts; what expired counts again and is said so. trk_may_leak(obj, \"why\") in the "
    "program does the same for one object.\n";

static const char environment[] =
    "ENVIRONMENT\n\n"
    "TRACK_OPTIONS    options of the library in the program, key=value separated by colons; help=1 lists them\n"
    "PAGER            shows long output on a terminal (default: less -FIRX); empty or cat: none\n"
    "NO_COLOR         no colour, unless --color or FORCE_COLOR say otherwise\n"
    "FORCE_COLOR      colour even when the output is not a terminal; 0: none\n"
    "TERM             dumb: no colour, no pager, no progress\n"
    "DEBUGINFOD_URLS  servers that may be asked for missing debug information when a report is made\n"
    "REFTRACK_INDEX   off: as --no-index; a size such as 1MiB: traces with as much to read get an index (default: "
    "16MiB)\n"
    "TMPDIR           temporary files\n";

static const char long_recordings[] =
    "LONG RECORDINGS\n\n"
    "A whole trace grows for as long as the program runs. For servers that run for days:\n\n"
    "  reftrack run --keep=folded --max-trace=256MiB -- ./server\n"
    "  TRACK_OPTIONS=out=%p.trk:keep=folded:max_trace=256M ./server    linked with libtrack, started alone\n\n"
    "--keep=all       every event stays; with --max-trace the trace ends at that size. Nothing is known from there on, "
    "the program is left alone, and what it forks later is not recorded\n"
    "--keep=folded    counters, everything that is alive with its stacks and open references, verdicts and marks stay "
    "exact; events are dropped once the state that they led to is in the file\n"
    "--keep=window    the same, but the newest events stay as they are: --window=5m or --window=64MiB\n"
    "--max-trace=SIZE what the trace and the file beside it, which is there while it is made shorter, stay below "
    "together. What is alive must fit in it: if it does not, recording goes on and info says so. Events come first: a "
    "checkpoint that would take their room is left out, and leaks says that memory was not read\n\n"
    "In TRACK_OPTIONS these are keep=, window= and max_trace=.\n\n"
    "leaks, report, types, sites and check say of a folded trace what they say of the whole one. show and dump know "
    "events only from the state on; info tells when that was, how often the trace was made shorter and what went "
    "wrong. A recorder that was killed leaves a whole trace; what is left of an unfinished file beside it is removed "
    "by the next recording in that folder.\n";

static const struct {
    const char *name, *text;
} pages[] = {
    { "concepts", concepts },
    { "leaks", leaks },
    { "ci", ci },
    { "format", format },
    { "suppressions", suppressions },
    { "environment", environment },
    { "long", long_recordings },
};

const char *cli_topic(const char *name)
{
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (strcmp(pages[i].name, name) == 0)
            return pages[i].text;
    return NULL;
}
