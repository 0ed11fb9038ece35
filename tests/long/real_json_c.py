#!/usr/bin/env python3
"""json-c, told with the API: its own tests run clean, then one release is taken out of the library or of its program json_parse.
One counting function each way, no slots: everything is learned from what healthy objects did."""
import os
import random

from code_base import CodeBase

CONFIG = """#define HAVE_STDINT_H 1
#define HAVE_UNISTD_H 1
#define HAVE_FCNTL_H 1
#define HAVE_LIMITS_H 1
#define HAVE_LOCALE_H 1
#define HAVE_STDARG_H 1
#define HAVE_STDLIB_H 1
#define STDC_HEADERS 1
#define HAVE_STRING_H 1
#define HAVE_STRINGS_H 1
#define HAVE_SYS_PARAM_H 1
#define HAVE_SYS_STAT_H 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_SYS_RESOURCE_H 1
#define HAVE_INTTYPES_H 1
#define HAVE_DECL_INFINITY 1
#define HAVE_DECL_ISINF 1
#define HAVE_DECL_ISNAN 1
#define HAVE_DECL_NAN 1
#define HAVE_OPEN 1
#define HAVE_SETLOCALE 1
#define HAVE_USELOCALE 1
#define HAVE_SNPRINTF 1
#define HAVE_STRDUP 1
#define HAVE_STRERROR 1
#define HAVE_STRCASECMP 1
#define HAVE_STRNCASECMP 1
#define HAVE_VASPRINTF 1
#define HAVE_STRTOLL 1
#define HAVE_STRTOULL 1
#define HAVE_ATOMIC_BUILTINS 1
#define SIZEOF_INT 4
#define SIZEOF_INT64_T 8
#define SIZEOF_LONG 8
#define SIZEOF_LONG_LONG 8
#define SIZEOF_SIZE_T 8
#define SIZEOF_SSIZE_T 8
#define PACKAGE_STRING "json-c"
#define JSON_C_HAVE_INTTYPES_H 1
"""
LIBRARY = ["arraylist", "debug", "json_c_version", "json_object", "json_object_iterator", "json_pointer", "json_tokener", "json_util",
           "json_visit", "libjson", "linkhash", "printbuf", "random_seed", "strerror_override"]
LIBRARY = [f"{name}.c" for name in LIBRARY]
TESTS = ["test1", "test2", "test4", "testReplaceExisting", "test_cast", "test_charcase", "test_compare", "test_deep_copy",
         "test_double_serializer", "test_float", "test_int_add", "test_json_pointer", "test_null", "test_object_iterator", "test_parse",
         "test_parse_int64", "test_printbuf", "test_set_serializer", "test_set_value", "test_visit"]
PARTS = {"test1": ["tests/parse_flags.c"], "test2": ["tests/parse_flags.c"]}

base = CodeBase("json-c", "json_object_get:json_object_put:*json_object_new*",
                ["-I.", "-D_GNU_SOURCE", "-include", "track/track.h"])
base.write("config.h", CONFIG)
base.write("json_config.h", CONFIG)
base.write("apps_config.h", "#define HAVE_JSON_TOKENER_GET_PARSE_END 1\n")
base.write("json.h", base.text("json.h.cmakein").replace("@JSON_H_JSON_POINTER@", '#include "json_pointer.h"'))

# What counts: one line each.
base.edit("json_object.c", "\tjso->_ref_count = 1;", "\tjso->_ref_count = 1; static TRK_TYPE_FULL(counted, \"json_object\", 0, 0, "
          "offsetof(struct json_object, _ref_count), 4, 0); trk_new(jso, &counted);")
base.edit("json_object.c", "\t++jso->_ref_count;", "\t++jso->_ref_count; trk_ref(jso, NULL);")
base.edit("json_object.c", "\tif (--jso->_ref_count > 0)", "\ttrk_unref(jso, NULL); if (--jso->_ref_count > 0)")
base.edit("json_object.c", "\tif (jso->_user_delete)\n\t\tjso->_user_delete(jso, jso->_userdata);\n\tswitch",
          "\ttrk_del(jso); if (jso->_user_delete)\n\t\tjso->_user_delete(jso, jso->_userdata);\n\tswitch")
base.compile(LIBRARY + ["apps/json_parse.c", "tests/parse_flags.c"] + [f"tests/{name}.c" for name in TESTS])


def link():
    base.link("json_parse", LIBRARY + ["apps/json_parse.c"], "-lm")


link()
for name in TESTS:
    base.link(name, [*LIBRARY, f"tests/{name}.c", *PARTS.get(name, [])], "-lm")
    result = base.clean(name, [name], cwd=os.path.join(base.src, "tests"))
    expected = base.text(f"tests/{name}.expected")
    base.check(f"{name}: says what it should", result.stdout == expected, result.stdout[-300:])

# Documents one after another, as a log has them: no kind of value prefers a place, names come twice now and then. The last of
# the bad ones ends in the middle of an array.
chance = random.Random(1)


