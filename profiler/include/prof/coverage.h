/* prof/coverage.h: which references have a known owner, by type, by place and by module of the program; and where one
 * more annotation would tell the most.
 *
 * Layer analysis. Counts come from the totals of the model, so they hold for folded traces too; what objects took and
 * gave that were freed with open references is known by type only, not by place. Read-only once made; borrows heap,
 * symbols and findings, whose strings it hands on. */
#ifndef PROF_COVERAGE_H
#define PROF_COVERAGE_H

#include <prof/finding.h>
#include <prof/wrapper.h>

/* What objects of a type do at a site. */
struct prof_coverage_site {
    prof_type_id type;
    uint32_t stack;                    /* the one of the site's with most events */
    const char *module;                /* path; "" unknown */
    bool birth;                        /* what is taken here is what objects are born with */
    uint64_t taken, given;             /* without owner; births that were given back that way included */
    uint64_t owned_taken, owned_given; /* with one */
    uint64_t open;                     /* of those with one: not given back */
    int64_t alive;                     /* taken and owned_taken less given and owned_given, of objects that are alive;
                                          pairs with an owner, which are 0, left out */
    /* Findings whose evidence at this place is a guess: an owner told here would decide them. */
    uint64_t findings, objects, bytes;
    uint64_t tied; /* of these objects: other places fit as well, so the finding cannot say which it was */
};
/* The same by type. */
struct prof_coverage_type {
    prof_type_id type;
    const char *name;
    uint64_t refs, slot, holder, anonymous; /* births included */
    uint64_t unrefs, unrefs_anonymous;
    uint64_t counts_seen, counts_wrong, skewed;
    uint64_t objects; /* in findings whose evidence is a guess */
};
/* A type in a module: a file that the program consists of. */
struct prof_coverage_module {
    const char *module; /* path */
    prof_type_id type;
    uint64_t born;  /* objects whose birth reference was given back without owner, or is open, or has one */
    uint64_t taken; /* births included, with or without owner */
    uint64_t given;
    uint64_t anonymous; /* of both: without owner */
    int64_t alive;      /* of objects that are alive: taken less given */
};
/* The place where a type's references should be told an owner next, and where they are given back: what was taken here
 * (paired, as healthy objects do), else everything of the type. */
enum { PROF_COVERAGE_GIVES = 3 };
struct prof_coverage_step {
    const struct prof_coverage_site *take;
    uint64_t of; /* all references of the type without owner */
    const struct prof_coverage_site *gives[PROF_COVERAGE_GIVES];
    size_t give_count, gives_more;
    bool paired;
    bool one_of; /* they give back much more than was taken here: which of them ends it is not known */
    const struct prof_wrapper *wrapper; /* the place is in a function that should be declared first; NULL */
};

struct prof_coverage;
/* findings may be NULL: then nothing hangs on anything. PROF_ERROR_MEMORY only. */
struct prof_error *prof_coverage_create(struct prof_heap *heap, struct prof_symbols *symbols,
                                        const struct prof_findings *findings, struct prof_coverage **ret);
void prof_coverage_destroy(struct prof_coverage *coverage);
/* Those without owner that matter most first: by objects in findings, then by references. */
size_t prof_coverage_sites(const struct prof_coverage *coverage, const struct prof_coverage_site **ret);
size_t prof_coverage_types(const struct prof_coverage *coverage, const struct prof_coverage_type **ret);
size_t prof_coverage_modules(const struct prof_coverage *coverage, const struct prof_coverage_module **ret);
size_t prof_coverage_steps(const struct prof_coverage *coverage, const struct prof_coverage_step **ret);
/* Functions that should be declared as wrappers. */
const struct prof_wrappers *prof_coverage_wrappers(const struct prof_coverage *coverage);

#endif
