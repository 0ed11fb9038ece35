/* plugin.c: a shared object that records; built with its own static copy of libtrack, and with none. */
#include <track/track.h>

void plugin_work(void);
void plugin_work(void)
{
    trk_ref((void *)(uintptr_t)0x10010, (void *)(uintptr_t)0x700008);
    trk_unref((void *)(uintptr_t)0x10010, (void *)(uintptr_t)0x700008);
}
