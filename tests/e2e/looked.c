/* looked.c: programs whose memory is looked at. Prints the addresses of blocks as "NAME ADDRESS" lines, so that a test
 * can find the words that point to them.
 *
 *     looked MODE [N] */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void *volatile global_data = (void *)-1;
static void *volatile global_bss;
static _Thread_local void *volatile local;
static pthread_barrier_t barrier;
static struct {
    char byte;
    void *volatile block;
} __attribute__((packed)) packed;
static volatile uintptr_t hidden_xor, hidden_tag;

static void *say(const char *name, void *block)
{
    printf("%s %lx\n", name, (unsigned long)(uintptr_t)block);
    return block;
}

static void nap_ms(long ms)
{
    struct timespec left = { ms / 1000, ms % 1000 * 1000000 };
    while (nanosleep(&left, &left) != 0)
        continue;
}

static void *thread(void *arg)
{
    void *volatile on_stack = malloc(33);
    (void)arg;
    local = malloc(44);
    if (arg != NULL) {
        say("thread-stack", on_stack);
        say("thread-tls", local);
        fflush(stdout);
    }
    pthread_barrier_wait(&barrier);
    for (;;)
        nap_ms(100000);
    return on_stack;
}

static void start_threads(int count)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 128 << 10);
    pthread_barrier_init(&barrier, NULL, (unsigned)count + 1);
    for (int i = 0; i < count; i++) {
        pthread_t id;
        if (pthread_create(&id, &attr, thread, i == 0 ? &barrier : NULL) != 0)
            exit(98);
    }
    pthread_barrier_wait(&barrier);
}

/* A frame that is left before the end: its words are dead. */
static void __attribute__((noinline)) leave_behind(void)
{
    void *volatile frame[64];
    frame[32] = say("dead", malloc(55));
    if (frame[32] == NULL)
        exit(95);
}

static void fill(void)
{
    global_data = say("data", malloc(10));
    global_bss = say("bss", malloc(20));
    local = say("tls", malloc(30));
    void *volatile *block = say("outer", malloc(40));
    memset((void *)block, 0, 40);
    block[2] = say("inner", malloc(50));
    global_bss = (void *)block;
    leave_behind();
    void *volatile *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared[1] = say("mapped", malloc(60));
#ifdef MAP_32BIT /* a pointer of half a word, the last one of its memory */
    uintptr_t low = (uintptr_t)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    ((volatile uint32_t *)shared)[1023] = (uint32_t)(uintptr_t)say("half", (void *)low);
#endif
    packed.block = say("packed", malloc(70));
    hidden_xor = (uintptr_t)say("xor", malloc(80)) ^ 0xf0f0f0f0f0f0f0f0u;
    hidden_tag = (uintptr_t)say("tag", malloc(90)) | (uintptr_t)0xabcd << 48;
    fflush(stdout);
}

/* Says when it is ready and goes on until a line comes. */
static void wait_line(void)
{
    char byte;
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    while (read(0, &byte, 1) < 0 && errno == EINTR)
        continue;
}

static void *waits(void *arg)
{
    (void)arg;
    wait_line();
    exit(5);
}

/* Blocks that are held at every moment: each stands in its next place before it leaves the last one. */
enum { PLACES = 1 << 18, MOVED = 256 };
static void *volatile places[PLACES];
static void *moves(void *arg)
{
    static unsigned stands[MOVED];
    unsigned random = 1;
    (void)arg;
    for (unsigned i = 0; i < MOVED; i++)
        places[stands[i] = i * (PLACES / MOVED)] = malloc(77);
    pthread_barrier_wait(&barrier);
    for (;;) {
        random = random * 1664525u + 1013904223u;
        unsigned which = (random >> 8) % MOVED;
        random = random * 1664525u + 1013904223u;
        unsigned to = (random >> 8) % PLACES;
        if (places[to] != NULL)
            continue;
        places[to] = places[stands[which]];
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        places[stands[which]] = NULL;
        stands[which] = to;
    }
    return NULL;
}

/* Calls that a stop must not be seen in. */
static int run_calls(void)
{
    struct epoll_event event;
    int fd = epoll_create1(0), ends[2];
    unsigned broken = 0;
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    if (pipe(ends) != 0)
        return 97;
    for (int i = 0; i < 6; i++) {
        broken += epoll_wait(fd, &event, 1, 100) < 0;
        struct timespec nap = { 0, 100000000 };
        broken += nanosleep(&nap, NULL) != 0;
        sigset_t none;
        sigemptyset(&none);
        broken += sigtimedwait(&none, NULL, &nap) < 0 && errno == EINTR;
    }
    return broken != 0 ? 96 : 5;
}

/* So many blocks full of pointers in no order, which take much room in a trace, and then many events. */
enum { SCATTER_MOST = 1 << 14 };
static void scatter(int blocks)
{
    static void **all[SCATTER_MOST];
    unsigned random = 1;
    blocks = blocks < SCATTER_MOST ? blocks : SCATTER_MOST;
    for (int i = 0; i < blocks; i++)
        all[i] = malloc(64);
    for (int i = 0; i < blocks; i++)
        for (int k = 0; k < 8; k++) {
            random = random * 1664525u + 1013904223u;
            all[i][k] = all[(random >> 8) % (unsigned)blocks];
        }
    wait_line();
    for (int i = 0; i < 2000; i++) {
        void *volatile block = malloc(77);
        free(block);
    }
    exit(5);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    int n = argc > 2 ? atoi(argv[2]) : 0;
    if (strcmp(mode, "calls") == 0)
        return run_calls();
    if (strcmp(mode, "scatter") == 0)
        scatter(n);
    fill();
    if (strcmp(mode, "undumpable") == 0)
        prctl(PR_SET_DUMPABLE, 0);
    if (n > 0 && strcmp(mode, "heap") != 0)
        start_threads(n);
    void *volatile on_stack = say("stack", malloc(110));
    if (strcmp(mode, "crash") == 0)
        raise(SIGSEGV);
    if (strcmp(mode, "moving") == 0) {
        pthread_t id;
        pthread_barrier_init(&barrier, NULL, 2);
        pthread_create(&id, NULL, moves, NULL);
        pthread_barrier_wait(&barrier);
    }
    if (strcmp(mode, "wait") == 0 || strcmp(mode, "moving") == 0)
        wait_line();
    if (strcmp(mode, "moving") == 0)
        _exit(5);
    if (strcmp(mode, "headless") == 0) { /* the first thread ends, the process does not */
        pthread_t id;
        pthread_create(&id, NULL, waits, NULL);
        pthread_exit(NULL);
    }
    if (strcmp(mode, "vfork") == 0) { /* this thread cannot be stopped meanwhile */
        pthread_t id;
        pthread_create(&id, NULL, waits, NULL);
        if (vfork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;)
                pause();
        }
    }
    if (strcmp(mode, "heap") == 0) { /* a list of so many MiB */
        void **head = NULL;
        for (long i = 0; i < (long)n << 14; i++) {
            void **node = malloc(56);
            node[0] = head;
            head = node;
        }
        global_bss = head;
    }
    fflush(stdout);
    exit(on_stack != NULL ? 5 : 6);
}
