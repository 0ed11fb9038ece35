/* test_parse.c: what is read of an adapter; what is refused, in which line and with which words; lack of memory. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <prof/adapter.h>

#include "../base/failing.h"

#define HEAD "adapter a\nlibrary l.so\ntype t\n"

static struct prof_adapter *parse(const char *text)
{
    struct prof_adapter *adapter;
    struct prof_error *error = prof_adapter_parse("f.adapter", text, strlen(text), NULL, NULL, &adapter);
    if (error != NULL)
        fail_msg("%s", error->message);
    return adapter;
}

/* The text must be refused in this line, with these words. */
static void refuse(const char *text, unsigned line, const char *words)
{
    struct prof_adapter *adapter = NULL;
    char place[32];
    struct prof_error *error = prof_adapter_parse("f.adapter", text, strlen(text), NULL, NULL, &adapter);
    if (error == NULL)
        fail_msg("not refused: %s", text);
    assert_null(adapter);
    assert_int_equal(error->code, PROF_ERROR_SYNTAX);
    snprintf(place, sizeof place, "f.adapter:%u: ", line);
    if (strncmp(error->message, place, strlen(place)) != 0 || strstr(error->message, words) == NULL)
        fail_msg("wanted '%s...%s', got '%s'", place, words, error->message);
    assert_int_equal(error->offset, line);
    assert_null(strchr(error->message, '\n'));
    prof_error_destroy(error);
}

/* The same for one line behind HEAD. */
static void refuse_line(const char *line, const char *words)
{
    char text[4096];
    snprintf(text, sizeof text, HEAD "%s\n", line);
    refuse(text, 4, words);
}

/* The only rule of a text that is this line behind HEAD. */
static struct prof_adapter_rule rule_of(const char *line)
{
    char text[4096];
    snprintf(text, sizeof text, HEAD "%s\n", line);
    struct prof_adapter *adapter = parse(text);
    assert_int_equal(adapter->rule_count, 1);
    struct prof_adapter_rule rule = adapter->rules[0];
    rule.function = NULL; /* the adapter's */
    prof_adapter_destroy(adapter);
    return rule;
}

/* ---- What is read ---------------------------------------------------------------------------------------------- */

static void test_whole(void **state)
{
    (void)state;
    struct prof_adapter *a = parse("# a comment\n"
                                   "adapter json-c   # another\r\n"
                                   "\t library libjson-c.so.5 libjson-c.so\n"
                                   "library program\n"
                                   "\n"
                                   "type struct json_object\n"
                                   "  count +4 int32\n"
                                   "  name string *(obj+16)\n"
                                   "  new json_object_new_* ret\n"
                                   "  ref json_object_get arg1\n"
                                   "type other\n"
                                   "  count -16 uint64 unit 4 immortal -1 inline\n"
                                   "  unref other_put *arg2 slot arg2");
    assert_string_equal(a->name, "json-c");
    assert_string_equal(a->path, "f.adapter");
    assert_false(a->asked);
    assert_int_equal(a->library_count, 3);
    assert_string_equal(a->libraries[1], "libjson-c.so");
    assert_string_equal(a->libraries[2], "program");
    assert_int_equal(a->type_count, 2);
    assert_string_equal(a->types[0].name, "struct json_object");
    assert_int_equal(a->types[0].count_offset, 4);
    assert_int_equal(a->types[0].count_bytes, 4);
    assert_true(a->types[0].count_signed);
    assert_false(a->types[0].has_immortal);
    assert_int_equal(a->types[0].naming, TRK_HOOK_NAME_STRING);
    assert_int_equal(a->types[0].name_place.base, TRK_HOOK_OBJECT);
    assert_int_equal(a->types[0].name_place.reads, 1);
    assert_int_equal(a->types[0].name_place.add[0], 16);
    assert_int_equal(a->types[1].count_offset, -16);
    assert_int_equal(a->types[1].count_bytes, 8);
    assert_false(a->types[1].count_signed);
    assert_int_equal(a->types[1].count_shift, 2);
    assert_true(a->types[1].has_immortal);
    assert_true(a->types[1].counts_inline && !a->types[0].counts_inline);
    assert_true(a->types[1].immortal_mask == UINT64_MAX && a->types[1].immortal_value == UINT64_MAX);
    assert_int_equal(a->rule_count, 3);
    assert_int_equal(a->rules[0].role, TRK_HOOK_NEW);
    assert_string_equal(a->rules[0].function, "json_object_new_*");
    assert_int_equal(a->rules[0].object.base, TRK_HOOK_RESULT);
    assert_int_equal(a->rules[1].line, 10);
    assert_int_equal(a->rules[2].type, 1);
    assert_int_equal(a->rules[2].object.base, 2);
    assert_int_equal(a->rules[2].object.reads, 1);
    assert_int_equal(a->rules[2].slot.base, 2);
    assert_int_equal(a->rules[2].slot.reads, 0);
    prof_adapter_destroy(a);
}

