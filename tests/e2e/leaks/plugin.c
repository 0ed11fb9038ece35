/* A library with a global variable that keeps a block. */
void leak_plugin_keep(void *block);
static void *volatile kept;
void leak_plugin_keep(void *block)
{
    kept = block;
}
