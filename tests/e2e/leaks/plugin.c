/* A library with a global variable that keeps a block, and one of each thread. */
void leak_plugin_keep(void *block);
void leak_plugin_keep_local(void *block);
static void *volatile kept;
static __thread void *volatile kept_local;
void leak_plugin_keep(void *block)
{
    kept = block;
}
void leak_plugin_keep_local(void *block)
{
    kept_local = block;
}
