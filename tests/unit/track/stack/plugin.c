/* plugin.c: a library to load and unload; its two variants have different frames at equal addresses. It can also call
 * back from the resolver of an indirect function, that is from inside the loader's lazy binding. */
#ifdef PLUGIN_ONE
enum { FRAME = 1000 };
#else
enum { FRAME = 2000 };
#endif

typedef void (*plugin_callback)(void *arg);
int plugin_call(plugin_callback callback, void *arg);
void plugin_resolve(plugin_callback callback, void *arg);
int plugin_lazy(void);

static plugin_callback resolver_callback;
static void *resolver_arg;

__attribute__((noinline)) int plugin_call(plugin_callback callback, void *arg)
{
    char buf[FRAME];
    __asm__ volatile("" ::"r"(buf) : "memory");
    callback(arg);
    __asm__ volatile("" ::"r"(buf) : "memory");
    return 0;
}

static int lazy_body(void)
{
    return 42;
}

__attribute__((used)) static int (*resolve_lazy(void))(void)
{
    if (resolver_callback)
        resolver_callback(resolver_arg);
    __asm__ volatile("" ::: "memory");
    return lazy_body;
}

int plugin_lazy(void) __attribute__((ifunc("resolve_lazy")));

void plugin_resolve(plugin_callback callback, void *arg)
{
    resolver_callback = callback;
    resolver_arg = arg;
    plugin_lazy();
    __asm__ volatile("" ::: "memory");
}
