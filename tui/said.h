/* said.h: reading the documents of the workers (docs/ describes those of --json). What is missing, or of another type,
 * is "" or 0. */
#ifndef TUI_SAID_H
#define TUI_SAID_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* Borrowed from the document. */
const char *tui_said(const json_t *object, const char *key);
uint64_t tui_said_number(const json_t *object, const char *key);
/* "conn_new net.c:31" of a place {function, file, line, module, offset}. Returns buf. */
const char *tui_said_place(const json_t *at, char *buf, size_t size);
/* "+12.5s" of seconds under a key. Returns buf. */
const char *tui_said_moment(const json_t *object, const char *key, char *buf, size_t size);

#endif
