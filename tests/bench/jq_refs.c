/* jq_refs.c: makes an unmodified jq a reference-heavy program: preloaded, it sees jv_copy and jv_free of libjq and
 * tells each as a reference event, tens of millions in a second. jv is libjq's value, passed by value in 16 bytes
 * (jq 1.6, jv.h). */
#include <dlfcn.h>
#include <stdlib.h>

#include <track/track.h>

struct jv {
    uint64_t head;
    void *pointer; /* or a number */
};

static struct jv (*real_copy)(struct jv);
static void (*real_free)(struct jv);

static __attribute__((constructor)) void find_real(void)
{
    *(void **)&real_copy = dlsym(RTLD_NEXT, "jv_copy");
    *(void **)&real_free = dlsym(RTLD_NEXT, "jv_free");
    if (real_copy == NULL || real_free == NULL)
        abort();
}

struct jv jv_copy(struct jv value);
struct jv jv_copy(struct jv value)
{
    trk_ref_from(value.pointer, NULL, TRK_CALLER);
    return real_copy(value);
}

void jv_free(struct jv value);
void jv_free(struct jv value)
{
    trk_unref_from(value.pointer, NULL, TRK_CALLER);
    real_free(value);
}
