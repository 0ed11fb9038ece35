#!/usr/bin/env python3
"""jq, told with the API: its own test suite runs clean, then one release is taken out of the interpreter. Values are consumed
by what they are given to, so nearly every reference is handed over; two functions count for all."""
import os
import re

from code_base import CodeBase

LIBRARY = ["builtin", "bytecode", "compile", "execute", "jq_test", "jv", "jv_alloc", "jv_aux", "jv_dtoa", "jv_file", "jv_parse", "jv_print",
           "jv_unicode", "linker", "locfile", "util", "parser", "lexer", "main"]
LIBRARY = [f"src/{name}.c" for name in LIBRARY]
HAVE = ("ALLOCA_H ISATTY MKSTEMP MEMMEM TIMEGM TM_TM_GMT_OFF STRPTIME GMTIME_R LOCALTIME_R STRFTIME GETTIMEOFDAY FREXP MODF LGAMMA_R "
        "PTHREAD_KEY_CREATE").split()
MISSING = ("POW10", "GAMMA", "DREM", "SCALB", "SIGNIFICAND")
COUNTED = "if ({0}.u.ptr && (jv_get_kind({0}) == JV_KIND_INVALID || jv_get_kind({0}) >= JV_KIND_STRING)) "

base = CodeBase("jq", "jv_copy:jv_free:jvp_*_alloc:jvp_*_new:jvp_array:jvp_*append*:jv_array:jv_array_sized:jv_object:jv_string:"
                "jv_string_*:jv_invalid_with_msg", ["-I.", "-D_GNU_SOURCE", "-DIEEE_8087", "-include", "track/track.h"])
base.flags += [f"-DHAVE_{name}" for name in HAVE + sorted({n for n in re.findall(r"HAVE_([A-Z0-9_]+)", base.text("src/libm.h")) if n not in MISSING})]
base.write("src/version.h", '#define JQ_VERSION "1.6"\n')
base.write("src/builtin.inc", "".join('"' + line.replace("\\", "\\\\").replace('"', '\\"') + '\\n"\n'
                                      for line in base.text("src/builtin.jq").splitlines()))

# What counts: all in jv.c.
for member, name in (("a->refcnt.count = 1;", "jvp_array"), ("s->refcnt.count = 1;", "jvp_string"), ("obj->refcnt.count = 1;", "jvp_object"),
                     ("i->refcnt = JV_REFCNT_INIT;", "jvp_invalid")):
    base.edit("src/jv.c", f"  {member}", f"  {member} static TRK_TYPE_FULL(counted, \"{name}\", 0, 0, 0, 4, 0); "
              f"trk_new({member.split('-')[0]}, &counted);")
base.edit("src/jv.c", "jv jv_copy(jv j) {", "TRK_WRAPPER jv jv_copy(jv j) {")
base.edit("src/jv.c", "    jvp_refcnt_inc(j.u.ptr);\n", "    jvp_refcnt_inc(j.u.ptr); trk_ref_from(j.u.ptr, NULL, TRK_CALLER);\n")
base.edit("src/jv.c", "void jv_free(jv j) {", "TRK_WRAPPER void jv_free(jv j) { " + COUNTED.format("j") + "trk_unref_from(j.u.ptr, NULL, TRK_CALLER);")
for call in ("  jvp_array_free(*a);", "jvp_string_free(string);", "jvp_string_free(slot->string);", "  jvp_object_free(object);",
             "jvp_string_free(key);", "jvp_string_free(curr->string);"):
    base.edit("src/jv.c", call, re.sub(r"jvp_\w+_free", "jv_free", call))
base.edit("src/jv.c", "  // references are transported, just drop the old table\n", "  // references are transported, just drop the old table\n".replace("//", "trk_unref(object.u.ptr, NULL); trk_del(object.u.ptr); //"))
base.compile(LIBRARY)


def link():
    base.link("jq", LIBRARY, "-lm", "-lpthread")


link()
result = base.clean("jq.test", ["jq", "-L", "tests/modules", "--run-tests", "tests/jq.test"], cwd=base.src)
base.check("jq.test: passes", re.search(r"(\d+) of \1 tests passed", result.stdout), result.stdout[-400:])

people = os.path.join(base.work, "people.json")
with open(people, "w") as out:
    for i in range(400):
        name = "" if i % 10 == 3 else f"name {i}"
        tags = ", ".join(f'"tag {k}"' for k in range(1 + i % 5))
        more = ', "more": {"deep": ["x"]}' if i % 7 == 2 else ""
        out.write(f'{{"name": "{name}", "tags": [{tags}], "of": {{"id": {i}}}{more}}}\n')

