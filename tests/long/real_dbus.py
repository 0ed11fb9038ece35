#!/usr/bin/env python3
"""libdbus, told with the API: messages, calls that wait, connections and servers, each with functions of its own that count, queues
and tables that hold references, births that the library itself gives back. One release is taken out of the library each time."""
import os

from code_base import CodeBase

LIBRARY = ("address auth bus connection credentials errors keyring marshal-header marshal-byteswap marshal-recursive marshal-validate "
           "message misc nonce object-tree pending-call resources server server-debug-pipe server-socket server-unix sha signature syntax "
           "timeout threads transport transport-socket transport-unix watch dataslot file hash internals list marshal-basic memory mempool "
           "pipe string sysdeps file-unix pipe-unix sysdeps-unix sysdeps-pthread userdb uuidgen").split()
LIBRARY = [f"dbus/dbus-{name}.c" for name in LIBRARY]
HAVE = ("ACCEPT4 ALLOCA_H BYTESWAP_H CLEARENV DECL_ENVIRON DECL_MSG_NOSIGNAL DIRENT_H DIRFD ERRNO_H FPATHCONF GETGROUPLIST GETPWNAM_R "
        "GETRANDOM GETRESUID GETRLIMIT INTTYPES_H LOCALECONV LOCALE_H MONOTONIC_CLOCK NANOSLEEP PIPE2 POLL PRCTL PRLIMIT RAISE SETENV "
        "SETLOCALE SETRESUID SETRLIMIT SIGNAL_H SOCKETPAIR SOCKLEN_T STDINT_H STDIO_H STDLIB_H STRINGS_H STRING_H STRTOLL STRTOULL "
        "SYSLOG_H SYS_PRCTL_H SYS_RANDOM_H SYS_RESOURCE_H SYS_STAT_H SYS_TIME_H SYS_TYPES_H SYS_UIO_H UNISTD_H UNIX_FD_PASSING UNSETENV "
        "USLEEP WCHAR_H WRITEV").split()
# What counts is told in one place: the library has a call for it wherever a count changes.
CONFIG = "".join(f"#define HAVE_{name} 1\n" for name in HAVE) + r"""#define _GNU_SOURCE 1
#define DBUS_UNIX 1
#define DBUS_USE_SYNC 1
#define DBUS_DISABLE_ASSERT 1
#define DBUS_ENABLE_CHECKS 1
#define DBUS_VA_COPY va_copy
#define DBUS_ENABLE_STATS 1
#define DBUS_HAVE_INT64 1
#define DBUS_DATADIR "/usr/share"
#define DBUS_BINDIR "/usr/bin"
#define DBUS_PREFIX "/usr"
#define DBUS_DAEMONDIR "/usr/bin"
#define DBUS_EXEEXT ""
#define DBUS_SESSION_BUS_CONNECT_ADDRESS "autolaunch:"
#define DBUS_SESSION_SOCKET_DIR "/tmp"
#define DBUS_SYSTEM_BUS_DEFAULT_ADDRESS "unix:path=/run/dbus/system_bus_socket"
#define DBUS_MACHINE_UUID_FILE "/var/lib/dbus/machine-id"
#define VERSION "1"
#define SIZEOF_CHAR 1
#define SIZEOF_SHORT 2
#define SIZEOF_INT 4
#define SIZEOF_LONG 8
#define SIZEOF_LONG_LONG 8
#define SIZEOF_VOID_P 8
#define SIZEOF___INT64 0
#include <track/track.h>
#define TELL(obj, before, after, name)                                                                                 \
    do {                                                                                                               \
        static TRK_TYPE_FULL(counted_type, name, 0, 0, 0, 0, 0);                                                       \
        if ((before) == 0)                                                                                             \
            trk_new(obj, &counted_type);                                                                               \
        else if ((before) > 0 && (after) > (before))                                                                   \
            trk_ref_rc(obj, NULL, after);                                                                              \
        else if ((before) > 0)                                                                                         \
            trk_unref_rc(obj, NULL, after);                                                                            \
        if ((before) > 0 && (after) == 0)                                                                              \
            trk_del(obj);                                                                                              \
    } while (0)
"""

base = CodeBase("dbus", "dbus_message_ref:dbus_message_unref:dbus_message_new*:dbus_message_copy:*_trace_ref:dbus_connection_ref:"
                "dbus_connection_unref:_dbus_connection_ref_unlocked:_dbus_connection_unref_unlocked:dbus_pending_call_ref:"
                "dbus_pending_call_unref:_dbus_pending_call_ref_unlocked:_dbus_pending_call_unref_and_unlock:_dbus_pending_call_new_unlocked:"
                "dbus_server_ref:dbus_server_unref:_dbus_server_ref_unlocked:_dbus_server_unref_unlocked",
                ["-I.", "-DDBUS_COMPILATION", "-DHAVE_CONFIG_H", "-include", "config.h"])
base.write("config.h", CONFIG)
arch = base.text("dbus/dbus-arch-deps.h.in")
for name, value in {"DBUS_INT64_TYPE": "long", "DBUS_INT64_CONSTANT": "(val##L)", "DBUS_UINT64_CONSTANT": "(val##UL)", "DBUS_INT32_TYPE": "int",
                    "DBUS_INT16_TYPE": "short", "DBUS_MAJOR_VERSION": "1", "DBUS_MINOR_VERSION": "14", "DBUS_MICRO_VERSION": "0",
                    "DBUS_VERSION": "1.14.0"}.items():
    arch = arch.replace(f"@{name}@", value)
