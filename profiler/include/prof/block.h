/* prof/block.h: what plain blocks are called: by their type, where it is known, else by who allocated them.
 *
 * Layer analysis. Types of blocks come from debug information (prof/symbol.h); strings live as long as the symbols. */
#ifndef PROF_BLOCK_H
#define PROF_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include <prof/finding.h>
#include <prof/heap.h>
#include <prof/symbol.h>

struct prof_block_type {
    const char *name; /* "struct conn"; of an array the element's */
    uint64_t size;    /* of it, of one element */
    bool array;       /* the type repeats up to the block's end */
    const struct prof_layout
        *layout;                 /* NULL: debug information does not describe it. Never with other marks than '=' */
    char mark;                   /* '=' certain, '~' a guess */
    const struct prof_frame *by; /* the code that it was concluded from */
    enum prof_birth_how how;
};
/* The type of a block in which no object was born: as the program told, else by the code that allocates it, else by its
 * size and the words in it that point to blocks, where memory was read. false: not known. Cheap when it is asked again.
 */
bool prof_block_type(struct prof_heap *heap, struct prof_symbols *symbols, prof_block_id id,
                     struct prof_block_type *ret);
/* The layout of such a block when it is certain (mark '='), and known: the same for all blocks of one stack, kind, size
 * and told type (prof_heap_block_type). NULL: not known. */
const struct prof_layout *prof_block_layout(struct prof_heap *heap, struct prof_symbols *symbols, prof_block_id id);
/* "struct conn", "struct conn[12]"; of a guess "struct conn (~ from net.c:31)",
 * "struct conn (~ by its shape)". size: of the block, 0: "struct conn[]".
 */
char *prof_block_type_text(char *buf, size_t room, const struct prof_block_type *type, uint64_t size);
/* What a block is called: its type as above, or "malloc in conn_open()". */
char *prof_block_text(char *buf, size_t room, struct prof_heap *heap, struct prof_symbols *symbols, prof_block_id id);
/* How the type became known: "the program told it", "the pointer is stored as one". */
const char *prof_birth_how_text(enum prof_birth_how how);
/* What of a block's memory the program may use: as glibc rounds sizes up; what was asked for, where another allocator
 * or none served it. */
uint64_t prof_block_usable(const struct prof_block *block);
/* The size of what repeats at the end of a block of that type: of an element, of one of an array without a length; 0:
 * nothing does. */
uint64_t prof_block_type_item(const struct prof_block_type *type);

/* ---- What memory says of one block ---------------------------------------------------------------------------------
 */
struct prof_block_link {
    const char *text;    /* where the pointer stands: "global g_list", "struct tree.left"; of what the block holds: the
                            field in the block, "left" or "+16" */
    const char *name;    /* what the block holds: "struct tree", "conn#4"; NULL for holders */
    prof_block_id block; /* the other end, 0 when it is an object or a root */
    prof_obj_id obj;
    uint64_t at, to; /* where the pointer stands (registers: 8 * number), and leads */
    bool interior;   /* not to the start of what it points to */
};
enum { PROF_BLOCK_LINKS = 1000 }; /* of each kind at most are listed */
struct prof_block_story {
    /* Verdict, strength and reasons, the root and the path from it, as of a finding about this block alone; UNFREED:
     * memory does not tell of it. */
    struct prof_finding about;
    prof_block_id leader; /* INDIRECT: the lost block that leads to it; 0: an object */
    prof_obj_id leader_obj;
    const struct prof_block_link *holders, *held;
    size_t holder_count, held_count;
    uint64_t all_holders, all_held;
};
/* Memory is gone through once more for it. options may be NULL; windows and suppressions don't matter. */
struct prof_error *prof_block_story_create(struct prof_heap *heap, struct prof_symbols *symbols,
                                           const struct prof_findings_options *options, prof_block_id id,
                                           struct prof_block_story **ret);
void prof_block_story_destroy(struct prof_block_story *story);

/* "malloc", "calloc", "mmap" */
const char *prof_block_kind_text(unsigned kind);

#endif