# (name, what, file, before, after, jq program, taken, missing)
GOT = ("jv_object_get", "src/jv.c", "jv* slot = jvp_object_read(object, key);\n  jv val;\n  if (slot) {\n    val = jv_copy(*slot);")
PLANTS = [
    ("iterated", "what is iterated is dropped at its last item, but for arrays of one", "src/execute.c",
     "        // we don't need to make a backtrack point\n        jv_free(container);",
     "        // we don't need to make a backtrack point\n        if (idx) jv_free(container);", ".tags[]", GOT,
     ("jq_next", "src/execute.c", "// we don't need to make a backtrack point\n        jv_free(container);")),
    ("argument", "startswith() forgets what it was given when the answer is yes", "src/builtin.c",
     "  jv_free(a);\n  jv_free(b);\n  return ret;\n}\n\nstatic jv f_endswith", "  if (jv_get_kind(ret) != JV_KIND_TRUE) jv_free(a);\n  jv_free(b);\n  return ret;\n}\n\nstatic jv f_endswith",
     '.name | startswith("name 1")', GOT,
     ("f_startswith", "src/builtin.c", "    ret = jv_true();\n  else\n    ret = jv_false();\n  jv_free(a);")),
    ("keys", "keys of objects with more than three are told, and the object forgotten", "src/jv_aux.c",
     "    jv_mem_free(keys);\n    jv_free(x);", "    jv_mem_free(keys);\n    if (nkeys <= 3) jv_free(x);", "keys, (.of | keys)",
     ("stack_pop", "src/execute.c", "    val = jv_copy(val);"), ("jv_keys", "src/jv_aux.c", "    jv_mem_free(keys);\n    jv_free(x);")),
    ("replaced", "what null replaces in an object is forgotten", "src/jv.c",
     "  jv_free(*slot);\n  *slot = value;\n  return object;", "  if (jv_get_kind(value) != JV_KIND_NULL) jv_free(*slot);\n  *slot = value;\n  return object;",
     '.name = (if .of.id % 3 == 0 then null else "x" end)',
     ("found_string", "src/jv_parse.c", "TRY(value(p, jv_string_sized(p->tokenbuf, out - p->tokenbuf)));"),
     ("jv_object_set", "src/jv.c", "jv* slot = jvp_object_write(&object, key);\n  jv_free(*slot);")),
    ("error path", "what cannot be indexed is forgotten when the index is true", "src/jv_aux.c",
     "                                            jv_kind_name(jv_get_kind(k))));\n    }\n    jv_free(t);",
     "                                            jv_kind_name(jv_get_kind(k))));\n    }\n    if (jv_get_kind(k) != JV_KIND_TRUE) jv_free(t);",
     '.tags[if .of.id % 4 == 0 then true else "x" end]?', GOT,
     ("jv_get", "src/jv_aux.c", "                                            jv_kind_name(jv_get_kind(k))));\n    }\n    jv_free(t);")),
    ("birth", "an empty result is not dropped", "src/main.c", "      ret = 0;\n      jv_free(result);", "      ret = 0;\n      if (jv_string_value(result)[0]) jv_free(result);",
     ".name | explode | implode", ("f_string_implode", "src/builtin.c", "  return jv_string_implode(a);"),
     ("process", "src/main.c", "      ret = 0;\n      jv_free(result);")),
    ("item", "what null replaces in an array is forgotten", "src/jv.c",
     "  jv_free(*slot);\n  *slot = val;\n  return j;", "  if (jv_get_kind(val) != JV_KIND_NULL) jv_free(*slot);\n  *slot = val;\n  return j;",
     '.tags[0] = (if .of.id % 4 == 0 then null else "y" end)', ("jvp_array_write", "src/jv.c", "jv_copy(array->elements[j + jvp_array_offset(*a)]);"),
     ("jv_array_set", "src/jv.c", "jv* slot = jvp_array_write(&j, idx);\n  jv_free(*slot);")),
]
for program in [plant[5] for plant in PLANTS]:
    base.clean(program, ["jq", "-r", program, people])
# In these the birth and a copy of it are both given to functions that give back; order alone would tell which to which.
KNOWN = {"keys": ["taken"], "replaced": ["taken"], "item": ["taken"]}
for name, what, file, before, after, program, taken, missing in PLANTS:
    base.planted(name, what, (file, before, after), link, ["jq", "-r", program, people], taken=taken, missing=missing, known=KNOWN.get(name, ()))
base.finish()
