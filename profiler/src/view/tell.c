/* tell.c: growth and suspects in words. */
#include <prof/tell.h>

#include <stdio.h>
#include <string.h>

char *prof_tell_edge(char *buf, size_t size, const struct prof_growth_edge *edge)
{
    bool dot = edge->field[0] != '\0' && edge->field[0] != '+' && edge->field[0] != '[';
    snprintf(buf, size, "%s%s%s -> %s", edge->from,
             dot                      ? "."
             : edge->field[0] != '\0' ? " "
                                      : "",
             edge->field, edge->to);
    return buf;
}

prof_node prof_tell_example(const struct prof_graph *graph, const struct prof_growth_edge *edge)
{
    prof_obj_id id = prof_heap_obj_by_name(prof_graph_heap(graph), edge->example_type, edge->example_serial);
    return id != 0 ? prof_graph_of_obj(graph, id) : PROF_NODE_NONE;
}

char *prof_tell_moment(char *buf, size_t size, const struct prof_growth_moment *moment)
{
    if (moment->mark == NULL)
        return prof_fmt_time(buf, size, moment->at_us);
    snprintf(buf, size, "mark %s", moment->mark);
    return buf;
}

char *prof_tell_rate(char *buf, size_t size, const struct prof_growth *growth, const struct prof_growth_series *series)
{
    const struct prof_growth_moment *moments;
    size_t count = prof_growth_moments_of(growth, series, &moments);
    uint64_t was = series->then[series->peak_at].live;
    double percent = series->percent_per_minute;
    bool brief = moments[count - 1].at_us - moments[0].at_us < 1000000;
    if (was == 0) { // no share of nothing
        snprintf(buf, size, "none before");
        return buf;
    }
    if (brief)
        percent = 100.0 * (double)series->delta / (double)was;
    snprintf(buf, size, percent >= 100 || percent <= -100 ? "%+.0f %%%s" : "%+.1f %%%s", percent,
             brief ? " in all" : "/min");
    return buf;
}

char *prof_tell_suspect(char *buf, size_t size, struct prof_graph *graph, const struct prof_suspect *suspect,
                        enum prof_units units)
{
    char count[32], bytes[32], share[32];
    const char *name = suspect->group ? suspect->kind : prof_graph_name(graph, suspect->node);
    prof_fmt_count(count, sizeof count, suspect->members);
    snprintf(buf, size, "%s%s%s keep%s %s alive, %s of all that is held", suspect->group ? count : "",
             suspect->group ? " " : "", name != NULL ? name : "?", suspect->group ? "" : "s",
             prof_fmt_bytes(bytes, sizeof bytes, suspect->bytes, units),
             prof_fmt_ratio(share, sizeof share, suspect->percent / 100));
    return buf;
}

char *prof_tell_part(char *buf, size_t size, struct prof_graph *graph, prof_node node, uint64_t bytes,
                     const struct prof_suspect_part *part, enum prof_units units)
{
    char count[32], own[32], all[32];
    const char *name = prof_graph_name(graph, node);
    buf[0] = '\0';
    if (part->kind != NULL)
        snprintf(buf, size, "%s keeps %s %s alive, %s of its %s", name != NULL ? name : "?",
                 prof_fmt_count(count, sizeof count, part->count), part->kind,
                 prof_fmt_bytes(own, sizeof own, part->bytes, units), prof_fmt_bytes(all, sizeof all, bytes, units));
    return buf;
}
