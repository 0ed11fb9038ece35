/* man.c: sections of the manual page. See man.h; docs/man/tui.sh puts them into the page of `reftrack tui`. */
#include "man.h"

#include <string.h>

#include "command.h"
#include "config.h"
#include "meaning.h"

/* Text in a line of a request or of its own: what roff would take for its own is escaped. */
static void put(FILE *out, const char *text)
{
    fputs("\\&", out); /* no word of a line is a macro, and no line a request */
    for (; *text != '\0'; text++)
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else if (*text == '"')
            fputs("\\(dq", out);
        else if (*text == '\'')
            fputs("\\(aq", out);
        else if (*text == '`')
            fputs("\\(ga", out);
        else if (*text == '^')
            fputs("\\(ha", out);
        else if (*text == '~')
            fputs("\\(ti", out);
        else
            fputc(*text, out);
}

/* ".It" with a term of words, each shielded. */
static void item(FILE *out, const char *term)
{
    fputs(".It \"", out);
    put(out, term);
    fputs("\"\n", out);
}

static void line(FILE *out, const char *text)
{
    put(out, text);
    fputs(".\n", out);
}

static void keys(FILE *out)
{
    char term[128];
    fputs(
        ".Sh KEYS\nThese are the keys as they stand when nothing is configured, and behind them the name of the action "
        "for\n.Ql bind\nand for the prompt.\nThe help\n.Pq Ql \\&?\nshows them as they are now.\n",
        out);
    for (int group = 0; group < TUI_GROUPS; group++) {
        fprintf(out, ".Ss %s\n.Bl -tag -width Ds -compact\n", tui_group_titles[group]);
        for (int i = 1; i < TUI_ACTIONS; i++) {
            if ((int)tui_actions[i].group != group)
                continue;
            snprintf(term, sizeof term, "%s%s(%s)", tui_actions[i].keys, tui_actions[i].keys[0] != '\0' ? "  " : "",
                     tui_actions[i].name);
            item(out, term);
            line(out, tui_actions[i].help);
        }
        fputs(".El\n", out);
    }
}

static void commands(FILE *out)
{
    char term[128];
    fputs(".Sh COMMANDS\nThe prompt\n.Pq Ql \\&:\ntakes the name of any action, or one of these.\nTab completes, the "
          "arrow keys bring back earlier lines.\n.Bl -tag -width Ds -compact\n",
          out);
    for (size_t i = 0; tui_commands[i].name != NULL; i++) {
        snprintf(term, sizeof term, "%s %s", tui_commands[i].name, tui_commands[i].args);
        item(out, term);
        line(out, tui_commands[i].help);
    }
    fputs(".El\n", out);
}

static void list(FILE *out, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count && words[i] != NULL; i++) {
        put(out, words[i]);
        fputs(i + 1 < count && words[i + 1] != NULL ? ",\n" : ".\n", out);
    }
}

static void configuration(FILE *out)
{
    char term[128], word[32];
    fputs(".Sh CONFIGURATION\nThe file\n.Pa tuirc\nis read when the viewer starts, and never written.\nIts lines are:\n"
          ".Bl -tag -width Ds -compact\n"
          ".It Ic set Ar NAME No = Ar VALUE\nan option.\n"
          ".It Ic bind Oo Ar VIEW Oc Ar KEY ACTION\na key, in all views or in one; the action\n.Ql none\nis nothing.\n"
          ".It Ic color Ar ROLE FG Op Ar BG Op Ar ATTR,...\nhow what has this role looks, whatever the theme but\n"
          ".Ql mono .\n"
          ".It #\nbegins a comment, at the begin of a line.\n.El\n.Pp\n"
          "Keys are called as above:\n.Ql j ,\n.Ql C\\-d ,\n.Ql PgDn ,\n.Ql F1 .\n"
          "A line that is wrong is left out; the viewer starts, and says which one it is and what is expected, in the "
          "log, too.\n.Pp\nThe options are:\n.Bl -tag -width Ds -compact\n",
          out);
    for (size_t i = 0; i < TUI_OPTIONS; i++) {
        snprintf(term, sizeof term, "%s", tui_options[i].name);
        item(out, term);
        put(out, tui_options[i].help);
        fputs(".\nOne of\n", out);
        for (int k = 0; tui_option_word(&tui_options[i], k, word, sizeof word)[0] != '\0'; k++)
            fprintf(out, ".Ql %s\n", word);
        tui_option_word(&tui_options[i], tui_options[i].otherwise, word, sizeof word);
        fprintf(out, "\\&; otherwise\n.Ql %s .\n", word);
    }
    fputs(".El\n.Pp\nViews:\n", out);
    list(out, tui_view_names, SIZE_MAX);
    fputs(".Pp\nRoles:\n", out);
    list(out, tui_role_names, TUI_ROLES);
    fputs(".Pp\nColours: default (the terminal's own),\n", out);
    list(out, tui_color_names, SIZE_MAX);
    fputs("Numbers from 0 to 255 are colours, too, where the terminal has so many.\n"
          "Attributes: none, bold, dim, underline, reverse.\n",
          out);
}

static void meanings(FILE *out)
{
    fputs(".Sh SIGNS AND WORDS\nThe help tells what the columns of each list mean.\n.Bl -tag -width Ds -compact\n",
          out);
    for (size_t i = 0; tui_meanings[i].word != NULL; i++) {
        item(out, tui_meanings[i].word);
        line(out, tui_meanings[i].text);
    }
    fputs(".El\n", out);
}

static void files(FILE *out)
{
    fputs(".Sh ENVIRONMENT\n.Bl -tag -width Ds\n"
          ".It Ev NO_COLOR\nNot empty: the theme\n.Ql mono .\n"
          ".It Ev XDG_CONFIG_HOME , Ev XDG_STATE_HOME\nWhere the files below are, instead of\n.Pa ~/.config\nand\n"
          ".Pa ~/.local/state .\n.El\n"
          ".Sh FILES\n.Bl -tag -width Ds\n"
          ".It Pa $XDG_CONFIG_HOME/reftrack/tuirc\nThe configuration.\n"
          ".It Pa $XDG_STATE_HOME/reftrack/state\nThe order and the columns of each list, as they were last.\n"
          "It is put in place at once, and viewers that run at the same time do not undo each other.\n.El\n",
          out);
}

void tui_man(FILE *out)
{
    keys(out);
    commands(out);
    configuration(out);
    meanings(out);
    files(out);
}
