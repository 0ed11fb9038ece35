/* heapdump.c: heaps as text, states in memory; see heapdump.h. */
#include "heapdump.h"
#include "rndmemory.h"

#include <stdlib.h>
#include <string.h>

#define U(value) ((unsigned long long)(value))

static void dump_totals(FILE *out, const struct prof_heap *heap)
{
    const struct prof_heap_totals *t = prof_heap_totals(heap);
    fprintf(out, "totals events=%llu forced=%llu objects=%llu/%llu blocks=%llu/%llu mmap=%llu/%llu peak=%llu@%llu\n",
            U(t->events), U(t->forced), U(t->live_objects), U(t->live_object_bytes), U(t->live_blocks),
            U(t->live_bytes), U(t->mmap_blocks), U(t->mmap_bytes), U(t->peak_bytes), U(t->peak_us));
    fprintf(out, " allocs=%llu frees=%llu bytes=%llu unknown=%llu/%llu refs=%llu-%llu seen=%llu/%llu end=%llu cut=%d\n",
            U(t->allocs), U(t->frees), U(t->alloc_bytes), U(t->unknown_frees), U(t->unknown_objects), U(t->refs),
            U(t->unrefs), U(t->counts_wrong), U(t->counts_seen), U(t->end_us), t->cut);
    for (unsigned op = 0; op < TRK_OP_COUNT_; op++)
        if (t->by_op[op] != 0)
            fprintf(out, " op%u=%llu", op, U(t->by_op[op]));
    fputc('\n', out);
}

static void dump_obj(FILE *out, const struct prof_heap *heap, prof_obj_id id)
{
    const struct prof_obj *o = prof_heap_obj(heap, id);
    const struct prof_context *context = prof_heap_context(heap, o->context);
    fprintf(out,
            "obj %u %#llx last=%llu type=%u block=%u count=%d/%d refs=%u-%u opens=%u flags=%#x scope=%u state=%u\n", id,
            U(o->addr), U(o->last_us), o->type, o->block, o->count, o->observed, o->refs, o->unrefs, o->opens, o->flags,
            o->scope, o->state);
    fprintf(out, " serial=%u births=%u stack=%u tid=%u zero=%u@%llu why=%u context=%s:%llu at=%#llx+%llu born=%llu",
            o->serial, o->births, o->stack, o->tid, o->zero_stack, U(o->zero_us), o->why_text, context->key,
            U(context->id), U(o->start), U(o->size), U(o->born_us));
    fprintf(out, " next=%u\n", o->state != PROF_OBJ_DEAD ? o->next_in_block : 0);
    for (uint32_t i = o->first_open; i != 0;) {
        const struct prof_open *p = prof_heap_open(heap, i);
        struct prof_gone_holder gone = { 0 };
        bool known = prof_heap_gone_holder(heap, p, &gone);
        fprintf(out,
                " open %u %#llx@%llu stack=%u tid=%u moved=%u spoil=%u obj=%u kind=%u flags=%u gone=%d:%u#%u+%llu\n", i,
                U(p->slot), U(p->at_us), p->stack, p->tid, p->moved_stack, p->spoil_stack, p->obj, p->kind, p->flags,
                known, gone.type, gone.serial, U(gone.offset));
        i = p->next;
    }
    for (uint32_t i = o->first_site; i != 0;) {
        const struct prof_site_count *s = prof_heap_site_count(heap, i);
        fprintf(out, " site %u stack=%u %u-%u %u..%u %llu..%llu\n", i, s->stack, s->taken, s->given, s->first_event,
                s->last_event, U(s->first_us), U(s->last_us));
        i = s->next;
    }
}

static void dump_type(FILE *out, const struct prof_heap *heap, prof_type_id id)
{
    const struct prof_type *t = prof_heap_type(heap, id);
    fprintf(out, "type %u %s flags=%u size=%llu count=%d born=%llu-%llu live=%llu/%llu peak=%llu/%llu zero=%llu", id,
            t->name, t->flags, U(t->object_size), t->has_count, U(t->born), U(t->died), U(t->live), U(t->live_bytes),
            U(t->peak_live), U(t->peak_bytes), U(t->zero));
    fprintf(out, " parked=%llu refs=%llu,%llu,%llu unrefs=%llu,%llu,%llu owned=%llu seen=%llu/%llu skewed=%llu\n",
            U(t->parked), U(t->refs_slot), U(t->refs_holder), U(t->refs_anon), U(t->unrefs_slot), U(t->unrefs_holder),
            U(t->unrefs_anon), U(t->births_owned), U(t->counts_wrong), U(t->counts_seen), U(t->skewed));
}

