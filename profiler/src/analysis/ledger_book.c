/* ledger_book.c: the entries of one life: certain pairs, exact numbers, and no more entries than the budget allows. */
#include "ledger_state.h"

#include <string.h>

enum {
    FIRST = 6,       /* entries in front that are never given up */
    LINES_FEW = 16,  /* up to here lines are searched one by one */
    TOKENS_MOST = 64 /* references without owner that wait for one */
};

char prof_evidence_mark(enum prof_evidence evidence)
{
    switch (evidence) {
    case PROF_EVIDENCE_SLOT:
    case PROF_EVIDENCE_HOLDER:
        return '=';
    case PROF_EVIDENCE_LEARNED:
        return '~';
    case PROF_EVIDENCE_HINT:
        return '?';
    default:
        return ' ';
    }
}

const char *prof_evidence_name(enum prof_evidence evidence)
{
    static const char *const names[] = { [PROF_EVIDENCE_NONE] = "none",
                                         [PROF_EVIDENCE_SLOT] = "slot",
                                         [PROF_EVIDENCE_HOLDER] = "holder",
                                         [PROF_EVIDENCE_LEARNED] = "learned",
                                         [PROF_EVIDENCE_HINT] = "hint" };
    return evidence < sizeof names / sizeof *names ? names[evidence] : "none";
}

bool ledger_takes(const struct prof_ledger_entry *entry)
{
    unsigned op = entry->event.op;
    return op == TRK_OP_NEW || op == TRK_OP_REUSE || op == TRK_OP_REF || op == TRK_OP_SINK;
}

/* ---- Numbers that stay exact ------------------------------------------------------------------------------------- */

static struct prof_ledger_line *line_of(struct book *book, uint32_t stack)
{
    struct prof_ledger_line *lines = book->lines.items;
    size_t few = book->lines.count < LINES_FEW ? book->lines.count : LINES_FEW;

    for (size_t i = 0; i < few; i++) {
        if (lines[i].stack == stack)
            return &lines[i];
    }
    uint32_t at = book->lines.count > LINES_FEW ? map_get(&book->line_of, stack) : UINT32_MAX;
    if (at != UINT32_MAX)
        return &lines[at];
    if (book->lines.count >= LINES_FEW && !map_put(&book->line_of, stack, (uint32_t)book->lines.count))
        return NULL;
    if (!prof_vec_push(&book->lines, (struct prof_ledger_line){ .stack = stack }))
        return NULL;
    return &book->lines.items[book->lines.count - 1];
}

static bool count_event(struct book *book, const struct prof_event *e, bool taken)
{
    struct prof_ledger_line *line = line_of(book, e->stack);

    if (line == NULL)
        return false;
    if (line->taken + line->given == 0)
        line->first_us = e->time_us;
    line->last_us = e->time_us;
    line->tid = e->tid;
    if (taken)
        line->taken++;
    else
        line->given++;
    return true;
}

/* ---- References while they are open ------------------------------------------------------------------------------ */

static uint8_t owner_kind(const struct prof_event *e)
{
    return (e->flags & PROF_EVENT_HOLDER) != 0 ? PROF_OPEN_HOLDER
           : (e->flags & PROF_EVENT_SLOT) != 0 ? PROF_OPEN_SLOT
                                               : 0;
}

