/* exit_vfork.h: tells the process itself from a vfork child that borrows its memory. Internal to the hooks. */
#ifndef TRACK_EXIT_VFORK_H
#define TRACK_EXIT_VFORK_H

#include <stdbool.h>

/* Once, early. */
void trk_vfork_init(void) __attribute__((visibility("hidden")));

/* True in a child of vfork (or clone with CLONE_VM): its exit and exec are not those of the program whose memory this
 * is. Async-signal-safe; keeps errno. */
bool trk_vfork_child(void) __attribute__((visibility("hidden")));

#endif
