/* debug.c: finds separate debug files. libdwfl could, but it opens whatever a debuglink names, FIFOs included; here
 * every file goes through prof_image_open. libdwfl is used for debuginfod only. */
#include <symbol/debug.h>
#include <symbol/die.h>

#include <dwarf.h>
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char debug_root[] = "/usr/lib/debug";
enum { ID_MAX = 64 };

struct search {
    const struct prof_image *image;
    const struct prof_debug_where *where;
    struct prof_image_wish wish;
};

// printf and open; a name that does not fit is no file.
static __attribute__((format(printf, 3, 4))) bool try_file(const struct prof_image_wish *wish, struct prof_image *ret,
                                                           const char *format, ...)
{
    char path[PATH_MAX];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(path, sizeof path, format, args);
    va_end(args);
    return length > 0 && (size_t)length < sizeof path && prof_image_open(path, wish, ret) == PROF_IMAGE_GOOD;
}

static bool by_build_id(const char *symfs, const uint8_t *id, size_t length, struct prof_image *ret)
{
    if (length < 2 || length > ID_MAX)
        return false;
    char hex[2 * ID_MAX + 1];
    for (size_t i = 0; i < length; i++)
        snprintf(hex + 2 * i, 3, "%02x", id[i]);
    struct prof_image_wish wish = { .build_id = id, .build_id_len = length };
    return (symfs != NULL && try_file(&wish, ret, "%s%s/.build-id/%.2s/%s.debug", symfs, debug_root, hex, hex + 2)) ||
           try_file(&wish, ret, "%s/.build-id/%.2s/%s.debug", debug_root, hex, hex + 2);
}

static bool by_debuglink(const struct search *search, struct prof_image *ret)
{
    GElf_Word crc;
    const char *name = dwelf_elf_gnu_debuglink(search->image->elf, &crc);
    const char *slash = strrchr(search->where->path, '/');
    if (name == NULL || name[0] == '\0' || strchr(name, '/') != NULL || slash == NULL)
        return false;
    struct prof_image_wish wish = search->wish;
    wish.check_crc = true;
    wish.crc = crc;
    const char *path = search->where->path, *symfs = search->where->symfs;
    int dir = (int)(slash - path);
    if (dir > PATH_MAX)
        return false;
    // `path` begins with symfs when it was found there; below /usr/lib/debug the name in the target counts.
    size_t prefix = symfs != NULL && strncmp(path, symfs, strlen(symfs)) == 0 ? strlen(symfs) : 0;
    if ((int)prefix > dir)
        prefix = 0;
    return (strcmp(slash + 1, name) != 0 && try_file(&wish, ret, "%.*s/%s", dir, path, name)) ||
           try_file(&wish, ret, "%.*s/.debug/%s", dir, path, name) ||
           (symfs != NULL &&
            try_file(&wish, ret, "%s%s%.*s/%s", symfs, debug_root, dir - (int)prefix, path + prefix, name)) ||
           try_file(&wish, ret, "%s%.*s/%s", debug_root, dir - (int)prefix, path + prefix, name);
}

static bool by_debuginfod(const struct search *search, struct prof_image *ret)
{
    const char *urls = getenv("DEBUGINFOD_URLS");
    if (!search->where->debuginfod || urls == NULL || urls[0] == '\0' || search->image->build_id_len == 0)
        return false;
    // The search path names no folder: all that is left to libdwfl is to ask the servers.
    static char nowhere[] = "/proc/none", *search_path = nowhere; // ENOENT, whatever anybody creates
    static const Dwfl_Callbacks callbacks = {
        .find_elf = dwfl_build_id_find_elf,
        .find_debuginfo = dwfl_standard_find_debuginfo,
        .section_address = dwfl_offline_section_address,
        .debuginfo_path = &search_path,
    };
    Dwfl *dwfl = dwfl_begin(&callbacks);
    if (dwfl == NULL)
        return false;
    bool found = false;
    dwfl_report_begin(dwfl);
    Dwfl_Module *module = dwfl_report_module(dwfl, "module", 0x1000, 0x2000);
    if (module != NULL &&
        dwfl_module_report_build_id(module, search->image->build_id, search->image->build_id_len, 0) == 0) {
        char *name = NULL;
        int fd = dwfl_standard_find_debuginfo(module, NULL, "module", 0, NULL, NULL, 0, &name);
        if (fd >= 0) {
            found = try_file(&search->wish, ret, "/proc/self/fd/%d", fd);
            close(fd);
        }
        free(name);
    }
    dwfl_report_end(dwfl, NULL, NULL);
    dwfl_end(dwfl);
    return found;
}

static uint64_t dwarf_bytes(const struct prof_image *image)
{
    size_t size;
    return prof_image_section_data(image, ".debug_info", &size) != NULL ||
                   prof_image_section_data(image, ".zdebug_info", &size) != NULL
               ? size
               : 0;
}

