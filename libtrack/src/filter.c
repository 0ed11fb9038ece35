/* filter.c: judges births by type, module and address, and keeps the set of addresses whose birth was recorded.
 *
 * The set is a table of 64-byte lines with eight words; a word is an address and what is alive there. Lines are chosen
 * so that 8 KiB of the program's memory share one page of the table: a small heap touches little of it. A full line
 * spills into the following ones and says so for good. Words change by compare-exchange only, so any thread and any
 * handler may be at any point. Nothing here is shared with another process; a forked child goes on with a copy. */
#include "filter.h"

#include <sys/mman.h>

#define TRK_DISABLE
#include <track/track.h>

#include "addr.h"
#include "control.h"
#include "engine.h"
#include "own.h"

enum {
    LINE_WORDS = 8,
    PAGE_LINES = TRK_PAGE / (LINE_WORDS * 8),
    LINE_SHIFT = 7, /* bytes of the program per line, as a power of two: eight objects of 16 bytes */
    PAGE_LINES_LOG2 = 6,
    SET_PAGES_LOG2 = 13, /* 32 MiB of addresses; only what is used costs memory */
    SPILL_LINES = 4,
    KNOWN = 1024,  /* decisions about sites and types that are remembered */
    GRAVES = 1024, /* deaths until a dead address is forgotten */
    GEN_MASK = 0x7fff,
    COPY_MAX = 4096, /* bytes of a moved block in which objects are looked for */
    SHARE_MAX = 1 << 20,
    NAMED_MAX = 32, /* types of which single objects are wanted */
};

/* Low bits of a word. */
enum {
    IS_BLOCK = 1,
    IS_CUSTOM = 2, /* trk_alloc: may begin where the block around it does */
    IS_OBJECT = 4,
    IS_DEAD = 8, /* an object that ended */
    IS_ANY = 15,
    ADDR_SHIFT = 4,
};
#define SPILLED ((uint64_t)1 << 63) /* in the first word of a line: entries of it may lie in the next lines */

struct set_line {
    uint64_t words[LINE_WORDS];
};

/* What needs memory of its own. */
struct room {
    struct set_line lines[(size_t)PAGE_LINES << SET_PAGES_LOG2];
    uint64_t known[KNOWN]; /* key 48 | generation 15 | wanted */
    uint64_t graves[GRAVES];
};

bool trk_filter_on;

/* As trk_tls keeps addresses, and back. */
static uint64_t veiled(uint64_t addr)
{
    return addr != 0 ? ~addr : 0;
}

static struct {
    char text[TRK_FILTER_MAX];
    const char *types, *modules; /* NULL: all */
    const char *named;           /* "Conn#2,5-7|Node#1"; NULL: all */
    uint64_t born[NAMED_MAX];    /* births that the types of `named` had, in its order; atomic */
    uint32_t share;              /* one in so many; 1: all */
    bool blocks;                 /* blocks are chosen as well */
    uint64_t generation;         /* of decisions; atomic */
    uint64_t grave_next;         /* atomic */
    struct room *room;
} filter;

/* ---- Patterns ------------------------------------------------------------------------------------------------------
 */

/* '*' is any text, '?' any character. No recursion: only the last star is ever tried again. */
static bool glob(const char *p, size_t pn, const char *s, size_t sn)
{
    size_t i = 0, k = 0, star = SIZE_MAX, mark = 0;
    while (k < sn) {
        if (i < pn && p[i] == '*') {
            star = i++;
            mark = k;
        } else if (i < pn && (p[i] == '?' || p[i] == s[k])) {
            i++;
            k++;
        } else if (star != SIZE_MAX) {
            i = star + 1;
            k = ++mark;
        } else {
            return false;
        }
    }
    while (i < pn && p[i] == '*')
        i++;
    return i == pn;
}

/* NULL has everything: another recording may begin under our feet. */
static bool list_has(const char *list, const char *s, size_t sn)
{
    if (list == NULL)
        return true;
    for (;;) {
        size_t n = 0;
        while (list[n] && list[n] != '|')
            n++;
        if (glob(list, n, s, sn))
            return true;
        if (!list[n])
            return false;
        list += n + 1;
    }
}

bool trk_filter_parse_list(const char *s, size_t n)
{
    bool some = false;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '|' && !some)
            return false;
        some = s[i] != '|';
    }
    return some;
}

