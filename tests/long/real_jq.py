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
        out.write(f'{{"name": "{name}", "tags": [{tags}], "of": {{"id": {i}}}}}\n')
for program in (".tags[]", ".name", ".of.id", ".tags | length"):
    base.clean(program, ["jq", "-r", program, people])

GOT = ("jv_object_get", "src/jv.c", "jv* slot = jvp_object_read(object, key);\n  jv val;\n  if (slot) {\n    val = jv_copy(*slot);")
base.planted("handed over", "execute.c: what is iterated is dropped at its last item, but for arrays of one",
             ("src/execute.c", "        // we don't need to make a backtrack point\n        jv_free(container);",
              "        // we don't need to make a backtrack point\n        if (idx) jv_free(container);"),
             link, ["jq", "-r", ".tags[]", people], taken=GOT, missing=("jq_next", "src/execute.c", "// we don't need to make a backtrack point\n        jv_free(container);"),
             known="in arrays of one item, which alone leak, the copies that jv_array_get consumes fit as well")
base.finish()
