/* type.c: one type in words: how many there are, where they were born, what is said of them. */
#include <base/table.h>
#include <prof/text.h>

#include <stdio.h>
#include <stdlib.h>

enum { SITES = 6, FINDINGS = 6, EXAMPLES = 4 };

/* Objects that live, by the stack of their birth. */
struct birth {
    uint32_t stack;
    uint64_t live;
    UT_hash_handle hh;
};

static bool is_there(const struct prof_heap *heap, prof_obj_id id, prof_type_id type)
{
    const struct prof_obj *obj = prof_heap_obj(heap, id);
    return obj->type == type && obj->state != PROF_OBJ_NONE && obj->state != PROF_OBJ_DEAD;
}

static int by_number(const struct birth *a, const struct birth *b)
{
    return a->live != b->live ? (a->live > b->live ? -1 : 1) : a->stack < b->stack ? -1 : 1;
}

static void count_birth(struct birth **table, uint32_t stack)
{
    struct birth *found;
    HASH_FIND(hh, *table, &stack, sizeof stack, found);
    if (found == NULL) {
        found = calloc(1, sizeof *found);
        if (found == NULL)
            return;
        found->stack = stack;
        HASH_ADD(hh, *table, stack, sizeof found->stack, found);
        if (found->hh.tbl == NULL) {
            free(found);
            return;
        }
    }
    found->live++;
}

static void births(const struct prof_text *t, prof_type_id type)
{
    struct birth *table = NULL, *birth, *next;
    size_t n = 0, all = 0;
    char count[32];
    for (prof_obj_id id = 1; id < prof_heap_obj_max(t->heap); id++)
        if (is_there(t->heap, id, type))
            count_birth(&table, prof_heap_obj(t->heap, id)->stack);
    HASH_SORT(table, by_number);
    all = HASH_COUNT(table);
    if (all > 0)
        prof_text_printf(t, PROF_TEXT_HEAD, "\nBorn at, of those alive\n");
    HASH_ITER (hh, table, birth, next) {
        if (n++ < SITES) {
            prof_text_printf(t, PROF_TEXT_PLAIN, "%10s  ", prof_fmt_count(count, sizeof count, birth->live));
            prof_text_place(t, birth->stack);
            prof_text_add(t, "\n");
        }
        HASH_DEL(table, birth);
        free(birth);
    }
    if (all > SITES)
        prof_text_printf(t, PROF_TEXT_FAINT, "            and %zu more stacks\n", all - SITES);
}

static void findings(const struct prof_text *t, const char *type)
{
    const struct prof_finding *list;
    size_t count = prof_findings_list(t->findings, &list), shown = 0;
    char name[32];
    for (size_t i = 0; i < count && shown < FINDINGS; i++) {
        if (strcmp(list[i].type, type) != 0 || !prof_finding_is_listed(&list[i]) || list[i].id == 0)
            continue;
        if (shown++ == 0)
            prof_text_printf(t, PROF_TEXT_HEAD, "\nWhat needs a look\n");
        snprintf(name, sizeof name, "@leak:%u", list[i].id);
        prof_text_about(t, name);
        prof_text_finding_line(t, &list[i]);
    }
}

static void newest(const struct prof_text *t, prof_type_id type)
{
    char name[512], age[32];
    uint64_t end = prof_heap_totals(t->heap)->end_us;
    size_t shown = 0;
    for (prof_obj_id id = prof_heap_obj_max(t->heap); id-- > 1 && shown < EXAMPLES;) {
        const struct prof_obj *obj = prof_heap_obj(t->heap, id);
        if (!is_there(t->heap, id, type))
            continue;
        if (shown++ == 0)
            prof_text_printf(t, PROF_TEXT_HEAD, "\nThe newest\n");
        prof_text_add(t, "  ");
        prof_text_object(t, prof_fmt_obj(name, sizeof name, t->heap, id));
        prof_text_printf(t, PROF_TEXT_PLAIN, "  count %lld, %s old\n", (long long)obj->count,
                         prof_fmt_age(age, sizeof age, end > obj->born_us ? end - obj->born_us : 0));
    }
}

void prof_text_type(const struct prof_text *t, prof_type_id id)
{
    const struct prof_type *type = prof_heap_type(t->heap, id);
    char a[32], b[32], c[32], d[32];
    uint64_t owned = type->refs_slot + type->refs_holder, refs = owned + type->refs_anon;
    prof_text_put(t, PROF_TEXT_TYPE, type->name);
    if (type->object_size != 0)
        prof_text_printf(t, PROF_TEXT_PLAIN, "  %s each", prof_fmt_bytes(a, sizeof a, type->object_size, t->units));
    prof_text_add(t, "\n");
    prof_text_fact(t, "alive");
    prof_text_printf(t, PROF_TEXT_PLAIN, "%s, %s; at most %s, %s\n", prof_fmt_count(a, sizeof a, type->live),
                     prof_fmt_bytes(b, sizeof b, type->live_bytes, t->units),
                     prof_fmt_count(c, sizeof c, type->peak_live),
                     prof_fmt_bytes(d, sizeof d, type->peak_bytes, t->units));
    prof_text_fact(t, "born");
    prof_text_printf(t, PROF_TEXT_PLAIN, "%s, of which %s died\n", prof_fmt_count(a, sizeof a, type->born),
                     prof_fmt_count(b, sizeof b, type->died));
    prof_text_fact(t, "refs");
    prof_text_printf(t, PROF_TEXT_PLAIN, "%s taken, births included", prof_fmt_count(a, sizeof a, refs));
    if (refs > 0)
        prof_text_printf(t, PROF_TEXT_PLAIN, "; %s told their owner",
                         prof_fmt_ratio(b, sizeof b, (double)owned / (double)refs));
    prof_text_add(t, "\n");
    findings(t, type->name);
    births(t, id);
    newest(t, id);
}
