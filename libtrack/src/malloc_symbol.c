/* malloc_symbol.c: looks up symbols in the dynamic tables of loaded objects, as the dynamic linker does. */
#include "malloc_symbol.h"

#include <stdbool.h>
#include <stdint.h>

#include "malloc_text.h"

struct tables {
    const char *strings;
    const ElfW(Sym) * symbols;
    const ElfW(Half) * versions;          /* may be NULL */
    const uint32_t *gnu_hash, *sysv_hash; /* one of them may be NULL */
};

enum { VERSION_HIDDEN = 0x8000 };

static const void *place(const struct link_map *map, uintptr_t value)
{
    /* Some loaders relocate these, some do not. */
    return (const void *)(value < map->l_addr ? value + map->l_addr : value);
}

static bool tables_of(const struct link_map *map, struct tables *ret)
{
    struct tables t = { 0 };
    for (const ElfW(Dyn) *dyn = map->l_ld; dyn && dyn->d_tag != DT_NULL; dyn++) {
        switch (dyn->d_tag) {
        case DT_STRTAB:
            t.strings = place(map, dyn->d_un.d_ptr);
            break;
        case DT_SYMTAB:
            t.symbols = place(map, dyn->d_un.d_ptr);
            break;
        case DT_VERSYM:
            t.versions = place(map, dyn->d_un.d_ptr);
            break;
        case DT_GNU_HASH:
            t.gnu_hash = place(map, dyn->d_un.d_ptr);
            break;
        case DT_HASH:
            t.sysv_hash = place(map, dyn->d_un.d_ptr);
            break;
        default:
            break;
        }
    }
    *ret = t;
    return t.strings && t.symbols && (t.gnu_hash || t.sysv_hash);
}

static bool is_it(const struct tables *t, uint32_t index, const char *name)
{
    const ElfW(Sym) *symbol = &t->symbols[index];
    return symbol->st_shndx != SHN_UNDEF && symbol->st_value != 0 &&
           !(t->versions && (t->versions[index] & VERSION_HIDDEN)) && trk_text_same(t->strings + symbol->st_name, name);
}

/* Both return the index of the symbol, 0 when there is none. */
static uint32_t by_gnu_hash(const struct tables *t, const char *name)
{
    uint32_t buckets = t->gnu_hash[0], first = t->gnu_hash[1], filter_words = t->gnu_hash[2];
    const ElfW(Addr) *filter = (const ElfW(Addr) *)(const void *)(t->gnu_hash + 4);
    const uint32_t *bucket = (const uint32_t *)(const void *)(filter + filter_words);
    const uint32_t *chain = bucket + buckets;
    uint32_t hash = 5381;
    for (const unsigned char *c = (const unsigned char *)name; *c; c++)
        hash = hash * 33 + *c;
    uint32_t index = buckets ? bucket[hash % buckets] : 0;
    if (index < first)
        return 0;
    for (;; index++) {
        uint32_t here = chain[index - first];
        if ((here | 1) == (hash | 1) && is_it(t, index, name))
            return index;
        if (here & 1)
            return 0;
    }
}

static uint32_t by_sysv_hash(const struct tables *t, const char *name)
{
    uint32_t buckets = t->sysv_hash[0];
    const uint32_t *bucket = t->sysv_hash + 2, *chain = bucket + buckets;
    uint32_t hash = 0;
    for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
        hash = (hash << 4) + *c;
        hash = (hash ^ (hash >> 24 & 0xf0)) & 0x0fffffff;
    }
    for (uint32_t index = buckets ? bucket[hash % buckets] : 0; index; index = chain[index])
        if (is_it(t, index, name))
            return index;
    return 0;
}

void *trk_symbol_in(const struct link_map *map, const char *name)
{
    struct tables t;
    if (!tables_of(map, &t))
        return NULL;
    uint32_t index = t.gnu_hash ? by_gnu_hash(&t, name) : by_sysv_hash(&t, name);
    return index ? (void *)(map->l_addr + t.symbols[index].st_value) : NULL;
}

void *trk_symbol_other(const char *name, const void *ours, const struct link_map **ret_map)
{
    for (const struct link_map *map = _r_debug.r_map; map; map = map->l_next) {
        /* The kernel's page keeps its tables unrelocated, and is no part of the scope. */
        if (map != _r_debug.r_map && !trk_text_contains(map->l_name, "/"))
            continue;
        void *found = trk_symbol_in(map, name);
        if (found && found != ours) {
            if (ret_map)
                *ret_map = map;
            return found;
        }
    }
    return NULL;
}

void *trk_symbol_find(const char *name, const struct link_map **ret_map)
{
    return trk_symbol_other(name, NULL, ret_map);
}
