/* hook/tail.h: functions without a name, found by a function that ends with a jump to them: `g_source_unref>` is what
 * g_source_unref jumps to. Libraries count in such when a public function is only the way in.
 *
 * Pure function of the module's code, which must be the compiler's (before anything in it is hooked); the thread that
 * hooks. */
#ifndef TRACK_HOOK_TAIL_H
#define TRACK_HOOK_TAIL_H

#include "hook.h"

enum { TRK_TAIL_MARK = '>' }; /* behind the name of the function that jumps */

/* The one function without a symbol that f jumps to without a condition, inside the module and not by its procedure
 * linkage table; its size is how far its code is seen to go. start 0: there is none, or more than one. ret->name is
 * left alone. */
void trk_tail_find(const struct trk_elf *module, const struct trk_function *f, struct trk_function *ret);

#endif
