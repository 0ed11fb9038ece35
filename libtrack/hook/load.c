/* load.c: finds the functions that the recorder's rules name, in what is loaded at the start and by dlopen, and hooks
 * them. See watch.h and hook.h.
 *
 * The loader calls an empty function for debuggers whenever its list of objects changed (_r_debug.r_brk). At the start
 * it is hooked itself; on each call the list is compared with what was there before. It is called with the loader's
 * lock held, after new objects were mapped and before anything in them is bound or run. */
#include <sys/mman.h>

#include "../src/cfi.h"
#include "../src/engine.h"
#include "../src/own.h"

#include "stub.h"
#include "tail.h"
#include "watch.h"

enum {
    MODULES = 1024,
    PATH_BYTES = 512,
    BATCH = TRK_HOOK_MAX,
    STACK_BYTES = 512,
    NAMESPACES = 64,
    FUNCTION_NAME = 256
};

struct rules {
    uint32_t count, text_bytes;
    struct trk_hook_rule rule[TRK_HOOK_RULES];
    char text[TRK_HOOK_TEXT];
};

/* What is loaded, as it was when looked at last. */
struct module {
    const struct link_map *map; /* NULL: free */
    uintptr_t base;
    const void *dynamic;
    bool seen;
};

/* Everything here belongs to the thread that starts the process, then to who holds the loader's lock. */
static struct {
    struct rules *rules;
    struct trk_watch *watch; /* TRK_HOOK_MAX, by index in `found` */
    struct module *module;   /* MODULES */
    struct trk_hook loader;  /* _dl_debug_state */
    uint32_t watches;        /* those above have never been used */
} hooks;

/* What a walk over the functions of one module needs. */
struct search {
    const struct link_map *map;
    const struct trk_elf *elf;
    struct trk_batch *batch;
    uint32_t module_text;
    bool start;                    /* of the process: everything is bound */
    bool tells_itself;             /* it calls libtrack */
    uint32_t rules;                /* that may name functions of this module */
    uint16_t rule[TRK_HOOK_RULES]; /* which */
    uintptr_t wanted;              /* for has_start */
    const char *wanted_name;       /* for has_name */
    size_t size;
};

static const char *text_of(uint32_t place)
{
    return place < hooks.rules->text_bytes ? hooks.rules->text + place : "";
}

/* ---- Names ------------------------------------------------------------------------------------------------------ */

