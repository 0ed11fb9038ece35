/* symbol/source_text.h: lines of source files that debug information names. Internal to layer symbol. */
#ifndef SYMBOL_SOURCE_TEXT_H
#define SYMBOL_SOURCE_TEXT_H

#include <stdbool.h>

#include <symbol/birth.h>
#include <symbol/statement.h>

/* Reads the statement at a site. Only regular files of sane size that are not newer than the module: a source that was
 * changed after the program was built says nothing. The last file is kept. */
bool prof_source_statement(struct prof_symbols *symbols, const struct prof_birth_code *code,
                           struct prof_statement *ret);
/* When a module's file was written last; 0 unknown: no source is read. */
uint64_t prof_source_module_time(const char *path);
void prof_source_deinit(struct prof_symbols *symbols);

#endif
