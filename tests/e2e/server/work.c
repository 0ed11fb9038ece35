/* work.c: see server.h. */
#include "server.h"

#include <stdio.h>
#include <string.h>

struct request {
    struct obj obj;
    struct session *session; /* counted */
    char line[LINE];
};
/* What STAT answers. */
struct report {
    struct obj obj;
    char text[LINE];
};
static struct obj *queue, **last = &queue; /* counted */
static bool stopping;
static pthread_t thread[WORKERS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;

static void end(struct obj *obj)
{
    obj_unref(((struct request *)obj)->session);
}

static const struct obj_class request_class = { "request", sizeof(struct request), end };
static const struct obj_class report_class = { "report", sizeof(struct report), NULL };

static void answer_get(struct session *session, const char *key)
{
    struct entry *entry = cache_get(key);
    session_answer(session, entry != NULL ? entry->value : "NONE");
    obj_unref(entry);
}

static bool answer_set(struct session *session, char *arguments)
{
    char *value = strchr(arguments, ' ');
    if (value == NULL)
        return false;
    *value++ = '\0';
    cache_set(arguments, value, session);
    session_answer(session, "OK");
    return true;
}

static void send_report(struct session *session, struct report *report)
{
    session_answer(session, report->text);
    if (mistake == GIVES_BACK_TWICE)
        obj_unref(report);
}

static void answer_stat(struct session *session)
{
    struct report *report = obj_new(&report_class);
    snprintf(report->text, sizeof report->text, "FINE");
    send_report(session, report);
    obj_unref(report);
    log_session(obj_ref(session));
}

static bool answer(struct request *request)
{
    struct session *session = obj_ref(request->session);
    char *line = request->line;
    if (strncmp(line, "GET ", 4) == 0) {
        answer_get(session, line + 4);
    } else if (strncmp(line, "SET ", 4) == 0) {
        answer_set(session, line + 4);
    } else if (strcmp(line, "PING") == 0) {
        session_answer(session, "PONG");
    } else if (strcmp(line, "STAT") == 0) {
        answer_stat(session);
    } else {
        session_answer(session, "ERROR");
        if (mistake != FORGETS_ON_ERROR)
            obj_unref(session);
        return false;
    }
    obj_unref(session);
    return true;
}

static struct request *take(void)
{
    struct obj *request;
    pthread_mutex_lock(&lock);
    while (queue == NULL && !stopping)
        pthread_cond_wait(&more, &lock);
    request = queue;
    if (request != NULL) {
        queue = request->next;
        request->next = NULL;
        last = queue == NULL ? &queue : last;
    }
    pthread_mutex_unlock(&lock);
    return (struct request *)request;
}

static void *work(void *unused)
{
    struct request *request;
    (void)unused;
    while ((request = take()) != NULL) {
        (void)answer(request);
        obj_unref(request);
    }
    return NULL;
}

void work_start(void)
{
    for (int i = 0; i < WORKERS; i++)
        pthread_create(&thread[i], NULL, work, NULL);
}

void work_submit(struct session *session, const char *line)
{
    struct request *request = obj_new(&request_class);
    request->session = session;
    snprintf(request->line, sizeof request->line, "%s", line);
    pthread_mutex_lock(&lock);
    *last = &request->obj;
    last = &request->obj.next;
    pthread_cond_signal(&more);
    pthread_mutex_unlock(&lock);
}

void work_stop(void)
{
    pthread_mutex_lock(&lock);
    stopping = true;
    pthread_cond_broadcast(&more);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(thread[i], NULL);
}
