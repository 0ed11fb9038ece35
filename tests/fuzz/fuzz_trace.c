/* fuzz_trace.c: any bytes as a trace (fuzz_file.h), through reader, order and model, with all invariants checked. */
#include "fuzz_file.h"

#include <prof/heap.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the reader lets through can be written again. */
static void must_be_in_order(const struct prof_memory *memory)
{
    struct prof_memory *copy = NULL;
    struct prof_error *error = memory != NULL ? prof_memory_copy(memory, &copy) : NULL;
    if (error != NULL && error->code != PROF_ERROR_NO_MEMORY) {
        fprintf(stderr, "invariant: %s\n", error->message);
        abort();
    }
    prof_error_destroy(error);
    prof_memory_destroy(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct prof_trace *trace;
    int fd;
    struct prof_error *error = open_bytes(data, size, &fd, &trace);
    if (error == NULL && trace != NULL) {
        struct prof_heap *heap = NULL;
        struct prof_heap_options options = { .keep_type_sites = true };
        error = prof_heap_create(trace, &options, &heap);
        if (error == NULL) {
            const char *broken = prof_heap_check(heap);
            if (broken != NULL) {
                fprintf(stderr, "invariant: %s\n", broken);
                abort();
            }
            (void)prof_heap_obj_at(heap, 0x1000);
            (void)prof_heap_freed_since(heap, 0x1000);
            must_be_in_order(prof_heap_memory(heap));
            prof_heap_destroy(heap);
        }
        prof_trace_close(trace);
    }
    prof_error_destroy(error);
    close(fd);
    return 0;
}
