/* match.c: the events of one life, each release with the taking that it most likely ends. */
#include "state.h"

#include <stdlib.h>

/* The takings at one key that are open: newest first, by `below`. */
struct open_key {
    uint32_t key;
    size_t newest; /* event, SIZE_MAX none */
};

bool pairing_match(const struct pairing *pairing, const struct pairing_event *events, size_t count, size_t *partner)
{
    PROF_VEC(struct open_key) open = { 0 };
    size_t *below = malloc((count + 1) * sizeof *below);
    bool good = below != NULL;

    for (size_t i = 0; good && i < count; i++) {
        partner[i] = SIZE_MAX;
        if (events[i].take) {
            size_t at = 0;
            while (at < open.count && open.items[at].key != events[i].key)
                at++;
            if (at == open.count && !prof_vec_push(&open, (struct open_key){ events[i].key, SIZE_MAX })) {
                good = false;
                break;
            }
            below[i] = open.items[at].newest;
            open.items[at].newest = i;
            continue;
        }
        struct open_key *best = NULL;
        double most = PAIRING_SHARE_LEAST;
        for (size_t at = 0; at < open.count; at++) {
            if (open.items[at].newest == SIZE_MAX)
                continue;
            double share = pairing_share(pairing, open.items[at].key, events[i].key);
            if (share > most || (best != NULL && share == most && open.items[at].newest > best->newest)) {
                best = &open.items[at];
                most = share;
            }
        }
        if (best == NULL)
            continue;
        partner[i] = best->newest;
        partner[best->newest] = i;
        best->newest = below[best->newest];
    }
    free(below);
    prof_vec_deinit(&open);
    return good;
}
