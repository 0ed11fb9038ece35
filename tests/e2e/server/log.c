/* log.c: see server.h. */
#include "server.h"

#include <stdlib.h>

struct note {
    struct note *next;
    struct session *session; /* counted */
};
static struct note *notes;
static bool stopping;
static unsigned long lines;
static pthread_t thread;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;

static struct note *take(void)
{
    struct note *note;
    pthread_mutex_lock(&lock);
    while (notes == NULL && !stopping)
        pthread_cond_wait(&more, &lock);
    note = notes;
    if (note != NULL)
        notes = note->next;
    pthread_mutex_unlock(&lock);
    return note;
}

static void *write_log(void *unused)
{
    struct note *note;
    (void)unused;
    while ((note = take()) != NULL) {
        lines++;
        if (mistake != LOST_IN_THREAD)
            obj_unref(note->session);
        free(note);
    }
    return NULL;
}

void log_start(void)
{
    pthread_create(&thread, NULL, write_log, NULL);
}

void log_session(struct session *session)
{
    struct note *note = malloc(sizeof *note);
    if (note == NULL)
        abort();
    note->session = session;
    pthread_mutex_lock(&lock);
    note->next = notes;
    notes = note;
    pthread_cond_signal(&more);
    pthread_mutex_unlock(&lock);
}

unsigned long log_stop(void)
{
    pthread_mutex_lock(&lock);
    stopping = true;
    pthread_cond_signal(&more);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    return lines;
}
