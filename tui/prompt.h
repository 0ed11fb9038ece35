/* prompt.h: a line of input at the bottom: what it is for, editing, history, completion with Tab. */
#ifndef TUI_PROMPT_H
#define TUI_PROMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "view.h"

/* What a line of input is for. */
enum tui_prompt_kind {
    TUI_PROMPT_NONE = 0,
    TUI_PROMPT_COMMAND,
    TUI_PROMPT_FIND,
    TUI_PROMPT_FILTER,
    TUI_PROMPT_EXPORT,
    TUI_PROMPT_MARK,
    TUI_PROMPT_SUPPRESS,
    TUI_PROMPT_BOOKMARK,
    TUI_PROMPT_CONFIRM, /* one key: y does it */
    TUI_PROMPT_LEAVE,   /* one key: what becomes of the program that was started */
    TUI_PROMPT_KINDS
};

enum { TUI_PROMPT_MOST = 256, TUI_PROMPT_HISTORY = 16, TUI_PROMPT_SAID = 512 };
struct tui_prompt {
    enum tui_prompt_kind kind;
    char text[TUI_PROMPT_MOST];
    size_t length, cursor;       /* bytes; the cursor stands before a character */
    char said[TUI_PROMPT_SAID];  /* what Tab could make of it; "": nothing to say */
    char does[TUI_PROMPT_MOST];  /* CONFIRM: the command that y runs */
    size_t back;                 /* how far up in the history it is; 0: at the line itself */
    char begun[TUI_PROMPT_MOST]; /* what was typed before that */
    struct {
        char line[TUI_PROMPT_HISTORY][TUI_PROMPT_MOST]; /* newest first */
        size_t count;
    } history[TUI_PROMPT_KINDS];
};

/* Opens it. text: what stands in it at first, the cursor behind that. */
void tui_prompt_open(struct tui_prompt *prompt, enum tui_prompt_kind kind, const char *text);
/* Asks; y runs the command. */
void tui_prompt_confirm(struct tui_prompt *prompt, const char *question, const char *command);
/* One key; Enter does what the prompt is for. */
void tui_prompt_key(struct tui_app *app, uint32_t key);
/* On row y of the canvas. */
void tui_prompt_draw(const struct tui_prompt *prompt, struct tui_canvas *canvas, int y);

/* ---- For tests ---- */
enum tui_prompt_edit { TUI_PROMPT_OPEN, TUI_PROMPT_CANCELLED, TUI_PROMPT_ENTERED, TUI_PROMPT_COMPLETE };
/* What a key does to the line itself. */
enum tui_prompt_edit tui_prompt_edit(struct tui_prompt *prompt, uint32_t key);
/* Replaces the word of `length` bytes before the cursor by as much as all words that begin like it have in common;
 * words: ended by NULL. Several: they are said. */
void tui_prompt_complete(struct tui_prompt *prompt, size_t length, const char *const *words);

#endif
