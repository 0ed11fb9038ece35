/* config.c: what the server is told to do; read again while it runs. */
#include "server.h"

static TRK_TYPE_COUNTED(config_type, struct config, base.refs);
struct config *g_config;

static void config_end(void *object)
{
    (void)object;
}

void config_read(void)
{
    static int number;
    struct config *fresh;
    object_new(&fresh, sizeof *fresh, &config_type, config_end);
    fresh->number = ++number;
    fresh->limit = 32;
    fresh->expire_every = 25;
    drop(&g_config);
    hold(&g_config, fresh);
    cache_configure(fresh);
    drop(&fresh);
}
