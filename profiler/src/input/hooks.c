/* hooks.c: what a trace says of the functions that were to be hooked and of the adapters that named them: META keys
 * hooks and adapters, written by the recorder. */
#include <prof/trace.h>

#include <stdlib.h>
#include <string.h>

#include <track/format.h>

const char *prof_hook_words(unsigned state)
{
    static const char *const words[] = {
        [TRK_HOOK_NOT_YET] = "no program or library that was loaded has a symbol of this name",
        [TRK_HOOK_ON] = "hooked",
        [TRK_HOOK_SHORT] = "its code is too short",
        [TRK_HOOK_JUMPED_INTO] = "code jumps into its first instructions",
        [TRK_HOOK_LOOP] = "a loop begins with its first instruction",
        [TRK_HOOK_BAD_INSN] = "its first instructions cannot be moved",
        [TRK_HOOK_TRAP] = "it begins with a breakpoint or a trap",
        [TRK_HOOK_ENTERED] = "another function begins in its first instructions",
        [TRK_HOOK_FAR] = "its operands are out of reach",
        [TRK_HOOK_NO_MEMORY] = "there was no room for code near it",
        [TRK_HOOK_FORBIDDEN] = "the system does not let code be changed",
        [TRK_HOOK_NO_SIZE] = "its symbol does not say where it ends",
        [TRK_HOOK_NOT_CODE] = "it lies outside of its module's code",
        [TRK_HOOK_CHOSEN_LATE] = "it is chosen at run time (IFUNC), in a library that was loaded later",
        [TRK_HOOK_FULL] = "too many functions were to be hooked",
        [TRK_HOOK_TWICE] = "the same code is hooked under another name or role",
        [TRK_HOOK_CLONE] = "the compiler made this copy of a part of it; calls of the copy are not seen",
        [TRK_HOOK_ODD_RETURN] = "it does not return as others do",
        [TRK_HOOK_TELLS_ITSELF] = "its module calls libtrack itself",
        [TRK_HOOK_OTHER_VERSION] = "this version of the library does not have it",
        [TRK_HOOK_NO_TAIL] = "the function in front of '>' does not jump to one function without a symbol",
        [TRK_HOOK_NO_FUNCTION] = "no function begins at this address of the file",
        [TRK_HOOK_INLINED] = "the compiler put copies of it into functions that call it; "
                             "__attribute__((noinline)) keeps it whole",
        [TRK_HOOK_MACHINE] = "functions cannot be hooked on this machine",
    };
    return state < sizeof words / sizeof words[0] && words[state] != NULL ? words[state] : "unknown reason";
}

bool prof_hook_refused(unsigned state)
{
    switch (state) {
    case TRK_HOOK_ON:
    case TRK_HOOK_NOT_YET:
    case TRK_HOOK_TWICE:
    case TRK_HOOK_TELLS_ITSELF:
    case TRK_HOOK_OTHER_VERSION:
        return false;
    default:
        return true;
    }
}

/* The bytes up to one of `ends`, or as many as fit; moves behind it. */
static void take(const char **at, const char *ends, char *ret, size_t size)
{
    size_t length = strcspn(*at, ends), kept = length < size ? length : size - 1;
    memcpy(ret, *at, kept);
    ret[kept] = '\0';
    *at += length + ((*at)[length] == ends[0]);
}

bool prof_hooked_next(const char **at, struct prof_hooked *ret)
{
    struct prof_hooked next = { .state = 0 };
    char number[24];
    if (*at == NULL || **at == '\0')
        return false;
    take(at, " \n", next.role, sizeof next.role);
    take(at, " \n", number, sizeof number);
    next.state = (unsigned)strtoul(number, NULL, 10);
    take(at, " \n", number, sizeof number);
    next.calls = strtoull(number, NULL, 10);
    take(at, " \n", next.function, sizeof next.function);
    if (**at != '/') /* older recorders knew no adapters */
        take(at, " \n", next.adapter, sizeof next.adapter);
    if (strcmp(next.adapter, "-") == 0)
        next.adapter[0] = '\0';
    take(at, "\n", next.module, sizeof next.module);
    *ret = next;
    return true;
}

/* What the lines of hooks say of one adapter. A function that several rules name has several lines, one after the
 * other, and its calls stand in each. */
static void sum_up(const char *hooks, struct prof_adapted *adapted)
{
    struct prof_hooked hook, last = { .state = TRK_HOOK_NOT_YET };
    while (prof_hooked_next(&hooks, &hook)) {
        if (strcmp(hook.adapter, adapted->name) != 0)
            continue;
        bool again = strcmp(hook.function, last.function) == 0 && strcmp(hook.module, last.module) == 0;
        bool here = hook.module[0] != '\0' && hook.state != TRK_HOOK_TELLS_ITSELF;
        last = hook;
        if (here && strcmp(hook.module, adapted->module) != 0 && adapted->modules++ == 0)
            memcpy(adapted->module, hook.module, sizeof adapted->module);
        if (again || hook.state != TRK_HOOK_ON)
            continue;
        adapted->functions++;
        adapted->called += hook.calls != 0;
        adapted->calls += hook.calls;
    }
}

bool prof_adapted_next(const char **at, const char *hooks, struct prof_adapted *ret)
{
    struct prof_adapted next = { .functions = 0 };
    if (*at == NULL || **at == '\0')
        return false;
    take(at, " \n", next.name, sizeof next.name);
    take(at, " \n", next.how, sizeof next.how);
    take(at, " \n", next.libraries, sizeof next.libraries);
    take(at, "\n", next.path, sizeof next.path);
    sum_up(hooks, &next);
    *ret = next;
    return true;
}