bool trk_filter_parse_share(const char *s, size_t n, uint32_t *ret)
{
    uint64_t number;
    if (n < 3 || s[0] != '1' || s[1] != '/' || !trk_parse_num(s + 2, n - 2, &number) || number < 1 ||
        number > SHARE_MAX)
        return false;
    if (ret != NULL)
        *ret = (uint32_t)number;
    return true;
}

/* The parts of one of "Conn#2,5-7|Node#1": the name, and what stands behind its last '#'. False: it has none. */
static bool split_named(const char *s, size_t n, size_t *ret_hash)
{
    for (size_t i = n; i > 1; i--) {
        if (s[i - 1] == '#') {
            *ret_hash = i - 1;
            return true;
        }
    }
    return false;
}

static bool read_number(const char *s, size_t n, size_t *at, uint64_t *ret)
{
    size_t digits = 0;
    while (*at + digits < n && s[*at + digits] >= '0' && s[*at + digits] <= '9')
        digits++;
    if (!trk_parse_num(s + *at, digits, ret) || *ret == 0 || *ret > UINT32_MAX)
        return false;
    *at += digits;
    return true;
}

/* "5" or "5-7" at s[*at]; steps behind it. */
static bool read_range(const char *s, size_t n, size_t *at, uint64_t *ret_first, uint64_t *ret_last)
{
    if (!read_number(s, n, at, ret_first))
        return false;
    *ret_last = *ret_first;
    if (*at == n || s[*at] != '-')
        return true;
    ++*at;
    return read_number(s, n, at, ret_last) && *ret_first <= *ret_last;
}

static size_t until_bar(const char *s, size_t n)
{
    size_t i = 0;
    while (i < n && s[i] != '|')
        i++;
    return i;
}

bool trk_filter_parse_named(const char *s, size_t n)
{
    unsigned items = 0;
    for (size_t begin = 0; begin <= n; items++) {
        const char *item = s + begin;
        size_t size = until_bar(item, n - begin), at;
        uint64_t first, last;
        if (items == NAMED_MAX || !split_named(item, size, &at))
            return false;
        do {
            at++;
            if (!read_range(item, size, &at, &first, &last))
                return false;
        } while (at < size && item[at] == ',');
        if (at != size)
            return false;
        begin += size + 1;
    }
    return items != 0;
}

/* ---- Keys ----------------------------------------------------------------------------------------------------------
 */

static const char *value_of(const char *pair, const char *key)
{
    size_t n = trk_strlen(key, 16);
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the callers' pairs end in a NUL */
    return trk_same(key, pair, n) && pair[n] == '=' ? pair + n + 1 : NULL;
}

static void add_pair(struct trk_buf *b, const char *key, const char *value)
{
    if (!value[0] || b->used + trk_strlen(key, 16) + trk_strlen(value, TRK_FILTER_MAX) + 3 > b->size)
        return;
    trk_buf_str(b, key);
    trk_buf_put(b, "=", 1);
    trk_buf_str(b, value);
    trk_buf_put(b, "", 1);
}

void trk_filter_take(const char text[TRK_FILTER_MAX], char shared[TRK_FILTER_MAX])
{
    const char *given[3] = { trk_options.types, trk_options.modules, trk_options.objects };
    static const char *const keys[3] = { "types", "modules", "objects" };
    struct trk_buf b;
    filter.types = filter.modules = filter.named = NULL;
    filter.share = 1;
    trk_filter_child();
    trk_buf_init(&b, filter.text, sizeof filter.text);
    for (unsigned k = 0; k < 3; k++) {
        const char *value = given[k];
        for (size_t at = 0, n; at < TRK_FILTER_MAX && (n = trk_strlen(text + at, TRK_FILTER_MAX - at)) > 0; at += n + 1)
            if (at + n < TRK_FILTER_MAX && value_of(text + at, keys[k]) != NULL)
                value = value_of(text + at, keys[k]);
        size_t n = trk_strlen(value, TRK_FILTER_MAX);
        bool share = k == 2 && trk_filter_parse_share(value, n, &filter.share);
        if (!share && !(k == 2 ? trk_filter_parse_named(value, n) : trk_filter_parse_list(value, n)))
            continue;
        const char *kept = filter.text + b.used;
        add_pair(&b, keys[k], value);
        if (kept != filter.text + b.used && !share)
            *(k == 0 ? &filter.types : k == 1 ? &filter.modules : &filter.named) = value_of(kept, keys[k]);
    }
    filter.blocks = filter.modules != NULL || filter.share > 1;
    bool on = filter.types != NULL || filter.named != NULL || filter.blocks;
    if (filter.room != NULL) /* of an earlier recording; threads may still be in it */
        trk_sys3(SYS_madvise, filter.room, sizeof *filter.room, MADV_DONTNEED);
    else if (on)
        filter.room = trk_map(sizeof *filter.room);
    if (filter.room != NULL)
        trk_own_add(filter.room, sizeof *filter.room, TRK_OWN_PRIVATE);
    trk_filter_on = on && filter.room != NULL;
    trk_copy(shared, filter.text, trk_filter_on ? b.used : 0);
    for (size_t i = trk_filter_on ? b.used : 0; i < TRK_FILTER_MAX; i++)
        shared[i] = 0;
    trk_filter_modules_changed();
}

