/* engine_preload.c: linked into libtrack-preload.so only; its presence tells the engine how it came into the process.
 */
extern const unsigned char trk_is_preload __attribute__((visibility("hidden")));
const unsigned char trk_is_preload = 1;
