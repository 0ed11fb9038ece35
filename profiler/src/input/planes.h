/* planes.h: slots as byte planes, the form in which event blocks are compressed (TRK_BLOCK_PLANES). Private to this
 * folder.
 *
 * Byte k of all slots stands together: equal high bytes of addresses and ids become runs, noise stays in few planes.
 * That makes zstd several times faster and the result several times smaller than with the slots as they are. */
#ifndef INPUT_PLANES_H
#define INPUT_PLANES_H

#include <stddef.h>
#include <stdint.h>

#include <track/format.h>

/* Both: count slots, count * TRK_SLOT_BYTES bytes; from and to do not overlap; no alignment needed. */
void planes_split(void *to, const void *from, size_t count);
void planes_join(void *to, const void *from, size_t count);

/* The same for words: byte k of all of them stands together, lowest first. to: 8 * count bytes. */
void planes_split_words(void *to, const uint64_t *from, size_t count);

#endif
