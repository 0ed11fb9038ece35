/* prof/text.h: findings, lives of objects, what keeps something alive and what grows, in words: the same ones on the
 * command line and in the viewer.
 *
 * Layer text. It says what is to be read, in order, and what each part of it is (a role); where it goes and how that
 * looks is the sink's. Nothing is kept: a sink may be used once the call is back. Texts of the target pass
 * prof_escape_terminal before they reach a sink; '\n' ends a line. One thread at a time, as everything it reads. */
#ifndef PROF_TEXT_H
#define PROF_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <prof/error.h>
#include <prof/finding.h>
#include <prof/graph.h>
#include <prof/growth.h>
#include <prof/heap.h>
#include <prof/ledger.h>
#include <prof/symbol.h>
#include <prof/view.h>
#include <prof/wrapper.h>

/* What a piece of text is, not how it looks. */
enum prof_text_role {
    PROF_TEXT_PLAIN = 0,
    PROF_TEXT_HEAD, /* titles; alone on a line: of what follows */
    PROF_TEXT_BAD,  /* findings that gate */
    PROF_TEXT_WARN, /* uncertain, damaged */
    PROF_TEXT_GOOD,
    PROF_TEXT_PLACE, /* function and file:line */
    PROF_TEXT_FAINT,
    PROF_TEXT_TYPE, /* types and objects */
};

/* Where text goes. text may hold several lines, and is borrowed. */
struct prof_text_sink {
    void (*put)(void *ctx, enum prof_text_role role, const char *text);
    /* A line begins with a word of its margin ("taken"; "": goes on below one), which stands at `indent`. */
    void (*label)(void *ctx, unsigned indent, const char *word);
    /* What the current line is about, once for each object or place in it; NULL: nobody wants to know. */
    void (*object)(void *ctx, const char *name);
    void (*place)(void *ctx, uint32_t stack);
};

struct prof_link; /* prof/links.h */

/* What is told of, and to whom. All is borrowed. */
struct prof_text {
    struct prof_view *view;
    struct prof_heap *heap;
    struct prof_symbols *symbols;
    struct prof_trace *trace;
    struct prof_findings *findings;
    struct prof_graph *graph;        /* why, objects, paths; NULL: none of these is asked for */
    struct prof_ledgers *ledgers;    /* NULL: lives are not compared */
    struct prof_wrappers **wrappers; /* made by the first finding that needs them; the caller destroys them */
    enum prof_units units;
    const char *more, *all; /* what shows what is left out: "-v" of a finding, "--top 0" of lists */
    const char *referrers;  /* what lists who refers to something: "'reftrack refs --in'" */
    const struct prof_text_sink *sink;
    void *ctx;
};