static void test_hidden(void **state)
{
    (void)state;
    struct prof_adapter *a = parse("adapter a\nlibrary l.so m.so\ninside hidden\ntype t\nref f arg1\n"
                                   "inside hidden n.so.*\n");
    assert_int_equal(a->hidden_count, 3);
    assert_string_equal(a->hidden[1], "m.so");
    assert_string_equal(a->hidden[2], "n.so.*");
    prof_adapter_destroy(a);
}

static void test_places(void **state)
{
    /* as written, as spelled, base, reads, what is added */
    static const struct {
        const char *text, *spelled;
        unsigned base, reads;
        int32_t add[4];
    } places[] = {
        { "arg1", "arg1", 1, 0, { 0 } },
        { "arg6 + 8", "arg6+8", 6, 0, { 8 } },
        { "ret", "ret", TRK_HOOK_RESULT, 0, { 0 } },
        { "ret2-0x10", "ret2-16", TRK_HOOK_RESULT_HIGH, 0, { -16 } },
        { "*arg2", "*arg2", 2, 1, { 0, 0 } },
        { "*arg2+8", "*arg2+8", 2, 1, { 0, 8 } },
        { "*(arg2+8)", "*(arg2+8)", 2, 1, { 8, 0 } },
        { "( arg2 )", "arg2", 2, 0, { 0 } },
        { "**arg3", "**arg3", 3, 2, { 0 } },
        { "*(*(*(arg1+8)-16)+24)+32", "*(*(*(arg1+8)-16)+24)+32", 1, 3, { 8, -16, 24, 32 } },
        { "arg1+8+8-4", "arg1+12", 1, 0, { 12 } },
        { "***ret", "***ret", TRK_HOOK_RESULT, 3, { 0 } },
    };
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char line[128], spelled[128];
        snprintf(line, sizeof line, "ref f %s", places[i].text);
        struct prof_adapter_rule rule = rule_of(line);
        assert_int_equal(rule.object.base, places[i].base);
        assert_int_equal(rule.object.reads, places[i].reads);
        assert_memory_equal(rule.object.add, places[i].add, sizeof rule.object.add);
        assert_string_equal(prof_adapter_place(spelled, sizeof spelled, &rule.object), places[i].spelled);
    }
}

static void test_conditions(void **state)
{
    (void)state;
    struct prof_adapter_rule rule = rule_of("unref jv_free arg2 when arg1 & 0x80 != 0");
    assert_int_equal(rule.test[0].place.base, 1);
    assert_int_equal(rule.test[0].mask, 0x80);
    assert_int_equal(rule.test[0].value, 0);
    assert_int_equal(rule.test[0].differs, 1);
    assert_int_equal(rule.test[1].place.base, TRK_HOOK_NOWHERE);

    rule = rule_of("ref f arg1 when *(arg1+16):u32 & 2 = 2 when arg2:u32 == -1");
    assert_int_equal(rule.test[0].place.reads, 1);
    assert_int_equal(rule.test[0].place.width, 4);
    assert_int_equal(rule.test[0].differs, 0);
    /* The upper half of a register says nothing about an int in it. */
    assert_int_equal(rule.test[1].place.width, 0);
    assert_true(rule.test[1].mask == UINT32_MAX && rule.test[1].value == UINT32_MAX);

    rule = rule_of("ref f arg1 when *arg1:u8 = -128 when ret = 0x8000000000000000");
    assert_int_equal(rule.test[0].value, 128);
    assert_true(rule.test[1].value == UINT64_C(1) << 63 && rule.test[1].mask == UINT64_MAX);
}

