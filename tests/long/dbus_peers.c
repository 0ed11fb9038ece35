/* Clients and a server of libdbus in one process: method calls that are answered, refused, unknown or never answered,
 * signals that somebody handles or nobody does, connections that come and go. Everything taken is given back. */
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <dbus/dbus.h>

enum { ROUNDS = 12, CLIENTS = 4, CALLS = 24 };

static DBusConnection *accepted[CLIENTS];
static unsigned accepted_count, noticed;
static DBusWatch *listening;

static dbus_bool_t add_watch(DBusWatch *watch, void *data)
{
    (void)data;
    listening = watch;
    return TRUE;
}

static void remove_watch(DBusWatch *watch, void *data)
{
    (void)data;
    listening = listening == watch ? NULL : listening;
}

static DBusHandlerResult serve(DBusConnection *connection, DBusMessage *message, void *data)
{
    DBusMessage *reply = NULL;
    dbus_int32_t number = 0;

    (void)data;
    if (dbus_message_is_signal(message, "peers.Use", "Handled"))
        return DBUS_HANDLER_RESULT_HANDLED;
    if (dbus_message_is_method_call(message, "peers.Use", "Never"))
        return DBUS_HANDLER_RESULT_HANDLED;
    if (dbus_message_is_method_call(message, "peers.Use", "Refuse"))
        reply = dbus_message_new_error(message, "peers.Refused", "not today");
    if (dbus_message_is_method_call(message, "peers.Use", "Answer")) {
        dbus_message_get_args(message, NULL, DBUS_TYPE_INT32, &number, DBUS_TYPE_INVALID);
        reply = dbus_message_new_method_return(message);
        dbus_message_append_args(reply, DBUS_TYPE_INT32, &number, DBUS_TYPE_INVALID);
    }
    if (reply == NULL)
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
    dbus_connection_send(connection, reply, NULL);
    dbus_message_unref(reply);
    return DBUS_HANDLER_RESULT_HANDLED;
}

static void greet(DBusServer *server, DBusConnection *connection, void *data)
{
    (void)server;
    (void)data;
    accepted[accepted_count++] = dbus_connection_ref(connection);
    dbus_connection_add_filter(connection, serve, NULL, NULL);
}

static void notice(DBusPendingCall *call, void *data)
{
    (void)call;
    (void)data;
    noticed++;
}

static void turn(DBusConnection **clients)
{
    struct pollfd fd = { .fd = listening != NULL ? dbus_watch_get_unix_fd(listening) : -1, .events = POLLIN };

    if (poll(&fd, 1, 0) == 1)
        dbus_watch_handle(listening, DBUS_WATCH_READABLE);
    for (unsigned i = 0; i < CLIENTS; i++)
        dbus_connection_read_write_dispatch(clients[i], 0);
    for (unsigned i = 0; i < accepted_count; i++)
        dbus_connection_read_write_dispatch(accepted[i], 0);
}

static DBusPendingCall *call(DBusConnection *connection, int number)
{
    static const char *const members[] = { "Answer", "Refuse", "Answer", "Unknown", "Never" };
    DBusMessage *message = dbus_message_new_method_call(NULL, "/peers", "peers.Use", members[number % 5]);
    DBusPendingCall *pending = NULL;
    dbus_int32_t value = number;

    dbus_message_append_args(message, DBUS_TYPE_INT32, &value, DBUS_TYPE_INVALID);
    dbus_connection_send_with_reply(connection, message, &pending, 600000);
    dbus_message_unref(message);
    if (number % 3 == 0)
        dbus_pending_call_set_notify(pending, notice, NULL, NULL);
    return pending;
}

static void tell(DBusConnection *connection, const char *name)
{
    DBusMessage *message = dbus_message_new_signal("/peers", "peers.Use", name);

    dbus_connection_send(connection, message, NULL);
    dbus_message_unref(message);
}

static void use(DBusConnection **clients)
{
    DBusPendingCall *calls[CLIENTS][CALLS];

    for (int n = 0; n < CALLS; n++) {
        for (int i = 0; i < CLIENTS; i++) {
            calls[i][n] = call(clients[i], n + i);
            if (n % 4 == 0)
                tell(clients[i], i % 2 == 0 || n % 8 == 0 ? "Handled" : "Unhandled");
        }
        turn(clients);
    }
    for (int i = 0; i < CLIENTS; i++) {
        for (int n = 0; n < CALLS; n++) {
            bool never = (n + i) % 5 == 4;
            while (!never && !dbus_pending_call_get_completed(calls[i][n]))
                turn(clients);
            DBusMessage *reply = never || n % 7 == 3 ? NULL : dbus_pending_call_steal_reply(calls[i][n]);
            if (never)
                dbus_pending_call_cancel(calls[i][n]);
            if (reply != NULL)
                dbus_message_unref(reply);
            dbus_pending_call_unref(calls[i][n]);
        }
    }
}

int main(int argc, char **argv)
{
    DBusServer *server = dbus_server_listen(argc > 1 ? argv[1] : "unix:tmpdir=/tmp", NULL);
    char *address = server != NULL ? dbus_server_get_address(server) : NULL;

    if (address == NULL)
        return 1;
    dbus_server_set_new_connection_function(server, greet, NULL, NULL);
    dbus_server_set_watch_functions(server, add_watch, remove_watch, NULL, NULL, NULL);
    for (int round = 0; round < ROUNDS; round++) {
        DBusConnection *clients[CLIENTS];
        for (int i = 0; i < CLIENTS; i++) {
            clients[i] = dbus_connection_open_private(address, NULL);
            if (clients[i] == NULL)
                return 1;
        }
        while (accepted_count < CLIENTS)
            turn(clients);
        use(clients);
        for (int i = 0; i < CLIENTS; i++) {
            dbus_connection_close(clients[i]);
            dbus_connection_unref(clients[i]);
        }
        for (unsigned i = 0; i < accepted_count; i++) {
            while (dbus_connection_read_write_dispatch(accepted[i], 0))
                continue;
            dbus_connection_close(accepted[i]);
            dbus_connection_unref(accepted[i]);
        }
        accepted_count = 0;
    }
    dbus_free(address);
    dbus_server_disconnect(server);
    dbus_server_unref(server);
    dbus_shutdown();
    return noticed > 0 ? 0 : 1;
}
