/* order_words.c: the texts of objects where very many are compared: as numbers. See order_words.h. */
#include "order_words.h"

#include <stdio.h>
#include <string.h>

/* Which column has texts that objects share. */
static bool shared(size_t column)
{
    return object_columns[column].kind == PROF_CELL_TEXT && column != OBJECT_NAME;
}

/* Makes room for index `value`, zeroed. */
#define make_room(vec, value)                                                                                          \
    ((value) < (vec)->count ||                                                                                         \
     (prof_vec_reserve(vec, (size_t)(value) + 1 - (vec)->count) &&                                                     \
      (memset((vec)->items + (vec)->count, 0, ((vec)->room - (vec)->count) * sizeof *(vec)->items),                    \
       (vec)->count = (vec)->room, true)))

/* ---- Dictionaries ---- */

struct named {
    const char *text;
    uint32_t value;
};

static int by_text(const void *left, const void *right)
{
    return strcmp(((const struct named *)left)->text, ((const struct named *)right)->text);
}

/* Names as they stand in front of '#': so they compare as the texts do. */
static bool rank_types(struct order_words *words)
{
    const struct prof_heap *heap = words->view->heap;
    uint32_t max = prof_heap_type_max(heap), rank = 0;
    struct named *names = calloc((size_t)max + 1, sizeof *names);
    bool good = names != NULL;
    words->type_rank = calloc((size_t)max + 1, sizeof *words->type_rank);
    for (prof_type_id id = 0; good && id < max; id++) {
        char text[600];
        snprintf(text, sizeof text, "%s#", prof_heap_type(heap, id)->name);
        names[id] = (struct named){ view_text(words->view, text), id };
        good = names[id].text != NULL;
    }
    good = good && words->type_rank != NULL;
    if (good)
        qsort(names, max, sizeof *names, by_text);
    for (uint32_t i = 0; good && i < max; i++) {
        rank += i > 0 && names[i].text != names[i - 1].text; /* interned */
        words->type_rank[names[i].value] = rank;
    }
    free(names);
    return good;
}

bool order_words_init(struct order_words *words, struct prof_view *view, uint32_t columns)
{
    *words = (struct order_words){ .view = view };
    for (size_t i = 0; i < OBJECT_COLUMNS; i++)
        if ((columns >> i & 1) != 0 && shared(i))
            words->columns |= 1u << i;
    return (columns >> OBJECT_NAME & 1) == 0 || rank_types(words);
}

void order_words_deinit(struct order_words *words)
{
    for (size_t i = 0; i < OBJECT_COLUMNS; i++) {
        prof_vec_deinit(&words->of[i].rank);
        prof_vec_deinit(&words->of[i].text);
    }
    free(words->type_rank);
}

bool order_words_wanted(const struct order_words *words)
{
    return words->columns != 0;
}

struct prof_error *order_words_gather(struct order_words *words, prof_obj_id begin, prof_obj_id end)
{
    for (prof_obj_id id = begin; id < end; id++)
        for (size_t i = 0; words->columns >> i != 0; i++) {
            struct order_dictionary *dictionary = &words->of[i];
            if ((words->columns >> i & 1) == 0)
                continue;
            uint32_t value = object_value(words->view, id, (enum object_column)i);
            if (!make_room(&dictionary->rank, value))
                return prof_error_memory();
            dictionary->rank.items[value] = 1;
        }
    return NULL;
}

static bool end_column(struct order_words *words, enum object_column column)
{
    struct order_dictionary *dictionary = &words->of[column];
    PROF_VEC(struct named) names = { 0 };
    bool good = true;
    for (uint32_t value = 0; good && value < dictionary->rank.count; value++) {
        struct object_texts texts;
        if (dictionary->rank.items[value] == 0)
            continue;
        const char *text = object_value_text(words->view, column, value, &texts);
        text = text != NULL ? view_text(words->view, text) : NULL;
        good = text != NULL && prof_vec_push(&names, (struct named){ text, value });
    }
    if (good && names.count > 0)
        qsort(names.items, names.count, sizeof *names.items, by_text);
    for (size_t i = 0; good && i < names.count; i++) {
        if (i == 0 || names.items[i].text != names.items[i - 1].text)
            good = prof_vec_push(&dictionary->text, names.items[i].text);
        dictionary->rank.items[names.items[i].value] = (uint32_t)dictionary->text.count - 1;
    }
    prof_vec_deinit(&names);
    return good;
}