/* ---- Decisions -----------------------------------------------------------------------------------------------------
 */

void trk_filter_modules_changed(void)
{
    __atomic_fetch_add(&filter.generation, 1, __ATOMIC_RELEASE);
}

bool trk_filter_module(const char *path, size_t size)
{
    static const char deleted[] = " (deleted)";
    size_t base = 0;
    if (size > sizeof deleted - 1 && trk_same(deleted, path + size - (sizeof deleted - 1), sizeof deleted - 1))
        size -= sizeof deleted - 1;
    for (size_t i = 0; i < size; i++) {
        if (path[i] == '/')
            base = i + 1;
    }
    return list_has(filter.modules, path + base, size - base);
}

static const char *name_of(const struct trk_type *type)
{
    return type != NULL && type->struct_size >= sizeof *type && type->name != NULL ? type->name : "";
}

static bool ask_type(uintptr_t key)
{
    const char *name = name_of((const struct trk_type *)key); /* NOLINT(performance-no-int-to-ptr): was one */
    size_t size = trk_strlen(name, TRK_FILTER_MAX);
    static const char word[] = "struct ";
    size_t skip = sizeof word - 1;
    return list_has(filter.types, name, size) ||
           (size > skip && trk_same(word, name, skip) && list_has(filter.types, name + skip, size - skip));
}

static uint64_t mix(uint64_t x)
{
    x *= 0x9e3779b97f4a7c15ull;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ull;
    return x ^ x >> 32;
}

/* Asks once per key and generation. Keys are addresses: those of types and of code never meet. */
static bool decide(uintptr_t key, bool (*ask)(uintptr_t))
{
    uint64_t *known = &filter.room->known[(key ^ key >> 10) % KNOWN];
    uint64_t gen = __atomic_load_n(&filter.generation, __ATOMIC_ACQUIRE) & GEN_MASK;
    uint64_t tag = (uint64_t)key << 16 | gen << 1;
    uint64_t word = trk_load64(known);
    if (TRK_LIKELY((word & ~(uint64_t)1) == tag && word != 0))
        return word & 1;
    bool yes = ask(key);
    __atomic_store_n(known, tag | yes, __ATOMIC_RELAXED);
    return yes;
}

static inline bool address_wanted(uint64_t addr)
{
    return filter.share == 1 || mix(addr) % filter.share == 0;
}

static bool site_wanted(const struct trk_event *ev)
{
    uintptr_t pc = ev->caller ? ev->caller : ev->at.pc;
    return filter.modules == NULL || decide(pc, trk_module_wanted);
}

/* Counts a birth of a type, and says whether it is one of those that are named. */
static bool named_wanted(const struct trk_type *type)
{
    static const char word[] = "struct ";
    const size_t skip = sizeof word - 1;
    const char *item = filter.named, *name = name_of(type);
    size_t length = trk_strlen(name, TRK_FILTER_MAX), left = item != NULL ? trk_strlen(item, TRK_FILTER_MAX) : 0;
    const char *bare = length > skip && trk_same(word, name, skip) ? name + skip : name;
    bool wanted = item == NULL; /* another recording may begin under our feet */
    for (unsigned i = 0; i < NAMED_MAX && left > 0; i++) {
        size_t size = until_bar(item, left), at;
        bool split = split_named(item, size, &at);
        if (split && (trk_same(name, item, at) || trk_same(bare, item, at))) {
            uint64_t number = __atomic_add_fetch(&filter.born[i], 1, __ATOMIC_RELAXED), first, last;
            do {
                at++;
                if (!read_range(item, size, &at, &first, &last))
                    break;
                wanted |= number >= first && number <= last;
            } while (at < size && item[at] == ',');
        }
        item += size;
        left -= size;
        if (left > 0) { /* the bar */
            item++;
            left--;
        }
    }
    return wanted;
}

