/* baseline.h: fingerprints of an earlier run, and the lines under each. Layer-private. */
#ifndef ANALYSIS_BASELINE_H
#define ANALYSIS_BASELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <prof/finding.h>

#include "analysis.h"

/* One line of a fingerprint: all findings there. Lines of one fingerprint are a list. */
enum { BASELINE_NONE = UINT32_MAX };
struct baseline_line {
    uint64_t key; /* baseline_line_key */
    uint64_t objects;
    uint32_t next; /* for baseline_line, BASELINE_NONE: the last one */
};
struct baseline_known {
    uint64_t objects; /* of all lines; 0: it does not know the fingerprint */
    uint32_t first;   /* for baseline_line; BASELINE_NONE: it was written without lines */
};
struct baseline_known baseline_find(const struct prof_baseline *baseline, uint64_t fingerprint);
const struct baseline_line *baseline_line(const struct prof_baseline *baseline, uint32_t index);
/* What tells lines apart: the file's name and the line; file NULL: the module's name and the offset. */
uint64_t baseline_line_key(const char *file, uint64_t line, const char *module, uint64_t offset);
/* A fingerprint as a number. false: it is none. */
bool baseline_print_parse(const char *text, uint64_t *ret);
/* All entries, in the order of the file. */
size_t baseline_entries(const struct prof_baseline *baseline, const struct prof_baseline_gone **ret);
struct prof_error *baseline_parse(const char *path, const char *text, size_t length, struct prof_baseline **ret);

/* ---- baseline_compare.c: false without memory ---- */
/* Suppresses the findings that the baseline of the options has. */
bool baseline_compare(struct analysis *a);
/* Lists what did not come again. */
bool baseline_gone(struct analysis *a);

#endif
