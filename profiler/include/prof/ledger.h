/* prof/ledger.h: the life of an object as a ledger, and where the lives of leaked objects parted from those of their
 * healthy siblings.
 *
 * Layer analysis. A ledger has an entry for each event of one life: birth, references taken and given back, moves,
 * notes, end; with the count behind it and, for a release, which taking it gives back, by the best evidence there is.
 * Siblings are objects of the same type, born at the same site, that were freed with a count of zero. The dead are not
 * in the heap any more, so ledgers cost one replay of the trace and memory for one more heap while it lasts; what they
 * keep afterwards is bounded: of long lives the first and last entries and ever fewer of those in between (numbers,
 * counts and the balance by stack stay exact), of many siblings the first and ever fewer later ones.
 *
 * Read-only once made; everything is borrowed until prof_ledgers_destroy. */
#ifndef PROF_LEDGER_H
#define PROF_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <prof/error.h>
#include <prof/finding.h>
#include <prof/heap.h>
#include <prof/symbol.h>

/* How it is known which taking a release gives back; best first. */
enum prof_evidence {
    PROF_EVIDENCE_NONE = 0,
    PROF_EVIDENCE_SLOT,    /* the variable that owned it: certain */
    PROF_EVIDENCE_HOLDER,  /* the holder that owned it: certain, but for which of several references of one holder */
    PROF_EVIDENCE_LEARNED, /* healthy objects give back there what was taken here */
    PROF_EVIDENCE_HINT,    /* the newest one left, of the same thread if there is one: more often wrong than right */
};
char prof_evidence_mark(enum prof_evidence evidence);        /* '=' '=' '~' '?', ' ' for none */
const char *prof_evidence_name(enum prof_evidence evidence); /* frozen: "slot", "holder", "learned", "hint", "none" */

/* One event of a life. */
struct prof_ledger_entry {
    struct prof_event event;
    uint64_t number; /* 1, 2, ... among all events of the life, as in prof_history_event */
    int64_t count;   /* by events, after it */
    /* UNREF: number of the entry whose reference it gives back; birth, REF, SINK: of the entry that gives it back. 0:
     * none is known; PROF_HISTORY_BEFORE: it was taken before the state that the trace begins with. */
    uint64_t pair;
    enum prof_evidence evidence; /* of pair */
    bool open;                   /* birth, REF, SINK: no release was matched with it */
    bool owned;                  /* and a slot or holder owns it: it is open for certain */
    uint64_t folded;             /* pairs of a taking and its certain release that were left out right before it */
    uint64_t skipped;            /* other events that were left out right before it */
};
/* What the events of one life with one stack took and gave back in total; exact. Births included. */
struct prof_ledger_line {
    uint32_t stack;
    uint64_t taken, given;
    uint64_t first_us, last_us;
    uint32_t tid; /* of the last one */
};
struct prof_ledger {
    const char *type;
    uint32_t serial; /* Type#serial */
    bool before;     /* it was born before the state that the trace begins with: entries are missing in front */
    bool freed;      /* with a count of zero */
    const struct prof_ledger_entry *entries;
    size_t count;
    uint64_t events; /* all of them */
    uint64_t folded; /* of these, in folded pairs: two for each */
    uint64_t skipped;
    const struct prof_ledger_line *lines; /* by stack id */
    size_t line_count;
};

/* A step that leaked objects and their siblings do not share. */
struct prof_parting_step {
    const struct prof_ledger_entry *entry; /* in the ledger that it was found in; NULL: there is none */
    uint64_t leaked, siblings;             /* how many of each did this, of those compared */
    uint64_t after_us;                     /* of the sibling's: how long after the last step that was the same */
    bool other_thread;                     /* and whether in another thread than that one */
};
/* Where the leaked objects of a finding parted from their siblings. */
struct prof_parting {
    const struct prof_ledger *example; /* of the finding: the first of its samples that was born in the trace */
    const struct prof_ledger *sibling; /* the one most like it; NULL: there was none */
    uint64_t leaked, siblings;         /* how many lives were compared */
    uint64_t siblings_all;             /* siblings in the trace */
    /* Siblings that took a reference where the finding's was taken are compared, when there are any. */
    bool took_too;
    bool parted;                            /* something tells them apart; else the rest says nothing */
    const struct prof_ledger_entry *common; /* the example's last step before that */
    struct prof_parting_step here, there;   /* the first step of the example's own, and of the sibling's own */
    const struct prof_ledger_entry *next;   /* without a step of its own: how the example goes on, NULL: not at all */
    /* When all steps of the example are steps of siblings, too: a function that only leaked objects passed through, in
     * the stack of `through`. NULL: none. */
    const struct prof_ledger_entry *through;
    const struct prof_frame *frame;
    uint64_t frame_leaked, frame_siblings;
    /* Of siblings: how long after the taking the release that is missing came, the median, and whether that was mostly
     * in another thread. of 0: not known. */
    uint64_t release_us, release_of;
    bool release_elsewhere;
    /* Of an example that gave back more than was taken: the release that is too many. By its slot when that had given
     * back before (at extra_before) what it owned: PROF_EVIDENCE_SLOT. Else a release that few siblings make, if there
     * is just one: PROF_EVIDENCE_LEARNED. extra NULL: it cannot be told. */
    bool too_many;
    const struct prof_ledger_entry *extra;
    enum prof_evidence extra_evidence;
    const struct prof_ledger_entry *extra_before;
    uint64_t extra_siblings, extra_of; /* learned: how many siblings release there as often, of all */
};

struct prof_ledgers_options {
    /* Of one object, which may be dead, with the finding that it belongs to; NULL: of the examples of all findings that
     * say something about references. */
    const char *type;
    uint32_t serial;
    bool whole;     /* keep every entry of that object; above 512 it is compared with nobody */
    uint64_t bytes; /* what entries may use, 0: 32 MiB. Behind that lives keep 16 entries each */
};
struct prof_ledgers;
/* findings of this heap and these symbols, or NULL; all must outlive the result. PROF_ERROR_NOT_FOUND: no such object
 * was ever born. */
struct prof_error *prof_ledgers_create(struct prof_heap *heap, struct prof_symbols *symbols,
                                       const struct prof_findings *findings, const struct prof_ledgers_options *options,
                                       struct prof_ledgers **ret);
void prof_ledgers_destroy(struct prof_ledgers *ledgers);
/* The ledger of an object that was asked for, or is an example of a finding. NULL: there is none. */
const struct prof_ledger *prof_ledgers_of(const struct prof_ledgers *ledgers, const char *type, uint32_t serial);
/* How a finding's objects parted from their siblings. NULL: nobody looked, or no example was born in the trace. */
const struct prof_parting *prof_ledgers_parting(const struct prof_ledgers *ledgers, const struct prof_finding *finding);

#endif