/* '*' is any characters. */
static bool matches(const char *pattern, const char *name)
{
    const char *star = NULL, *resume = NULL;
    while (*name) {
        if (*pattern == '*') {
            star = ++pattern;
            resume = name;
        } else if (*pattern == *name) {
            pattern++;
            name++;
        } else if (star != NULL) {
            pattern = star;
            name = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == 0;
}

/* A copy of a part of a function, as gcc names it; NULL: the name is no such. What stays behind the dot. */
static const char *clone_of(const char *function, const char *name)
{
    while (*function && *function == *name) {
        function++;
        name++;
    }
    return *function == 0 && *name == '.' ? name + 1 : NULL;
}

static bool begins(const char *s, const char *with)
{
    while (*with && *s == *with) {
        s++;
        with++;
    }
    return *with == 0;
}

static const char *file_name(const char *path)
{
    const char *file = path;
    for (; *path; path++)
        if (*path == '/')
            file = path + 1;
    return file;
}

/* "libfoo.so" also means libfoo.so.1.2. */
static bool library_is(const char *wanted, const char *file)
{
    return matches(wanted, file) || clone_of(wanted, file) != NULL;
}

/* Names with '|' between them. */
static bool library_among(const char *list, const char *file, bool program)
{
    char name[PATH_BYTES];
    if (*list == 0)
        return true;
    for (;;) {
        size_t n = 0;
        while (list[n] != 0 && list[n] != '|' && n < sizeof name - 1)
            n++;
        trk_copy(name, list, n);
        name[n] = 0;
        if (library_is(name, file) || (program && trk_same("program", name, n)))
            return true;
        if (list[n] != '|')
            return false;
        list += n + 1;
    }
}

/* ---- What was found ------------------------------------------------------------------------------------------------
 */

/* The element for a function: the one that it had when its module was loaded before, or a new one. -1: none left. */
static int64_t place_for(const struct trk_arena *a, uint32_t rule, uint32_t function, uint32_t module)
{
    struct trk_shm_hooks *h = a->hooks;
    for (uint32_t i = 0; i < hooks.watches; i++) {
        const struct trk_shm_hook *f = &h->found[i];
        if (f->rule == rule && f->function == function && f->module == module && function != 0 &&
            f->proc == a->proc_index && !hooks.watch[i].loaded)
            return i;
    }
    uint32_t i = __atomic_load_n(&h->used, __ATOMIC_RELAXED);
    do {
        if (i >= TRK_HOOK_MAX) {
            __atomic_fetch_add(&h->lost, 1, __ATOMIC_RELAXED);
            return -1;
        }
    } while (!__atomic_compare_exchange_n(&h->used, &i, i + 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    hooks.watches = i + 1 > hooks.watches ? i + 1 : hooks.watches;
    return i;
}

static void publish(const struct trk_arena *a, uint32_t i, enum trk_hook_state state)
{
    __atomic_store_n(&a->hooks->found[i].state, (uint32_t)state, __ATOMIC_RELEASE); /* partner: the recorder's load */
}

static bool is_ours(const struct link_map *map)
{
    extern const char __ehdr_start[] __attribute__((visibility("hidden")));
    return map->l_addr == (uintptr_t)__ehdr_start;
}

static bool has_name(const struct trk_function *f, void *data)
{
    struct search *s = data;
    if (!f->indirect && trk_same(f->name, s->wanted_name, trk_strlen(s->wanted_name, FUNCTION_NAME)))
        s->wanted = f->start;
    return s->wanted == 0;
}

/* The function that a rule asks for the names of types: of the module itself, or of the first that has one; 0: none. */
static uintptr_t name_call(struct search *s, const struct trk_hook_rule *r)
{
    struct trk_elf elf;
    s->wanted = 0;
    s->wanted_name = text_of(r->name_function);
    if (r->role != TRK_HOOK_NEW || r->name_kind != TRK_HOOK_NAME_CALL || s->wanted_name[0] == 0)
        return 0;
    trk_elf_functions(s->elf, has_name, s);
    for (const struct link_map *map = _r_debug.r_map; s->wanted == 0 && map != NULL; map = map->l_next)
        if (map != s->map && !is_ours(map) &&
            trk_elf_open(map, map == _r_debug.r_map ? "/proc/self/exe" : NULL, &elf)) {
            trk_elf_functions(&elf, has_name, s);
            trk_elf_close(&elf);
        }
    return s->wanted;
}

/* Fills element and watch for a function that a rule names, behind the others of `first` (NULL: it begins a list).
 * NULL: no place left. */
static struct trk_watch *found(struct search *s, uint32_t rule, const struct trk_function *f, struct trk_watch *first)
{
    const struct trk_arena *a = trk_arena();
    const struct trk_hook_rule *r = &hooks.rules->rule[rule];
    uint32_t function = trk_text_string(f->name);
    int64_t i = place_for(a, rule, function, s->module_text);
    if (i < 0)
        return NULL;
    struct trk_watch *w = &hooks.watch[i], **end = &first;
    *w = (struct trk_watch){ .hook.code = w->hook.code,
                             .rule = r,
                             .name_call = name_call(s, r),
                             .index = (uint32_t)i,
                             .loaded = true,
                             .dynamic = s->map->l_ld,
                             .start = f->start,
                             .first = first != NULL ? first : w };
    while (*end != NULL)
        end = &(*end)->next;
    *end = w;
    struct trk_shm_hook *element = &a->hooks->found[i];
    element->rule = rule;
    element->function = function;
    element->module = s->module_text;
    element->proc = a->proc_index;
    element->calls = w->first->index;
    if (r->role == TRK_HOOK_NEW)
        w->type = trk_name_type(r, text_of(r->type)[0] ? text_of(r->type) : f->name);
    uint32_t bytes = r->stack_bytes ? r->stack_bytes : STACK_BYTES;
    if (bytes > w->first->hook.stack_bytes)
        w->first->hook.stack_bytes = bytes;
    return w;
}

/* ---- Functions of a module ------------------------------------------------------------------------------------------
 */

static bool has_start(const struct trk_function *f, void *data)
{
    struct search *s = data;
    s->size = f->start == s->wanted && !f->indirect ? f->size : s->size;
    return s->size == 0;
}

/* An IFUNC's function. Who chooses it is called, as the loader did to bind it. */
static enum trk_hook_state choose(struct search *s, const struct trk_function *f, struct trk_function *ret)
{
    if (!s->start)
        return TRK_HOOK_CHOSEN_LATE;
    uintptr_t (*chooser)(void) = (uintptr_t(*)(void))f->start;
    s->wanted = chooser();
    s->size = 0;
    trk_elf_functions(s->elf, has_start, s);
    *ret = (struct trk_function){ .name = f->name, .start = s->wanted, .size = s->size };
    return TRK_HOOK_ON;
}

/* Functions that a frame cannot lie below: they return twice, or never were called. */
static bool returns_oddly(const char *name)
{
    static const char *const names[] = { "setjmp",        "_setjmp",      "__sigsetjmp", "sigsetjmp",    "vfork",
                                         "__vfork",       "__libc_vfork", "getcontext",  "__getcontext", "swapcontext",
                                         "__swapcontext", "_start",       "clone",       "__clone",      "__clone3" };
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (trk_same(name, names[i], trk_strlen(names[i], FUNCTION_NAME)))
            return true;
    return false;
}

static void hook_one(struct search *s, struct trk_watch *first, const struct trk_function *f)
{
    struct trk_function chosen = *f;
    enum trk_hook_state state = f->start == 0 ? TRK_HOOK_NO_TAIL : f->indirect ? choose(s, f, &chosen) : TRK_HOOK_ON;
    trk_watch_init(first);
    if (first->hook.leave != NULL && returns_oddly(f->name))
        state = TRK_HOOK_ODD_RETURN;
    if (state != TRK_HOOK_ON)
        first->hook.state = (uint8_t)state;
    else
        trk_batch_add(s->batch, chosen.start, chosen.size, &first->hook);
}

/* Whether an element of this module has the function already: a symbol of both tables is met twice. */
static bool known(const struct search *s, uint32_t rule, const struct trk_function *f)
{
    const struct trk_arena *a = trk_arena();
    uint32_t function = trk_text_string(f->name);
    for (uint32_t i = 0; i < hooks.watches; i++)
        if (hooks.watch[i].dynamic == s->map->l_ld && hooks.watch[i].loaded && hooks.watch[i].start == f->start &&
            function != 0 && a->hooks->found[i].rule == rule && a->hooks->found[i].function == function)
            return true;
    return false;
}

/* Not hooked, and told so. */
static void pass_over(struct search *s, uint32_t rule, const struct trk_function *f, enum trk_hook_state state)
{
    struct trk_watch *w = known(s, rule, f) ? NULL : found(s, rule, f, NULL);
    if (w != NULL)
        w->hook.state = (uint8_t)state;
}

/* What a rule wants to have called. A library that comes later is not bound yet when it is looked at. */
static void call_once(const struct search *s, const struct trk_hook_rule *r, const struct trk_function *f)
{
    if (s->start && !f->indirect && matches(text_of(r->function), f->name))
        ((void (*)(uint64_t, uint64_t))f->start)(r->test[0].value, r->test[1].value);
}

/* The name with the mark behind it is a function's: that which it jumps to. */
static bool is_tail_of(const char *name, const char *pattern)
{
    while (*name && *name == *pattern) {
        name++;
        pattern++;
    }
    return *name == 0 && pattern[0] == TRK_TAIL_MARK && pattern[1] == 0;
}

/* Hooks it where rules name it; whether one names what it jumps to. */
static bool look_for(struct search *s, const struct trk_function *f)
{
    struct trk_watch *first = NULL;
    bool tail = false;
    for (uint32_t i = 0; i < s->rules; i++) {
        const struct trk_hook_rule *r = &hooks.rules->rule[s->rule[i]];
        const char *pattern = text_of(r->function);
        if (pattern[0] == 0 || (pattern[0] != f->name[0] && pattern[0] != '*'))
            continue;
        const char *clone = clone_of(pattern, f->name);
        tail = tail || is_tail_of(f->name, pattern);
        if (r->role == TRK_HOOK_CALL) {
            call_once(s, r, f);
        } else if (clone != NULL && (begins(clone, "part") || begins(clone, "isra") || begins(clone, "constprop"))) {
            pass_over(s, s->rule[i], f, TRK_HOOK_CLONE);
        } else if (matches(pattern, f->name)) {
            if (s->tells_itself && (r->flags & TRK_HOOK_AUTOMATIC) != 0) {
                pass_over(s, s->rule[i], f, TRK_HOOK_TELLS_ITSELF);
            } else if (first != NULL || !known(s, s->rule[i], f)) {
                struct trk_watch *w = found(s, s->rule[i], f, first);
                first = first != NULL ? first : w;
            }
        }
    }
    if (first != NULL)
        hook_one(s, first, f);
    return tail;
}

static bool look_at(const struct trk_function *f, void *data)
{
    struct search *s = data;
    char name[FUNCTION_NAME];
    size_t length = trk_strlen(f->name, sizeof name);
    if (!look_for(s, f) || f->indirect || length + 2 > sizeof name)
        return true;
    struct trk_function tail = { .name = name };
    trk_copy(name, f->name, length);
    name[length] = TRK_TAIL_MARK;
    name[length + 1] = 0;
    trk_tail_find(s->elf, f, &tail);
    look_for(s, &tail);
    return true;
}

/* "0x1250": a function by its address in the file, where it has no name. */
static bool address_of(const char *text, uint64_t *ret)
{
    uint64_t value = 0;
    if (text[0] != '0' || text[1] != 'x' || text[2] == 0)
        return false;
    for (text += 2; *text != 0; text++) {
        unsigned digit = (unsigned)(*text >= 'a' ? *text - 'a' + 10 : *text - '0');
        if (digit > 15 || value >> 60 != 0)
            return false;
        value = value << 4 | digit;
    }
    *ret = value;
    return true;
}

/* Those that rules name by address. Where they end, their unwind tables say. */
static void look_at_addresses(struct search *s)
{
    for (uint32_t i = 0; i < s->rules; i++) {
        struct trk_function f = { .name = text_of(hooks.rules->rule[s->rule[i]].function) };
        struct trk_cfi_row row;
        uint64_t address;
        if (!address_of(f.name, &address))
            continue;
        f.start = s->elf->base + address;
        if (trk_cfi_find(f.start, &row) == TRK_CFI_OK && row.begin == f.start) {
            f.size = row.end - row.begin;
            look_at(&f, s);
        } else {
            pass_over(s, s->rule[i], &f, TRK_HOOK_NO_FUNCTION);
        }
    }
}

/* The path of an object; of the program itself where its file is found. */
static const char *path_of(const struct link_map *map, char *buffer)
{
    if (map != _r_debug.r_map)
        return map->l_name;
    long n = trk_sys4(SYS_readlinkat, -100 /* AT_FDCWD */, "/proc/self/exe", buffer, PATH_BYTES - 1);
    buffer[n > 0 ? n : 0] = 0;
    return buffer;
}

/* One that says what references come and go. */
static bool is_verb(const char *symbol)
{
    static const char *const verbs[] = { "trk_new", "trk_ref", "trk_unref", "trk_own" };
    for (unsigned i = 0; i < sizeof verbs / sizeof verbs[0] && begins(symbol, "trk_"); i++)
        if (begins(symbol, verbs[i]))
            return true;
    return false;
}

static void hook_module(const struct link_map *map, bool start)
{
    char buffer[PATH_BYTES] = "";
    struct trk_arena *a = trk_arena();
    const char *path = path_of(map, buffer);
    struct search s = { .map = map, .start = start };
    struct trk_elf elf;
    bool asked = false; /* by somebody */
    for (uint32_t i = 0; i < hooks.rules->count; i++)
        if (library_among(text_of(hooks.rules->rule[i].library), file_name(path), map == _r_debug.r_map)) {
            s.rule[s.rules++] = (uint16_t)i;
            asked |= (hooks.rules->rule[i].flags & TRK_HOOK_AUTOMATIC) == 0;
        }
    if (s.rules == 0 || path[0] == 0 || is_ours(map) || map->l_addr == _r_debug.r_ldbase ||
        !trk_elf_open(map, map == _r_debug.r_map ? "/proc/self/exe" : NULL, &elf))
        return;
    if (asked)
        trk_elf_debug(&elf, path);
    s.elf = &elf;
    s.tells_itself = trk_elf_names(&elf, is_verb);
    s.module_text = trk_text_string(path);
    uint32_t before = hooks.watches;
    s.batch = elf.texts > 0 ? trk_batch_begin(&elf, BATCH) : NULL;
    if (s.batch != NULL) {
        trk_elf_functions(&elf, look_at, &s);
        look_at_addresses(&s);
        trk_batch_apply(s.batch);
        for (uint32_t i = 0; i < hooks.watches; i++)
            if (hooks.watch[i].loaded && (i >= before || a->hooks->found[i].module == s.module_text))
                publish(a, i, (enum trk_hook_state)hooks.watch[i].first->hook.state);
        if (hooks.watches > before)
            trk_exact_due(a, true); /* a call tells no count: what threads did in which order, only time tells */
    }
    trk_elf_close(&elf);
}

/* ---- The loader's list ----------------------------------------------------------------------------------------------
 */

/* Whether the object was there when looked at last; else it is from now on. */
static bool module_known(const struct link_map *map)
{
    struct module *room = NULL;
    for (unsigned i = 0; i < MODULES; i++) {
        struct module *m = &hooks.module[i];
        if (m->map == map && m->base == map->l_addr && m->dynamic == map->l_ld)
            return m->seen = true;
        if (m->map == NULL && room == NULL)
            room = m;
    }
    if (room != NULL)
        *room = (struct module){ map, map->l_addr, map->l_ld, true };
    return room == NULL; /* no room: as if known, rather than hooked twice */
}

/* Watches of code that is gone: their elements are free for when it comes again. */
static void forget(const void *dynamic)
{
    for (uint32_t i = 0; i < hooks.watches; i++)
        if (hooks.watch[i].dynamic == dynamic)
            hooks.watch[i].loaded = false;
}

static const struct r_debug *next_space(const struct r_debug *space)
{
    return _r_debug.r_version >= 2 ? &((const struct r_debug_extended *)space)->r_next->base : NULL;
}

static void look(bool start)
{
    const struct r_debug *space = &_r_debug;
    for (unsigned i = 0; i < MODULES; i++)
        hooks.module[i].seen = false;
    for (unsigned n = 0; space != NULL && n < NAMESPACES; n++) {
        for (const struct link_map *map = space->r_map; map != NULL; map = map->l_next)
            if (!module_known(map))
                hook_module(map, start);
        space = next_space(space);
    }
    for (unsigned i = 0; i < MODULES; i++)
        if (hooks.module[i].map != NULL && !hooks.module[i].seen) {
            hooks.module[i].map = NULL;
            forget(hooks.module[i].dynamic);
        }
}

/* Between the two calls of a change the list is not to be walked. */
static bool spaces_consistent(void)
{
    const struct r_debug *space = &_r_debug;
    for (unsigned n = 0; space != NULL && n < NAMESPACES; n++, space = next_space(space))
        if (space->r_state != RT_CONSISTENT)
            return false;
    return true;
}

static void loader_changed(const struct trk_call *call, const struct trk_hook *hook)
{
    (void)call;
    (void)hook;
    if (trk_arena()->hooks != NULL && spaces_consistent())
        look(false);
}

/* ---- Start ----------------------------------------------------------------------------------------------------------
 */

static bool is_loader_function(const struct trk_function *f, void *data)
{
    struct search *s = data;
    if (f->start == _r_debug.r_brk)
        trk_batch_add(s->batch, f->start, f->size, &hooks.loader);
    return true;
}

static void hook_loader(void)
{
    const struct link_map *map = _r_debug.r_map;
    struct search s = { .start = true };
    struct trk_elf elf;
    while (map != NULL && map->l_addr != _r_debug.r_ldbase)
        map = map->l_next;
    if (map == NULL || !trk_elf_open(map, NULL, &elf))
        return;
    hooks.loader = (struct trk_hook){ .enter = trk_watch_anyway, .enter_slow = loader_changed };
    s.batch = elf.texts > 0 ? trk_batch_begin(&elf, 1) : NULL;
    if (s.batch != NULL) {
        trk_elf_functions(&elf, is_loader_function, &s);
        trk_batch_apply(s.batch);
    }
    trk_elf_close(&elf);
}

/* Copies the rules out of shared memory and drops those that cannot be: function 0 names nothing. */
static void take_rules(const struct trk_shm_hooks *shared)
{
    struct rules *r = hooks.rules;
    r->count = shared->rules < TRK_HOOK_RULES ? shared->rules : TRK_HOOK_RULES;
    r->text_bytes = shared->text_bytes < TRK_HOOK_TEXT ? shared->text_bytes : TRK_HOOK_TEXT - 1;
    trk_copy(r->rule, shared->rule, r->count * sizeof r->rule[0]);
    trk_copy(r->text, shared->text, r->text_bytes);
    r->text[r->text_bytes] = 0;
    for (uint32_t i = 0; i < r->count; i++)
        if (!trk_watch_fits(&r->rule[i]))
            r->rule[i].function = 0;
}

/* After the engine's own start, before the constructors of others. */
__attribute__((constructor(102))) static void hooks_constructor(void)
{
    const struct trk_arena *a = trk_arena();
    if (trk_eng.phase != TRK_PHASE_LIVE || a->hooks == NULL)
        return;
    hooks.rules = trk_own_map(sizeof *hooks.rules);
    hooks.watch = trk_own_map(TRK_HOOK_MAX * sizeof *hooks.watch);
    hooks.module = trk_own_map(MODULES * sizeof *hooks.module);
    if (hooks.rules == NULL || hooks.watch == NULL || hooks.module == NULL || !trk_name_init())
        return;
    take_rules(a->hooks);
    trk_stub_init();
    look(true);
    hook_loader();
}