uint64_t prof_debug_bytes(const struct prof_debug *debug, const struct prof_image *image)
{
    return dwarf_bytes(debug->separate.elf != NULL ? &debug->separate : image);
}

// Opens the shared file that this DWARF refers to. false: it refers to one that cannot be had; using the rest would
// make libdw look for it by itself, at whatever name is written there.
static bool open_alt(struct prof_debug *debug, const struct prof_image *image, const struct prof_debug_where *where)
{
    const char *name;
    const void *id;
    ssize_t length = dwelf_dwarf_gnu_debugaltlink(debug->dwarf, &name, &id);
    if (length == 0)
        return true;
    if (length < 0)
        return false;
    struct prof_image_wish wish = { .build_id = id, .build_id_len = (size_t)length };
    struct prof_image *ret = &debug->alt_image;
    const char *slash = strrchr(where->path, '/');
    bool found = by_build_id(where->symfs, id, (size_t)length, ret);
    if (!found && name[0] == '/')
        found = (where->symfs != NULL && try_file(&wish, ret, "%s%s", where->symfs, name)) ||
                try_file(&wish, ret, "%s", name);
    else if (!found && slash != NULL) // relative to the debug file: either beside the module or in .build-id/xx
        found = try_file(&wish, ret, "%.*s/%s", (int)(slash - where->path), where->path, name) ||
                (image->build_id_len != 0 &&
                 try_file(&wish, ret, "%s/.build-id/%02x/%s", debug_root, image->build_id[0], name));
    if (!found)
        return false;
    debug->alt = dwarf_begin_elf(debug->alt_image.elf, DWARF_C_READ, NULL);
    if (debug->alt == NULL)
        return false;
    dwarf_setalt(debug->dwarf, debug->alt);
    return true;
}

bool prof_debug_open(const struct prof_image *image, const struct prof_debug_where *where, struct prof_debug *ret)
{
    struct prof_debug debug = { 0 };
    struct search search = {
        .image = image,
        .where = where,
        .wish = { .build_id = image->build_id, .build_id_len = image->build_id_len },
    };
    const struct prof_image *home = image;
    if (dwarf_bytes(image) == 0) {
        if (!by_build_id(where->symfs, image->build_id, image->build_id_len, &debug.separate) &&
            !by_debuglink(&search, &debug.separate) && !by_debuginfod(&search, &debug.separate))
            return false;
        home = &debug.separate;
    }
    if (dwarf_bytes(home) != 0) {
        debug.dwarf = dwarf_begin_elf(home->elf, DWARF_C_READ, NULL);
        if (debug.dwarf != NULL && !open_alt(&debug, image, where)) {
            dwarf_end(debug.dwarf);
            debug.dwarf = NULL;
            prof_image_close(&debug.alt_image);
        }
    }
    if (debug.dwarf == NULL && debug.separate.elf == NULL)
        return false;
    *ret = debug;
    return true;
}

static const char *text_of(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attr;
    return dwarf_attr(die, name, &attr) != NULL ? dwarf_formstring(&attr) : NULL;
}

bool prof_die_split(Dwarf_Die *unit)
{
    Dwarf_Half version;
    uint8_t unit_type;
    if (dwarf_cu_info(unit->cu, &version, &unit_type, NULL, NULL, NULL, NULL, NULL) != 0 || unit_type != DW_UT_skeleton)
        return true;
    const char *name = text_of(unit, DW_AT_dwo_name), *dir = text_of(unit, DW_AT_comp_dir);
    if (name == NULL)
        name = text_of(unit, DW_AT_GNU_dwo_name);
    if (name == NULL || (name[0] != '/' && (dir == NULL || dir[0] != '/')))
        return false;
    // libdw would wait for a FIFO: look first.
    char path[PATH_MAX];
    int length =
        name[0] == '/' ? snprintf(path, sizeof path, "%s", name) : snprintf(path, sizeof path, "%s/%s", dir, name);
    enum prof_image_state state;
    uint64_t size, dev, ino, mtime_ns;
    int fd = length > 0 && (size_t)length < sizeof path
                 ? prof_image_descriptor(path, &state, &size, &dev, &ino, &mtime_ns)
                 : -1;
    if (fd < 0)
        return false;
    close(fd);
    Dwarf_Die split;
    if (dwarf_cu_info(unit->cu, &version, &unit_type, NULL, &split, NULL, NULL, NULL) != 0 || split.addr == NULL)
        return false;
    *unit = split;
    return true;
}

void prof_debug_close(struct prof_debug *debug)
{
    if (debug->dwarf != NULL)
        dwarf_end(debug->dwarf);
    if (debug->alt != NULL)
        dwarf_end(debug->alt);
    prof_image_close(&debug->separate);
    prof_image_close(&debug->alt_image);
    *debug = (struct prof_debug){ 0 };
}