struct prof_error *order_words_end(struct order_words *words)
{
    for (size_t i = 0; words->columns >> i != 0; i++)
        if ((words->columns >> i & 1) != 0 && !end_column(words, (enum object_column)i))
            return prof_error_memory();
    return NULL;
}

/* ---- Cells and keys ---- */

static bool has_dictionary(const struct order_words *words, enum object_column column)
{
    return (words->columns >> column & 1) != 0;
}

static uint32_t rank_of(const struct order_words *words, prof_obj_id id, enum object_column column)
{
    return words->of[column].rank.items[object_value(words->view, id, column)];
}

struct prof_cell order_words_cell(const struct order_words *words, prof_obj_id id, enum object_column column,
                                  struct object_texts *texts)
{
    if (has_dictionary(words, column))
        return cell_text(words->of[column].text.items[rank_of(words, id, column)]);
    return object_cell(words->view, id, column, texts);
}

/* Serials as their digits compare: "12" stands before "2". */
static uint64_t digits_key(uint32_t serial)
{
    uint64_t key = serial;
    unsigned digits = 1;
    for (uint32_t rest = serial; rest >= 10; rest /= 10)
        digits++;
    for (unsigned i = digits; i < 10; i++)
        key *= 10;
    return key << 4 | digits;
}

uint64_t order_words_key(const struct order_words *words, prof_obj_id id, enum object_column column, bool *ret_known)
{
    struct object_texts texts;
    const struct prof_obj *obj = prof_heap_obj(words->view->heap, id);
    if (has_dictionary(words, column))
        return rank_of(words, id, column);
    if (column == OBJECT_NAME)
        return (uint64_t)words->type_rank[obj->type] << 38 | digits_key(obj->serial);
    struct prof_cell cell = object_cell(words->view, id, column, &texts);
    *ret_known = !cell.none;
    return object_columns[column].kind == PROF_CELL_COUNT ? cell.number ^ (uint64_t)1 << 63 : cell.number;
}

/* ---- Searching ---- */

enum { NO = 1, YES };

bool order_memo_for(struct order_memo *memo, const char *text)
{
    if (memo->text != NULL && strcmp(memo->text, text) == 0)
        return true;
    order_memo_deinit(memo);
    memo->text = strdup(text);
    return memo->text != NULL;
}

void order_memo_deinit(struct order_memo *memo)
{
    for (size_t i = 0; i < OBJECT_COLUMNS; i++)
        prof_vec_deinit(&memo->has[i]);
    free(memo->text);
    memo->text = NULL;
}

/* Is it in "Type#"? Else it can only be in the whole name when it ends with a digit. */
static const char *name_begin(const struct prof_view *view, prof_type_id type, struct object_texts *texts)
{
    snprintf(texts->name, sizeof texts->name, "%s#", prof_heap_type(view->heap, type)->name);
    return texts->name;
}

static uint8_t look(const struct order_memo *memo, const char *text)
{
    return text != NULL && strcasestr(text, memo->text) != NULL ? YES : NO;
}

bool order_memo_has(struct order_memo *memo, struct prof_view *view, prof_obj_id id, struct prof_error **ret_error)
{
    struct object_texts texts;
    size_t length = strlen(memo->text);
    char last = length > 0 ? memo->text[length - 1] : '\0';
    for (size_t i = 0; i < OBJECT_COLUMNS; i++) {
        enum object_column column = (enum object_column)i;
        if (object_columns[i].kind != PROF_CELL_TEXT)
            continue;
        uint32_t value = column == OBJECT_NAME ? prof_heap_obj(view->heap, id)->type : object_value(view, id, column);
        if (!make_room(&memo->has[i], value)) {
            *ret_error = prof_error_memory();
            return false;
        }
        uint8_t *has = &memo->has[i].items[value];
        if (*has == 0)
            *has = look(memo, column == OBJECT_NAME ? name_begin(view, value, &texts)
                                                    : object_value_text(view, column, value, &texts));
        if (*has == YES || (column == OBJECT_NAME && last >= '0' && last <= '9' &&
                            look(memo, prof_fmt_obj(texts.name, sizeof texts.name, view->heap, id)) == YES))
            return true;
    }
    return false;
}
