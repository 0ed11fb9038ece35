/* shim.h: included before the code under test: every atomic access becomes a point of the model. */
#ifndef RING_SHIM_H
#define RING_SHIM_H

#include "model.h"

#define __atomic_load_n(p, order)                                                                                      \
    ({                                                                                                                 \
        model_point(p);                                                                                                \
        __typeof__(*(p) + 0) seen_ = *(p);                                                                             \
        model_saw((uint64_t)seen_);                                                                                    \
        seen_;                                                                                                         \
    })
#define __atomic_store_n(p, v, order)                                                                                  \
    ({                                                                                                                 \
        __typeof__(*(p) + 0) put_ = (v);                                                                               \
        model_point(p);                                                                                                \
        *(p) = put_;                                                                                                   \
    })
#define __atomic_fetch_add(p, v, order)                                                                                \
    ({                                                                                                                 \
        model_point(p);                                                                                                \
        __typeof__(*(p) + 0) old_ = *(p);                                                                              \
        *(p) = (__typeof__(*(p)))(old_ + (v));                                                                         \
        model_saw((uint64_t)old_);                                                                                     \
        old_;                                                                                                          \
    })
#define __atomic_add_fetch(p, v, order) (__atomic_fetch_add(p, v, order) + (v))
#define __atomic_exchange_n(p, v, order)                                                                               \
    ({                                                                                                                 \
        model_point(p);                                                                                                \
        __typeof__(*(p) + 0) was_ = *(p);                                                                              \
        *(p) = (v);                                                                                                    \
        model_saw((uint64_t)was_);                                                                                     \
        was_;                                                                                                          \
    })
#define __atomic_compare_exchange_n(p, e, v, weak, order, failed)                                                      \
    ({                                                                                                                 \
        model_point(p);                                                                                                \
        bool equal_ = *(p) == *(e);                                                                                    \
        if (equal_)                                                                                                    \
            *(p) = (v);                                                                                                \
        else                                                                                                           \
            *(e) = *(p);                                                                                               \
        model_saw(equal_);                                                                                             \
        equal_;                                                                                                        \
    })

#endif