void trk_filter_child(void)
{
    for (unsigned i = 0; i < NAMED_MAX; i++)
        __atomic_store_n(&filter.born[i], 0, __ATOMIC_RELAXED);
}

/* ---- The set -------------------------------------------------------------------------------------------------------
 */

static inline struct set_line *line_of(uint64_t addr, unsigned step)
{
    uint64_t line = addr >> LINE_SHIFT;
    uint64_t page = (line >> PAGE_LINES_LOG2) * 0x9e3779b97f4a7c15ull >> (64 - SET_PAGES_LOG2);
    return &filter.room->lines[page << PAGE_LINES_LOG2 | ((line + step) & (PAGE_LINES - 1))];
}

/* The word of an address; NULL when there is none. */
static inline uint64_t *set_find(uint64_t addr)
{
    for (unsigned step = 0; step < SPILL_LINES; step++) {
        struct set_line *line = line_of(addr, step);
        uint64_t any = 0;
        for (unsigned i = 0; i < LINE_WORDS; i++)
            any |= trk_load64(&line->words[i]);
        if (TRK_LIKELY(any == 0)) /* nothing wanted is near */
            return NULL;
        for (unsigned i = 0; i < LINE_WORDS; i++) {
            uint64_t word = trk_load64(&line->words[i]) & ~SPILLED;
            if (word >> ADDR_SHIFT == addr && (word & IS_ANY) != 0)
                return &line->words[i];
        }
        if (TRK_LIKELY(!(trk_load64(&line->words[0]) & SPILLED)))
            break;
    }
    return NULL;
}

static unsigned bits_of(uint64_t addr)
{
    const uint64_t *word = set_find(addr);
    return word != NULL ? (unsigned)(trk_load64(word) & IS_ANY) : 0;
}

/* Sets and clears bits of an address that is in the set; without bits left it leaves the set. False: it is not there
 * (any more). */
