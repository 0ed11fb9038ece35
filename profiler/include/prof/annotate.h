/* prof/annotate.h: coverage for people and programs: its tables, the line that tells an owner, the JSON document.
 *
 * Layer view. */
#ifndef PROF_ANNOTATE_H
#define PROF_ANNOTATE_H

#include <prof/coverage.h>
#include <prof/view.h>

enum prof_coverage_table {
    PROF_COVERAGE_TABLE_TYPES = 0,
    PROF_COVERAGE_TABLE_SITES,
    PROF_COVERAGE_TABLE_MODULES,
};
/* module: only places in modules of this name, a pattern with * and ? for the last part of their path; NULL: all. It
 * does not matter to types. Borrowed until the view is destroyed. */
struct prof_error *prof_view_coverage(struct prof_view *view, const struct prof_coverage *coverage,
                                      enum prof_coverage_table table, const char *module,
                                      const struct prof_query *query, const struct prof_table **ret);
/* Does the last part of a module's path fit the pattern? */
bool prof_module_fits(const char *pattern, const char *path);

/* What to write at a place so that reftrack knows who owns the reference. Raw text: escape it. */
struct prof_annotation {
    char place[256];   /* "serve net.c:88": of a birth where the constructor was called */
    const char *file;  /* of the line; NULL not known. Lives as long as the symbols */
    uint32_t line;     /* 0 not known */
    char is[256];      /* the line of source text; "" not known */
    char becomes[640]; /* what should stand there; without `is` what goes with the line that is meant */
};
enum prof_annotation_kind { PROF_ANNOTATE_TAKE = 0, PROF_ANNOTATE_BIRTH, PROF_ANNOTATE_GIVE };
/* By the words of the source line, without a compiler: what it does not understand it leaves to the reader, with
 * OBJECT and VARIABLE in place of names: VARIABLE also where the object's own variable has another reference. */
void prof_view_annotation(struct prof_view *view, uint32_t stack, enum prof_annotation_kind kind,
                          struct prof_annotation *ret);
/* The same for a line of text. callee: the function that the line calls, by which a release is found inside of an
 * expression; NULL: not known. `next` gives the text of a line that is so many lines further down (false: none), and
 * may be NULL. false: the line is not understood; ret is untouched. */
struct prof_annotate_text {
    const char *line, *callee;
    bool (*next)(void *ctx, int32_t offset, char *buf, size_t size);
    void *ctx;
};
bool prof_annotate_line(const struct prof_annotate_text *text, enum prof_annotation_kind kind, char *ret, size_t size);

/* {types[], steps[], wrappers[], modules[], sites[]}; module as above. */
struct prof_error *prof_json_coverage(struct prof_view *view, const struct prof_coverage *coverage, const char *module,
                                      char **ret);

#endif