static void test_parts(void **state)
{
    (void)state;
    assert_int_equal(rule_of("ref f arg1").flags, 0);
    assert_int_equal(rule_of("ref f arg1 late").flags, TRK_HOOK_LATE);
    assert_int_equal(rule_of("new f ret floating").flags, TRK_HOOK_FLOATING);
    assert_int_equal(rule_of("park f arg2 kept").flags, TRK_HOOK_KEPT);
    assert_int_equal(rule_of("reuse f *arg2 kept late").flags, TRK_HOOK_KEPT | TRK_HOOK_LATE);
    assert_int_equal(rule_of("new f *arg1 slot arg1").slot.base, 1);
    assert_int_equal(rule_of("ref f arg1 holder arg2").flags, TRK_HOOK_SLOT_IS_HOLDER);
    assert_int_equal(rule_of("sink f arg1 slot arg2+8 late").slot.add[0], 8);
    assert_int_equal(rule_of("weak f arg1 slot arg2").slot.base, 2);
    assert_int_equal(rule_of("unweak f arg1 slot arg2 when arg3 = 1").test[0].value, 1);
    struct prof_adapter_rule rule = rule_of("move f arg2 to holder arg1 from slot arg3");
    assert_int_equal(rule.flags, TRK_HOOK_SLOT_IS_HOLDER);
    assert_int_equal(rule.slot.base, 1);
    assert_int_equal(rule.from.base, 3);
    rule = rule_of("move f ret from holder arg1");
    assert_int_equal(rule.flags, TRK_HOOK_FROM_IS_HOLDER);
    assert_int_equal(rule.slot.base, TRK_HOOK_NOWHERE);
    static const char *const words[] = { "new", "ref", "unref", "free", "sink", "park", "reuse" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char line[32];
        snprintf(line, sizeof line, "%s f arg1", words[i]);
        assert_string_equal(prof_adapter_role(rule_of(line).role), words[i]);
    }
    assert_string_equal(prof_adapter_role(TRK_HOOK_ROLES), "?");
    assert_string_equal(prof_adapter_role(0), "?");
}

static void test_immortal(void **state)
{
    static const struct {
        const char *text;
        uint64_t mask, value;
    } kinds[] = {
        { "count 0 int32 immortal negative", UINT64_C(1) << 31, UINT64_C(1) << 31 },
        { "count 0 uint16 immortal negative", UINT64_C(1) << 15, UINT64_C(1) << 15 },
        { "count 0 int32 immortal 2147483647", UINT32_MAX, INT32_MAX },
        { "count 0 int32 immortal & -2 = 0x7ffffffe", UINT32_MAX - 1, 0x7ffffffe },
        { "count 0 int64 immortal -1 unit 2", UINT64_MAX, UINT64_MAX },
    };
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, HEAD "%s\nref f arg1\n", kinds[i].text);
        struct prof_adapter *a = parse(text);
        assert_true(a->types[0].has_immortal);
        assert_true(a->types[0].immortal_mask == kinds[i].mask);
        assert_true(a->types[0].immortal_value == kinds[i].value);
        prof_adapter_destroy(a);
    }
}

