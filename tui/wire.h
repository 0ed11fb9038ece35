/* wire.h: JSON documents between the viewer and its workers, over a stream socket: a length (32 bits), then the text.
 *
 * Either end may be killed at any moment, and a worker reads files that anybody may have written: whatever comes is
 * checked, and what is not well-formed ends the connection. */
#ifndef TUI_WIRE_H
#define TUI_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct tui_wire {
    int fd; /* -1: closed */
    char *in, *out;
    size_t in_count, in_room, out_count, out_room;
};

/* Takes over the socket. blocking: sends wait until the other end has taken everything; else what it does not take is
 * kept for tui_wire_flush. */
void tui_wire_init(struct tui_wire *wire, int fd, bool blocking);
/* Closes it. */
void tui_wire_deinit(struct tui_wire *wire);

/* Takes over a reference to the document. false: the connection is gone, or there is no memory; then it is closed. */
bool tui_wire_send(struct tui_wire *wire, json_t *document);
/* Sends what was kept. false: the connection is gone. */
bool tui_wire_flush(struct tui_wire *wire);
/* The next whole document, the caller's; NULL: there is none yet (fd is still open), or the connection is gone (fd is
 * -1). On a blocking wire it waits for one. */
json_t *tui_wire_receive(struct tui_wire *wire);

#endif
