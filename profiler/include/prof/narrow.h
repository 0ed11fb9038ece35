/* prof/narrow.h: how to look at a few objects again, closer: the command that records just these, and what to tell gdb.
 *
 * Layer view. Objects are named by type and number, which come again in a run that does the same; nothing is run. */
#ifndef PROF_NARROW_H
#define PROF_NARROW_H

#include <prof/selection.h>

struct prof_narrow {
    const char *objects;     /* "conn#4,8-10": as --objects takes it */
    uint64_t count, of;      /* how many objects these are, of those that were asked for */
    uint64_t healthy;        /* how many others of their type, which were freed, are among `objects` to compare with */
    const char *command;     /* "reftrack run --objects ... -- ./server 80", for a shell */
    const char *environment; /* "TRACK_OPTIONS='...' ./server 80", for programs that are linked with libtrack */
    const char *watched;     /* the object that gdb is told about: "struct conn#4" */
    const char *gdb;         /* a command for a shell; NULL: gdb_why_not says why there is none */
    const char *gdb_why_not;
    const char *const *notes; /* what stands in the way of meeting the same objects again; NULL-terminated */
};
/* The first `most` objects of a selection. Costs a replay of the trace. Texts are borrowed until the view is destroyed;
 * raw: escape them. */
struct prof_error *prof_view_narrow(const struct prof_selection *selection, size_t most, struct prof_narrow *ret);
struct prof_error *prof_json_narrow(const struct prof_selection *selection, const struct prof_narrow *narrow,
                                    char **ret);

#endif
