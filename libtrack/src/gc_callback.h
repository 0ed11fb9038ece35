/* gc_callback.h: calls what the program registered for passes that it asks for (trk_gc_add_callback). Internal. */
#ifndef TRACK_GC_CALLBACK_H
#define TRACK_GC_CALLBACK_H

#include <stdbool.h>

#include <track/track.h>

/* Everything that is registered, in its order, on this thread, outside of the engine. errno is kept. */
void trk_gc_call(enum trk_gc_phase phase, const struct trk_gc_info *info);
/* This thread is in one of them. */
bool trk_gc_calling(void);

#endif
