/* plugin.c: takes a reference to each connection and gives back two of three. */
#include "toolkit.h"

int plugin_show(struct conn *conn)
{
    struct conn *shown;
    shown = conn_ref(conn);
    if (shown->number % 3 == 2)
        return -1;
    return conn_unref(shown);
}
