/* test_look.c: a thread asks the recorder to look at its process's memory: answers, served reads, bounds, threads,
 * handlers, forks, recorders that go away, and which memory is libtrack's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <track/track.h>

#include "testrec.h"

enum { FLAGS = TRK_SHM_FOLLOW_CHILDREN | TRK_SHM_MALLOC, ALL = FLAGS | TRK_SHM_LOOKS };

/* What the recorder's side saw, anew for each run. */
static unsigned beats, owned;
static char seen[256];
static uint64_t caller_sp;
static bool found, died;

typedef void look_fn(struct testrec *rec, struct trk_shm_proc *proc);

static void run(struct testrec *rec, const char *name, const char *number, uint32_t flags, look_fn *look,
                const char *extra)
{
    const char *argv[] = { LOOK_TARGET, name, number, NULL };
    const struct testrec_config config = { .flags = flags };
    do {
        beats = owned = 0;
        seen[0] = 0;
        found = died = false;
        testrec_init(rec, &config);
        rec->look = look;
        testrec_run(rec, argv, extra, NULL, 30);
    } while (!died && testrec_again(rec));
    assert_true(WIFEXITED(rec->status));
}

static void answers(void **state)
{
    (void)state;
    struct testrec rec;
    run(&rec, "call", NULL, ALL, testrec_look_yes, NULL);
    assert_int_equal(testrec_said(&rec, "answer"), TRK_YES);
    assert_int_equal(testrec_said(&rec, "errno"), 77);
    assert_int_equal(rec.looks, 1);
    assert_int_equal(testrec_count(&rec, TRK_OP_CHECKPOINT), 1);
    assert_int_equal(rec.procs[0].look.tid, 0);
    assert_int_equal(rec.procs[0].look.why, TRK_LOOK_CALL);
    assert_string_equal(testrec_look_name(&rec, &rec.procs[0]), "noon");
    testrec_deinit(&rec);
    run(&rec, "call", NULL, ALL, testrec_look_yes, "on_full=drop");
    assert_int_equal(testrec_said(&rec, "answer"), TRK_YES);
    testrec_deinit(&rec);
}

static void without_memory(void **state)
{
    (void)state;
    struct testrec rec;
    run(&rec, "call", NULL, ALL | TRK_SHM_NO_MEMORY, testrec_look_yes, NULL);
    assert_int_equal(testrec_said(&rec, "answer"), TRK_NO);
    assert_int_equal(rec.looks, 0);
    assert_int_equal(testrec_count(&rec, TRK_OP_CHECKPOINT), 1);
    testrec_deinit(&rec);
    run(&rec, "call", NULL, FLAGS, testrec_look_yes, NULL);
    assert_true(strstr(rec.output, "answer=-1\n") != NULL);
    assert_int_equal(rec.looks, 0);
    testrec_deinit(&rec);
}

static void look_failed(struct testrec *rec, struct trk_shm_proc *proc)
{
    testrec_look_answer(rec, proc, TRK_UNKNOWN);
}

static void look_nonsense(struct testrec *rec, struct trk_shm_proc *proc)
{
    testrec_look_answer(rec, proc, 4711);
}

static void answers_are_checked(void **state)
{
    (void)state;
    struct testrec rec;
    run(&rec, "call", NULL, ALL, look_failed, NULL);
    assert_true(strstr(rec.output, "answer=-1\n") != NULL);
    testrec_deinit(&rec);
    run(&rec, "call", NULL, ALL, look_nonsense, NULL);
    assert_true(strstr(rec.output, "answer=-1\n") != NULL);
    testrec_deinit(&rec);
}

/* ---- Served reads -------------------------------------------------------------------------------------------------
 */

static size_t got[5];
static unsigned char bytes[1 << 17];
static bool right;

