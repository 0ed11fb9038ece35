/* clients.c: see server.h. Every fourth client errs, half of them ask for STAT, and every second one hangs up without
 * QUIT. */
#include "server.h"

#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct clients want;
static int server_port;
static pthread_t thread[SESSIONS];
static atomic_int wrong;

/* One line there and one back. */
static void ask(int fd, const char *line, const char *expect)
{
    char text[LINE];
    size_t used = 0;
    int length = snprintf(text, sizeof text, "%s\n", line);
    ssize_t got = send(fd, text, (size_t)length, MSG_NOSIGNAL);
    while (got > 0 && used < sizeof text - 1 && (used == 0 || text[used - 1] != '\n')) {
        got = recv(fd, text + used, sizeof text - 1 - used, 0);
        used += got > 0 ? (size_t)got : 0;
    }
    text[used > 0 ? used - 1 : 0] = '\0';
    wrong += strcmp(text, expect) != 0;
}

static void *talk(void *data)
{
    int number = (int)(intptr_t)data, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    char line[LINE], value[32];
    to.sin_port = htons((unsigned short)server_port);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        wrong++;
        close(fd);
        return NULL;
    }
    for (int i = 0; i < want.requests; i++) {
        snprintf(value, sizeof value, "value%d", i);
        snprintf(line, sizeof line, "SET key%d-%d %s", number, i % 5, value);
        ask(fd, line, "OK");
        snprintf(line, sizeof line, "GET key%d-%d", number, i % 5);
        ask(fd, line, value);
        ask(fd, "PING", "PONG");
        if (i % 4 == 1 && number % 4 == 3)
            ask(fd, "NONSENSE", "ERROR");
        if (i % 8 == 2 && number % 4 < 2)
            ask(fd, "STAT", "FINE");
    }
    if (number % 2 == 0)
        ask(fd, "QUIT", "BYE");
    close(fd);
    return NULL;
}

void clients_start(const struct clients *clients, int port)
{
    want = *clients;
    server_port = port;
    for (int i = 0; i < want.count; i++)
        pthread_create(&thread[i], NULL, talk, (void *)(intptr_t)i);
}

int clients_stop(void)
{
    for (int i = 0; i < want.count; i++)
        pthread_join(thread[i], NULL);
    return wrong;
}