static bool set_change(uint64_t addr, unsigned set, unsigned clear)
{
    uint64_t *word = set_find(addr);
    uint64_t old = word != NULL ? trk_load64(word) : 0;
    while (word != NULL && (old & ~SPILLED) >> ADDR_SHIFT == addr) {
        uint64_t bits = (old & IS_ANY & ~(uint64_t)clear) | set;
        uint64_t next = (old & SPILLED) | (bits ? addr << ADDR_SHIFT | bits : 0);
        if (__atomic_compare_exchange_n(word, &old, next, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return true;
    }
    return false;
}

/* Puts an address into the set, or adds a bit to it. False: no room. */
static bool set_add(uint64_t addr, unsigned bit)
{
    if (set_change(addr, bit, bit == IS_OBJECT ? IS_DEAD : 0))
        return true;
    for (unsigned step = 0; step < SPILL_LINES; step++) {
        struct set_line *line = line_of(addr, step);
        for (unsigned i = 0; i < LINE_WORDS; i++) {
            uint64_t old = trk_load64(&line->words[i]);
            while ((old & IS_ANY) == 0) {
                if (__atomic_compare_exchange_n(&line->words[i], &old, (old & SPILLED) | addr << ADDR_SHIFT | bit,
                                                false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
                    return true;
            }
        }
        __atomic_fetch_or(&line->words[0], SPILLED, __ATOMIC_RELAXED);
    }
    return false;
}

/* An object ended: it is forgotten a number of deaths later. */
static void set_dies(uint64_t addr)
{
    uint64_t at = __atomic_fetch_add(&filter.grave_next, 1, __ATOMIC_RELAXED) % GRAVES;
    set_change(addr, IS_DEAD, IS_OBJECT);
    uint64_t old = __atomic_exchange_n(&filter.room->graves[at], addr, __ATOMIC_RELAXED);
    if (old != 0 && bits_of(old) & IS_DEAD)
        set_change(old, 0, IS_DEAD);
}

/* A block moved. The objects in it move along; its length is not known, so they are entered at their new addresses
 * without being removed from the old ones: an entry too many only lets events through that nobody will miss. */
static void set_moved(uint64_t from, uint64_t to, uint64_t size)
{
    uint64_t end = from + (size < COPY_MAX ? size : COPY_MAX);
    if (from == to)
        return;
    for (uint64_t line = from >> LINE_SHIFT; line <= (end - 1) >> LINE_SHIFT; line++) {
        for (unsigned step = 0; step < SPILL_LINES; step++) {
            const struct set_line *l = line_of(line << LINE_SHIFT, step);
            for (unsigned i = 0; i < LINE_WORDS; i++) {
                uint64_t word = trk_load64(&l->words[i]) & ~SPILLED;
                uint64_t addr = word >> ADDR_SHIFT;
                if (word & IS_OBJECT && addr >= from && addr < end && addr >> LINE_SHIFT == line)
                    set_add(addr + (to - from), IS_OBJECT);
            }
            if (!(trk_load64(&l->words[0]) & SPILLED))
                break;
        }
    }
}

/* ---- Events --------------------------------------------------------------------------------------------------------
 */

static enum trk_filter_verdict left_out(void)
{
    const struct trk_thread *st = trk_tls.self;
    struct trk_shm_ring *ring = st != NULL ? trk_thread_ring(st) : NULL;
    if (TRK_LIKELY(ring != NULL)) /* else a handler forked here, or the recording ended */
        trk_take(&ring->filtered, 1);
    return TRK_FILTER_OUT;
}

static enum trk_filter_verdict judge_alloc(const struct trk_event *ev)
{
    unsigned bit = ev->aux == TRK_ALLOC_CUSTOM ? IS_CUSTOM : IS_BLOCK;
    uint64_t old = ev->exts && ev->ext_kind[0] == TRK_EXT_OLD ? trk_addr_code(ev->ext_value[0], trk_eng.addr_high) : 0;
    if (old == TRK_ADDR_UNFIT) /* its birth was not recorded either */
        old = 0;
    bool moves = old != 0 && trk_tls.realloc_old == veiled(old);
    if (old != 0) {
        trk_tls.realloc_old = 0;
        set_moved(old, ev->addr, ev->arg);
    }
    if (!filter.blocks || ev->aux == TRK_ALLOC_MMAP)
        return TRK_FILTER_RECORD;
    trk_tls.last_block = 0;
    if (moves && old != ev->addr)
        set_change(old, 0, IS_BLOCK);
    if (moves || (address_wanted(ev->addr) && site_wanted(ev))) {
        if (!set_add(ev->addr, bit))
            return TRK_FILTER_FULL;
        return old == 0 || moves ? TRK_FILTER_RECORD : TRK_FILTER_REALLOC_NEW;
    }
    if (old != ev->addr && bits_of(ev->addr) != 0) /* whatever lived here is gone */
        set_change(ev->addr, 0, bit == IS_CUSTOM ? IS_CUSTOM : IS_ANY);
    trk_tls.last_block = veiled(ev->addr);
    trk_tls.last_size = ev->arg;
    trk_tls.last_kind = ev->aux;
    return left_out();
}

static enum trk_filter_verdict judge_new(const struct trk_event *ev, struct trk_event *extra)
{
    bool wanted = (filter.types == NULL || decide((uintptr_t)ev->type, ask_type)) && address_wanted(ev->addr) &&
                  site_wanted(ev) && (filter.named == NULL || named_wanted(ev->type));
    if (!wanted) {
        unsigned bits = bits_of(ev->addr);
        if (bits & IS_OBJECT)
            *extra = (struct trk_event){
                .op = TRK_OP_DEL, .depth = TRK_DEPTH_REF, .addr = ev->addr, .at = ev->at, .caller = ev->caller
            };
        if (bits & (IS_OBJECT | IS_DEAD))
            set_change(ev->addr, 0, IS_OBJECT | IS_DEAD);
        return left_out();
    }
    uint64_t start = veiled(trk_tls.last_block);
    if (!set_add(ev->addr, IS_OBJECT))
        return TRK_FILTER_FULL;
    if (start == 0 || ev->addr < start || ev->addr - start >= trk_tls.last_size ||
        !set_add(start, trk_tls.last_kind == TRK_ALLOC_CUSTOM ? IS_CUSTOM : IS_BLOCK))
        return TRK_FILTER_RECORD;
    *extra = (struct trk_event){ .op = TRK_OP_ALLOC,
                                 .aux = (uint8_t)trk_tls.last_kind,
                                 .depth = ev->depth,
                                 .addr = start,
                                 .arg = trk_tls.last_size,
                                 .at = ev->at,
                                 .caller = ev->caller };
    trk_tls.last_block = 0;
    return TRK_FILTER_RECORD;
}

static enum trk_filter_verdict judge_free(const struct trk_event *ev)
{
    unsigned bit = ev->aux == TRK_ALLOC_CUSTOM ? IS_CUSTOM : IS_BLOCK;
    unsigned bits = ev->aux == TRK_ALLOC_MMAP ? 0 : bits_of(ev->addr);
    if (trk_tls.last_block == veiled(ev->addr))
        trk_tls.last_block = 0;
    if (bits & IS_OBJECT)
        set_dies(ev->addr);
    if (bits & bit)
        set_change(ev->addr, 0, bit);
    return bits & (bit | IS_OBJECT) || !filter.blocks || ev->aux == TRK_ALLOC_MMAP ? TRK_FILTER_RECORD : TRK_FILTER_OUT;
}

bool trk_filter_skips(enum trk_op op, unsigned aux, uint64_t addr)
{
    const uint64_t follow = (uint64_t)1 << TRK_OP_REF | (uint64_t)1 << TRK_OP_UNREF | (uint64_t)1 << TRK_OP_MOVE |
                            (uint64_t)1 << TRK_OP_DEL | (uint64_t)1 << TRK_OP_WEAK_SET |
                            (uint64_t)1 << TRK_OP_WEAK_CLEAR | (uint64_t)1 << TRK_OP_BORROW |
                            (uint64_t)1 << TRK_OP_RETURN | (uint64_t)1 << TRK_OP_SINK;
    if (op == TRK_OP_FREE)
        return filter.blocks && aux != TRK_ALLOC_MMAP && trk_tls.last_block != veiled(addr) && set_find(addr) == NULL;
    if (op == TRK_OP_TYPED)
        return filter.blocks && set_find(addr) == NULL;
    return follow >> op & 1 && set_find(addr) == NULL;
}

enum trk_filter_verdict trk_filter_judge(const struct trk_event *ev, struct trk_event *extra)
{
    extra->op = 0;
    switch (ev->op) {
    case TRK_OP_ALLOC:
        return judge_alloc(ev);
    case TRK_OP_NEW:
        return judge_new(ev, extra);
    case TRK_OP_FREE:
        return judge_free(ev);
    case TRK_OP_REALLOC:
        trk_tls.realloc_old = !filter.blocks || bits_of(ev->addr) & (IS_BLOCK | IS_OBJECT) ? veiled(ev->addr) : 0;
        return trk_tls.realloc_old ? TRK_FILTER_RECORD : TRK_FILTER_OUT;
    case TRK_OP_REALLOC_FAIL:
        if (trk_tls.realloc_old != veiled(ev->addr))
            return TRK_FILTER_OUT;
        trk_tls.realloc_old = 0;
        return TRK_FILTER_RECORD;
    case TRK_OP_TYPED:
        return !filter.blocks || bits_of(ev->addr) & (IS_BLOCK | IS_CUSTOM) ? TRK_FILTER_RECORD : TRK_FILTER_OUT;
    case TRK_OP_RETYPE:
        if (filter.named != NULL)
            named_wanted(ev->type); /* it takes a number of its new type */
        return bits_of(ev->addr) & (IS_OBJECT | IS_DEAD) ? TRK_FILTER_RECORD : TRK_FILTER_OUT;
    case TRK_OP_DEL:
        if (!(bits_of(ev->addr) & (IS_OBJECT | IS_DEAD)))
            return TRK_FILTER_OUT;
        set_dies(ev->addr);
        return TRK_FILTER_RECORD;
    case TRK_OP_REF:
    case TRK_OP_UNREF:
    case TRK_OP_MOVE:
    case TRK_OP_WEAK_SET:
    case TRK_OP_WEAK_CLEAR:
    case TRK_OP_BORROW:
    case TRK_OP_RETURN:
    case TRK_OP_SINK:
    case TRK_OP_PIN:
    case TRK_OP_UNPIN:
    case TRK_OP_MAY_LEAK:
    case TRK_OP_PARK:
    case TRK_OP_REUSE:
    case TRK_OP_DTOR_BEGIN:
    case TRK_OP_DTOR_END:
    case TRK_OP_TOUCH:
    case TRK_OP_ASSERT_FREED:
    case TRK_OP_COUNT_SEEN:
        return bits_of(ev->addr) & (IS_OBJECT | IS_DEAD) ? TRK_FILTER_RECORD : TRK_FILTER_OUT;
    default: /* moments, threads, modules, roots and ranges concern everybody */
        return TRK_FILTER_RECORD;
    }
}
