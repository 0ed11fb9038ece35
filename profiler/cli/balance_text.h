/* balance_text.h: balance trees in words. */
#ifndef CLI_BALANCE_TEXT_H
#define CLI_BALANCE_TEXT_H

#include <prof/balance.h>

#include "cli.h"

struct text_balance {
    int by;         /* enum prof_balance_by, as the tree was made */
    bool all;       /* steps where both agree, too */
    uint64_t prune; /* percent of the whole difference below which a path is left out */
    uint64_t depth; /* steps of a path; 0: all */
};
/* false: no memory. */
bool text_balance_tree(struct cli_out *out, const struct text_balance *how, const struct prof_balance *balance);
/* Where the difference comes from, and the lines that make it; that nothing can be compared, when no object was freed.
 */
void text_balance_conclusion(struct cli_out *out, const struct text_balance *how, const struct prof_balance *balance);

#endif
