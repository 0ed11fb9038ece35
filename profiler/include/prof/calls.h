/* prof/calls.h: sites as a tree of calls, and by line of a source file.
 *
 * Layer view. Every stack that an event of the trace has is a way from the program's start to a site; what was
 * allocated, born, taken and given back there counts for each function on the way, once. By caller the tree begins
 * with main() and the functions of threads; by callee it begins with the sites, and their callers are below them.
 *
 * Nothing is left out: events without a stack, stacks whose callers were not recorded, and events that were lost are
 * rows of their own. Frames inside of the site (allocators, wrappers, libc below the caller), and those that began the
 * program or a thread, are none. A function that calls itself, and a few functions that call each other in turns, stand
 * once for all turns that follow each other.
 *
 * Memory is proportional to the stacks and their frames. The tree itself is never made: children are looked up when
 * somebody asks for them. Borrows the view, which must outlive it; one thread at a time. */
#ifndef PROF_CALLS_H
#define PROF_CALLS_H

#include <prof/view.h>

enum prof_calls_value {
    PROF_CALLS_BYTES = 0, /* alive: of blocks, and of objects that lie in no block that was reported */
    PROF_CALLS_OBJECTS,   /* alive, by where they were born */
    PROF_CALLS_OPEN,      /* references, by where they were taken */
    PROF_CALLS_EVENTS,    /* allocations, births, refs and unrefs; events that were lost */
    PROF_CALLS_METRICS,   /* what trees are sorted by: the ones above */
    PROF_CALLS_BLOCKS = PROF_CALLS_METRICS,
    PROF_CALLS_ALLOCS,
    PROF_CALLS_BIRTHS,
    PROF_CALLS_REFS,
    PROF_CALLS_UNREFS,
    PROF_CALLS_VALUES
};
struct prof_calls_sum {
    uint64_t value[PROF_CALLS_VALUES];
    uint64_t guessed; /* of the open references: some were given back where others were taken; the newest of these are
                         taken to be meant */
};
/* "bytes", "objects", "open", "events". false: none of these. */
bool prof_calls_metric(const char *name, enum prof_calls_value *ret);
const char *prof_calls_metric_name(enum prof_calls_value value);

struct prof_calls_options {
    bool by_callee;
    bool lines;        /* lines of a function are apart */
    uint64_t lost;     /* events that are missing: a row of their own */
    const char *where; /* only stacks for which this holds; NULL: all. Keys: site, stack ("main;serve;parse"), bytes,
                          live, objects, open, events, allocs, births, refs, unrefs */
};
struct prof_calls;
/* PROF_ERROR_SYNTAX for a bad where. */
struct prof_error *prof_calls_create(struct prof_view *view, const struct prof_calls_options *options,
                                     struct prof_calls **ret);
/* The same without its work, which is done in steps of the caller's size: so many stacks (objects, at first). All other
 * calls want it done. */
struct prof_error *prof_calls_begin(struct prof_view *view, const struct prof_calls_options *options,
                                    struct prof_calls **ret);
struct prof_error *prof_calls_go_on(struct prof_calls *calls, size_t steps, bool *ret_done);
double prof_calls_share(const struct prof_calls *calls); /* of the way to being done: 0 to 1 */
void prof_calls_destroy(struct prof_calls *calls);

struct prof_calls_node {
    const char *key;                /* tells it from its siblings, also in another tree of the program; "" the root.
                                     * Escaped for terminals */
    const char *name;               /* "serve", "libfoo.so+0x1a40", "(no stack)", "all". Raw text: escape it */
    const struct prof_frame *frame; /* one of those that it stands for; NULL: none, it is no function */
    uint32_t lines;                 /* of it, that the ways through it take; 0: not known */
    bool recursive;                 /* stands for several calls of itself that follow each other */
    bool inlined;
    bool leaf;                  /* nothing is below it */
    struct prof_calls_sum sum;  /* of all ways through it */
    struct prof_calls_sum self; /* of those that end here */
    uint32_t first, end, depth; /* the tree's own */
};
/* Everything. */
void prof_calls_root(struct prof_calls *calls, struct prof_calls_node *ret);
/* The nodes below one, the greatest first; malloc'ed, NULL for none. Their names live as long as the view. */
struct prof_error *prof_calls_children(struct prof_calls *calls, const struct prof_calls_node *node,
                                       enum prof_calls_value by, struct prof_calls_node **ret, size_t *ret_count);
