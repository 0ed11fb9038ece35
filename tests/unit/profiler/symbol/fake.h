/* fake.h: hand-made module maps and stacks, so that layer symbol can be tested without a trace. */
#ifndef TEST_SYMBOL_FAKE_H
#define TEST_SYMBOL_FAKE_H

#include <prof/symbol.h>
#include <symbol/source.h>

enum { FAKE_MAPS = 8, FAKE_MODULES = 256, FAKE_STACKS = 64, FAKE_FRAMES = 32 };

struct fake {
    struct prof_module_map maps[FAKE_MAPS];
    struct prof_module modules[FAKE_MAPS][FAKE_MODULES];
    size_t map_count;
    struct prof_stack stacks[FAKE_STACKS]; /* id: index + 1 */
    uint64_t pcs[FAKE_STACKS][FAKE_FRAMES];
    size_t stack_count;
    struct prof_symbols_source source;
};

/* Starts a new, empty map; the first call also clears the rest when the struct is zeroed. */
void fake_map(struct fake *fake, uint32_t generation, uint64_t at_us);
/* Adds one mapping to the newest map. */
struct prof_module *fake_module(struct fake *fake, const char *path, uint64_t start, uint64_t end, uint32_t prot);
/* Maps an ELF file as the loader would, at `base`, with its build-id (without: device and inode only). The path must
 * live as long as the fake. Returns false when the file cannot be read. */
bool fake_elf(struct fake *fake, const char *path, uint64_t base, bool with_build_id);
/* Adds a stack; returns its id. */
uint32_t fake_stack(struct fake *fake, uint16_t generation, size_t count, const uint64_t *pcs);
/* Symbols over it; options NULL: none. */
struct prof_symbols *fake_open(struct fake *fake, const struct prof_symbols_options *options);

/* Value and size of a symbol of .symtab or .dynsym; 0 when there is none. */
uint64_t fake_symbol(const char *path, const char *name, uint64_t *size);
/* Path of a file that fixture/make.sh built ($SYMBOL_FIXTURES/name), kept in static memory (a few at a time). */
const char *fixture(const char *name);

#endif
