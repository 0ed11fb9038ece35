/* Programs of one leak or none: `cases NAME`. What a block is called in the end stands in the name of the function that
 * allocates it: lost, indirect, possible, reachable. leaks.py counts what each case should give.
 *
 * Pointers go through variables that the compiler cannot see through, and stacks are wiped where a stale copy of a
 * pointer would decide the case. */
#undef NDEBUG
#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <track/track.h>
#include <unistd.h>

#if defined(__clang__)
#define OUT __attribute__((noinline))
#else
#define OUT __attribute__((noinline, noclone))
#endif
#define HIDE(p) __asm__ volatile("" : "+r"(p)::"memory")

struct node {
    struct node *next, *other;
    char text[48];
};
OUT static void *allocate(void)
{
    struct node *node = calloc(1, sizeof *node);
    HIDE(node);
    return node;
}
OUT static struct node *lost(void)
{
    struct node *p = allocate();
    HIDE(p);
    return p;
}
OUT static struct node *indirect(void)
{
    struct node *p = allocate();
    HIDE(p);
    return p;
}
OUT static struct node *possible(void)
{
    struct node *p = allocate();
    HIDE(p);
    return p;
}
OUT static struct node *reachable(void)
{
    struct node *p = allocate();
    HIDE(p);
    return p;
}
OUT static struct node *held_raw(void)
{
    struct node *p = malloc(sizeof *p);
    HIDE(p);
    return p;
}
OUT static void *allocate_chunk(void *at)
{
    trk_alloc(at, sizeof(struct node));
    return at;
}
OUT static void *reachable_chunk(void *at)
{
    at = allocate_chunk(at);
    HIDE(at);
    return at;
}
/* Nothing that callees left stays below the caller's frame. */
OUT static void wipe(void)
{
    volatile char room[16384];
    for (size_t i = 0; i < sizeof room; i++)
        room[i] = 0;
}

static struct node *volatile global;
static volatile uintptr_t number;
static __thread struct node *volatile local;
static struct {
    char tag;
    struct node *volatile pointer;
} __attribute__((packed)) packed;
static pthread_barrier_t ready;

/* ---- where LeakSanitizer or Valgrind are wrong, or say less ---- */
OUT static void leave_on_stack(struct node *p)
{
    struct node *volatile locals[1024];
    for (size_t i = 0; i < 1024; i++)
        locals[i] = p;
    (void)locals;
}
static void stale_stack(void)
{
    leave_on_stack(lost());
}
static void cycle(void)
{
    struct node *a = lost(), *b = lost(), *c = lost();
    a->next = b;
    b->next = c;
    c->next = a;
    a = b = c = NULL;
    HIDE(a);
    HIDE(b);
    HIDE(c);
    wipe();
}
static void tail_of_cycle(void)
{
    struct node *a = lost();
    a->next = a;
    a->other = indirect();
    a = NULL;
    HIDE(a);
    wipe();
}
static void *keeps_on_stack(void *wait)
{
    struct node *volatile mine = wait != NULL ? reachable() : lost();
    if (wait != NULL) {
        pthread_barrier_wait(&ready);
        for (;;)
            pause();
    }
    leave_on_stack(mine);
    return NULL;
}
static void dead_thread(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, keeps_on_stack, NULL);
    pthread_join(thread, NULL);
}
/* Spins with the pointer at one place below the stack pointer: 128 bytes there are the function's own. Nothing else is
 * left there, nor in a register. */
#ifdef __x86_64__
#define SPIN_BELOW(p, where)                                                                                           \
    __asm__ volatile(                                                                                                  \
        "movq %0, %%rdx\n xorl %%eax, %%eax\n movq %%rax, %0\n leaq -136(%%rsp), %%rdi\n movl $17, %%ecx\n"            \
        "rep stosq\n movq %%rdx, " where "(%%rsp)\n xorl %%edx, %%edx\n xorl %%edi, %%edi\n1: pause\n jmp 1b"          \
        : "+r"(p)::"rax", "rcx", "rdx", "rdi", "rsi", "r8", "r9", "r10", "r11", "memory")
#else
#define SPIN_BELOW(p, where) HIDE(p)
#endif
static void *spins_below(void *far)
{
    struct node *p = far != NULL ? lost() : reachable();
    wipe();
    pthread_barrier_wait(&ready);
    if (far != NULL)
        SPIN_BELOW(p, "-1024");
    else
        SPIN_BELOW(p, "-16");
    return p;
}
static void live_thread(void *(*run)(void *), void *argument, bool detached)
{
    pthread_t thread;
    pthread_barrier_init(&ready, NULL, 2);
    pthread_create(&thread, NULL, run, argument);
    pthread_barrier_wait(&ready);
    if (detached)
        pthread_detach(thread);
    wipe();
    usleep(20000); /* it has left the barrier; whether it has or not, the pointer is its own */
}
static void red_zone(void)
{
    live_thread(spins_below, NULL, false);
}
static void below_red_zone(void)
{
    live_thread(spins_below, &ready, false);
}
static void holder_freed(void)
{
    struct node *volatile *holder = malloc(4096);
    holder[100] = lost();
    global = (struct node *)holder;
    free(global);
    global = NULL;
    holder = NULL;
    HIDE(holder);
    wipe();
}

