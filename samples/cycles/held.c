/* held: a cycle that would leak anyway is also held from outside, by one reference that is never given back.
 *
 * There are two mistakes. As long as the reference of audit() is open, whoever breaks the cycle frees nothing; and when
 * it is given back, the cycle still leaks. Both are told, and what each of the two changes frees. */
#include "counted.h"

struct job {
    struct counted base;
    struct worker *worker;
};
struct worker {
    struct counted base;
    struct job *owner;
    char stack[512];
};
static TRK_TYPE_COUNTED(job_type, struct job, base.refs);
static TRK_TYPE_COUNTED(worker_type, struct worker, base.refs);

static void job_destroy(void *object)
{
    struct job *job = object;
    counted_unref(job->worker, &job->worker);
}

static void worker_destroy(void *object)
{
    struct worker *worker = object;
    counted_unref(worker->owner, &worker->owner);
}

static void audit(struct job *job)
{
    struct job *seen;
    TRK_OWN(seen, counted_ref(job));
    seen->worker->stack[0]++;
    /* the release that is missing: counted_unref(seen, &seen); */
}

int main(void)
{
    struct job *job;
    TRK_OWN(job, counted_new(sizeof *job, &job_type, job_destroy));
    TRK_OWN(job->worker, counted_new(sizeof *job->worker, &worker_type, worker_destroy));
    TRK_OWN(job->worker->owner, counted_ref(job));
    audit(job);
    counted_unref(job, &job);
    return 0;
}
