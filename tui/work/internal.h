/* work/internal.h: what the files of the workers share. */
#ifndef TUI_WORK_INTERNAL_H
#define TUI_WORK_INTERNAL_H

#include <jansson.h>

#include <prof/gc.h>
#include <prof/graph.h>
#include <prof/heap.h>
#include <prof/ledger.h>
#include <prof/symbol.h>
#include <prof/text.h>
#include <prof/trace.h>
#include <prof/view.h>

#include "../wire.h"
#include "work.h"

/* A moment of the trace with everything that is made of it, by the first question that needs it. */
struct work {
    const struct work_options *options;
    struct tui_wire wire;
    bool now; /* all that was read, no moment in the past */
    struct prof_trace *trace;
    struct prof_heap *heap;
    struct work_history *history;
    struct prof_gc *gc; /* of the history */
    struct prof_symbols *symbols;
    struct prof_findings *findings;
    struct prof_view *view;
    struct prof_graph *graph;     /* work_graph */
    struct prof_ledgers *ledgers; /* work_ledgers */
    bool compared;                /* lives were, or could not be */
    struct prof_heap *then;       /* at then_us, for differences; NULL: at 0 */
    uint64_t then_us;
    struct prof_wrappers *wrappers;         /* of the text layer */
    struct work_tables *tables;             /* table.c */
    struct work_objects *objects;           /* objects.c */
    char *suppress;                         /* files of suppressions, as in the order */
    struct prof_suppressions *suppressions; /* of these; live as long as the findings */
    char *suppress_trouble;                 /* why there are none; NULL */
    struct work_calls *calls;               /* calls.c */
    uint64_t told_ms;                       /* when it was told how far an answer is */
    bool unfinished; /* an answer needs more time: it is asked for again, what it returned is sent if anything */
    uint64_t begun;  /* number of the question of which a part was answered */
};

/* Serves questions about this moment until the other ends are closed. The heap is complete; the wire is of `quick`. */
void work_serve(struct work *work, const int ends[WORK_ORDER_ENDS]);
/* Tells what is being done. */
void work_doing(struct work *work, const char *what);

/* NULL: *ret_error says why not. */
struct prof_graph *work_graph(struct work *work, struct prof_error **ret_error);
const struct prof_ledgers *work_ledgers(struct work *work);

/* Events that are missing, as far as the trace tells. */
uint64_t work_lost(const struct prof_trace *trace);

/* The columns of a table, and its rows. */
json_t *work_table_columns(const struct prof_table *table);
json_t *work_table_rows(const struct prof_table *table, enum prof_units units);
uint64_t work_now_ms(void);

/* ---- Answers: each returns a new reference; or NULL, then *ret_error says why ---- */
typedef json_t *work_answer(struct work *work, const json_t *question, struct prof_error **ret_error);
work_answer work_summary, work_table, work_links, work_export, work_finding, work_suppression, work_object, work_ways,
    work_log, work_generations, work_growth, work_objects, work_type, work_calls, work_calls_find, work_source;

/* ---- Tables ---- */
/* The table that a question names, whole. Borrowed until the view is destroyed. */
typedef struct prof_error *work_make(struct work *work, const json_t *question, const struct prof_table **ret);
work_make work_finding_table, work_diff_types, work_diff_sites;
/* Its rows as the question wants them. Valid until the next one is asked for. */
struct prof_error *work_table_of(struct work *work, const json_t *question, const struct prof_table **ret);
/* Adds to an answer how many findings are excluded from the table, and how many of them by suppressions. */
void work_finding_counts(struct work *work, const json_t *question, json_t *result);

/* ---- Stacks that questions are about ---- */
/* Those below a node of a tree of calls, {by, lines, where, way}, or through a line, {file, line, any}. bits:
 * malloc'ed. false: the tree is not made yet, and the question has to be asked again (*ret_share: how far it is), or
 * *ret_error says why not. */
struct work_stacks {
    uint64_t *bits;
    struct prof_stack_set set;
};
bool work_stacks_of(struct work *work, const json_t *under, struct work_stacks *ret, double *ret_share,
                    struct prof_error **ret_error);
/* Not done yet: how far it is, from time to time; NULL: not now. */
json_t *work_later(struct work *work, double share);

/* ---- Texts: {lines: [{label, spans: [[role, TEXT]], heading, target, place}], places: {PLACE: as --json has it}} ----
 */
struct work_told {
    struct prof_text text;
    json_t *lines, *places, *line;
};
/* What the text layer is to be given; units as the question wants them. One of the other two ends it. */
const struct prof_text *work_tell(struct work_told *told, struct work *work, const json_t *question);
json_t *work_told(struct work_told *told);
json_t *work_told_not(struct work_told *told); /* NULL */
/* Nothing is to be left out. */
bool work_asked_all(const json_t *question);

/* {rows, garbage, frozen, enabled}: how it stands with the generations. */
json_t *work_generations_of(const struct work *work);

/* ---- JSON of hostile texts ---- */
/* Escaped for terminals, so it is valid UTF-8. */
json_t *work_text(const char *text);
/* A document of --json, read back; takes over the text. */
json_t *work_parse(char *text);
/* What a question says under this key; NULL: nothing, or no text. */
const char *work_asked(const json_t *question, const char *key);
uint64_t work_asked_number(const json_t *question, const char *key, uint64_t otherwise);

#endif