/* ---- pointers that do not look like pointers ---- */
static void hidden_by_xor(void)
{
    number = (uintptr_t)reachable() ^ 0x5a5a5a5a5a5a5a5a;
    wipe();
}
static void tagged(void)
{
    number = (uintptr_t)reachable() | 5;
    wipe();
}
/* Memory that is handed out again still says what stood there. */
struct node *volatile used_again;
static void used_before(void)
{
    struct node *p = malloc(sizeof *p);
    HIDE(p);
    struct node *mine = lost();
    memcpy(p->text + 16, &mine, sizeof mine);
    HIDE(p);
    free(p);
    used_again = held_raw();
    wipe();
}
static void misaligned(void)
{
    packed.pointer = reachable();
    wipe();
}
/* Half a word each, from a base that is known; the second of two, so that a whole word at its place is none. */
static uint32_t volatile compressed_pair[2] __attribute__((aligned(8)));
static void compressed(void)
{
    char *base = mmap((void *)0x200000000000, 65536, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (base == MAP_FAILED)
        exit(9);
    void *chunk = reachable_chunk(base + 4096);
    compressed_pair[1] = (uint32_t)(((uintptr_t)chunk - (uintptr_t)base) >> 3);
    base = NULL;
    chunk = NULL;
    HIDE(base);
    HIDE(chunk);
    wipe();
}
static void page_of_pointer(void)
{
    number = (uintptr_t)reachable();
    wipe();
}
static void interior(void)
{
    number = (uintptr_t)possible() + 24;
    wipe();
}
static void behind_interior(void)
{
    struct node *p = possible();
    p->next = possible();
    number = (uintptr_t)p + 24;
    p = NULL;
    HIDE(p);
    wipe();
}

/* ---- what holds ---- */
static void tls_held(void)
{
    local = reachable();
    wipe();
}
static void global_held(void)
{
    global = reachable();
    global->next = reachable();
    wipe();
}
static volatile int settled;
#ifdef __x86_64__
#define SPIN_IN(p, where)                                                                                              \
    __asm__ volatile("movq %0, %%" where "\n xorl %%eax, %%eax\n movq %%rax, %0\n movl $1, %1\n1: pause\n jmp 1b"      \
                     : "+r"(p), "=m"(settled)::"rax", "r14", "xmm5", "memory")
#else
#define SPIN_IN(p, where) (settled = 1)
#endif
static void *spins_in_register(void *unused)
{
    (void)unused;
    struct node *p = reachable();
    wipe();
    pthread_barrier_wait(&ready);
    SPIN_IN(p, "r14");
    return p;
}
static void register_held(void)
{
    live_thread(spins_in_register, NULL, false);
}
static void *spins_in_vector(void *unused)
{
    (void)unused;
    struct node *p = possible();
    pthread_barrier_wait(&ready);
    wipe(); /* also what the barrier saved right below */
    SPIN_IN(p, "xmm5");
    return p;
}
static void vector_held(void)
{
    live_thread(spins_in_vector, NULL, false);
    while (!settled)
        usleep(1000);
}
static void mmap_held(void)
{
    struct node *volatile *page = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[1000] = reachable();
    page = NULL;
    HIDE(page);
    wipe();
}
/* The program may not read its own page: what it holds, it holds. */
static void mmap_guarded(void)
{
    struct node *volatile *page = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[1000] = reachable();
    mprotect((void *)page, 65536, PROT_NONE);
    wipe();
}
static void mmap_gone(void)
{
    struct node *volatile *page = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[1000] = lost();
    munmap((void *)page, 65536);
    wipe();
}
/* One chunk of the arena is held: so is the arena, and what another chunk, which nobody holds, leads to is not. */
OUT static void *reachable_arena(void)
{
    void *p = malloc(4096);
    HIDE(p);
    return p;
}
static void arena(void)
{
    char *memory = reachable_arena();
    struct node *held = (struct node *)(memory + 64), *dropped = (struct node *)(memory + 1024);
    memset(memory, 0, 4096);
    trk_alloc(held, sizeof *held);
    trk_alloc(dropped, sizeof *dropped);
    held->next = reachable();
    dropped->next = indirect();
    global = held;
    memory = NULL;
    held = dropped = NULL;
    HIDE(memory);
    HIDE(held);
    HIDE(dropped);
    wipe();
}
/* An arena in static data. One chunk is held by a pointer into its middle, one by a pointer to its start, one is lost.
 */
static char *volatile within;
OUT static void chunk(void *at)
{
    trk_alloc(at, 64);
}
static void static_arena(void)
{
    static char memory[4096];
    for (size_t at = 256; at <= 768; at += 256)
        chunk(memory + at);
    within = memory + 256 + 16;
    global = (struct node *)(void *)(memory + 512);
    wipe();
}
static void thread_stack(void)
{
    live_thread(keeps_on_stack, &ready, false);
}
static void detached_thread(void)
{
    live_thread(keeps_on_stack, &ready, true);
}

/* ---- how it ends ---- */
static void drop(void)
{
    lost();
    global = reachable();
    wipe();
}
static void fork_child(void)
{
    global = reachable();
    pid_t child = fork();
    if (child == 0) {
        lost();
        wipe();
        exit(0);
    }
    waitpid(child, NULL, 0);
}
static void ends_by_exit(void)
{
    drop();
    exit(0);
}
static void ends_by_underscore_exit(void)
{
    drop();
    _exit(0);
}
static void ends_by_quick_exit(void)
{
    drop();
    quick_exit(0);
}
static void ends_by_abort(void)
{
    drop();
    abort();
}
static void ends_by_assert(void)
{
    drop();
    assert(global == NULL);
}
static void ends_by_assert_errno(void)
{
    drop();
    assert_perror(EIO);
}
static sigjmp_buf back;
static void jump_back(int sig)
{
    siglongjmp(back, sig);
}
static void goes_on_after_abort(void)
{
    drop();
    if (sigsetjmp(back, 1) == 0) {
        signal(SIGABRT, jump_back);
        abort();
    }
    lost();
    wipe();
}
static void *exits(void *unused)
{
    (void)unused;
    drop();
    exit(0);
}
static void ends_by_thread(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, exits, NULL);
    for (;;)
        pause();
}

