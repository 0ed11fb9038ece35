/* 06-immortal: objects that live until exit on purpose.
 *
 * Singletons, interned strings and default themes are never released, and that is fine. Three ways to say so: a type
 * flag, trk_may_leak with a reason, and trk_pin. Reports list them under "held by design", a check stays green. */
#include <stdlib.h>
#include <track/track.h>

struct symbol {
    int refs;
    const char *name;
};
static TRK_TYPE_FULL(symbol_type, "struct symbol", sizeof(struct symbol), 0, offsetof(struct symbol, refs), sizeof(int),
                     TRK_TYPE_IMMORTAL);

struct theme {
    int refs;
    struct symbol *font;
};
static TRK_TYPE_COUNTED(theme_type, struct theme, refs);

static struct symbol *intern(const char *name)
{
    struct symbol *symbol = calloc(1, sizeof *symbol);
    symbol->refs = 1;
    symbol->name = name;
    trk_new(symbol, &symbol_type);
    return symbol;
}

static struct theme *theme_new(struct symbol *font)
{
    struct theme *theme = calloc(1, sizeof *theme);
    theme->refs = 1;
    trk_new(theme, &theme_type);
    theme->font = font;
    font->refs++;
    trk_ref(font, &theme->font);
    return theme;
}

int main(void)
{
    struct symbol *mono = intern("mono");

    struct theme *fallback = theme_new(mono);
    trk_pin(fallback, "the theme of last resort");

    struct theme *current = theme_new(mono);
    trk_may_leak(current, "freed by the desktop at logout");

    return (fallback == current) + (mono->refs != 3);
}
