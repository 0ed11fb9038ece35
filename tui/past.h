/* past.h: what the workers told of the past of a run: how much was alive when, and its marks. */
#ifndef TUI_PAST_H
#define TUI_PAST_H

#include <jansson.h>

#include <base/vec.h>

#include "source.h"

/* Zero-initialize. Oldest first; pulses are thinned evenly when there are very many. */
struct tui_past {
    PROF_VEC(struct tui_pulse) pulses;
    PROF_VEC(struct tui_mark) marks;
};
/* Takes "pulse", "history" and "marks" of a document (work/work.h); what is known already is not taken twice. */
void tui_past_take(struct tui_past *past, const json_t *said);
void tui_past_forget(struct tui_past *past);
void tui_past_deinit(struct tui_past *past);

#endif