/* ---- a library's globals ---- */
static void *plugin(const char *path)
{
    void *handle = dlopen(path, RTLD_NOW);
    if (handle == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(9);
    }
    return handle;
}
static const char *plugin_path;
static void library(const char *keeper, bool closes)
{
    void *handle = plugin(plugin_path);
    void (*keep)(void *) = (void (*)(void *))dlsym(handle, keeper);
    keep(closes ? lost() : reachable());
    keep = NULL;
    HIDE(keep);
    if (closes)
        dlclose(handle);
    wipe();
}
static void open_library(void)
{
    library("leak_plugin_keep", false);
}
static void closed_library(void)
{
    library("leak_plugin_keep", true);
}
static void library_tls(void)
{
    library("leak_plugin_keep_local", false);
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    { "stale_stack", stale_stack },
    { "cycle", cycle },
    { "tail_of_cycle", tail_of_cycle },
    { "dead_thread", dead_thread },
    { "red_zone", red_zone },
    { "below_red_zone", below_red_zone },
    { "holder_freed", holder_freed },
    { "hidden_by_xor", hidden_by_xor },
    { "tagged", tagged },
    { "misaligned", misaligned },
    { "used_before", used_before },
    { "compressed", compressed },
    { "page_of_pointer", page_of_pointer },
    { "interior", interior },
    { "behind_interior", behind_interior },
    { "tls_held", tls_held },
    { "global_held", global_held },
    { "register_held", register_held },
    { "vector_held", vector_held },
    { "mmap_held", mmap_held },
    { "mmap_guarded", mmap_guarded },
    { "mmap_gone", mmap_gone },
    { "arena", arena },
    { "static_arena", static_arena },
    { "thread_stack", thread_stack },
    { "detached_thread", detached_thread },
    { "fork_child", fork_child },
    { "drop", drop },
    { "exit", ends_by_exit },
    { "_exit", ends_by_underscore_exit },
    { "quick_exit", ends_by_quick_exit },
    { "abort", ends_by_abort },
    { "assert", ends_by_assert },
    { "assert_errno", ends_by_assert_errno },
    { "abort_handled", goes_on_after_abort },
    { "thread_exit", ends_by_thread },
    { "open_library", open_library },
    { "closed_library", closed_library },
    { "library_tls", library_tls },
};

int main(int argc, char **argv)
{
    plugin_path = argc > 2 ? argv[2] : "";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (argc > 1 && strcmp(argv[1], cases[i].name) == 0) {
            cases[i].run();
            return 0;
        }
    }
    fprintf(stderr, "usage: cases NAME [PLUGIN]\n");
    return 2;
}
