/* symbol/debug.h: where the debug information of a module is. Internal to layer symbol. */
#ifndef SYMBOL_DEBUG_H
#define SYMBOL_DEBUG_H

#include <elfutils/libdw.h>
#include <stdbool.h>

#include <symbol/image.h>

/* DWARF of a module: in its own file, or in a separate one, with the file it shares with others (dwz) if it names one.
 */
struct prof_debug {
    Dwarf *dwarf;
    Dwarf *alt;
    struct prof_image separate; /* zeroed: the module's own file has it */
    struct prof_image alt_image;
};
struct prof_debug_where {
    const char *path;  /* of the module, as opened */
    const char *symfs; /* prefix, NULL */
    bool debuginfod;   /* may ask debuginfod, if DEBUGINFOD_URLS is set */
};
/* Looks in this order: the module itself; SYMFS/usr/lib/debug/.build-id and /usr/lib/debug/.build-id; the name in
 * .gnu_debuglink beside the module, in .debug/ beside it, and below /usr/lib/debug; debuginfod. A separate file is
 * taken when it is a regular file with the module's build-id or, if the module has none, with the checksum of its
 * debuglink. false: none found. A separate file without DWARF still gives its symbols: *ret then has `separate` and no
 * dwarf. */
bool prof_debug_open(const struct prof_image *image, const struct prof_debug_where *where, struct prof_debug *ret);
void prof_debug_close(struct prof_debug *debug);
/* Size of the debug information of a module. */
uint64_t prof_debug_bytes(const struct prof_debug *debug, const struct prof_image *image);

#endif