static void test_words(void **state)
{
    static const struct {
        const char *line, *words;
    } lines[] = {
        { "new f *arg2 floating", "*arg2 is a new object with a floating reference" },
        { "wrapper f", "acts for its caller, which reports name" },
        { "call f 1 0x2", "is called with 1 and 2 before the program begins" },
        { "park f arg2 kept", "arg2 goes into a pool, which keeps a reference of it" },
        { "unref f arg1 slot arg2", "a reference on arg1 is given back by the variable at arg2" },
        { "move f arg2 to holder arg1", "a reference on arg2 goes to arg1" },
        { "ref f arg1 when *(arg1+16):u32 & 2 = 0 when ret != 1 late",
          "a reference on arg1 is taken, if *(arg1+16):u32 & 0x2 is 0x0 and ret is not 0x1, when it has returned" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct prof_adapter_rule rule = rule_of(lines[i].line);
        char *words = prof_adapter_words(&rule);
        assert_string_equal(words, lines[i].words);
        free(words);
    }
    struct prof_adapter *a = parse(HEAD "count 8 uint16 unit 2 immortal negative\nname call f *obj:u32\nfree g arg1");
    char *words = prof_adapter_type_words(&a->types[0]);
    assert_string_equal(words, "its count has 2 bytes at +8, 2 for each reference, immortal when count & 0x8000 is "
                               "0x8000; named by f(*obj)");
    free(words);
    prof_adapter_destroy(a);
}

/* ---- What is refused ----------------------------------------------------------------------------------------------
 */

static void test_refused(void **state)
{
    (void)state;
    refuse("", 1, "an adapter begins with 'adapter NAME'");
    refuse("library x\n", 1, "an adapter begins with its name");
    refuse("adapter\n", 1, "the adapter has no name");
    refuse("adapter a b\n", 1, "not understood: 'b'");
    refuse("adapter asked\nadapter b asked\n", 2, "the adapter's name is said in line 1 already");
    refuse("adapter a/b\n", 1, "not a name: 'a/b'");
    refuse("adapter a\nadapter b\n", 2, "the adapter's name is said in line 1 already");
    refuse("adapter a\nlibrary\n", 2, "no file is named");
    refuse("adapter a\nlibrary /usr/lib/x.so\n", 2, "names of loaded files without folders");
    refuse("adapter a\nlibrary a|b\n", 2, "not a name: 'a|b'");
    refuse("adapter a\ninside\n", 2, "a word is missing; write 'inside hidden'");
    refuse("adapter a\ninside shown\n", 2, "not understood: 'shown'");
    refuse("adapter a\ninside hidden\n", 2, "no library was named before");
    refuse("adapter a\ntype\n", 2, "the type has no name");
    refuse("adapter a\nref f arg1\n", 2, "no type was named before");
    refuse("adapter a\ncount 0 int32\n", 2, "no type was named before");
    refuse("adapter a\ntype t\ntype u\ntype t\n", 4, "said in line 2 already");
    refuse("adapter a\ntype t\nref f arg1\n", 3, "no library is named");
    refuse("adapter a\nlibrary l\ntype t\n", 3, "no function is named; write lines such as");
    refuse("adapter a\nlibrary l\n\n\n# the end\n", 5, "no function is named");
}

static void test_refused_types(void **state)
{
    (void)state;
    refuse_line("count", "the offset is missing");
    refuse_line("count four int32", "no offset: 'four'");
    refuse_line("count 4", "the count has no type");
    refuse_line("count 4 int", "unknown type of a count: 'int'; known are int32");
    refuse_line("count 0x1000000 int32", "the offset is too large");
    refuse_line("count 99999999999999999999 int32", "no offset:");
    refuse_line("count 4 int32 unit 3", "no unit");
    refuse_line("count 4 int32 unit", "no unit");
    refuse_line("count 4 uint8 unit 0", "no unit");
    refuse_line("count 4 int32 immortal", "a number is missing");
    refuse_line("count 4 int32 immortal 0x100000000", "more bits than what it is compared with");
    refuse_line("count 4 int32 immortal & 1 2", "expected '= VALUE' behind the mask, found '2'");
    refuse_line("count 4 int32 immortal & 1 = 2", "bits that the mask leaves out");
    refuse_line("count 4 int32 mortal", "not understood: 'mortal'");
    refuse(HEAD "count 4 int32\ncount 8 int32\n", 5, "a second count");
    refuse(HEAD "name string *obj\nname string *obj\n", 5, "a second name");
    refuse_line("name", "where the name is, is missing");
    refuse_line("name text *obj", "not understood: 'text'");
    refuse_line("name string arg1", "not a place here: 'arg1'; a place in the object is obj");
    refuse_line("name call *obj", "a place is missing");
    refuse_line("name call f(x) obj", "not a name: 'f(x)'");
    refuse_line("name call f obj:u32", "a width is that of memory");
    refuse_line("name call f *obj:u24", "unknown width 'u24'");
}

static void test_refused_rules(void **state)
{
    (void)state;
    refuse_line("xyzzy f arg1", "unknown word 'xyzzy'; a line begins with adapter");
    refuse_line("unreff f arg1", "did you mean 'unref'?");
    refuse_line("freeze f arg1", "did you mean 'free'? a line begins with adapter");
    refuse_line("ref", "no function is named; write 'ref FUNCTION PLACE'");
    refuse_line("ref f", "where the object is, is missing");
    refuse_line("ref f() arg1", "not a name: 'f()'");
    refuse_line("ref ** arg1", "this would be every function");
    refuse_line("ref > arg1", "not understood: '>'; write NAME> for the function that NAME ends with a jump to");
    refuse_line("ref f>g arg1", "not understood: 'f>g'");
    refuse_line("ref f*> arg1", "not understood: 'f*>'");
    refuse_line("wrapper f>", "not a name: 'f>'");
    refuse_line("ref f arg7", "no place: 'arg7'; a place is arg1 to arg6");
    refuse_line("ref f arg", "no place: 'arg'");
    refuse_line("ref f ret3", "no place: 'ret3'");
    refuse_line("ref f obj", "not a place here: 'obj'");
    refuse_line("ref f ****arg1", "memory is read at most three times");
    refuse_line("ref f (arg1", "expected ')', found 'end'");
    refuse_line("ref f *(arg1+)", "no offset: ')'");
    refuse_line("ref f arg1+x", "no offset: 'x'");
    refuse_line("ref f arg1+16777215+1", "the offset is too large");
    refuse_line("ref f arg1 arg2", "here may stand: slot PLACE, holder PLACE, when CONDITION, late");
    refuse_line("ref f arg1 floating", "not understood: 'floating'");
    refuse_line("ref f arg1 kept", "not understood: 'kept'");
    refuse_line("wrapper", "no function is named");
    refuse_line("wrapper f *", "this would be every function");
    refuse_line("call f 1", "a number is missing");
    refuse_line("call f* 1 1", "this may be several functions");
    refuse_line("call f 1 2 3", "the line is complete before that");
    refuse_line("park f arg1 kept kept", "said twice");
    refuse_line("ref f arg1 slot", "a place is missing");
    refuse_line("ref f arg1 slot arg2 holder arg3", "a second owner");
    refuse_line("ref f arg1 late late", "said twice");
    refuse_line("free f arg1 slot arg2", "here may stand: when CONDITION, late");
    refuse_line("weak f arg1", "the weak pointer's address is missing");
    refuse_line("weak f arg1 holder arg2", "here may stand: slot PLACE, borrowed, when CONDITION");
    refuse_line("move f arg1", "whose the reference is then is missing");
    refuse_line("move f arg1 to arg2", "write 'to slot PLACE'");
    refuse_line("move f arg1 to slot arg2 to slot arg3", "a second owner");
    refuse_line("ref f arg1 when", "a place is missing");
    refuse_line("ref f arg1 when arg2", "the comparison is missing");
    refuse_line("ref f arg1 when arg2 < 3", "expected a comparison, found '<'");
    refuse_line("ref f arg1 when arg2 =", "a number is missing");
    refuse_line("ref f arg1 when arg2 = x", "no number: 'x'");
    refuse_line("ref f arg1 when arg2:u8 = 256", "more bits");
    refuse_line("ref f arg1 when arg2:u8 = -129", "more bits");
    refuse_line("ref f arg1 when arg2 & 1 = 2", "bits that the mask leaves out");
    refuse_line("ref f arg1 when arg1 = 1 when arg1 = 1 when arg1 = 1", "a third 'when'");
    refuse_line("ref f arg1 when arg1 = 1_000", "no number: '1_000'");
    refuse(HEAD "ref f arg1\nref f arg1 late\n", 5, "the same of this function is said in line 4 already");
    struct prof_adapter *a = parse(HEAD "ref f arg1\nref f arg2\nunref f arg1\nref f arg1 when arg2 = 1\n");
    assert_int_equal(a->rule_count, 4);
    prof_adapter_destroy(a);
}

static void test_hostile(void **state)
{
    static const char nul[] = HEAD "ref f\0g arg1\n";
    struct prof_adapter *adapter = NULL;
    char text[8192];
    (void)state;
    struct prof_error *error = prof_adapter_parse("f", nul, sizeof nul - 1, NULL, NULL, &adapter);
    assert_non_null(error);
    assert_non_null(strstr(error->message, "a NUL byte"));
    prof_error_destroy(error);
    refuse_line("ref f \x1b[31mred", "no place: '?[31mred'");
    snprintf(text, sizeof text, HEAD "ref %04000d arg1\n", 1);
    refuse(text, 4, "longer than 1024 bytes");
    snprintf(text, sizeof text, HEAD "ref %0300d arg1\n", 1);
    refuse(text, 4, "...'; write 'ref FUNCTION PLACE'");
    char line[1001] = "ref f ";
    memset(line + 6, '(', sizeof line - 7);
    refuse_line(line, "a place is missing");
    snprintf(text, sizeof text, HEAD "# %04000d\nref f arg1\n", 1); /* comments may be long */
    prof_adapter_destroy(parse(text));
    snprintf(text, sizeof text, "adapter a\ntype %096d\n", 1);
    refuse(text, 2, "longer than 95 bytes");
}

/* ---- All errors, no memory --------------------------------------------------------------------------------------- */

static unsigned told;

static void tell(void *data, struct prof_error *error)
{
    static const uint64_t lines[] = { 2, 4, 6 };
    assert_ptr_equal(data, &told);
    assert_int_equal(error->offset, lines[told++]);
    prof_error_destroy(error);
}

static void test_all_errors(void **state)
{
    static const char text[] = "adapter a\nlibary l.so\ntype t\nref f\nref g arg1\nunref g\n";
    struct prof_adapter *adapter = NULL;
    (void)state;
    told = 0;
    struct prof_error *error = prof_adapter_parse("f.adapter", text, strlen(text), tell, &told, &adapter);
    assert_int_equal(told, 3);
    assert_string_equal(error->message, "f.adapter: 3 bad lines");
    assert_null(adapter);
    prof_error_destroy(error);
}

static void test_memory(void **state)
{
    static const char text[] = HEAD "count 0 int32\nname call f *obj\nref f arg1 slot arg2\ntype u\nnew g ret\n";
    bool failed = true;
    (void)state;
    for (long n = 0; failed; n++) {
        struct prof_adapter *adapter = NULL;
        fail_after(n);
        struct prof_error *error = prof_adapter_parse("f.adapter", text, strlen(text), NULL, NULL, &adapter);
        char *words = error == NULL ? prof_adapter_words(&adapter->rules[0]) : NULL;
        failed = has_failed();
        fail_after(-1);
        assert_true(failed == (words == NULL));
        assert_true(error == NULL || error->code == PROF_ERROR_NO_MEMORY);
        prof_error_destroy(error);
        prof_adapter_destroy(adapter);
        free(words);
        assert_true(n < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),         cmocka_unit_test(test_hidden),  cmocka_unit_test(test_places),
        cmocka_unit_test(test_conditions),    cmocka_unit_test(test_parts),   cmocka_unit_test(test_immortal),
        cmocka_unit_test(test_words),         cmocka_unit_test(test_refused), cmocka_unit_test(test_refused_types),
        cmocka_unit_test(test_refused_rules), cmocka_unit_test(test_hostile), cmocka_unit_test(test_all_errors),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
