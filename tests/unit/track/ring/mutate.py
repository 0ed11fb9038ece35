"""Plants one fault in a copy of a source file: mutate.py NAME INPUT FOLDER STAMP. A fault whose place is gone is an
error."""
import os
import sys

FAULTS = {
    # The word that makes a slot valid is stored before the other one.
    "word-order": ("record.h", [
        ("    __atomic_store_n(&slot->w1, w1, __ATOMIC_RELAXED);\n", ""),
        ("    __atomic_store_n(&slot->w0, w0 | lap, __ATOMIC_RELEASE);",
         "    __atomic_store_n(&slot->w0, w0 | lap, __ATOMIC_RELEASE);\n"
         "    __atomic_store_n(&slot->w1, w1, __ATOMIC_RELAXED);")]),
    # The lap bit does not change from lap to lap.
    "lap-bit": ("record.h", [("uint64_t lap = ((pos >> st->shift) & 1) ^ 1;", "uint64_t lap = 1;")]),
    # The first slot of a record is written before its EXT slots.
    "record-order": ("record.c", [
        ("    for (unsigned i = 0; i < ev->exts; i++)\n        trk_slot_write(st, pos + 1 + i,",
         "    trk_slot_write(st, pos, w0, w1);\n    for (unsigned i = 0; i < ev->exts; i++)\n"
         "        trk_slot_write(st, pos + 1 + i,"),
        (", ev->ext_value[i]);\n    trk_slot_write(st, pos, w0, w1);", ", ev->ext_value[i]);")]),
    # Handlers that interrupt each other may take two slots more than there are.
    "limit": ("ring.c", [("    uint64_t end = tail + slots - margin;", "    uint64_t end = tail + slots - margin + 2;")]),
    # The limit follows the head instead of the tail.
    "head-for-tail": ("ring.c", [("__atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE)",
                                  "__atomic_load_n(&ring->head, __ATOMIC_ACQUIRE)")]),
    # The reader gives a hole back as it is.
    "hole-open": ("drain.c", [("        if (!load_slot(slots, ring->log2_slots, ring->tail, &slot))\n            __atomic_store_n(&slots",
                               "        if (ring->tail == UINT64_MAX && load_slot(slots, ring->log2_slots, ring->tail, &slot))\n"
                               "            __atomic_store_n(&slots")]),
    # A drop is counted nowhere.
    "drop-uncounted": ("ring.c", [("            trk_take(&ring->dropped, 1);\n", "")]),
    # Drops are told again and again.
    "drop-retold": ("record.c", [("        lost = __atomic_exchange_n(&st->pending, 0, __ATOMIC_RELAXED);", "        lost += 0;")]),
    # The reader gives slots back before it copied them.
    "tail-early": ("drain.c", [
        ("        size_t count = 0;\n        while (count < REC_CHUNK_SLOTS && load_slot(slots, ring->log2_slots, ring->tail + count, &chunk[count]))\n"
         "            count++;\n        if (count == 0) {",
         "        size_t count = 0;\n        struct trk_slot first;\n"
         "        for (; load_slot(slots, ring->log2_slots, ring->tail, &first); ring->tail++)\n            count++;\n"
         "        publish_tail(shm, ring);\n        ring->tail -= count;\n        for (size_t i = 0; i < count; i++)\n"
         "            load_slot(slots, ring->log2_slots, ring->tail + i, &chunk[i]);\n        if (count == 0) {")]),
    # A hole is skipped at once, and not counted.
    "hole-at-once": ("drain.c", [("    if (now_us - ring->stuck_us < TRK_HOLE_WAIT_US)\n        return false;\n    ring->holes += behind;\n", "")]),
}

name, source, folder, stamp = sys.argv[1:5]
text = open(source).read()
file, changes = FAULTS[name]
for old, new in changes:
    if text.count(old) != 1:
        sys.exit(f"{source}: the place of fault {name} is gone: {old!r}")
    text = text.replace(old, new)
os.makedirs(folder, exist_ok=True)
open(os.path.join(folder, file), "w").write(text)
open(stamp, "w").write("")
