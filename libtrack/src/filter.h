/* filter.h: which births are recorded, and which later events belong to them. Internal.
 *
 * A filter has up to three keys. types=A|B* takes objects by the name of their type (with or without "struct");
 * modules=A|B* takes blocks and objects by the file that their call site lies in (base name); objects=1/N takes about
 * one in N blocks and objects, by a hash of the address; objects=Conn#2,5-7|Node#1 takes single objects by type and
 * number, counted in the order of births of that type which the other keys let through, in each process from 1;
 * trk_retype takes a number of the new type, too (two threads that bear at the same time may swap numbers). Given
 * together, all must agree. types= and objects=Conn#2 say nothing about blocks: those are recorded, because objects lie
 * and are held in them; malloc=0, modules= and objects=1/N leave blocks out. mmap is always recorded.
 *
 * What follows a birth is recorded when that birth was: the addresses of what is alive are kept in an exact set. The
 * dead stay in it for a while, so that late events and misuse after the end are told, until somebody else is born
 * there. A wanted object that is born inside the block which its thread allocated last takes that block along. A type
 * that changes (trk_retype) decides nothing, and neither does trk_reuse: the first birth did. */
#ifndef TRACK_FILTER_H
#define TRACK_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <track/format.h>

struct trk_event;

/* What to do with an event. */
enum trk_filter_verdict {
    TRK_FILTER_OUT = 0,
    TRK_FILTER_RECORD = 1,
    TRK_FILTER_REALLOC_NEW = 2, /* the end of a realloc whose beginning was left out: record it without its past */
    TRK_FILTER_FULL = 3,        /* wanted, but no room is left to remember it */
};

/* Takes the keys of a header (a private copy of its filter) and adds those of TRACK_OPTIONS that it lacks, there and in
 * *shared. Called while nothing is recorded yet. Without memory there is no filter, and *shared says so. */
void trk_filter_take(const char text[TRK_FILTER_MAX], char shared[TRK_FILTER_MAX]);

/* True when a filter is set: then every event goes through trk_filter_judge. */
extern bool trk_filter_on __attribute__((visibility("hidden")));

/* Judges an event and remembers what it does to the set. extra->op is 0, or *extra is an event that must be recorded
 * before it, whatever the verdict: the block that a wanted object lies in, the untold end of an object in whose place
 * an unwanted one is born. Any thread that has a ring, any time; once per event. */
enum trk_filter_verdict trk_filter_judge(const struct trk_event *ev, struct trk_event *extra);

/* A first look before an event is built: true for most events that follow a birth which was left out. With a filter
 * only. */
bool trk_filter_skips(enum trk_op op, unsigned aux, uint64_t addr);

/* Whether the code of a mapped file is wanted; path is a path of /proc/self/maps. */
bool trk_filter_module(const char *path, size_t size);
/* Modules changed: what was decided by them is asked again. */
void trk_filter_modules_changed(void);

/* A forked child counts its births from 1 again. Before its first event is judged. */
void trk_filter_child(void);

/* True for types with numbers, "Conn#2,5-7|Node#1": at most 32. */
bool trk_filter_parse_named(const char *s, size_t n);
/* True for "1/N" with N from 1 to 2^20; *ret may be NULL. True for patterns joined by '|', none of them empty. */
bool trk_filter_parse_share(const char *s, size_t n, uint32_t *ret);
bool trk_filter_parse_list(const char *s, size_t n);

#endif
