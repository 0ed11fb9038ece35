/* base/table.h: the one place that includes uthash. A failed allocation inside it makes HASH_ADD leave the element out:
 * define uthash's nonfatal mode and check the handle's `hh.tbl` after adding. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Hash of a key of any length: eight bytes at a time, multiplied and folded. */
static inline unsigned prof_hash(const void *key, size_t length)
{
    const char *at = (const char *)key;
    uint64_t hash = length * 0x9e3779b97f4a7c15u, word;
    for (; length >= sizeof word; at += sizeof word, length -= sizeof word) {
        memcpy(&word, at, sizeof word);
        hash = (hash ^ word) * 0xff51afd7ed558ccdu;
        hash ^= hash >> 32;
    }
    word = 0;
    memcpy(&word, at, length);
    hash = (hash ^ word) * 0xff51afd7ed558ccdu;
    return (unsigned)(hash ^ hash >> 32);
}
#define HASH_FUNCTION(key, length, hash) ((hash) = prof_hash((key), (length)))
#define HASH_NONFATAL_OOM                1
#define uthash_nonfatal_oom(element)     ((void)(element))
#include <uthash.h>

#ifdef __clang_analyzer__
/* The analyzer cannot follow the chain of a bucket and sees freed elements in it. A plain list is what it can judge. */
#undef HASH_DELETE
#define HASH_DELETE(handle, head, element) ((head) = (head) == (element) ? (element)->handle.next : (head))
#endif

#endif
