/* source.h: where the viewer's data comes from: worker processes that read the trace.
 *
 * The viewer itself never reads a trace, so nothing in it can take long, and a trace that brings a reader down costs
 * one line of text. There is one *reader*, which follows the file as it grows, tells how far it is and how much is
 * alive (pulses), and forks a *snapshot* for every moment that is to be looked at: that one ends its copy of the heap,
 * finds leaks, generations and graph, and answers questions until another snapshot takes its place.
 *
 *     viewer --orders--> reader --fork--> snapshot          (work/work.h)
 *        ^---pulses---------'                |
 *        '------questions and answers--------'
 *
 * Questions and answers are JSON objects (work/work.h lists them). A view keeps struct tui_query: what it wants to
 * know; it is asked again whenever there is another snapshot, and shows the last answer until the next one is there. */
#ifndef TUI_SOURCE_H
#define TUI_SOURCE_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* How it stood at one moment of the program. */
struct tui_pulse {
    uint64_t at_us, events, lost;
    uint64_t objects, object_bytes, blocks, block_bytes;
    uint64_t most_objects, most_bytes; /* since the pulse before; bytes: of blocks or of objects, what is more */
    uint64_t born, died, refs, unrefs; /* from the beginning */
};

/* A named moment of the trace, or a look at its memory. */
struct tui_mark {
    char *name;                     /* escaped; "" none */
    char kind[16];                  /* "mark", "checkpoint", "memory", ... */
    uint64_t at_us, objects, bytes; /* at that moment */
};

enum tui_phase {
    TUI_READING = 0, /* the file is longer than what was read */
    TUI_LIVE,        /* all of it was read; the program goes on */
    TUI_ENDED,       /* all of it was read; nothing more comes */
    TUI_ORPHANED,    /* all of it was read; the program may go on, but who recorded it is gone */
    TUI_LOST_LINK,   /* the reader is gone */
};

/* One thing that a view wants to know. Zero-initialize. */
struct tui_query {
    char *text;        /* what is asked, as JSON; NULL: nothing yet */
    json_t *answer;    /* the last one, NULL: none yet */
    uint64_t number;   /* of the question that is open, 0 none */
    double share;      /* of the way to its answer: 0 to 1 */
    uint64_t snapshot; /* that the answer is of */
    uint64_t version;  /* counts answers: what was made of one is made again when this changes */
    bool once;         /* it does something: it is asked once, of the snapshot at that time, which stays that long */
    uint64_t asker;    /* the source's own */
    bool quick;        /* the source's own */
};
void tui_query_deinit(struct tui_query *query);

struct tui_source_options {
    const char *path;
    const char *const *wrappers; /* as of the command line, ended by NULL; may be NULL */
    const char *symfs;
    uint32_t pid;      /* of the running program whose trace it is; 0: a file */
    uint32_t recorder; /* the process that records it; 0: not known, TUI_NO_RECORDER: it is gone already */
};
#define TUI_NO_RECORDER UINT32_MAX
struct tui_source;
/* Starts the reader. false: *ret_why says why (static). */
bool tui_source_create(const struct tui_source_options *options, struct tui_source **ret, const char **ret_why);
/* Ends all workers. */
void tui_source_destroy(struct tui_source *source);
/* After the link was lost: a new reader, from the beginning. */
bool tui_source_restart(struct tui_source *source, const char **ret_why);

/* What to wait for: returns how many of `fds` were filled. */
enum { TUI_SOURCE_FDS = 6 };
size_t tui_source_poll(const struct tui_source *source, struct pollfd *fds);
/* Takes what has come, orders snapshots. now_ms: a clock that only goes on. true: something to show changed. */
bool tui_source_step(struct tui_source *source, uint64_t now_ms);
/* When the next step is due without anything coming, in milliseconds; -1: never. */
int tui_source_wait_ms(const struct tui_source *source, uint64_t now_ms);
/* Nothing is under way: everything is read, the snapshot is of the moment that is wanted, and every question has its
 * answer. For scripts. */
bool tui_source_is_idle(const struct tui_source *source);

/* No table that was asked for is missing. */
bool tui_source_tables_are_there(const struct tui_source *source);
/* The snapshot knows what leaks, or never will. */
bool tui_source_is_deep(const struct tui_source *source);

/* Which moment is looked at: TUI_NOW, or microseconds since the trace began. */
#define TUI_AT_NOW UINT64_MAX
void tui_source_go(struct tui_source *source, uint64_t at_us);
uint64_t tui_source_at(const struct tui_source *source);
/* The display stands still: no new snapshots, though the reader reads on. */
void tui_source_pause(struct tui_source *source, bool pause);
bool tui_source_paused(const struct tui_source *source);
/* Findings that match the suppressions in a file are excluded from the next snapshot on, which is made at once. A file
 * counts once. false: there are too many. */
bool tui_source_suppress(struct tui_source *source, const char *path);
/* Those files, each ended by '\n'. Borrowed. */
const char *tui_source_suppressions(const struct tui_source *source);
/* A new snapshot as soon as possible. */
void tui_source_refresh(struct tui_source *source);

/* Sees to it that `query` is answered by the present snapshot. question: takes over the reference; equal questions are
 * not asked twice. The query must live until it is forgotten. */
void tui_source_ask(struct tui_source *source, struct tui_query *query, json_t *question);
void tui_source_forget(struct tui_source *source, struct tui_query *query);

/* ---- What is known ---- */
enum tui_phase tui_source_phase(const struct tui_source *source);
/* Bytes of the trace: read, all. */
void tui_source_progress(const struct tui_source *source, uint64_t *ret_done, uint64_t *ret_all);
/* Until all of it is read, about, in milliseconds; 0: nobody can tell. */
uint64_t tui_source_left_ms(const struct tui_source *source);
/* Oldest first; thinned evenly when there are very many. */
size_t tui_source_pulses(const struct tui_source *source, const struct tui_pulse **ret);
/* All that was read, whatever moment is looked at; oldest first. */
size_t tui_source_marks(const struct tui_source *source, const struct tui_mark **ret);
/* The moment and number of events that it knows. */
void tui_source_snapshot_at(const struct tui_source *source, uint64_t *ret_at_us, uint64_t *ret_events);
/* What a snapshot that is being made does now ("looking for leaks"); NULL: none is. */
const char *tui_source_doing(const struct tui_source *source);
/* The link is lost and is looked for again: since when it is lost, when the next attempt comes. */
bool tui_source_retries(const struct tui_source *source, uint64_t *ret_lost_ms, uint64_t *ret_next_ms);
/* What went wrong last, in words for the user; NULL: nothing. */
const char *tui_source_trouble(const struct tui_source *source);

#endif