def document(depth):
    kind = chance.choice(["number", "real", "text", "flag", "array", "array", "object"])
    if depth > 4 or kind in ("number", "real", "text", "flag"):
        return {"real": "2.5", "text": '"text"', "flag": "true"}.get(kind, str(chance.randrange(1000)))
    items = [document(depth + 1) for _ in range(chance.randrange(1, 7 if kind == "array" else 4))]
    if kind == "array":
        return "[" + ", ".join(items) + "]"
    return "{" + ", ".join(f'"n{chance.randrange(20)}": {item}' for item in items) + "}"


documents = [document(0) for _ in range(1500)]
good, bad = os.path.join(base.work, "good.json"), os.path.join(base.work, "bad.json")
with open(good, "w") as out:
    out.write("\n".join(documents) + "\n")
with open(bad, "w") as out:
    out.write("\n".join(documents) + '\n{"tags": [1, {"deep": ["text", tru}]}\n')
base.clean("json_parse", ["json_parse", "-n", good])
base.clean("json_parse of what is broken", ["json_parse", "-n", bad])

HANDED = ("json_tokener_parse_ex", "json_tokener.c", "obj = json_object_get(current);")
RETURNED = ("json_tokener_parse_ex", "json_tokener.c", "json_object *ret = json_object_get(current);")
base.planted("container", "arraylist.c: an array forgets its first item",
             ("arraylist.c", "\tfor (i = 0; i < arr->length; i++)\n\t\tif (arr->array[i])\n\t\t\tarr->free_fn(arr->array[i]);\n\tfree(arr->array);",
              "\tfor (i = 1; i < arr->length; i++)\n\t\tif (arr->array[i])\n\t\t\tarr->free_fn(arr->array[i]);\n\tfree(arr->array);"),
             link, ["json_parse", "-n", good], taken=HANDED,
             missing=("json_object_array_entry_free", "json_object.c", "json_object_put((struct json_object *)data);"))
base.planted("error path", "json_tokener.c: after an error only the outermost value is dropped",
             ("json_tokener.c", "\tjson_object_put(tok->stack[depth].current);",
              "\tif (depth == 0 || tok->err == json_tokener_success) json_object_put(tok->stack[depth].current);"),
             link, ["json_parse", "-n", bad], taken=("json_tokener_parse_ex", "json_tokener.c", "current = json_object_new_array();"),
             missing=("json_tokener_reset_level", "json_tokener.c", "json_object_put(tok->stack[depth].current);"),
             also=[("json_tokener_parse_ex", "json_tokener.c", "current = json_object_new_object();")])
base.planted("given by a function", "json_parse.c: what the tokener returned is not dropped when it is a flag",
             ("apps/json_parse.c", "\t\t\t\tjson_object_put(obj);",
              "\t\t\t\tif (!json_object_is_type(obj, json_type_boolean)) json_object_put(obj);"),
             link, ["json_parse", "-n", good], taken=RETURNED, missing=("parseit", "apps/json_parse.c", "json_object_put(obj);"))
base.planted("replaced", "json_object.c: a text that another value replaces is not dropped",
             ("json_object.c", "\tif (existing_value)\n\t\tjson_object_put(existing_value);",
              "\tif (existing_value && !json_object_is_type(existing_value, json_type_string))\n\t\tjson_object_put(existing_value);"),
             link, ["json_parse", "-n", good], taken=HANDED,
             missing=("json_object_object_add_ex", "json_object.c", "\tif (existing_value)\n\t\tjson_object_put(existing_value);"))
base.planted("birth", "json_tokener.c: numbers with a point are not dropped by the tokener that made them",
             ("json_tokener.c", "\tjson_object_put(tok->stack[depth].current);",
              "\tif (!json_object_is_type(tok->stack[depth].current, json_type_double)) json_object_put(tok->stack[depth].current);"),
             link, ["json_parse", "-n", good], taken=("json_tokener_parse_ex", "json_tokener.c", "current = json_object_new_double_s("),
             missing=("json_tokener_reset_level", "json_tokener.c", "json_object_put(tok->stack[depth].current);"))
base.planted("entry", "json_object.c: flags in objects are not dropped with them",
             ("json_object.c", "\tjson_object_put((struct json_object *)lh_entry_v(ent));",
              "\tif (!json_object_is_type((struct json_object *)lh_entry_v(ent), json_type_boolean)) json_object_put((struct json_object *)lh_entry_v(ent));"),
             link, ["json_parse", "-n", good], taken=HANDED,
             missing=("json_object_lh_entry_free", "json_object.c", "\tjson_object_put((struct json_object *)lh_entry_v(ent));"))
base.planted("item", "json_object.c: texts in arrays are not dropped with them",
             ("json_object.c", "\tjson_object_put((struct json_object *)data);",
              "\tif (!json_object_is_type((struct json_object *)data, json_type_string)) json_object_put((struct json_object *)data);"),
             link, ["json_parse", "-n", good], taken=HANDED,
             missing=("json_object_array_entry_free", "json_object.c", "\tjson_object_put((struct json_object *)data);"))
base.finish()
