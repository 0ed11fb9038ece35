/* section.h: rows of records as columns of bytes: what the parts of a saved state are made of. docs/FORMAT.md tells the
 * layout. Knows no heap. Private to this folder.
 *
 * A section holds up to SECTION_ROWS rows of one kind. Each column is stored with the least number of bytes per row
 * that fits this section: behind its smallest value, or as steps from row to row. */
#ifndef MODEL_SECTION_H
#define MODEL_SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/vec.h>

enum { SECTION_ROWS = 512, SECTION_COLUMNS_MAX = 64 };

/* What the numbers of a column are. */
enum column_kind {
    COLUMN_NUMBER = 0,
    COLUMN_BOOL,
    COLUMN_STACK, /* a stack id */
    COLUMN_TEXT,  /* a text id */
    COLUMN_TYPE,  /* a type id */
};
struct column {
    uint32_t offset; /* in the row */
    uint8_t bytes;   /* 1, 2, 4, 8 */
    uint8_t kind;    /* enum column_kind */
    bool below;      /* stored as the distance below the 64-bit member at `from`, which has an earlier column */
    uint32_t from;
};
#define COLUMN_OF(type, member, what)                                                                                  \
    {                                                                                                                  \
        .offset = offsetof(type, member), .bytes = sizeof(((type *)0)->member), .kind = (what)                         \
    }
#define COLUMN_BELOW(type, member, base)                                                                               \
    {                                                                                                                  \
        .offset = offsetof(type, member), .bytes = 8, .below = true, .from = offsetof(type, base)                      \
    }

struct section_def {
    uint16_t kind;  /* ascending in a state */
    bool ids;       /* rows have ids, which are a column in front of the others */
    bool vital;     /* a reader that does not know it must refuse the state */
    uint8_t floor;  /* least bytes per row, so that few bytes never become much memory */
    uint8_t count;  /* columns */
    uint32_t bytes; /* of a row */
    const struct column *columns;
};

/* In front of each section. */
struct section_head {
    uint16_t kind;
    uint8_t flags;   /* SECTION_VITAL */
    uint8_t columns; /* the id column included */
    uint32_t rows;
    uint32_t bytes; /* behind this head */
};
enum { SECTION_VITAL = 1 };

typedef PROF_VEC(unsigned char) section_bytes;

/* Appends a section. ids: NULL unless def->ids. false: out of memory. */
bool section_write(section_bytes *out, const struct section_def *def, const void *const *rows, const uint32_t *ids,
                   size_t count);

/* The column in front: fills ids. A static text says what is wrong. Call first when def->ids. */
struct section_reader {
    const unsigned char *at, *end;
    size_t rows;
    unsigned left; /* columns not read yet */
};
const char *section_open(struct section_reader *reader, const struct section_head *head, const unsigned char *bytes,
                         const struct section_def *def, uint32_t *ids);
/* All columns into rows, which are zeroed. Columns that def does not know are left out, and those that are missing stay
 * zero. */
const char *section_read(struct section_reader *reader, const struct section_def *def, void *const *rows);

#endif