static void dump_stack(void *ctx, uint32_t stack, const struct prof_stack_stat *s)
{
    fprintf(ctx, "stack %u %llu-%llu bytes=%llu live=%llu/%llu peak=%llu temporary=%llu births=%llu refs=%llu-%llu\n",
            stack, U(s->allocs), U(s->frees), U(s->bytes), U(s->live), U(s->live_bytes), U(s->peak_bytes),
            U(s->temporary), U(s->births), U(s->refs), U(s->unrefs));
}

static void dump_learned(FILE *out, const struct prof_heap *heap)
{
    const struct prof_type_site *sites;
    const struct prof_type_pair *pairs;
    size_t count = prof_heap_type_sites(heap, &sites);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "learned type=%u stack=%u %llu-%llu objects=%llu slots=%llu-%llu\n", sites[i].type, sites[i].stack,
                U(sites[i].taken), U(sites[i].given), U(sites[i].objects), U(sites[i].slot_taken),
                U(sites[i].slot_given));
    count = prof_heap_type_pairs(heap, &pairs);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "pair type=%u %u-%u %llu\n", pairs[i].type, pairs[i].taken, pairs[i].given, U(pairs[i].count));
}

static void dump_lives(FILE *out, const struct prof_heap *heap, prof_type_id type)
{
    uint64_t left_out, lives;
    struct prof_life_entry entries[PROF_LIFE_ENTRIES];
    size_t count = prof_heap_lives(heap, type, &left_out);
    for (size_t i = 0; i < count; i++) {
        size_t n = prof_heap_life(heap, type, i, entries, &lives);
        fprintf(out, "life type=%u x%llu", type, U(lives));
        for (size_t k = 0; k < n; k++)
            fprintf(out, " %u:%u-%u@%u-%u", entries[k].stack, entries[k].taken, entries[k].given, entries[k].first,
                    entries[k].last);
        fputc('\n', out);
    }
    if (left_out > 0)
        fprintf(out, "lives type=%u left out %llu\n", type, U(left_out));
}

static void dump_incidents(FILE *out, const struct prof_heap *heap)
{
    const struct prof_incident *list;
    size_t count = prof_heap_incidents(heap, &list);
    for (size_t i = 0; i < count; i++) {
        const struct prof_incident *n = &list[i];
        fprintf(out, "incident %u forced=%d reused=%d told=%d obj=%u %#llx slot=%#llx at=%llu/%llu count=%lld", n->kind,
                n->forced, n->reused, n->told, n->obj, U(n->addr), U(n->slot), U(n->at_us), U(n->other_us),
                (long long)n->count);
        fprintf(out, " stack=%u/%u tid=%u/%u text=%u repeats=%llu objects=%llu bytes=%llu\n", n->stack, n->other_stack,
                n->tid, n->other_tid, n->text, U(n->repeats), U(n->objects), U(n->bytes));
    }
}

static void dump_times(FILE *out, const struct prof_heap *heap)
{
    const struct prof_mark *marks;
    const struct prof_scope *scopes;
    const struct prof_moment *moments;
    const struct trk_mem *mem;
    const struct prof_mem_live *live;
    size_t count = prof_heap_marks(heap, &marks);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "mark %s %u@%llu kind=%u stack=%u tid=%u live=%llu,%llu,%llu events=%llu\n", marks[i].name,
                marks[i].text, U(marks[i].at_us), marks[i].kind, marks[i].stack, marks[i].tid, U(marks[i].live_objects),
                U(marks[i].live_blocks), U(marks[i].live_bytes), U(marks[i].events));
    count = prof_heap_scopes(heap, &scopes);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "scope %s %u %llu..%llu tid=%u left=%llu/%llu\n", scopes[i].name, scopes[i].text,
                U(scopes[i].begin_us), U(scopes[i].end_us), scopes[i].tid, U(scopes[i].left), U(scopes[i].left_bytes));
    count = prof_heap_moments(heap, &moments);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "moment %s@%llu\n", moments[i].name != NULL ? moments[i].name : "(sample)", U(moments[i].at_us));
    count = prof_heap_mem(heap, &mem);
    (void)prof_heap_mem_live(heap, &live);
    for (size_t i = 0; i < count; i++) {
        const uint64_t *words = (const uint64_t *)(const void *)&mem[i];
        fprintf(out, "mem");
        for (size_t k = 0; k < sizeof mem[i] / sizeof *words; k++)
            fprintf(out, " %llx", U(words[k]));
        fprintf(out, " live=%llu/%llu,%llu/%llu\n", U(live[i].live_blocks), U(live[i].live_bytes),
                U(live[i].mmap_blocks), U(live[i].mmap_bytes));
    }
}

