/* typed.c: types that the program told of plain blocks. Only once one was told they cost memory: two bytes per id of a
 * block. */
#include "state.h"

_Static_assert(TRK_TYPE_MAX <= 1 << 15, "a type and a bit");

bool typed_of(const struct prof_heap *h, prof_block_id id, prof_type_id *ret, bool *ret_array)
{
    unsigned word = id < h->block_types.count ? h->block_types.items[id] : 0;
    if (word == 0)
        return false;
    *ret = word >> 1;
    *ret_array = (word & 1) != 0;
    return true;
}

void typed_set(struct prof_heap *h, prof_block_id id, prof_type_id type, bool array)
{
    size_t before = h->block_types.count;
    if (id >= before) {
        size_t count = (size_t)id + 1;
        if (!prof_vec_reserve(&h->block_types, count - before)) {
            h->no_memory = true;
            return;
        }
        memset(h->block_types.items + before, 0, (count - before) * sizeof *h->block_types.items);
        h->block_types.count = count;
    }
    h->block_types.items[id] = (uint16_t)(type << 1 | array);
}

/* Of several threads' events in one moment the order is not known: this one may come when the block was freed and its
 * address is another's. That of the thread which allocated it cannot be wrong, nor one later than the block. */
void typed_event(struct prof_heap *h, const struct prof_event *e)
{
    prof_type_id type = type_cited(h, e->size);
    prof_block_id id = type != 0 ? space_block_at(h, e->addr) : 0;
    if (id == 0)
        return;
    const struct prof_block *b = block_of(h, id);
    if (b->addr == e->addr &&
        (b->tid == e->tid || (b->born_us < e->time_us && !prof_trace_same_time(h->trace, b->born_us, e->time_us))))
        typed_set(h, id, type, (e->aux & 1) != 0);
}

prof_type_id prof_heap_block_type(const struct prof_heap *h, prof_block_id id, bool *ret_array)
{
    prof_type_id type = 0;
    bool array = false;
    if (typed_of(h, id, &type, &array) && ret_array != NULL)
        *ret_array = array;
    return type;
}
