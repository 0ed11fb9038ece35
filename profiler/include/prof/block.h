/* prof/block.h: what plain blocks are called: by their type, where it is known, else by who allocated them.
 *
 * Layer analysis. Types of blocks come from debug information (prof/symbol.h); strings live as long as the symbols. */
#ifndef PROF_BLOCK_H
#define PROF_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

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
/* "malloc", "calloc", "mmap" */
const char *prof_block_kind_text(unsigned kind);

#endif