static void look_serve(struct testrec *rec, struct trk_shm_proc *proc)
{
    uint64_t page = strtoull(testrec_look_name(rec, proc), NULL, 16);
    got[0] = testrec_look_read(rec, proc, page, bytes, 4096);
    right = true;
    for (size_t i = 0; i < 4096; i++)
        right = right && bytes[i] == 0x5a;
    got[1] = testrec_look_read(rec, proc, page + 4000, bytes, 4096); /* ends in the middle */
    got[2] = testrec_look_read(rec, proc, page + 4096, bytes, 16);
    got[3] = testrec_look_read(rec, proc, UINT64_MAX - 8, bytes, 64);
    got[4] = testrec_look_read(rec, proc, (uint64_t)8, bytes, UINT64_MAX); /* more than the window has */
    testrec_look_answer(rec, proc, TRK_YES);
}

static void serves_reads(void **state)
{
    (void)state;
    struct testrec rec;
    run(&rec, "served", NULL, ALL, look_serve, NULL);
    assert_int_equal(testrec_said(&rec, "answer"), TRK_YES);
    assert_int_equal(got[0], 4096);
    assert_true(right);
    assert_int_equal(got[1], 96);
    assert_int_equal(got[2], 0);
    assert_int_equal(got[3], 0);
    assert_int_equal(got[4], 0);
    testrec_deinit(&rec);
}

static uint64_t marker;

static void look_stack(struct testrec *rec, struct trk_shm_proc *proc)
{
    size_t n = testrec_look_read(rec, proc, proc->look.sp, bytes, 2048);
    for (size_t i = 0; i + 8 <= n; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        found = found || word == marker;
    }
    testrec_look_answer(rec, proc, TRK_YES);
}

static void registers_stand_on_the_stack(void **state)
{
    (void)state;
    struct testrec rec;
    marker = 0x5eedull * 123456789;
    run(&rec, "registers", "123456789", ALL, look_stack, NULL);
    assert_int_equal(testrec_said(&rec, "answer"), TRK_YES);
    assert_true(found);
    testrec_deinit(&rec);
}

/* ---- Moments ------------------------------------------------------------------------------------------------------
 */

static void look_note(struct testrec *rec, struct trk_shm_proc *proc)
{
    char one[64];
    snprintf(one, sizeof one, "%u%s ", proc->look.why, testrec_look_name(rec, proc));
    strncat(seen, one, sizeof seen - strlen(seen) - 1);
    testrec_look_answer(rec, proc, TRK_YES);
}

