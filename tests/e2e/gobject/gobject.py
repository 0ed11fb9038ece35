#!/usr/bin/env python3
"""GObject programs as the distribution has them: what counts references in their libraries is seen call by call, planted
bugs are found by type and line, and programs run as ever.
Usage: gobject.py REFTRACK CC FOLDER_OF_SOURCES [long]. Skipped (77) without the libraries' headers."""
import shutil
import sys

from rig import build, check, every_call, finish, healthy, long_form, planted, record


def objects(program):
    planted(program, "shop.c", "error", "missing-unref", "ShopItem", "ShopItem *item = g_object_new(SHOP_TYPE_ITEM")
    planted(program, "shop.c", "floating", "floating", "ShopLabel", "= g_object_new(SHOP_TYPE_LABEL")
    planted(program, "shop.c", "cycle", "cycle", "ShopItem", "*right = g_object_new")
    planted(program, "shop.c", "weak", "weak-hazard", "ShopItem", "ShopItem *item = g_object_new(SHOP_TYPE_ITEM")
    if not long_form:
        return
    planted(program, "shop.c", "bytes", "missing-unref", "GBytes", "*part = g_bytes_new_from_bytes")
    planted(program, "shop.c", "variant", "missing-unref", "GVariant", "g_variant_ref_sink(")
    planted(program, "shop.c", "toggle", "missing-unref", "ShopItem", "g_object_add_toggle_ref(", (), "g_object_remove_toggle_ref(")
    planted(program, "shop.c", "upgrade", "missing-unref", "ShopItem", "= g_weak_ref_get(", (), "g_object_unref(strong)")
    planted(program, "shop.c", "table", "missing-unref", "GHashTable", "= g_hash_table_new_full")
    planted(program, "shop.c", "loop", "missing-unref", "GMainLoop", "= g_main_loop_new")
    planted(program, "shop.c", "steal", "missing-unref", "GBytes", "= g_byte_array_free_to_bytes")
    _, _, report = record([program, "over"])  # it may crash
    check([f for f in report["findings"] if f["verdict"] == "over-released" and f["type"] == "ShopItem"],
          "shop.c over: %s" % [(f["verdict"], f["type"]) for f in report["findings"]])


shop = build("shop", "gobject-2.0")
if shop is None:
    print("no gobject-2.0 (libglib2.0-dev)")
    sys.exit(77)
healthy([shop, "none"])
objects(shop)
if shutil.which("gdb") is not None:
    every_call([shop, "none"], 30)
finish()
