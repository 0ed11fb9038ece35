/* text.h: the text of an adapter, line by line, and what its words are made of. Layer-private.
 *
 * Readers move `at` behind what they took. Errors name the place and what is expected there. */
#ifndef ADAPTER_TEXT_H
#define ADAPTER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <prof/adapter.h>

struct adapter_text {
    const char *path;
    const char *next, *end;           /* what is left behind the line */
    const char *at;                   /* in `line` */
    uint32_t number;                  /* of the line, from 1 */
    char line[PROF_ADAPTER_LINE + 1]; /* without comment and blanks at its ends */
};

/* PROF_ERROR_SYNTAX in the current line: "PATH:LINE: WHAT 'FOUND'; EXPECTED". found: NULL, or what of the text is
 * wrong; shown up to its first blank. */
struct prof_error *adapter_bad(const struct adapter_text *text, const char *what, const char *found,
                               const char *expected) __attribute__((warn_unused_result));

/* Moves to the next line that says something; *ret_more false at the end of the text. A line that is refused counts as
 * read: another call goes on behind it. */
struct prof_error *adapter_next_line(struct adapter_text *text, bool *ret_more) __attribute__((warn_unused_result));

/* Skips blanks; whether nothing is left of the line. */
bool adapter_at_end(struct adapter_text *text);
/* Takes `sign` when it is next, behind blanks. */
bool adapter_takes(struct adapter_text *text, const char *sign);
/* Takes the word (letters, digits, '_') when it is next, as a whole. */
bool adapter_takes_word(struct adapter_text *text, const char *word);
/* What is up to the next blank, at most size - 1 bytes; empty at the end of the line. False: it is longer. */
bool adapter_token(struct adapter_text *text, char *ret, size_t size);

/* 12, -12, +12, 0x1f; as 64 bits. False: none is there, nothing was taken. */
bool adapter_number(struct adapter_text *text, uint64_t *ret);
/* The same, for an offset. */
struct prof_error *adapter_offset(struct adapter_text *text, const char *expected, int32_t *ret)
    __attribute__((warn_unused_result));

/* ---- place.c ---- */

enum { ADAPTER_OF_CALL = 1, ADAPTER_OF_OBJECT = 2 }; /* what a place may begin with: argN, ret, ret2; obj */

/* A place: argN, ret, ret2, obj; +N, -N, *PLACE, (PLACE). */
struct prof_error *adapter_place(struct adapter_text *text, unsigned bases, struct trk_hook_place *ret)
    __attribute__((warn_unused_result));
/* ":u8", ":u16", ":u32", ":u64" or nothing: bytes, 8 for nothing. */
struct prof_error *adapter_width(struct adapter_text *text, unsigned *ret) __attribute__((warn_unused_result));
/* PLACE[:u8|u16|u32|u64] [& MASK] =|!= VALUE. */
struct prof_error *adapter_test(struct adapter_text *text, struct trk_hook_test *ret)
    __attribute__((warn_unused_result));
/* A number that stands for itself in `bytes` bytes: [& MASK =] VALUE is read by the callers. */
struct prof_error *adapter_value(struct adapter_text *text, unsigned bytes, uint64_t *ret)
    __attribute__((warn_unused_result));
/* "& MASK" or nothing: all bits of `bytes` bytes. */
struct prof_error *adapter_mask(struct adapter_text *text, unsigned bytes, uint64_t *ret)
    __attribute__((warn_unused_result));

#endif
