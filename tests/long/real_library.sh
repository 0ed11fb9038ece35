#!/bin/sh
# A refcounted library of the distribution, compiled with the API: jansson's source package is fetched, its two inline counting
# functions and its births and deaths get one line each, its containers say what they hold. A correct program must be clean,
# a program with a planted leak must be told the line.
. "$ROOT/tests/e2e/lib.sh"
need cc apt-get tar

"$ROOT/tests/long/fetch_source.sh" "$work/src" jansson || { echo 'skipped: source packages cannot be fetched here'; exit 77; }
mkdir lib && tar -xf "$work"/src/jansson_*.orig.tar.* -C lib --strip-components=1 || exit 99
cp lib/android/jansson_config.h lib/src/
printf '#define HAVE_STDINT_H 1\n#define HAVE_UNISTD_H 1\n#define HAVE_SYS_TIME_H 1\n#define HAVE_SYS_TYPES_H 1\n#define HAVE_FCNTL_H 1\n#define HAVE_LOCALECONV 1\n#define INITIAL_HASHTABLE_ORDER 3\n' >lib/src/jansson_private_config.h

python3 - lib/src <<'PY'
import re, sys
src = sys.argv[1]


def edit(name, *pairs):
    path = f"{src}/{name}"
    text = open(path).read()
    for old, new in pairs:
        if old not in text:
            raise SystemExit(f"{name}: the source changed: {old!r} is not there")
        text = text.replace(old, new)
    open(path, "w").write(text)


edit("jansson.h",
     ("#include <stdio.h>", "#include <stdio.h>\n#include <track/track.h>"),
     ("        JSON_INTERNAL_INCREF(json);\n", "        trk_ref_rc(json, NULL, (long)JSON_INTERNAL_INCREF(json));\n"),
     ("    if (json && json->refcount != (size_t)-1 && JSON_INTERNAL_DECREF(json) == 0)\n        json_delete(json);\n",
      "    if (json && json->refcount != (size_t)-1) {\n        size_t left = JSON_INTERNAL_DECREF(json);\n"
      "        trk_unref_rc(json, NULL, (long)left);\n        if (left == 0)\n            json_delete(json);\n    }\n"))
edit("value.c",
     ("    json->refcount = 1;\n", "    json->refcount = 1;\n    trk_new(json, &json_trk_type);\n"),
     ("static JSON_INLINE void json_init(json_t *json, json_type type) {",
      "static TRK_TYPE_COUNTED(json_trk_type, json_t, refcount);\nstatic JSON_INLINE void json_init(json_t *json, json_type type) {"),
     ("void json_delete(json_t *json) {\n    if (!json)\n        return;\n", "void json_delete(json_t *json) {\n    if (!json)\n        return;\n    trk_del(json);\n"),
     ("    array->table[array->entries] = value;\n", "    array->table[array->entries] = value;\n    trk_own(value, &array->table[array->entries]);\n"))
PY
[ $? -eq 0 ] || exit 99
cc -g -O2 -fPIC -shared -DHAVE_CONFIG_H -Ilib/src -I"$ROOT/libtrack/include" lib/src/*.c -o libjansson-tracked.so -lm || fail 'the instrumented library does not compile'

cat >use.c <<'C'
#include <jansson.h>
#include <stdio.h>
#include <string.h>
static json_t *load(int i)
{
    char text[200];
    snprintf(text, sizeof text, "{\"id\": %d, \"tags\": [\"a\", \"b\", {\"deep\": [1, 2.5, true, null]}], \"name\": \"n%d\"}", i, i);
    json_error_t error;
    return json_loads(text, 0, &error);
}
int main(int argc, char **argv)
{
    int bug = argc > 1;
    for (int i = 0; i < 500; i++) {
        json_t *root = load(i);
        json_t *tags = json_incref(json_object_get(root, "tags"));
        json_object_set(root, "copy", json_array_get(tags, 2));
        char *dump = json_dumps(root, JSON_COMPACT);
        free(dump);
        json_object_del(root, "name");
        json_decref(root);
        if (!bug || i % 50 != 7)
            json_decref(tags);
    }
    (void)argv;
    return 0;
}
C
cc -g -O1 -Ilib/src -I"$ROOT/libtrack/include" use.c -o use -L. -ljansson-tracked -Wl,-rpath,"$work" || exit 99

"$REFTRACK" run -q --wrapper 'json_incref:json_decref:json_init' -o clean.trk -- ./use
equal 'clean: exit status' $? 0
"$REFTRACK" check clean.trk >check.out 2>&1
equal "clean: check ($(tail -1 check.out))" $? 0
"$REFTRACK" types --json clean.trk >types.json
has 'clean: the type is known' types.json 'json_t'
"$REFTRACK" dump clean.trk >dump.out
checks=$((checks + 1))
[ "$(grep -c -iE '\bref\b' dump.out)" -ge 1000 ] || fail 'clean: reference events are missing'
has 'clean: array items are owned by slots' dump.out '(own|move).*0x'

"$REFTRACK" run -q --wrapper 'json_incref:json_decref:json_init' -o bug.trk -- ./use bug
"$REFTRACK" check bug.trk >check.out 2>&1
equal 'planted: check fails' $? 1
has 'planted: ten arrays' check.out 'in 10 json_t'
has 'planted: the line that took the reference' check.out 'taken .*use.c:16'
has 'planted: the release that is missing' check.out 'missing .*use.c:23'
finish
