/* test_names.c: names of wrappers and allocators; demangling. */
#include <symbol/demangle.h>
#include <symbol/site.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void wrappers(void **state)
{
    (void)state;
    struct prof_site_rules rules = { 0 };
    const char *const array[] = { "conn_*", "exact", NULL };
    assert_true(prof_site_rules_add(&rules, array, ":obj_ref:obj_unref, ns::Class::*  last:"));
    static const char *const yes[] = {
        "conn_ref", "exact", "obj_ref", "obj_unref", "ns::Class::ref", "last", "trk_ref"
    };
    static const char *const no[] = { "conn", "exactly", "obj_re", "ns", "Class", "trk", "xtrk_ref", "" };
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        assert_true(prof_site_is_wrapper(&rules, yes[i], NULL));
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        assert_false(prof_site_is_wrapper(&rules, no[i], NULL));
    assert_false(prof_site_is_wrapper(&rules, NULL, NULL));
    assert_true(prof_site_is_wrapper(&rules, NULL, "exact"));
    prof_site_rules_deinit(&rules);
    assert_true(prof_site_rules_add(&rules, NULL, NULL));
    assert_int_equal(rules.count, 0);
    prof_site_rules_deinit(&rules);
}

static void allocators(void **state)
{
    (void)state;
    static const char *const yes[] = { "malloc",
                                       "calloc",
                                       "realloc",
                                       "strdup",
                                       "g_malloc0",
                                       "g_object_new",
                                       "valloc",
                                       "__libc_calloc",
                                       "vasprintf",
                                       "reallocarray",
                                       "operator new",
                                       "operator new[]",
                                       "g_type_create_instance",
                                       "__strdup" };
    static const char *const no[] = { "xmalloc", "fopen", "getline", "main", "mallocx", "", "free", "g_object_ref" };
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        assert_true(prof_site_is_allocator(yes[i], NULL));
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        assert_false(prof_site_is_allocator(no[i], NULL));
    assert_false(prof_site_is_allocator(NULL, NULL));
    assert_true(prof_site_is_allocator(NULL, "_Znwm"));
    assert_true(prof_site_is_allocator(NULL, "_ZnamRKSt9nothrow_t"));
    assert_false(prof_site_is_allocator(NULL, "_ZdlPv"));
}

static void demangling(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        { "_Z3foov", "foo" },
        { "_ZN2ns3fooEi", "ns::foo" },
        { "_ZNK2ns5Class3getEv", "ns::Class::get" },
        { "_ZN2ns5ClassC2Ev", "ns::Class::Class" },
        { "_ZN2ns5ClassD0Ev", "ns::Class::~Class" },
        { "_ZN12_GLOBAL__N_13runEv", "(anonymous namespace)::run" },
        { "_ZNSt6vectorIiSaIiEE9push_backERKi", "std::vector<...>::push_back" },
        { "_ZNSt6vectorIiSaIiEED2Ev", "std::vector<...>::~vector" },
        { "_ZNSt14__shared_countILN9__gnu_cxx12_Lock_policyE2EED4Ev", "std::__shared_count<...>::~__shared_count" },
        { "_ZN3BoxILi5EE3getEv", "Box<...>::get" },
        { "_ZN3BoxILin5ELb1EE3getEv", "Box<...>::get" },
        { "_ZN3BoxIXadL_ZN1a1bEvEEE3getEv", "Box<...>::get" },
        { "_ZNSsC1EPKcRKSaIcE", "std::string::string" },
        { "_ZNSs6appendEPKc", "std::string::append" },
        { "_ZStlsISt11char_traitsIcEERSt13basic_ostreamIcT_ES5_PKc", "std::operator<< <...>" },
        { "_ZN2nseqERKNS_1AES2_", "ns::operator==" },
        { "_Znwm", "operator new" },
        { "_ZdaPv", "operator delete[]" },
        { "_ZN1AcvbEv", "A::operator (cast)" },
        { "_ZZN2ns3fooEvENKUlivE_clEi", "ns::foo::{lambda}::operator()" },
        { "_ZZ4mainE5count", "main::count" },
        { "_ZZZ1avEN1b1cEvE1d", "a::b::c::d" },
        { "_ZN3fooB5cxx11Ev", "foo" },
        { "_ZL6statici", "static" },
        { "_ZN2ns3fooEv.part.0", "ns::foo" },
        { "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad" },
        { "_ZN26_$LT$T$u20$as$u20$a..B$GT$3fmt17h0123456789abcdefE", "<T as a::B>::fmt" },
        // Not for us, or damaged.
        { "main", NULL },
        { "_Z", NULL },
        { "_ZTV3foo", NULL },
        { "_ZThn16_N1a1bEv", NULL },
        { "_ZN", NULL },
        { "_ZN3fo", NULL },
        { "_ZN99999999999999999999fooE", NULL },
        { "_ZN3fooI", NULL },
        { "_ZN3fooIIIIIE", NULL },
        { "_ZNE", NULL },
        { "_ZN2nsC2Ev", "ns::ns" },
        { "_ZC2Ev", NULL },
        { "_RNvC6_123foo3bar", NULL },
        { "", NULL },
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char buf[256] = "";
        size_t length = prof_demangle(pairs[i][0], strlen(pairs[i][0]), buf, sizeof buf);
        if (pairs[i][1] == NULL ? length != 0 : strcmp(buf, pairs[i][1]) != 0)
            fail_msg("%s is '%s', expected %s", pairs[i][0], buf, pairs[i][1] != NULL ? pairs[i][1] : "nothing");
        if (pairs[i][1] != NULL)
            assert_int_equal(length, strlen(buf));
    }
    // No room.
    for (size_t size = 0; size < 16; size++) {
        char *small = malloc(size + 1);
        size_t length = prof_demangle("_ZN4longer4nameEv", 17, small, size);
        assert_true(length == 0 || length < size);
        free(small);
    }
}

// Any bytes: must end, and stay inside.
static void random_names(void **state)
{
    (void)state;
    static const char letters[] = "NEISTLXJFUACDZ_0123456789abclmstv$.KPRO";
    srand(5);
    for (int round = 0; round < 100000; round++) {
        char name[40] = "_Z", out[48];
        size_t length = 2 + (size_t)rand() % 36;
        for (size_t i = 2; i < length; i++)
            name[i] = letters[(size_t)rand() % (sizeof letters - 1)];
        char *exact = malloc(length);
        memcpy(exact, name, length);
        size_t got = prof_demangle(exact, length, out, sizeof out);
        assert_true(got < sizeof out);
        if (got != 0)
            assert_int_equal(out[got], '\0');
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrappers),
        cmocka_unit_test(allocators),
        cmocka_unit_test(demangling),
        cmocka_unit_test(random_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
