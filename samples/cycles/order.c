/* order: two destructors that need each other, and a global that looks on without owning anything.
 *
 * Closing the file writes its last line to the log, and closing the log writes to its file: both types say so
 * (TRK_TYPE_ORDERED_FINALIZER). However the cycle is broken, one of the two finds the other gone. And whoever frees the
 * file must clear g_current, which is told to be weak. */
#include "counted.h"

struct file {
    struct counted base;
    struct log *log;
    char path[64];
};
struct log {
    struct counted base;
    struct file *file;
};
static TRK_TYPE_FULL(file_type, "struct file", sizeof(struct file), 0, 0, sizeof(int), TRK_TYPE_ORDERED_FINALIZER);
static TRK_TYPE_FULL(log_type, "struct log", sizeof(struct log), 0, 0, sizeof(int), TRK_TYPE_ORDERED_FINALIZER);

static struct file *g_current;

static void file_destroy(void *object)
{
    struct file *file = object;
    counted_unref(file->log, &file->log);
}

static void log_destroy(void *object)
{
    struct log *log = object;
    counted_unref(log->file, &log->file);
}

int main(void)
{
    struct file *file;
    TRK_OWN(file, counted_new(sizeof *file, &file_type, file_destroy));
    TRK_OWN(file->log, counted_new(sizeof *file->log, &log_type, log_destroy));
    TRK_OWN(file->log->file, counted_ref(file));
    g_current = file;
    trk_weak_set(file, &g_current);
    counted_unref(file, &file);
    return 0;
}