base.write("dbus/dbus-arch-deps.h", arch)
base.edit("dbus/dbus-message-internal.h", "    (void) (o); \\\n", '    TELL (m, o, n, "DBusMessage"); \\\n')
base.edit("dbus/dbus-server-protected.h", "    (void) (o); \\\n", '    TELL (s, o, n, "DBusServer"); \\\n')
base.edit("dbus/dbus-connection.c", "    const char *why)\n{\n", '    const char *why)\n{ TELL (connection, old_refcount, new_refcount, "DBusConnection");\n')
base.edit("dbus/dbus-pending-call.c", "    const char *why)\n{\n", '    const char *why)\n{ TELL (pending_call, old_refcount, new_refcount, "DBusPendingCall");\n')
base.write("peers.c", open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "dbus_peers.c"), encoding="utf-8").read())
base.compile(LIBRARY + ["peers.c"])


def link():
    base.link("peers", LIBRARY + ["peers.c"], "-lpthread")


link()
PEERS = ["peers", f"unix:tmpdir={base.work}"]
base.clean("peers", PEERS)

PLANTS = [
    ("birth", "the error that was prepared is not dropped when the reply was never fetched", "dbus/dbus-pending-call.c",
     "      dbus_message_unref ((DBusMessage *)pending->timeout_link->data);",
     "      if (!pending->reply) dbus_message_unref ((DBusMessage *)pending->timeout_link->data);",
     ("_dbus_pending_call_set_timeout_error_unlocked", "dbus/dbus-pending-call.c", "  reply = dbus_message_new_error (message, DBUS_ERROR_NO_REPLY,"),
     ("_dbus_pending_call_last_unref", "dbus/dbus-pending-call.c", "      dbus_message_unref ((DBusMessage *)pending->timeout_link->data);")),
    ("error path", "a call that is answered with an error is not dropped", "dbus/dbus-connection.c",
     "  _dbus_pending_call_finish_completion (pending);\n  dbus_pending_call_unref (pending);",
     "  _dbus_pending_call_finish_completion (pending);\n  if (dbus_message_get_type (message) != DBUS_MESSAGE_TYPE_ERROR) dbus_pending_call_unref (pending);",
     ("complete_pending_call_and_unlock", "dbus/dbus-connection.c", "  _dbus_pending_call_ref_unlocked (pending); /* in case there's no app with a ref held */"),
     ("complete_pending_call_and_unlock", "dbus/dbus-connection.c", "  _dbus_pending_call_finish_completion (pending);\n  dbus_pending_call_unref (pending);")),
    ("busy", "a connection is not dropped after what nobody handled", "dbus/dbus-connection.c",
     "  dbus_connection_unref (connection);\n  \n  return status;\n}\n\n/**\n * Sets the watch functions",
     "  if (result != DBUS_HANDLER_RESULT_NOT_YET_HANDLED) dbus_connection_unref (connection);\n  \n  return status;\n}\n\n/**\n * Sets the watch functions",
     ("dbus_connection_dispatch", "dbus/dbus-connection.c", "   * drop the last ref to it\n   */\n  _dbus_connection_ref_unlocked (connection);"),
     ("dbus_connection_dispatch", "dbus/dbus-connection.c", "  _dbus_connection_update_dispatch_status_and_unlock (connection, status);\n  \n  dbus_connection_unref (connection);")),
    ("queue", "signals that were sent are not dropped", "dbus/dbus-connection.c",
     "      dbus_message_unref (message);\n      _dbus_list_free_link (iter);",
     "      if (dbus_message_get_type (message) != DBUS_MESSAGE_TYPE_SIGNAL) dbus_message_unref (message);\n      _dbus_list_free_link (iter);",
     ("_dbus_connection_send_preallocated_unlocked_no_update", "dbus/dbus-connection.c", "  dbus_message_ref (message);"),
     ("_dbus_connection_unlock", "dbus/dbus-connection.c", "      DBusMessage *message = iter->data;\n\n      dbus_message_unref (message);")),
    ("reply", "an error that nobody fetched is not dropped with its call", "dbus/dbus-pending-call.c",
     "      dbus_message_unref (pending->reply);\n      pending->reply = NULL;",
     "      if (dbus_message_get_type (pending->reply) != DBUS_MESSAGE_TYPE_ERROR) dbus_message_unref (pending->reply);\n      pending->reply = NULL;",
     ("_dbus_pending_call_set_reply_unlocked", "dbus/dbus-pending-call.c", "  else\n    dbus_message_ref (message);"),
     ("_dbus_pending_call_last_unref", "dbus/dbus-pending-call.c", "      dbus_message_unref (pending->reply);")),
]
# Connections that clients made are the only ones that all were dropped: of those that the server made, nothing healthy is known.
# An answer that is an error is given back by whoever fetched it more often than by its call; nothing tells those that were not.
KNOWN = {"busy": ["missing", "nothing else"], "reply": ["missing"]}
for name, what, file, before, after, taken, missing in PLANTS:
    base.planted(name, what, (file, before, after), link, PEERS, taken=taken, missing=missing, known=KNOWN.get(name, ()))
base.finish()
