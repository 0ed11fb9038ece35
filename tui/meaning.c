/* meaning.c: what signs, words and columns mean. See meaning.h. */
#include "meaning.h"

#include <string.h>

// clang-format off
const struct tui_meaning tui_meanings[] = {
    { "!", "a finding that fails 'reftrack check'" },
    { "~", "a guess, or a finding that does not fail it" },
    { "=", "certain: the program told which variable owns the reference" },
    { "*", "before a row: tagged by you; in the menu of orders: sorted by it" },
    { "-", "in a column: not known" },
    { "shallow", "the object's own bytes, like sys.getsizeof" },
    { "deep", "with all that it leads to" },
    { "retained", "what would be freed with it; sizes of several things overlap" },
    { "open", "a reference that was taken and not given back" },
    { "generation", "how many passes of the cycle detector it survived; no age" },
    { "count/limit", "what makes the next pass due: births (0), passes of the one before (1, 2)" },
    { "died", "generations: the share of all deaths that happened while in it" },
    { "found", "objects that only objects like them hold" },
    { "excluded", "left out of leaks: held by design, told with another finding, or suppressed" },
    { NULL, NULL },
};

static const struct {
    const char *table; /* NULL: in all where the key has no other meaning */
    const char *key, *text;
} columns[] = {
    { "types", "bytes", "of those that are alive" },
    { "types", "born", "how many were born" },
    { "types", "kind", "objects, or plain blocks whose type is known (~: a guess)" },
    { "objects", "bytes", "its own size" },
    { "objects", "count", "its reference count, by the events" },
    { "objects", "born", "when" },
    { "objects", "last", "its last event" },
    { "objects", "site", "where it was born" },
    { "objects", "type", "what it is" },
    { "objects", "flags", "pinned, touched, moved and the like" },
    { "sites", "bytes", "allocated there in all" },
    { "sites", "site", "the first line outside allocators, libc and registered wrappers" },
    { "marks", "kind", "a mark, a checkpoint, a scope, a fork, or a look at memory" },
    { "marks", "bytes", "alive then" },
    { "marks", "from", "where the difference that Enter opens begins" },
    { "marks", "since", "how long after the one before" },
    { "marks", "site", "where it was set" },
    { "diff", "bytes", "how many more, or less" },
    { "diff", "born", "how many were born between" },
    { "diff", "site", "where the newest of those that stay was born" },
    { "diff-sites", "bytes", "how many more, or less" },
    { "diff-sites", "site", "where they were allocated" },
    { "leaks", "first", "the first birth" },
    { "leaks", "last", "the last birth" },
    { "leaks", "site", "where the open reference was taken, or what is lost was allocated" },
    { "leaks", "bytes", "of its objects or blocks" },
    { "leaks", "objects", "how many objects or blocks" },
    { "cycles", "first", "the first birth" },
    { "cycles", "last", "the last birth" },
    { "cycles", "site", "where the open reference was taken, or what is lost was allocated" },
    { "cycles", "bytes", "of its objects" },
    { "cycles", "objects", "how many objects" },
    { NULL, "addr", "where it lies in memory" },
    { NULL, "age", "since its birth, up to the moment that is looked at" },
    { NULL, "allocs", "allocations there" },
    { NULL, "at", "the moment, since the trace began" },
    { NULL, "births", "objects born there" },
    { NULL, "blocks", "blocks alive then" },
    { NULL, "bytes_now", "at the end" },
    { NULL, "bytes_then", "at the begin" },
    { NULL, "context", "the label of its thread when it was born (trk_context)" },
    { NULL, "coverage", "the share of references whose owner (a variable or a holder) is known" },
    { NULL, "delta", "how many more, or less" },
    { NULL, "died", "how many died" },
    { NULL, "events", "events before it" },
    { NULL, "excluded", "why it is left out at first" },
    { NULL, "finding", "the verdict about it" },
    { NULL, "fingerprint", "the same from build to build: verdict, type and functions" },
    { NULL, "frees", "how many of its blocks were freed" },
    { NULL, "grown_blocks", "more blocks than at the one before" },
    { NULL, "grown_bytes", "more bytes than at the one before" },
    { NULL, "grown_objects", "more objects than at the one before" },
    { NULL, "headline", "lost, held, growing or misused; ! fails 'reftrack check'" },
    { NULL, "id", "its number in this trace; of findings, that of @leak:N" },
    { NULL, "item", "the size of what repeats at the end of its blocks" },
    { NULL, "leaked", "those in findings" },
    { NULL, "live", "how many are alive" },
    { NULL, "live_bytes", "alive, allocated there" },
    { NULL, "mark", "its name" },
    { NULL, "miscounts", "objects whose own count says something else" },
    { NULL, "now", "how many at the end" },
    { NULL, "number", "of the finding in this list" },
    { NULL, "object", "its name: the twelfth of its type is Type#12" },
    { NULL, "objects", "objects alive then" },
    { NULL, "observed", "the count that the program told last" },
    { NULL, "owned", "open references whose owner is known" },
    { NULL, "parked", "kept for another use, in pools and freelists" },
    { NULL, "pause_us", "how long the program stood still for it" },
    { NULL, "peak", "most that were alive at once" },
    { NULL, "peak_bytes", "most bytes that were alive at once" },
    { NULL, "read", "how memory was read" },
    { NULL, "refs", "references taken" },
    { NULL, "retained", "what would be freed with it" },
    { NULL, "scope", "the TRK_SCOPE that it was born in" },
    { NULL, "size", "what one of the type takes" },
    { NULL, "skewed", "seen without their birth" },
    { NULL, "stacks", "different call stacks" },
    { NULL, "state", "alive, zero or parked" },
    { NULL, "stay", "born between and still there" },
    { NULL, "strength", "how sure: proven, probable, suspect or growth" },
    { NULL, "temporary", "freed by the next event of memory in the same thread" },
    { NULL, "then", "how many at the begin" },
    { NULL, "tid", "the thread" },
    { NULL, "type", "its name" },
    { NULL, "unrefs", "references given back" },
    { NULL, "unused", "what the blocks offer beyond what was asked for" },
    { NULL, "usable", "what the blocks offer" },
    { NULL, "verdict", "the class; 'reftrack help leaks' explains each" },
    { NULL, "words", "words of it that may be pointers" },
    { NULL, "zero", "count 0, and not freed" },
};
// clang-format on

const char *tui_meaning_of_column(const char *table, const char *key)
{
    const char *text = NULL;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        if (strcmp(columns[i].key, key) != 0)
            continue;
        if (columns[i].table != NULL && strcmp(columns[i].table, table) == 0)
            return columns[i].text;
        if (columns[i].table == NULL)
            text = columns[i].text;
    }
    return text;
}
