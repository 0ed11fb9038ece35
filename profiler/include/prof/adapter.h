/* prof/adapter.h: adapters, texts that tell how a library counts references: which functions take and give them back,
 * where the object is in a call, where the count lies in the object. docs/ADAPTERS.md describes the language; this is
 * what it is read into. `reftrack run` makes rules for hooks of it (track/hook_rule.h). Nothing here is thread-safe.
 *
 * A text is read as a whole or refused: every error names file and line, what is wrong there and what is expected. */
#ifndef PROF_ADAPTER_H
#define PROF_ADAPTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <prof/error.h>
#include <track/hook_rule.h>

enum {
    PROF_ADAPTER_LINE = 1024,      /* longest line, in bytes */
    PROF_ADAPTER_BYTES = 1 << 20,  /* largest file */
    PROF_ADAPTER_WORD = 200,       /* longest name, in bytes */
    PROF_ADAPTER_OFFSET = 1 << 24, /* offsets are below that, to both sides */
};

/* A `type` line and what follows it up to the next one. */
struct prof_adapter_type {
    const char *name;
    uint32_t line;
    /* The count: a number of count_bytes at count_offset from the object's address. count_bytes 0: the text does not
     * say where it is. */
    int32_t count_offset;
    uint8_t count_bytes;
    bool count_signed;
    uint8_t count_shift; /* a reference counts 1 << count_shift there */
    bool counts_inline;  /* it changes in place, too, where no function is called: TRK_HOOK_INLINE of its rules */
    bool has_immortal;   /* counts with (count & immortal_mask) == immortal_value are not kept up */
    uint64_t immortal_mask, immortal_value;
    uint8_t naming;            /* enum trk_hook_name */
    const char *name_function; /* TRK_HOOK_NAME_CALL */
    struct trk_hook_place name_place;
};

/* A line about a function. */
struct prof_adapter_rule {
    uint32_t line;
    uint32_t type;        /* index of its type */
    uint8_t role;         /* enum trk_hook_role */
    uint16_t flags;       /* TRK_HOOK_LATE, _SLOT_IS_HOLDER, _FROM_IS_HOLDER, _FLOATING, _KEPT */
    const char *function; /* as symbols are spelled; '*' is any characters */
    struct trk_hook_place object, slot, from;
    struct trk_hook_test test[TRK_HOOK_TESTS];
};

struct prof_adapter {
    const char *name; /* behind `adapter` */
    const char *path; /* as it was given */
    bool asked;       /* never chosen by itself, only when somebody asks for it: it would see too much */
    /* File names or sonames of the files that it speaks of; '*' is any characters. "program": the executable. */
    const char *const *libraries;
    size_t library_count;
    /* `inside hidden`: places in these files are not shown as sites, but who called them from outside. */
    const char *const *hidden;
    size_t hidden_count;
    const struct prof_adapter_type *types;
    size_t type_count;
    const struct prof_adapter_rule *rules;
    size_t rule_count;
};

/* Told of every error; the error is the callee's to end. */
typedef void (*prof_adapter_bad)(void *data, struct prof_error *error);

/* Reads a text; `path` is its name in errors and stays in the adapter (copied). bad: NULL, or what is told of each bad
 * line; the one that is returned then only says how many there were. The caller ends what it gets with
 * prof_adapter_destroy. */
struct prof_error *prof_adapter_parse(const char *path, const char *text, size_t length, prof_adapter_bad bad,
                                      void *data, struct prof_adapter **ret) __attribute__((warn_unused_result));
/* The same for a file. Only regular files are read. */
struct prof_error *prof_adapter_load(const char *path, prof_adapter_bad bad, void *data, struct prof_adapter **ret)
    __attribute__((warn_unused_result));
/* NULL is fine. */
void prof_adapter_destroy(struct prof_adapter *adapter);

/* The word of a role in adapters; "?" for what is none. */
const char *prof_adapter_role(unsigned role);
/* A place as adapters spell it, in `buf`, which it returns. */
char *prof_adapter_place(char *buf, size_t size, const struct trk_hook_place *place);
/* What a line says of a call: "a reference on arg1 is taken". malloc'ed; NULL without memory. */
char *prof_adapter_words(const struct prof_adapter_rule *rule);
/* What is known of a type: "its count has 4 bytes at +4". malloc'ed; NULL without memory. */
char *prof_adapter_type_words(const struct prof_adapter_type *type);

/* ---- Which of many ------------------------------------------------------------------------------------------------
 *
 * Adapters come from a folder of shipped ones, from a folder of the user, and from the command line. Of those with the
 * same name the later kind counts. */

enum prof_adapter_origin { PROF_ADAPTER_SHIPPED = 0, PROF_ADAPTER_USER, PROF_ADAPTER_GIVEN };
struct prof_adapter_choice {
    const struct prof_adapter *adapter;
    const char *word;                 /* name of its file without folder and ".adapter" */
    const struct prof_adapter *other; /* of the same name, which it stands for; NULL: none */
    enum prof_adapter_origin origin;
    bool given; /* somebody asked for it */
};
struct prof_adapters;
/* "shipped", "user" or "given". */
const char *prof_adapter_origin(enum prof_adapter_origin origin);

struct prof_error *prof_adapters_create(struct prof_adapters **ret) __attribute__((warn_unused_result));
/* With all its adapters; NULL is fine. */
void prof_adapters_destroy(struct prof_adapters *adapters);
/* Adds every *.adapter of a folder, by name. Files that cannot be read or understood are told and left out. A folder
 * that is not there has none. */
struct prof_error *prof_adapters_add_folder(struct prof_adapters *adapters, const char *folder,
                                            enum prof_adapter_origin origin, prof_adapter_bad bad, void *data)
    __attribute__((warn_unused_result));
/* What somebody asked for: a file, when `text` has a '/' or ends in ".adapter"; else the adapter or file of that name
 * among those that were added. Errors name the file and line (bad: as prof_adapter_parse), or the names that there are.
 * *ret is valid until the next change. */
struct prof_error *prof_adapters_give(struct prof_adapters *adapters, const char *text, prof_adapter_bad bad,
                                      void *data, const struct prof_adapter_choice **ret)
    __attribute__((warn_unused_result));
/* All, in the order of their names. Valid until the next change. */
size_t prof_adapters_list(const struct prof_adapters *adapters, const struct prof_adapter_choice **ret);

#endif
