/* flow.cc: counted objects in a program whose calls do not all return: exceptions and jumps leave hooked functions,
 * signal handlers and forks happen inside them, constructors take references of what they make, a library comes and goes
 * in several threads. Prints how often each function was called. Argument: the library. */
#include <atomic>
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <dlfcn.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__clang__)
#define APART __attribute__((noinline))
#else
#define APART __attribute__((noinline, noclone))
#endif

enum { ROUNDS = 200, THREADS = 4, LOADS = 30 };

struct obj {
    std::atomic<int> refs;
};

static std::atomic<long> news, refs, unrefs;
static const char *library;
static obj *shared;
static jmp_buf out;

typedef void (*what_happens)(long n);

extern "C" {
APART obj *obj_ref(obj *o)
{
    refs++;
    o->refs++;
    return o;
}

APART void obj_unref(obj *o)
{
    unrefs++;
    if (--o->refs == 0)
        free(o);
}

/* The constructor of what keeps itself alive while something is told about it. `inside` may not return. */
APART obj *obj_new(what_happens inside, long n)
{
    news++;
    obj *o = (obj *)malloc(sizeof *o);
    o->refs = 1;
    obj_ref(o);
    if (inside != nullptr) {
        obj_unref(obj_ref(o));
        obj_unref(o);
        free(o); /* no birth: nobody gets it */
        inside(n);
        abort();
    }
    obj_unref(o);
    obj_ref(o); /* for the list of all objects, as it were */
    return o;
}

/* A hooked function that calls itself, so that there are many frames to leave. */
APART obj *obj_new_deep(what_happens inside, long n)
{
    obj *o = n > 0 ? obj_new_deep(inside, n - 1) : obj_new(inside, n);
    __asm__ volatile("" : "+r"(o)); /* no tail call */
    return o;
}
}

static void thrown(long n)
{
    throw std::runtime_error(std::to_string(n));
}

static void jump(long)
{
    longjmp(out, 1);
}

static void exceptions()
{
    int caught = 0;
    for (int i = 0; i < ROUNDS; i++) {
        try {
            obj_new_deep(thrown, i % 7);
        } catch (const std::exception &) {
            caught++;
        }
    }
    if (caught != ROUNDS)
        abort();
}

static void jumps()
{
    static volatile int left;
    if (setjmp(out) != 0)
        left++;
    if (left < ROUNDS)
        obj_new_deep(jump, left % 5);
}

static void use(obj *o)
{
    obj_unref(o);
    obj_unref(o);
}

static void on_signal(int)
{
    obj_unref(obj_ref(shared));
}

static void *work(void *)
{
    for (int i = 0; i < ROUNDS; i++) {
        use(obj_new_deep(nullptr, i % 3));
        if (i % 4 == 0)
            raise(SIGUSR1);
    }
    return nullptr;
}

static void *load(void *)
{
    for (int i = 0; i < LOADS; i++) {
        void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
        if (handle == nullptr)
            abort();
        ((void (*)(int))dlsym(handle, "plugin_run"))(5);
        dlclose(handle);
    }
    return nullptr;
}

static void in_threads(void *(*what)(void *))
{
    pthread_t thread[THREADS];
    for (pthread_t &t : thread)
        pthread_create(&t, nullptr, what, nullptr);
    for (pthread_t t : thread)
        pthread_join(t, nullptr);
}

static void print(const char *who)
{
    printf("%snew %ld ref %ld unref %ld\n", who, news.load(), refs.load(), unrefs.load());
    fflush(stdout);
}

/* Inside of a constructor: the child comes back from it, too. */
static void forked()
{
    if (setjmp(out) == 0)
        obj_new_deep(
            [](long) {
                pid_t child = fork();
                if (child == 0) {
                    news = refs = unrefs = 0;
                    use(obj_new(nullptr, 0));
                    print("child ");
                    _exit(0);
                }
                waitpid(child, nullptr, 0);
                longjmp(out, 1);
            },
            2);
}

int main(int, char **argv)
{
    library = argv[1];
    shared = obj_new_deep(nullptr, 0);
    signal(SIGUSR1, on_signal);
    /* Often enough to fall into handlers, too. */
    struct sigaction action = {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, nullptr);
    ualarm(1000, 500);
    in_threads(work);
    exceptions();
    ualarm(0, 0);
    jumps();
    forked();
    if (library != nullptr)
        in_threads(load);
    use(shared);
    print("");
    return 5;
}
