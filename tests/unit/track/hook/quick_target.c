/* A program whose hooked functions are called with something in every register, and step by step. It is not linked with
 * libtrack. Prints what test_quick.c judges. */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unwind.h>

#include "nasty.h"

enum { CALLS = 1000, STEPPED = 8 };

static uintptr_t preload_lo, preload_hi, caller_lo, caller_hi;
static long steps, fewest, lost;
static bool in_caller;

long call_stepped(long n);
void caller_end(void);

static _Unwind_Reason_Code look(struct _Unwind_Context *context, void *data)
{
    uintptr_t pc = _Unwind_GetIP(context);
    (void)data;
    in_caller |= pc > caller_lo && pc < caller_hi;
    return in_caller ? _URC_END_OF_STACK : _URC_NO_REASON;
}

/* After each instruction while the trap flag is set. */
static void step(int signal, siginfo_t *info, void *context)
{
    uintptr_t pc = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    (void)signal;
    (void)info;
    if (pc < preload_lo || pc >= preload_hi)
        return;
    steps++;
    in_caller = false;
    _Unwind_Backtrace(look, NULL);
    lost += !in_caller;
}

/* nasty_next(n), and the processor traps after each instruction of it. */
__asm__(".text\n.globl call_stepped\n.type call_stepped, @function\ncall_stepped:\n\t.cfi_startproc\n\tpushq %rbp\n\t"
        ".cfi_def_cfa_offset 16\n\t.cfi_offset %rbp, -16\n\tmovq %rsp, %rbp\n\t.cfi_def_cfa_register %rbp\n\t"
        "pushfq\n\torq $256, (%rsp)\n\tpopfq\n\tcall nasty_next@PLT\n\tpushfq\n\tandq $-257, (%rsp)\n\tpopfq\n\t"
        "popq %rbp\n\t.cfi_def_cfa %rsp, 8\n\tret\n\t.cfi_endproc\n.globl caller_end\ncaller_end:\n\tnop\n"
        ".size call_stepped, . - call_stepped\n");

static void find_preload(void)
{
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        unsigned long lo, hi;
        if (strstr(line, "libtrack-preload.so") != NULL && strstr(line, " r-xp ") != NULL &&
            sscanf(line, "%lx-%lx", &lo, &hi) == 2) {
            preload_lo = lo;
            preload_hi = hi;
        }
    }
    if (maps != NULL)
        fclose(maps);
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = step, .sa_flags = SA_SIGINFO };
    long changed = 0, wrong = 0;
    static char object[CALLS] __attribute__((aligned(16)));
    for (int i = 0; i < CALLS; i++)
        changed += nasty_registers(nasty_changes_nothing);
    find_preload();
    caller_lo = (uintptr_t)call_stepped;
    caller_hi = (uintptr_t)caller_end;
    _Unwind_Backtrace(look, NULL); /* whatever it loads is loaded */
    sigaction(SIGTRAP, &action, NULL);
    fewest = -1;
    for (int i = 0; i < STEPPED; i++) {
        steps = 0;
        wrong += call_stepped((long)(uintptr_t)object) != (long)(uintptr_t)object + 3;
        fewest = fewest < 0 || steps < fewest ? steps : fewest;
    }
    printf("changed=%ld wrong=%ld lost=%ld fewest=%ld\n", changed, wrong, lost, fewest);
    return 0;
}
