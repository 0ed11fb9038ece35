/* heapdump.h: everything that prof/heap.h tells about a heap, as text, so that tests can compare two of them. */
#ifndef HARNESS_HEAPDUMP_H
#define HARNESS_HEAPDUMP_H

#include <stdio.h>

#include <prof/heap.h>

/* Members that are the model's own are left out. The heap's trace must be over (its results are asked for). */
void heap_dump(FILE *out, struct prof_heap *heap);

/* A state in memory: bytes of all parts, each behind its length. */
struct saved_state {
    unsigned char *bytes;
    size_t count, parts;
};
/* Prints and aborts on errors. */
struct saved_state state_save(const struct prof_heap *heap);
/* Into a heap that has seen nothing; the caller owns the error. */
struct prof_error *state_restore(struct prof_heap *heap, const struct saved_state *state);
void state_free(struct saved_state *state);

#endif
