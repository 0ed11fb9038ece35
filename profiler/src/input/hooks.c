/* hooks.c: what a trace says of the functions that were to be hooked: META key hooks, written by the recorder. */
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
        [TRK_HOOK_MACHINE] = "functions cannot be hooked on this machine",
    };
    return state < sizeof words / sizeof words[0] && words[state] != NULL ? words[state] : "unknown reason";
}

bool prof_hook_refused(unsigned state)
{
    return state != TRK_HOOK_ON && state != TRK_HOOK_NOT_YET && state != TRK_HOOK_TWICE;
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
    take(at, "\n", next.module, sizeof next.module);
    *ret = next;
    return true;
}