/* ---- Pieces ------------------------------------------------------------------------------------------------------ */
/* What comes from the target must have passed prof_escape_terminal. */
void prof_text_printf(const struct prof_text *t, enum prof_text_role role, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Text as it stands in the source. */
void prof_text_add(const struct prof_text *t, const char *text);
/* Text of the target, escaped. */
void prof_text_put(const struct prof_text *t, enum prof_text_role role, const char *text);
/* The margin of a finding, of the facts of an object. */
void prof_text_label(const struct prof_text *t, const char *word);
void prof_text_fact(const struct prof_text *t, const char *word);
/* "conn_open net.c:31" */
void prof_text_place(const struct prof_text *t, uint32_t stack);
/* "Conn#12" in the role of types; the line is about it. */
void prof_text_object(const struct prof_text *t, const char *name);
/* The line is about what bears this name ("@leak:3"), which is said already. */
void prof_text_about(const struct prof_text *t, const char *name);
/* '=' for what is certain, '~' for what is a guess. */
char prof_text_pair_mark(enum prof_pairing pairing);

/* ---- Findings ---------------------------------------------------------------------------------------------------- */
/* Headline first, evidence below. verbose: with stacks and everything that is left out otherwise. */
void prof_text_finding(const struct prof_text *t, const struct prof_finding *finding, bool verbose);
/* "lost  1.3 MiB in 32 struct conn: give it back as at conn_close net.c:77" in one line. */
void prof_text_finding_line(const struct prof_text *t, const struct prof_finding *finding);
/* Where its references were taken; the release that is missing. */
void prof_text_taken(const struct prof_text *t, const struct prof_finding *finding, bool verbose);
void prof_text_missing(const struct prof_text *t, const struct prof_finding *finding);

/* ---- Ledgers: each says nothing where there are none --------------------------------------------------------------
 */
/* The ledger of the example that stands for a finding; NULL: there is none. */
const struct prof_ledger *prof_text_example(const struct prof_text *t, const struct prof_finding *finding);
/* ", #21 at +50ms in thread 100": when the example took an open reference of the finding. */
void prof_text_taken_when(const struct prof_text *t, const struct prof_finding *finding,
                          const struct prof_finding_open *open);
/* What the example gave back: where, what, when. false: there is no ledger. */
bool prof_text_given_back(const struct prof_text *t, const struct prof_finding *finding, bool verbose);
/* ", 4.0 s after the taking, in another thread": when siblings make the release that is missing, as a rule. */
void prof_text_release_when(const struct prof_text *t, const struct prof_finding *finding);
/* Does the example give back something at this place, too? Then the release there is not missing, but one short. */
bool prof_text_gives_at(const struct prof_text *t, const struct prof_finding *finding, uint32_t stack);
/* Of what was released too often: which release is too many, and how that is known. */
void prof_text_extra(const struct prof_text *t, const struct prof_finding *finding);
/* What of such a finding is not proven: which release it is. NULL: nothing. */
const char *prof_text_guilt(const struct prof_text *t, const struct prof_finding *finding);
/* What the siblings did, and the first event that differed. */
void prof_text_siblings(const struct prof_text *t, const struct prof_finding *finding);
/* The open references of an object: those with an owner, then what no release of its ledger was matched with. Without a
 * whole ledger (NULL, or it begins late) the latter by place, as the object graph tells them. top: lines at most. */
struct prof_error *prof_text_open_references(const struct prof_text *t, prof_obj_id id,
                                             const struct prof_ledger *ledger, uint64_t top);
/* The life of an object, at most `top` entries of it, with where it parted (parting: NULL nothing is known). */
void prof_text_life(const struct prof_text *t, const struct prof_ledger *ledger, const struct prof_parting *parting,
                    uint64_t top);

/* ---- Objects and the graph --------------------------------------------------------------------------------------- */
struct prof_text_life_options {
    uint64_t top; /* lines of open references, and of the history */
    /* Sizes with what else lives because of it, and its generation, when somebody knows them. */
    bool sized;
    uint64_t flat, usable, deep, retained; /* bytes */
    const char *generation;                /* NULL: not known */
};
/* Facts, where its references are, the balance by site, its history. finding: one that speaks of it, or NULL. ledger:
 * of its life, NULL: it is left out, with the history. The graph is needed. */
struct prof_error *prof_text_whole_object(const struct prof_text *t, prof_obj_id id, const struct prof_finding *finding,
                                          const struct prof_ledger *ledger,
                                          const struct prof_text_life_options *options);
/* Before the history of what was there already in the state that a trace begins with; more: what follows from that. */
void prof_text_before(const struct prof_text *t, const char *more);
/* The finding that somebody named ("@leak:3"), or else one that speaks of the object; NULL: none. */
const struct prof_finding *prof_text_finding_of(const struct prof_text *t, const char *spec, prof_obj_id id);

/* "Conn#12", "struct item block#7", escaped; returns buf. */
char *prof_text_name(const struct prof_text *t, prof_node node, char *buf, size_t size);
void prof_text_node(const struct prof_text *t, prof_node node);
/* "Conn#12  at 0x55..., 96 B" and a line feed. */
void prof_text_node_line(const struct prof_text *t, prof_node node);
/* "count  3 = 1 in blocks + ..." of objects; with the program's own count, and why there are more owners than
 * references; of what died nothing. */
void prof_text_count_lines(const struct prof_text *t, prof_node node);
/* Links in order, one line each, in columns; `left_out` of them are missing behind the first `front`. */
void prof_text_path_lines(const struct prof_text *t, const struct prof_link *links, size_t count, size_t front,
                          size_t left_out);
/* Who took what has no owner, with up to `frames` frames of each stack below its site. */
struct prof_error *prof_text_taken_lines(const struct prof_text *t, prof_node node, size_t frames);
/* The same with a headline; nothing when nobody took such a one, or a `~` pointer of the list above it says all. */
struct prof_error *prof_text_taken_section(const struct prof_text *t, prof_node node);
/* What the answer may be missing, about a node when it is not PROF_NODE_NONE; nothing when it is complete. */
void prof_text_graph_notes(const struct prof_text *t, prof_node node);
/* Why a node is alive: the shortest way from each kind of root; of longer ones `most` links. */
struct prof_error *prof_text_why(const struct prof_text *t, prof_node node, size_t most);

/* ---- Types ------------------------------------------------------------------------------------------------------- */
/* How many there are, what is said of them, where those that live were born, the newest. */
void prof_text_type(const struct prof_text *t, prof_type_id type);

/* ---- Growth ------------------------------------------------------------------------------------------------------ */
/* What is more than it ever was, what is new, which references hold it; top: of each that many, 0: all. */
struct prof_error *prof_text_growth(const struct prof_text *t, const struct prof_growth *growth, size_t top);

#endif