/* The node at the end of a way of keys from the root. PROF_ERROR_NOT_FOUND: there is none (any more). */
struct prof_error *prof_calls_at(struct prof_calls *calls, const char *const *keys, size_t count,
                                 struct prof_calls_node *ret);
/* The stacks of a node: `each` is called for every one. */
void prof_calls_stacks(const struct prof_calls *calls, const struct prof_calls_node *node,
                       void (*each)(void *ctx, uint32_t stack), void *ctx);
/* The next node, or the one before, in whose name `text` stands (whatever its case), in the order of a walk through the
 * whole tree sorted like this; behind the last one comes the first. keys: where it begins, the result is another one if
 * there is one. Returns the number of keys to the result, in *ret_keys (malloc'ed array of texts that live as long as
 * the view); 0 and NULL: there is none. */
struct prof_error *prof_calls_find(struct prof_calls *calls, const char *const *keys, size_t count,
                                   enum prof_calls_value by, const char *text, bool back, const char ***ret_keys,
                                   size_t *ret_count);

/* A node in words: "serve", "parse (r)" for calls of itself, "get (inlined)". Escaped for terminals. */
char *prof_calls_words(char *buf, size_t size, const struct prof_calls_node *node);
/* Where its line is, of several the one with most: "load.c:655", "load.c:655 +2" when there are two more; "" when that
 * is not known, or says the name already. Escaped for terminals. */
char *prof_calls_place(char *buf, size_t size, const struct prof_calls_node *node);

/* Goes through a part of a tree, parents first. */
struct prof_calls_walk {
    enum prof_calls_value by;
    uint32_t depth;  /* levels below the node; 0: all */
    double least;    /* nodes with less than this share of the first node's value are left out */
    bool with_zeros; /* nodes whose value is 0, too */
    /* level: 0 for the first node. trunks: bit d: nodes of level d + 1 follow; last: no sibling follows. false ends it.
     */
    bool (*each)(void *ctx, const struct prof_calls_node *node, uint32_t level, bool last, uint64_t trunks);
    void *ctx;
};
struct prof_error *prof_calls_go(struct prof_calls *calls, const struct prof_calls_node *node,
                                 const struct prof_calls_walk *walk, uint64_t *ret_left_out);

/* What happened at the lines of a source file. */
struct prof_calls_line {
    uint32_t line;
    bool inlined;               /* all of it in copies of the function inside of others */
    struct prof_calls_sum site; /* of stacks whose site it is */
    struct prof_calls_sum any;  /* of stacks with the line in any frame, wrappers too; each counts once */
};
/* By line; malloc'ed, NULL for none. file: as frames have it. ret_frame: one of its frames; NULL: no stack goes through
 * it. Goes over all stacks. */
struct prof_error *prof_calls_lines(struct prof_calls *calls, const char *file, struct prof_calls_line **ret,
                                    size_t *ret_count, const struct prof_frame **ret_frame);
/* The stacks with this line of a file as their site, or (any) in one of their frames. */
struct prof_error *prof_calls_line_stacks(struct prof_calls *calls, const char *file, uint32_t line, bool any,
                                          void (*each)(void *ctx, uint32_t stack), void *ctx);

/* {by, sort, lines, total, nodes[{id, parent, depth, name, function, file, line, ...}]}: nodes in the order of a walk.
 */
struct prof_error *prof_json_calls(struct prof_calls *calls, const struct prof_calls_walk *walk, char **ret);
/* The stacks as lines "main;serve;parse 4096" with a value that is not 0, for programs that draw flame graphs (which
 * add up lines of the same way). The text is valid during the call, and escaped for terminals; blanks and semicolons in
 * names are '_' and ','. line: false ends it. */
struct prof_error *prof_calls_folded(struct prof_calls *calls, enum prof_calls_value value,
                                     bool (*line)(void *ctx, const char *text), void *ctx);

#endif
