/* ledger_state.h: lives while they are gathered, and what the files about ledgers share. Layer-private.
 *
 * ledger.c chooses lives and replays the trace; ledger_book.c keeps the entries of one life within bounds;
 * ledger_pair.c says which release gives back what no slot tells; ledger_part.c compares lives; ledger_extra.c says
 * which release is too many. */
#ifndef ANALYSIS_LEDGER_STATE_H
#define ANALYSIS_LEDGER_STATE_H

#include <prof/ledger.h>

#include "analysis.h"
#include "pair.h"

enum {
    BOOK_MOST = 96,      /* entries of one life */
    BOOK_MOST_SHORT = 16 /* when the budget is spent */
};

/* A reference that is open while a life is gathered. */
struct book_token {
    uint64_t slot, at_us, number; /* number: of the entry that took it */
    uint32_t stack;
    uint8_t kind; /* enum prof_open_kind; 0: no owner */
};
struct book {
    PROF_VEC(struct prof_ledger_entry) entries;
    PROF_VEC(struct prof_ledger_line) lines;
    struct map line_of; /* by stack, once there are many */
    PROF_VEC(struct book_token) tokens;
    uint64_t events, folded, skipped;
    uint64_t anonymous; /* references without owner, the birth left out */
    bool before, floating;
};
/* Adds an event; `left`: the open reference that it took from its owner (as it was before), NULL none. most: how many
 * entries are kept. false without memory. */
bool book_add(struct book *book, const struct prof_event *event, int64_t count, const struct prof_open *left,
              size_t most);
void book_deinit(struct book *book);
/* Does the event take a reference: birth, reuse, ref, sink? */
bool ledger_takes(const struct prof_ledger_entry *entry);

/* One life that is gathered, or was. */
struct life {
    struct prof_ledger out; /* complete once the replay is over */
    struct book book;
    prof_type_id type;
    uint32_t stack;    /* of birth */
    uint32_t kind;     /* index of its birth_kind; UINT32_MAX none */
    uint32_t finding;  /* id of the finding it is an example of, 0: a sibling */
    bool asked;        /* somebody named it */
    bool whole;        /* all entries are kept */
    bool born, ended;  /* while gathered */
    bool over;         /* ended by an event before this one */
    bool died_healthy; /* with a count of zero */
};
/* All objects of one type that were born at one site. */
struct birth_kind {
    prof_type_id type;
    uint32_t site;
    uint64_t siblings; /* born, and dead at the end */
};
struct prof_ledgers {
    struct analysis a;                    /* work state of its own */
    const struct prof_findings *findings; /* may be NULL */
    struct learned learned;
    PROF_VEC(struct life *) lives;
    PROF_VEC(struct birth_kind) kinds;
    struct map kind_of;                     /* (type, site) -> kinds */
    struct map example_of;                  /* (type, serial) -> lives: those asked for */
    PROF_VEC(struct prof_parting) partings; /* by finding id - 1; example NULL: none */
};

/* ---- ledger_pair.c ---- */
/* Matches what no slot matched, and says what stays open. blamed: site of the taking that the life's finding names,
 * UINT32_MAX none. false without memory. */
bool ledger_pair(struct prof_ledgers *ledgers, struct life *life, uint32_t blamed);

/* ---- ledger_part.c ---- */
/* Compares the lives of a finding with those of their siblings; first: the one that stands for it. false without
 * memory. */
bool ledger_part(struct prof_ledgers *ledgers, const struct prof_finding *finding, const struct life *first,
                 struct prof_parting *ret);
/* Was it born where `of` was, and freed with a count of zero? */
bool ledger_is_sibling(const struct life *life, const struct life *of);

/* ---- ledger_extra.c ---- */
/* Finds the release that is too many in the life that stands for a finding, if more was given back than taken. false
 * without memory. */
bool ledger_extra(struct prof_ledgers *ledgers, const struct life *first, struct prof_parting *parting);

#endif
