/* main.c: clients that are made up, the same in every run.
 *
 *     server           handles requests until it is stopped, 200 a second
 *     server COUNT     that many, at once
 *     server -         reads numbers, and handles that many requests for each */
#include <stdio.h>
#include <unistd.h>

#include "server.h"

enum { BEGIN_LOGINS = 8, RELOAD_AT = 1000, AUDIT_AT = 40, PAUSE_US = 5000 };

static unsigned next(unsigned below)
{
    static unsigned long state = 42;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % below;
}

static void handle(long number)
{
    int user = (int)next(USERS - 1) + 1;
    unsigned kind = next(100);
    if (number == AUDIT_AT)
        request_audit(0);
    else if (number == AUDIT_AT + 1)
        logout(0);
    else if (number == RELOAD_AT) {
        config_read();
        trk_mark("reload");
    } else if (kind < 20)
        login(user);
    else if (kind < 30)
        logout(user);
    else if (kind < 40)
        request_upload(user, kind == 39 ? 2000 : 500);
    else
        request_page(user, (int)next(10000));
    timers_run(number);
}

int main(int argc, char **argv)
{
    long count = argc > 1 && argv[1][0] != '-' ? atol(argv[1]) : 0, now = 0;
    config_read();
    for (int user = 0; user < BEGIN_LOGINS; user++)
        login(user);
    if (argc > 1 && argv[1][0] == '-') {
        while (scanf("%ld", &count) == 1)
            for (long end = now + count; now < end;)
                handle(++now);
        return 0;
    }
    while (argc < 2 || now < count) {
        handle(++now);
        if (argc < 2)
            usleep(PAUSE_US);
    }
    return 0;
}
