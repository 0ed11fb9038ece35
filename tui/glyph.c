/* glyph.c: characters for lines, trees, bars and graphs. See glyph.h. */
#include "glyph.h"

#include <math.h>

uint32_t tui_glyph(const struct tui_canvas *canvas, enum tui_glyph glyph)
{
    static const struct {
        uint32_t utf8;
        char ascii;
    } glyphs[TUI_GLYPHS] = {
        [TUI_GLYPH_CURSOR] = { '>', '>' },    [TUI_GLYPH_RULE] = { 0x2500, '-' },  [TUI_GLYPH_BRANCH] = { 0x251c, '|' },
        [TUI_GLYPH_CORNER] = { 0x2514, '`' }, [TUI_GLYPH_TRUNK] = { 0x2502, '|' }, [TUI_GLYPH_ARM] = { 0x2500, '-' },
        [TUI_GLYPH_FOLDED] = { '+', '+' },    [TUI_GLYPH_OPEN] = { '-', '-' },     [TUI_GLYPH_LEAF] = { ' ', ' ' },
        [TUI_GLYPH_ARROW] = { 0x2192, '>' },  [TUI_GLYPH_UP] = { 0x25b2, '^' },    [TUI_GLYPH_DOWN] = { 0x25bc, 'v' },
        [TUI_GLYPH_WALL] = { 0x2502, '|' },   [TUI_GLYPH_TICK] = { 0x2534, '|' },
    };
    return canvas->ascii ? (uint32_t)glyphs[glyph].ascii : glyphs[glyph].utf8;
}

void tui_bar(struct tui_canvas *canvas, int y, int x, int width, enum tui_role role, double share)
{
    int inside = width - 2;
    if (inside < 1)
        return;
    share = share < 0 || isnan(share) ? 0 : share > 1 ? 1 : share;
    int eighths = (int)(share * inside * 8 + 0.5);
    eighths = share > 0 && eighths == 0 ? 1 : eighths;
    int full = canvas->ascii ? (eighths + 4) / 8 : eighths / 8;
    tui_put(canvas, y, x, TUI_DIM, '[');
    tui_fill(canvas, y, x + 1, full, role, canvas->ascii ? '#' : 0x2588);
    if (!canvas->ascii && eighths % 8 != 0)
        tui_put(canvas, y, x + 1 + full, role, 0x2590 - (uint32_t)(eighths % 8)); /* left blocks: 0x258f is 1/8 */
    tui_put(canvas, y, x + width - 1, TUI_DIM, ']');
}

/* The share of its top that a value reaches, in dots. */
static int dots_of(double value, double most, int dots)
{
    if (isnan(value) || value <= 0 || most <= 0)
        return 0;
    int n = (int)(value / most * dots + 0.5);
    return n < 1 ? 1 : n > dots ? dots : n;
}

void tui_graph(struct tui_canvas *canvas, int y, int x, int height, int width, enum tui_role role, const double *values,
               size_t count, double most)
{
    static const char marks[] = " .:|";
    /* Dots of a braille cell from the bottom up, left and right column. */
    static const uint32_t bits[2][4] = { { 0x40, 0x04, 0x02, 0x01 }, { 0x80, 0x20, 0x10, 0x08 } };
    int across = canvas->ascii ? 1 : 2, tall = canvas->ascii ? 3 : 4;
    if (most <= 0)
        for (size_t i = 0; i < count; i++)
            most = values[i] > most ? values[i] : most;
    for (int row = 0; row < height; row++)
        for (int column = 0; column < width; column++) {
            uint32_t cell = 0;
            int level = 0;
            for (int half = 0; half < across; half++) {
                long from_end = (long)(width - 1 - column) * across + (across - 1 - half);
                if (from_end >= (long)count)
                    continue;
                int dots = dots_of(values[count - 1 - (size_t)from_end], most, height * tall);
                level = dots - (height - 1 - row) * tall;
                for (int i = 0; i < tall && i < level && !canvas->ascii; i++)
                    cell |= bits[half][i];
            }
            level = level < 0 ? 0 : level > tall ? tall : level;
            if (canvas->ascii)
                tui_put(canvas, y + row, x + column, role, (uint32_t)marks[level]);
            else
                tui_put(canvas, y + row, x + column, role, cell == 0 ? ' ' : 0x2800 + cell);
        }
}