static void dump_populations(FILE *out, struct prof_heap *heap)
{
    const struct prof_population *list;
    const struct prof_moment *moments;
    size_t count = 0, n = prof_heap_moments(heap, &moments);
    if (prof_heap_populations(heap, &list, &count) != NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "population %d type=%u stack=%u %llu/%llu objects=%llu then", list[i].blocks, list[i].type,
                list[i].stack, U(list[i].live), U(list[i].bytes), U(list[i].with_objects));
        for (size_t k = 0; k < n; k++)
            fprintf(out, " %llu/%llu", U(list[i].then[k].live), U(list[i].then[k].bytes));
        fputc('\n', out);
    }
}

static void dump_checkpoints(FILE *out, struct prof_heap *heap)
{
    const struct prof_checkpoint *list;
    size_t count = prof_heap_checkpoints(heap, &list);
    fprintf(out, "checkpoints %llu, freed since %s\n", U(prof_heap_totals(heap)->memories),
            prof_heap_freed_since_complete(heap) ? "complete" : "not complete");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "checkpoint %u '%s' rung=%d why=%d %d%d%d at=%llu round=%llu areas=%llu words=%llu counts=%llu\n",
                list[i].number, list[i].name, list[i].rung, list[i].why, list[i].cut, list[i].single, list[i].late,
                U(list[i].at_us), U(list[i].round), U(list[i].areas), U(list[i].words), U(list[i].counts));
    memory_dump(out, prof_heap_memory(heap));
    const struct prof_checkpoint *before = prof_heap_memory_before(heap);
    for (size_t i = 0; before != NULL && i < prof_heap_memory(heap)->word_count; i++)
        if (prof_heap_memory_again(heap, i))
            fprintf(out, "word %zu stood there at %u\n", i, before->number);
    for (uint64_t addr = 0x10000; addr < 0x14000; addr += 64)
        if (prof_heap_freed_since(heap, addr))
            fprintf(out, "freed since %#llx\n", U(addr));
}

void heap_dump(FILE *out, struct prof_heap *heap)
{
    dump_totals(out, heap);
    for (prof_block_id id = 1; id < prof_heap_block_max(heap); id++) {
        const struct prof_block *b = prof_heap_block(heap, id);
        if ((b->flags & PROF_BLOCK_ALIVE) != 0)
            fprintf(out, "block %u %#llx+%llu born=%llu stack=%u tid=%u kind=%u flags=%u scope=%u first=%u\n", id,
                    U(b->addr), U(b->size), U(b->born_us), b->stack, b->tid, b->kind, b->flags, b->scope, b->first_obj);
    }
    for (prof_obj_id id = 1; id < prof_heap_obj_max(heap); id++)
        if (prof_heap_obj(heap, id)->state != PROF_OBJ_NONE)
            dump_obj(out, heap, id);
    for (prof_type_id id = 0; id < prof_heap_type_max(heap); id++) {
        dump_type(out, heap, id);
        dump_lives(out, heap, id);
    }
    prof_heap_stack_each(heap, dump_stack, out);
    dump_learned(out, heap);
    dump_incidents(out, heap);
    dump_times(out, heap);
    dump_populations(out, heap);
    dump_checkpoints(out, heap);
    const struct prof_root_region *roots;
    size_t count = prof_heap_roots(heap, &roots);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "root %#llx+%llu %s %u\n", U(roots[i].start), U(roots[i].size), roots[i].name, roots[i].text);
}

/* ---- States ---- */

static struct prof_error *take_part(void *ctx, const void *bytes, size_t size)
{
    struct saved_state *s = ctx;
    s->bytes = realloc(s->bytes, s->count + sizeof size + size);
    if (s->bytes == NULL)
        abort();
    memcpy(s->bytes + s->count, &size, sizeof size);
    memcpy(s->bytes + s->count + sizeof size, bytes, size);
    s->count += sizeof size + size;
    s->parts++;
    return NULL;
}

struct saved_state state_save(const struct prof_heap *heap)
{
    struct saved_state state = { 0 };
    struct prof_error *error = prof_heap_save(heap, take_part, &state);
    if (error != NULL) {
        fprintf(stderr, "heapdump: %s\n", error->message);
        abort();
    }
    return state;
}

struct prof_error *state_restore(struct prof_heap *heap, const struct saved_state *state)
{
    struct prof_error *error = NULL;
    for (size_t at = 0, size; at < state->count && error == NULL; at += sizeof size + size) {
        memcpy(&size, state->bytes + at, sizeof size);
        error = prof_heap_restore(heap, NULL, state->bytes + at + sizeof size, size);
    }
    return error;
}

void state_free(struct saved_state *state)
{
    free(state->bytes);
    *state = (struct saved_state){ 0 };
}
