/* prof/selection.h: some objects of one type, as people name them: "struct conn", "struct conn#12", "@leak:3"; and what
 * is shown of them: the balance tree.
 *
 * Layer view. */
#ifndef PROF_SELECTION_H
#define PROF_SELECTION_H

#include <prof/balance.h>
#include <prof/view.h>

struct prof_selection {
    struct prof_view *view;
    prof_type_id type;
    prof_obj_id obj;                    /* this one only; 0: several */
    const struct prof_finding *finding; /* those that it speaks of; NULL */
    bool dead;                          /* also dead ones that a finding names as examples */
    bool all;                           /* all that are alive: none of them has a finding */
    uint64_t count;                     /* how many objects that are */
};
/* OBJ as for prof_view_find, the type of objects with or without "struct ", or @leak:N: all objects of that finding. Of
 * a type those with a finding that gates, when there are some. The view must have findings. dead: what
 * died belongs to it, too, as far as findings of misuse keep it; else only what is alive. */
struct prof_error *prof_view_select(struct prof_view *view, const char *spec, bool dead, struct prof_selection *ret);
/* Is it one of them? Fits prof_balance_create; ctx is the selection. */
bool prof_selection_has(void *selection, prof_obj_id id);
/* "5 struct conn", "struct conn#12". Raw text: escape it. */
char *prof_selection_text(const struct prof_selection *selection, char *buf, size_t size);

/* {type, objects, freed, excluded, divergence, nodes[{id, parent, depth, function, file, line, event, leaked, freed,
 * difference, taken, given, freed_taken, freed_given}]} */
struct prof_error *prof_json_balance(const struct prof_selection *selection, const struct prof_balance *balance,
                                     char **ret);

#endif
