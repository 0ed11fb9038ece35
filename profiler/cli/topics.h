/* topics.h: the pages of `reftrack help TOPIC`; their names are cli_topics in opt.h. */
#ifndef CLI_TOPICS_H
#define CLI_TOPICS_H

#include "opt.h"

/* The text of a page, lines of any length; NULL: no such topic. */
const char *cli_topic(const char *name);

#endif
