/* text.c: the pieces that all texts are made of, on their way to the sink. */
#include <prof/text.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FINDING_INDENT = 5, FACT_INDENT = 2 };

void prof_text_printf(const struct prof_text *t, enum prof_text_role role, const char *format, ...)
{
    char text[4096], *whole = NULL;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n >= (int)sizeof text) {
        va_start(args, format);
        n = vasprintf(&whole, format, args);
        va_end(args);
    }
    /* Without memory the beginning is said. */
    t->sink->put(t->ctx, role, n >= 0 && whole != NULL ? whole : text);
    free(whole);
}

void prof_text_add(const struct prof_text *t, const char *text)
{
    t->sink->put(t->ctx, PROF_TEXT_PLAIN, text);
}

void prof_text_put(const struct prof_text *t, enum prof_text_role role, const char *text)
{
    char shown[4096];
    t->sink->put(t->ctx, role, prof_escape_terminal(shown, sizeof shown, text));
}

void prof_text_label(const struct prof_text *t, const char *word)
{
    t->sink->label(t->ctx, FINDING_INDENT, word);
}

void prof_text_fact(const struct prof_text *t, const char *word)
{
    t->sink->label(t->ctx, FACT_INDENT, word);
}

void prof_text_place(const struct prof_text *t, uint32_t stack)
{
    char site[1024];
    prof_text_put(t, PROF_TEXT_PLACE, prof_view_site(t->view, stack, site, sizeof site));
    if (stack != 0 && t->sink->place != NULL)
        t->sink->place(t->ctx, stack);
}

void prof_text_object(const struct prof_text *t, const char *name)
{
    prof_text_put(t, PROF_TEXT_TYPE, name);
    prof_text_about(t, name);
}

void prof_text_about(const struct prof_text *t, const char *name)
{
    if (t->sink->object != NULL)
        t->sink->object(t->ctx, name);
}

char prof_text_pair_mark(enum prof_pairing pairing)
{
    return pairing == PROF_PAIR_SLOT ? '=' : '~';
}
