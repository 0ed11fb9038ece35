/* functions.c: which functions the symbol tables of a file name. */
#include <prof/symbol.h>

#include <stdlib.h>
#include <string.h>

#include <base/vec.h>
#include <symbol/elfsym.h>
#include <symbol/image.h>

static int by_name(const void *left, const void *right)
{
    const struct prof_elfsym *a = left, *b = right;
    int order = memcmp(a->name, b->name, a->name_len < b->name_len ? a->name_len : b->name_len);
    return order != 0 ? order : (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

struct prof_error *prof_file_functions(const char *path, bool (*each)(void *data, const char *name), void *data)
{
    struct prof_image image = { 0 };
    struct prof_elfsym_table table = { 0 };
    const struct prof_image_wish any = { 0 };
    enum prof_image_state state = prof_image_open(path, &any, &image);
    struct prof_error *error = NULL;
    if (state == PROF_IMAGE_MEMORY)
        return prof_error_memory();
    if (state != PROF_IMAGE_GOOD)
        return prof_error_at(PROF_ERROR_FORMAT, path, UINT64_MAX,
                             "'%s' cannot be read: %s; name a program or a shared "
                             "library",
                             path, prof_image_state_text(state));
    if (!prof_elfsym_add(&table, &image, PROF_ELFSYM_FUNCTIONS))
        error = prof_error_memory();
    if (table.count > 0)
        qsort(table.items, table.count, sizeof table.items[0], by_name);
    for (size_t i = 0; error == NULL && i < table.count; i++) {
        char name[512];
        const struct prof_elfsym *symbol = &table.items[i];
        if (!symbol->sized || symbol->name_len >= sizeof name || (i > 0 && by_name(symbol - 1, symbol) == 0))
            continue;
        memcpy(name, symbol->name, symbol->name_len);
        name[symbol->name_len] = '\0';
        if (!each(data, name))
            error = prof_error_memory();
    }
    prof_elfsym_deinit(&table);
    prof_image_close(&image);
    return error;
}
