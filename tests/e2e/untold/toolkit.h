/* toolkit.h: connections whose counting functions tell reftrack, but neither whom they count for nor who owns what. */
#ifndef UNTOLD_TOOLKIT_H
#define UNTOLD_TOOLKIT_H

struct conn {
    int refs;
    int number;
};
struct conn *conn_new(int number);
struct conn *conn_ref(struct conn *conn);
int conn_unref(struct conn *conn); /* how many are left */

/* Of the plugin: shows a connection, and forgets every third. */
int plugin_show(struct conn *conn);

#endif