static struct prof_ledger_entry *entry_of(struct book *book, uint64_t number)
{
    size_t low = 0, high = book->entries.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (book->entries.items[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < book->entries.count && book->entries.items[low].number == number ? &book->entries.items[low] : NULL;
}

static bool token_add(struct book *book, struct book_token token)
{
    size_t loose = 0, oldest = SIZE_MAX;

    for (size_t i = 0; token.kind == 0 && i < book->tokens.count; i++) {
        if (book->tokens.items[i].kind == 0) {
            loose++;
            oldest = oldest == SIZE_MAX ? i : oldest;
        }
    }
    if (loose >= TOKENS_MOST) { // long given back, as a rule: nobody can tell
        memmove(&book->tokens.items[oldest], &book->tokens.items[oldest + 1],
                (book->tokens.count - oldest - 1) * sizeof token);
        book->tokens.count--;
    }
    return prof_vec_push(&book->tokens, token);
}

static void token_remove(struct book *book, size_t at)
{
    struct book_token *tokens = book->tokens.items;

    memmove(&tokens[at], &tokens[at + 1], (book->tokens.count - at - 1) * sizeof *tokens);
    book->tokens.count--;
}

/* Index of the newest token of this kind, SIZE_MAX none. */
static size_t token_of_kind(const struct book *book, uint8_t kind)
{
    for (size_t i = book->tokens.count; i-- > 0;) {
        if (book->tokens.items[i].kind == kind)
            return i;
    }
    return SIZE_MAX;
}

/* The token of an open reference. Slots move with their holder without an event of the object: then by its taking. */
static size_t token_of_open(const struct book *book, const struct prof_open *open)
{
    const struct book_token *tokens = book->tokens.items;

    for (size_t i = book->tokens.count; i-- > 0;) {
        if (tokens[i].kind == open->kind && tokens[i].slot == open->slot)
            return i;
    }
    for (size_t i = book->tokens.count; i-- > 0;) {
        if (tokens[i].kind == open->kind && tokens[i].stack == open->stack && tokens[i].at_us == open->at_us)
            return i;
    }
    return SIZE_MAX;
}

static void mark_open(struct book *book, uint64_t number, bool open)
{
    struct prof_ledger_entry *entry = entry_of(book, number);

    if (entry != NULL)
        entry->open = open;
}

/* A reference without owner gets one: the newest, the birth when there is no other. */
static void own(struct book *book, const struct prof_event *e)
{
    size_t at = book->anonymous > 0 ? token_of_kind(book, 0) : SIZE_MAX;

    if (book->anonymous > 0)
        book->anonymous--;
    if (at == SIZE_MAX)
        at = token_of_kind(book, PROF_OPEN_BIRTH);
    if (at == SIZE_MAX)
        return;
    book->tokens.items[at].kind = owner_kind(e);
    book->tokens.items[at].slot = e->slot;
    mark_open(book, book->tokens.items[at].number, true);
}

static void give_back(struct book *book, const struct prof_open *left, struct prof_ledger_entry *entry)
{
    if (left == NULL) {
        size_t birth = token_of_kind(book, PROF_OPEN_BIRTH);
        if (book->anonymous > 0)
            book->anonymous--;
        else if (birth != SIZE_MAX)
            token_remove(book, birth);
        return;
    }
    size_t at = token_of_open(book, left);
    entry->evidence = (left->flags & PROF_OPEN_CHOSEN) != 0 ? PROF_EVIDENCE_HINT
                      : left->kind == PROF_OPEN_HOLDER      ? PROF_EVIDENCE_HOLDER
                                                            : PROF_EVIDENCE_SLOT;
    if (at == SIZE_MAX) {
        entry->pair = book->before ? PROF_HISTORY_BEFORE : 0;
        entry->evidence = book->before ? entry->evidence : PROF_EVIDENCE_NONE;
        return;
    }
    struct prof_ledger_entry *taken = entry_of(book, book->tokens.items[at].number);
    entry->pair = book->tokens.items[at].number;
    if (taken != NULL) {
        taken->pair = entry->number;
        taken->evidence = entry->evidence;
        taken->open = false;
    }
    token_remove(book, at);
}

static void move(struct book *book, const struct prof_event *e, const struct prof_open *left)
{
    size_t at = left != NULL ? token_of_open(book, left) : SIZE_MAX;

    if (left == NULL && owner_kind(e) != 0)
        own(book, e);
    if (at == SIZE_MAX)
        return;
    book->tokens.items[at].kind = owner_kind(e);
    book->tokens.items[at].slot = e->slot;
    if (owner_kind(e) == 0) {
        mark_open(book, book->tokens.items[at].number, false);
        book->anonymous++;
    }
}

/* ---- Fewer entries ----------------------------------------------------------------------------------------------- */

/* Drops what `drop` says of the entries in the middle; numbers of what was dropped are kept by who comes behind. */
static void sift(struct book *book, size_t end,
                 size_t (*drop)(const struct prof_ledger_entry *at, size_t left, bool odd))
{
    struct prof_ledger_entry *entries = book->entries.items;
    uint64_t folded = 0, skipped = 0;
    size_t out = FIRST;
    bool odd = false;

    for (size_t i = FIRST; i < book->entries.count; i++, odd = !odd) {
        size_t count = i < end ? drop(&entries[i], end - i, odd) : 0;
        for (size_t n = 0; n < count; n++) {
            folded += entries[i + n].folded;
            skipped += entries[i + n].skipped;
        }
        if (count == 2) {
            folded++;
            book->folded += 2;
            i++;
        } else if (count == 1) {
            skipped++;
            book->skipped++;
        } else {
            entries[out] = entries[i];
            entries[out].folded += folded;
            entries[out++].skipped += skipped;
            folded = skipped = 0;
        }
    }
    book->entries.count = out;
}

static size_t balanced(const struct prof_ledger_entry *at, size_t left, bool odd)
{
    (void)odd;
    bool pair = left > 1 && at->event.op == TRK_OP_REF && at[1].event.op == TRK_OP_UNREF && at[1].pair == at->number &&
                at[1].skipped == 0;
    return pair ? 2 : 0;
}

static size_t every_second(const struct prof_ledger_entry *at, size_t left, bool odd)
{
    (void)left;
    return odd && !at->open ? 1 : 0;
}

static size_t every_second_open(const struct prof_ledger_entry *at, size_t left, bool odd)
{
    (void)at, (void)left;
    return odd ? 1 : 0;
}

static void shrink(struct book *book, size_t most)
{
    size_t last = most / 4; // entries at the end that stay

    sift(book, book->entries.count - last, balanced);
    if (book->entries.count > most - most / 4)
        sift(book, book->entries.count - last, every_second);
    if (book->entries.count >= most)
        sift(book, book->entries.count - last, every_second_open);
}

bool book_add(struct book *book, const struct prof_event *e, int64_t count, const struct prof_open *left, size_t most)
{
    struct prof_ledger_entry entry = { .event = *e, .number = ++book->events, .count = count };
    bool good = true;

    if (book->entries.count >= most)
        shrink(book, most);
    switch (e->op) {
    case TRK_OP_NEW:
    case TRK_OP_REUSE:
        book->floating = e->op == TRK_OP_NEW && (e->aux & 1) != 0;
        good = count_event(book, e, true) &&
               token_add(book,
                         (struct book_token){
                             .kind = PROF_OPEN_BIRTH, .number = entry.number, .stack = e->stack, .at_us = e->time_us });
        break;
    case TRK_OP_SINK:
        if (book->floating) {
            book->floating = false;
            if (owner_kind(e) != 0)
                own(book, e);
            break;
        }
        __attribute__((fallthrough)); // an object that does not float is referenced by it
    case TRK_OP_REF:
        book->anonymous += owner_kind(e) == 0;
        entry.open = owner_kind(e) != 0;
        good = count_event(book, e, true) && token_add(book, (struct book_token){ .kind = owner_kind(e),
                                                                                  .slot = e->slot,
                                                                                  .number = entry.number,
                                                                                  .stack = e->stack,
                                                                                  .at_us = e->time_us });
        break;
    case TRK_OP_UNREF:
        good = count_event(book, e, false);
        give_back(book, left, &entry);
        break;
    case TRK_OP_MOVE:
        move(book, e, left);
        break;
    default:
        break;
    }
    return good && prof_vec_push(&book->entries, entry);
}

void book_deinit(struct book *book)
{
    prof_vec_deinit(&book->entries);
    prof_vec_deinit(&book->lines);
    prof_vec_deinit(&book->tokens);
    map_deinit(&book->line_of);
}
