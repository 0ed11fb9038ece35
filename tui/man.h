/* man.h: the sections of the manual page that the viewer knows by itself: keys, commands, configuration, files. */
#ifndef TUI_MAN_H
#define TUI_MAN_H

#include <stdio.h>

/* In mdoc, made from the tables of actions, commands, options, roles and views. */
void tui_man(FILE *out);

#endif
