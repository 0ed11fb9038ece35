/* base/table.h: the one place that includes uthash. A failed allocation inside it makes HASH_ADD leave the element out:
 * define uthash's nonfatal mode and check the handle's `hh.tbl` after adding. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) ((void)(element))
#include <uthash.h>

#endif
