/* memdump.c: prints the checkpoints of a trace: figures, areas, words. For tests.
 *
 *     memdump TRACE          a line for each checkpoint and each of its areas
 *     memdump TRACE words    and one for each word */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <prof/memory.h>
#include <prof/trace.h>

static bool all_words;

static struct prof_error *skip_events(void *ctx, const struct prof_event *events, size_t n)
{
    (void)ctx;
    (void)events;
    (void)n;
    return NULL;
}

static void print_area(const struct prof_memory *memory, const struct prof_memory_area *area)
{
    static const char *const kinds[] = { "?", "anon", "data", "stack", "registers", "tls", "mapped" };
    printf("area %s tid=%u start=%" PRIx64 " size=%" PRIu64 " words=%zu\n", kinds[area->kind], area->tid, area->start,
           area->size, area->count);
    for (size_t i = area->first; all_words && i < area->first + area->count; i++)
        printf("word %" PRIx64 " %" PRIx64 " %u\n", (uint64_t)memory->words[i].at, memory->words[i].value,
               (unsigned)memory->words[i].how);
}

static struct prof_error *print_memory(void *ctx, const struct prof_memory *memory)
{
    static const char *const rungs[] = { "?", "stopped", "waiting", "confirmed" };
    static const char *const whys[] = { "?", "exit", "call", "mark", "scope", "request", "leak-check" };
    (void)ctx;
    printf("checkpoint %u rung=%s why=%s name=%s cut=%d single=%d threads=%u unread=%u read=%" PRIu64 " missed=%" PRIu64
           " pause=%" PRIu64 " took=%" PRIu64 " words=%zu counts=%zu round=%" PRIu64 "\n",
           memory->number, rungs[memory->rung], whys[memory->why % 7u], memory->name, memory->cut, memory->single,
           memory->threads, memory->threads_unread, memory->read_bytes, memory->unread_bytes, memory->pause_us,
           memory->took_us, memory->word_count, memory->count_count, memory->round);
    for (size_t i = 0; i < memory->area_count; i++)
        print_area(memory, &memory->areas[i]);
    for (size_t i = 0; i < memory->count_count; i++)
        printf("count %" PRIx64 " %" PRId64 "\n", memory->counts[i].addr, memory->counts[i].count);
    return NULL;
}

int main(int argc, char **argv)
{
    struct prof_trace *trace;
    if (argc < 2)
        return 2;
    all_words = argc > 2 && strcmp(argv[2], "words") == 0;
    struct prof_error *error = prof_trace_open(argv[1], &trace);
    if (error == NULL) {
        const struct prof_trace_sink sink = { .events = skip_events, .memory = print_memory };
        error = prof_trace_replay(trace, &sink, NULL);
        prof_trace_close(trace);
    }
    if (error != NULL)
        fprintf(stderr, "memdump: %s\n", error->message);
    return error != NULL;
}
