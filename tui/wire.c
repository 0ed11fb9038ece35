/* wire.c: JSON documents over a socket. See wire.h. */
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 256 << 20, HEAD = sizeof(uint32_t), CHUNK = 64 << 10 };

void tui_wire_init(struct tui_wire *wire, int fd, bool blocking)
{
    *wire = (struct tui_wire){ .fd = fd };
    int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

void tui_wire_deinit(struct tui_wire *wire)
{
    if (wire->fd >= 0)
        close(wire->fd);
    free(wire->in);
    free(wire->out);
    *wire = (struct tui_wire){ .fd = -1 };
}

static bool grow(char **bytes, size_t *room, size_t needs)
{
    if (needs <= *room)
        return true;
    size_t more = needs + needs / 2;
    char *grown = realloc(*bytes, more);
    if (grown == NULL)
        return false;
    *bytes = grown;
    *room = more;
    return true;
}

bool tui_wire_flush(struct tui_wire *wire)
{
    size_t done = 0;
    while (wire->fd >= 0 && done < wire->out_count) {
        ssize_t n = send(wire->fd, wire->out + done, wire->out_count - done, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n <= 0) {
            tui_wire_deinit(wire);
            return false;
        }
        done += (size_t)n;
    }
    if (done > 0)
        memmove(wire->out, wire->out + done, wire->out_count -= done);
    return wire->fd >= 0;
}

bool tui_wire_send(struct tui_wire *wire, json_t *document)
{
    char *text = document != NULL ? json_dumps(document, JSON_COMPACT) : NULL;
    json_decref(document);
    size_t length = text != NULL ? strlen(text) : 0;
    uint32_t head = (uint32_t)length;
    bool good = text != NULL && wire->fd >= 0 && length <= MOST &&
                grow(&wire->out, &wire->out_room, wire->out_count + HEAD + length);
    if (good) {
        memcpy(wire->out + wire->out_count, &head, HEAD);
        memcpy(wire->out + wire->out_count + HEAD, text, length);
        wire->out_count += HEAD + length;
    }
    free(text);
    if (!good) {
        tui_wire_deinit(wire);
        return false;
    }
    return tui_wire_flush(wire);
}

/* The whole document at the begin of what came; NULL: it is not complete. *ret_bad: it is none. */
static json_t *first_of(struct tui_wire *wire, bool *ret_bad)
{
    uint32_t length;
    if (wire->in_count < HEAD)
        return NULL;
    memcpy(&length, wire->in, HEAD);
    *ret_bad = length > MOST;
    if (*ret_bad || wire->in_count < HEAD + length)
        return NULL;
    json_t *document = json_loadb(wire->in + HEAD, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    *ret_bad = document == NULL;
    wire->in_count -= HEAD + length;
    memmove(wire->in, wire->in + HEAD + length, wire->in_count);
    return document;
}

json_t *tui_wire_receive(struct tui_wire *wire)
{
    for (;;) {
        bool bad = false;
        json_t *document = first_of(wire, &bad);
        if (document != NULL || wire->fd < 0)
            return document;
        if (bad || !grow(&wire->in, &wire->in_room, wire->in_count + CHUNK)) {
            tui_wire_deinit(wire);
            return NULL;
        }
        ssize_t n = recv(wire->fd, wire->in + wire->in_count, CHUNK, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return NULL;
        if (n <= 0) {
            tui_wire_deinit(wire);
            return NULL;
        }
        wire->in_count += (size_t)n;
    }
}
