/* baseline.h: fingerprints of an earlier run. Layer-private. */
#ifndef ANALYSIS_BASELINE_H
#define ANALYSIS_BASELINE_H

#include <stddef.h>
#include <stdint.h>

#include <prof/finding.h>

/* How many objects the earlier run had under this fingerprint; 0: it did not know it. */
uint64_t baseline_objects(const struct prof_baseline *baseline, const char *fingerprint);
/* All entries, in the order of the file. */
size_t baseline_entries(const struct prof_baseline *baseline, const struct prof_baseline_gone **ret);
struct prof_error *baseline_parse(const char *path, const char *text, size_t length, struct prof_baseline **ret);

#endif
