/* 04-borrowed-escapes: a borrowed pointer outlives its owner.
 *
 * observe() stores a pointer to the sensor without taking a reference. The owner releases the sensor; later the logger
 * references the stale pointer. Nothing crashes here because the memory happens to be untouched; the report names the
 * use and the death. */
#include <stdlib.h>
#include <track/track.h>

struct sensor {
    int refs;
    int value;
};
static TRK_TYPE_COUNTED(sensor_type, struct sensor, refs);

static struct sensor *observed; /* borrowed, never counted */

static struct sensor *sensor_new(int value)
{
    struct sensor *sensor = calloc(1, sizeof *sensor);
    sensor->refs = 1;
    sensor->value = value;
    trk_new(sensor, &sensor_type);
    return sensor;
}

TRK_WRAPPER static void sensor_unref(struct sensor *sensor, const void *slot)
{
    trk_unref_from(sensor, slot, TRK_CALLER);
    if (--sensor->refs == 0) {
        trk_del_from(sensor, TRK_CALLER);
        free(sensor);
    }
}

static void observe(struct sensor *sensor)
{
    observed = sensor;
    trk_borrow(sensor, &observed);
}

static void log_observed(void)
{
    struct sensor *mine = observed;
    trk_ref(mine, &mine); /* a count in freed memory: mine->refs++ would be undefined */
}

int main(void)
{
    struct sensor *sensor;
    TRK_OWN(sensor, sensor_new(21));
    observe(sensor);
    sensor_unref(sensor, &sensor);
    log_observed();
    return 0;
}