static void moments(void **state)
{
    (void)state;
    static const struct {
        const char *program, *number;
        uint32_t flags;
        const char *seen;
        int status;
    } cases[] = {
        { "marks", NULL, 0, "2three ", 0 },
        { "marks", NULL, TRK_SHM_LOOK_MARK, "3one 2three ", 0 },
        { "marks", NULL, TRK_SHM_LOOK_SCOPE, "4 2three ", 0 },
        { "marks", NULL, TRK_SHM_LOOK_EXIT, "2three 1 ", 0 },
        { "leave", "0", TRK_SHM_LOOK_EXIT, "1 ", 0 },
        { "leave", "0", TRK_SHM_LOOK_EXIT | TRK_SHM_LOOK_MARK, "3before 1 ", 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct testrec rec;
        run(&rec, cases[i].program, cases[i].number, ALL | cases[i].flags, look_note, NULL);
        assert_string_equal(seen, cases[i].seen);
        assert_int_equal(WEXITSTATUS(rec.status), cases[i].status);
        testrec_deinit(&rec);
    }
}

static void look_sp(struct testrec *rec, struct trk_shm_proc *proc)
{
    if (proc->look.why == TRK_LOOK_MARK)
        caller_sp = strtoull(testrec_look_name(rec, proc), NULL, 16);
    else
        found = proc->look.sp == caller_sp;
    testrec_look_answer(rec, proc, TRK_YES);
}

/* What lies below the caller of exit is libc's and libtrack's. */
static void ends_at_caller(void **state)
{
    (void)state;
    struct testrec rec;
    run(&rec, "ends", "4", ALL | TRK_SHM_LOOK_EXIT | TRK_SHM_LOOK_MARK, look_sp, NULL);
    assert_true(found);
    assert_int_equal(WEXITSTATUS(rec.status), 4);
    testrec_deinit(&rec);
}

static void look_check(struct testrec *rec, struct trk_shm_proc *proc)
{
    for (uint64_t i = 0; i < 10; i++)
        proc->look.numbers[i] = 100 + i;
    beats = proc->look.question;
    proc->look.told = proc->look.wanted;
    testrec_look_answer(rec, proc, proc->look.why == TRK_LOOK_LEAK_CHECK ? TRK_NO : TRK_UNKNOWN);
}

static void leak_checks(void **state)
{
    (void)state;
    struct testrec rec;
    run(&rec, "leaks", "3", ALL, look_check, NULL);
    assert_int_equal(beats, TRK_ASK_LEAKS_CHANGED);
    assert_int_equal(testrec_said(&rec, "answer"), TRK_NO);
    assert_int_equal(testrec_said(&rec, "definite"), 100);
    assert_int_equal(testrec_said(&rec, "suppressed"), 109);
    testrec_deinit(&rec);
    run(&rec, "leaks", "1", ALL, look_failed, NULL);
    assert_true(strstr(rec.output, "answer=-1\n") != NULL);
    assert_int_equal(testrec_said(&rec, "definite"), 99);
    testrec_deinit(&rec);
    run(&rec, "leaks", "1", ALL, testrec_look_yes, NULL); /* a look is no check */
    assert_true(strstr(rec.output, "answer=-1\n") != NULL);
    testrec_deinit(&rec);
    run(&rec, "leaks", "1", ALL | TRK_SHM_NO_MEMORY, look_check, NULL);
    assert_true(strstr(rec.output, "answer=-1\n") != NULL);
    testrec_deinit(&rec);
    run(&rec, "leaks", "5", ALL, look_check, NULL); /* there is no such question */
    assert_true(strstr(rec.output, "answer=-1\n") != NULL);
    assert_int_equal(rec.looks, 0);
    testrec_deinit(&rec);
}

/* ---- Questions ----------------------------------------------------------------------------------------------------
 */

static unsigned asked_why[64], more_asked;
static uint64_t question_arg[2], listed;

/* Lists have 4500 words, and those of the garbage a hostile number. */
static void look_question(struct testrec *rec, struct trk_shm_proc *proc)
{
    struct trk_shm_look *look = &proc->look;
    struct trk_shm_list *list = (struct trk_shm_list *)(void *)(rec->base + rec->hdr->list_off);
    bool more = look->question == TRK_ASK_MORE;
    uint64_t from = more ? look->arg[1] : 0, left = from < listed ? listed - from : 0;
    more_asked += more;
    if (!more) {
        asked_why[look->question & 63] = look->why;
        listed = look->question == TRK_ASK_GC_OBJECTS || look->question == TRK_ASK_GC_GARBAGE ? 4500 : 0;
    }
    if (look->question == TRK_ASK_GC_SIZE)
        memcpy(question_arg, look->arg, sizeof question_arg);
    look->list_words = (uint32_t)(left < TRK_LIST_WORDS ? left : TRK_LIST_WORDS);
    if (!more)
        look->list_words = (uint32_t)(listed < TRK_LIST_WORDS ? listed : TRK_LIST_WORDS);
    for (uint64_t i = 0; i < look->list_words; i++)
        list->words[i] = from + i + 1;
    if (look->question == TRK_ASK_GC_GARBAGE)
        look->list_words = UINT32_MAX;
    for (uint64_t i = 0; i < 16; i++)
        look->numbers[i] = look->question == TRK_ASK_GC_OBJECTS ? 4500 : 100 + i;
    look->told = look->wanted;
    testrec_look_answer(rec, proc, TRK_YES);
}

static void look_dies(struct testrec *rec, struct trk_shm_proc *proc)
{
    pid_t gone = fork();
    if (gone == 0)
        _exit(0);
    waitpid(gone, NULL, 0);
    rec->hdr->recorder_pid = (uint32_t)gone;
    __atomic_store_n(&proc->look.working, proc->look.wanted, __ATOMIC_RELAXED);
    rec->frozen = died = true;
}

static void question_refused(struct testrec *rec, struct trk_shm_proc *proc)
{
    proc->look.told = proc->look.wanted;
    testrec_look_answer(rec, proc, proc->look.question == TRK_ASK_GC_SIZE ? TRK_NO : TRK_UNKNOWN);
}

static void questions(void **state)
{
    (void)state;
    struct testrec rec;
    for (int memory = 0; memory < 2; memory++) {
        more_asked = 0;
        run(&rec, "questions", "2", memory ? ALL : FLAGS | TRK_SHM_NO_MEMORY, look_question, NULL);
        assert_int_equal(asked_why[TRK_ASK_GC_COLLECT], TRK_LOOK_GC);
        assert_int_equal(asked_why[TRK_ASK_GC_OBJECTS], TRK_LOOK_NONE);
        assert_int_equal(question_arg[0], 0x1230);
        assert_int_equal(question_arg[1], UINT32_MAX);
        assert_int_equal(testrec_said(&rec, "collected"), 100);
        assert_int_equal(testrec_said(&rec, "errno"), 77);
        assert_int_equal(testrec_said(&rec, "sized"), TRK_YES);
        assert_int_equal(testrec_said(&rec, "flat"), 100);
        assert_int_equal(testrec_said(&rec, "retained"), 108);
        assert_int_equal(testrec_said(&rec, "listed"), 4500);
        assert_int_equal(testrec_said(&rec, "wrong"), 0);
        assert_int_equal(testrec_said(&rec, "filled"), 4500);
        assert_int_equal(more_asked, 4500 / TRK_LIST_WORDS);
        assert_int_equal(testrec_said(&rec, "short"), 100);
        assert_int_equal(testrec_said(&rec, "behind"), 0);
        assert_int_equal(testrec_said(&rec, "none"), 100);
        assert_true(strstr(rec.output, "invalid=-3\n") != NULL);
        testrec_deinit(&rec);
    }
    run(&rec, "questions", "0", ALL, question_refused, NULL);
    assert_true(strstr(rec.output, "collected=-1\n") != NULL);
    assert_int_equal(testrec_said(&rec, "sized"), TRK_NO);
    assert_int_equal(testrec_said(&rec, "flat"), 99);
    assert_true(strstr(rec.output, "listed=-1\n") != NULL);
    testrec_deinit(&rec);
    run(&rec, "questions", "0", ALL, NULL, "look_ms=20"); /* nobody answers */
    assert_true(strstr(rec.output, "collected=-2\n") != NULL);
    assert_true(strstr(rec.output, "sized=-2\n") != NULL);
    assert_int_equal(testrec_said(&rec, "flat"), 99);
    testrec_deinit(&rec);
    run(&rec, "questions", "0", FLAGS, look_question, NULL); /* a recorder that answers nothing */
    assert_true(strstr(rec.output, "collected=-1\n") != NULL);
    testrec_deinit(&rec);
    run(&rec, "questions", "0", ALL, look_dies, "look_ms=60000");
    assert_true(strstr(rec.output, "collected=-1\n") != NULL);
    assert_true(strstr(rec.output, "listed=-1\n") != NULL);
    testrec_deinit(&rec);
}

/* ---- Bounds -------------------------------------------------------------------------------------------------------
 */

static void nobody_answers(void **state)
{
    (void)state;
    struct testrec rec;
    run(&rec, "call", NULL, ALL | TRK_SHM_LOOK_EXIT, NULL, "look_ms=50");
    assert_true(strstr(rec.output, "answer=-1\n") != NULL);
    assert_int_equal(testrec_said(&rec, "recording"), TRK_YES);
    assert_int_equal(rec.procs[0].look.wanted, 2); /* the call's, and that of the end */
    assert_int_equal(rec.procs[0].look.tid, 0);
    testrec_deinit(&rec);
}

static void look_slow(struct testrec *rec, struct trk_shm_proc *proc)
{
    __atomic_store_n(&proc->look.working, proc->look.wanted, __ATOMIC_RELAXED);
    if (++beats > 300)
        testrec_look_answer(rec, proc, TRK_YES);
    usleep(1000);
}

static void the_end_waits_while_it_is_worked_on(void **state)
{
    (void)state;
    struct testrec rec;
    run(&rec, "leave", "0", ALL | TRK_SHM_LOOK_EXIT, look_slow, "look_ms=20");
    assert_int_equal(rec.looks, 1);
    assert_int_equal(rec.procs[0].look.tid, 0);
    testrec_deinit(&rec);
}

static void recorder_dies(void **state)
{
    (void)state;
    struct testrec rec;
    run(&rec, "call", NULL, ALL | TRK_SHM_LOOK_EXIT, look_dies, "look_ms=60000");
    assert_true(strstr(rec.output, "answer=-1\n") != NULL);
    assert_int_equal(testrec_said(&rec, "recording"), TRK_NO);
    testrec_deinit(&rec);
    run(&rec, "leave", "0", ALL | TRK_SHM_LOOK_EXIT, look_dies, "look_ms=60000"); /* at the end */
    assert_int_equal(rec.looks, 0);
    testrec_deinit(&rec);
}

static void look_leaves(struct testrec *rec, struct trk_shm_proc *proc)
{
    (void)proc;
    __atomic_store_n(&rec->hdr->recorder_state, TRK_REC_LEFT, __ATOMIC_SEQ_CST);
}

static void recorder_leaves(void **state)
{
    (void)state;
    struct testrec rec;
    run(&rec, "call", NULL, ALL, look_leaves, "look_ms=60000");
    assert_true(strstr(rec.output, "answer=-1\n") != NULL);
    assert_int_equal(testrec_said(&rec, "recording"), TRK_NO);
    testrec_deinit(&rec);
}

/* ---- Threads and handlers -----------------------------------------------------------------------------------------
 */

static void a_crowd(void **state)
{
    (void)state;
    struct testrec rec;
    run(&rec, "crowd", "3", ALL, testrec_look_yes, "look_ms=60000");
    assert_int_equal(testrec_said(&rec, "yes"), 600);
    assert_int_equal(rec.looks, 600);
    testrec_deinit(&rec);
    run(&rec, "crowd", "1", ALL, NULL, "look_ms=20"); /* nobody gets an answer, all get away */
    assert_int_equal(testrec_said(&rec, "unknown"), 200);
    testrec_deinit(&rec);
}

static void look_counts(struct testrec *rec, struct trk_shm_proc *proc)
{
    static size_t before;
    if (beats++ == 0)
        before = testrec_count(rec, TRK_OP_REF);
    else if (testrec_count(rec, TRK_OP_REF) > before + 20)
        testrec_look_answer(rec, proc, TRK_YES);
}

static void other_threads_go_on(void **state)
{
    (void)state;
    struct testrec rec;
    run(&rec, "others", NULL, ALL, look_counts, "look_ms=60000");
    assert_int_equal(testrec_said(&rec, "answer"), TRK_YES);
    testrec_deinit(&rec);
}

/* A race detector holds signals back until the program calls libc, and takes fork in a handler for an error. */
static void needs_signals(void)
{
#if defined(__SANITIZE_THREAD__)
    skip();
#endif
}

/* Lets the first look wait for its signal. */
static void look_late(struct testrec *rec, struct trk_shm_proc *proc)
{
    const char *name = testrec_look_name(rec, proc);
    if (strcmp(name, "interrupted") == 0 && ++beats < 200)
        usleep(1000);
    else if (strcmp(name, "left") != 0 && strcmp(name, "dies") != 0)
        testrec_look_answer(rec, proc, TRK_YES);
}

static void handlers(void **state)
{
    (void)state;
    struct testrec rec;
    needs_signals();
    run(&rec, "refused", NULL, ALL, look_late, "look_ms=60000");
    assert_int_equal(testrec_said(&rec, "answer"), TRK_YES);
    assert_true(strstr(rec.output, "handler=-1\n") != NULL);
    assert_int_equal(testrec_said(&rec, "again"), TRK_YES);
    testrec_deinit(&rec);
    run(&rec, "jumped", NULL, ALL, look_late, "look_ms=60000");
    assert_int_equal(testrec_said(&rec, "jumped"), 1);
    assert_int_equal(testrec_said(&rec, "again"), TRK_YES);
    testrec_deinit(&rec);
    run(&rec, "dead", NULL, ALL, look_late, "look_ms=60000");
    assert_int_equal(testrec_said(&rec, "again"), TRK_YES);
    testrec_deinit(&rec);
}

static void forks(void **state)
{
    (void)state;
    struct testrec rec;
    needs_signals();
    run(&rec, "forked", NULL, ALL, look_late, "look_ms=60000");
    assert_true(strstr(rec.output, "child=-1\n") != NULL);
    assert_int_equal(testrec_said(&rec, "child_again"), TRK_YES);
    assert_int_equal(testrec_said(&rec, "answer"), TRK_YES);
    if (testrec_said(&rec, "status") != 0)
        print_message("%s\n", rec.output);
    assert_int_equal(testrec_said(&rec, "status"), 0);
    assert_int_equal(testrec_said(&rec, "again"), TRK_YES);
    assert_int_equal(rec.procs[1].look.wanted, 1);
    testrec_deinit(&rec);
    run(&rec, "vfork", NULL, ALL, testrec_look_yes, NULL);
    assert_true(strstr(rec.output, "vfork=-1\n") != NULL);
    assert_int_equal(testrec_said(&rec, "answer"), TRK_YES);
    testrec_deinit(&rec);
}

/* ---- What is libtrack's own ---------------------------------------------------------------------------------------
 */

static void look_own(struct testrec *rec, struct trk_shm_proc *proc)
{
    uint64_t self = strtoull(testrec_look_name(rec, proc), NULL, 16);
    owned += testrec_own(rec, proc, self, 4096 + 65536, TRK_OWN_PRIVATE);
    testrec_look_answer(rec, proc, TRK_YES);
}

static void own_memory_is_known(void **state)
{
    (void)state;
    struct testrec rec;
    run(&rec, "own", "1", ALL, look_own, NULL);
    assert_int_equal(rec.looks, 3);
    assert_int_equal(owned, 3); /* a thread's, the first thread's, and the child's */
    testrec_deinit(&rec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(without_memory),
        cmocka_unit_test(answers_are_checked),
        cmocka_unit_test(ends_at_caller),
        cmocka_unit_test(serves_reads),
        cmocka_unit_test(registers_stand_on_the_stack),
        cmocka_unit_test(moments),
        cmocka_unit_test(leak_checks),
        cmocka_unit_test(questions),
        cmocka_unit_test(nobody_answers),
        cmocka_unit_test(the_end_waits_while_it_is_worked_on),
        cmocka_unit_test(recorder_dies),
        cmocka_unit_test(recorder_leaves),
        cmocka_unit_test(a_crowd),
        cmocka_unit_test(other_threads_go_on),
        cmocka_unit_test(handlers),
        cmocka_unit_test(forks),
        cmocka_unit_test(own_memory_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
