/* show_block.c: everything about one plain block: what it is, where it was born and freed, what memory says of it, its
 * history. */
#include "show_block.h"

#include <prof/block.h>

#include <stdlib.h>

struct shown {
    struct cli_session *session;
    struct cli_out *out;
    prof_block_id id;        /* 0: freed */
    struct prof_block block; /* of a freed one what its events tell */
    uint64_t top;
};

static void label(const struct shown *s, const char *word)
{
    fprintf(s->out->file, "  %-9s ", word);
}

/* The site, and the frames around it below. */
static void stack(const struct shown *s, uint32_t id)
{
    const struct prof_frame *frames;
    char text[1024];
    size_t count = id != 0 ? prof_symbols_stack(s->session->symbols, id, &frames) : 0;
    size_t site = count != 0 ? prof_symbols_site(s->session->symbols, id) : 0;
    cli_put(s->out, CLI_PLACE, prof_view_site(s->session->view, id, text, sizeof text));
    fputc('\n', s->out->file);
    for (size_t i = site + 1; i < count; i++) {
        cli_printf(s->out, CLI_FAINT, "              from ");
        cli_put(s->out, CLI_FAINT, prof_fmt_frame(text, sizeof text, &frames[i], false));
        fputc('\n', s->out->file);
    }
}

static void moment(const struct shown *s, const char *word, uint64_t at_us, uint32_t tid, uint32_t stack_id)
{
    char text[64];
    label(s, word);
    fprintf(s->out->file, "%s in thread %u at ", prof_fmt_time(text, sizeof text, at_us), tid);
    stack(s, stack_id);
}

static void sizes(const struct shown *s)
{
    enum prof_units units = s->out->units;
    uint64_t usable = prof_block_usable(&s->block);
    char text[64];
    fprintf(s->out->file, "%s by %s", prof_fmt_bytes(text, sizeof text, s->block.size, units),
            prof_block_kind_text(s->block.kind));
    if (usable != s->block.size)
        fprintf(s->out->file, ", %s usable", prof_fmt_bytes(text, sizeof text, usable, units));
}

static void type(const struct shown *s)
{
    struct prof_block_type known;
    char text[512];
    if (!prof_block_type(s->session->heap, s->session->symbols, s->id, &known))
        return;
    label(s, "type");
    fprintf(s->out->file, "%c ", known.mark);
    cli_put(s->out, CLI_TYPE, prof_block_type_text(text, sizeof text, &known, s->block.size));
    fprintf(s->out->file, ": %s", prof_birth_how_text(known.how));
    if (known.how == PROF_BIRTH_TOLD && known.layout == NULL)
        fputs("; no debug information describes it", s->out->file);
    fputc('\n', s->out->file);
}

/* Of a freed block only what the program told is known. */
static void type_told(const struct shown *s, const struct prof_block_life *life)
{
    bool array = false;
    const char *name = prof_block_life_type(s->session->heap, life, &array);
    if (name == NULL)
        return;
    label(s, "type");
    fputs("= ", s->out->file);
    cli_put(s->out, CLI_TYPE, name);
    fprintf(s->out->file, "%s: %s\n", array ? "[]" : "", prof_birth_how_text(PROF_BIRTH_TOLD));
}

static void class_and_path(const struct shown *s, const struct prof_block_story *story)
{
    const struct prof_finding *about = &story->about;
    char text[2048];
    label(s, "class");
    cli_printf(s->out, about->verdict == PROF_LOST || about->verdict == PROF_INDIRECT ? CLI_BAD : CLI_HEAD, "%s",
               prof_verdict_name(about->verdict));
    fprintf(s->out->file, ": %s", prof_verdict_words(about->verdict));
    if (about->verdict != PROF_UNFREED)
        fprintf(s->out->file, " (%s)", prof_strength_name(about->strength));
    if (about->reasons != NULL)
        fprintf(s->out->file, "; %s", about->reasons);
    fputc('\n', s->out->file);
    if (about->path_count != 0) {
        label(s, "held by");
        cli_put(s->out, CLI_PLAIN, prof_view_path(about, text, sizeof text));
        fputc('\n', s->out->file);
    }
    if (story->leader != 0) {
        char addr[32];
        label(s, "lost with");
        cli_put(s->out, CLI_TYPE,
                prof_block_text(text, sizeof text, s->session->heap, s->session->symbols, story->leader));
        fprintf(s->out->file, " at %s\n",
                prof_fmt_addr(addr, sizeof addr, prof_heap_block(s->session->heap, story->leader)->addr));
    } else if (story->leader_obj != 0) {
        label(s, "lost with");
        cli_put(s->out, CLI_TYPE, prof_fmt_obj(text, sizeof text, s->session->heap, story->leader_obj));
        fputc('\n', s->out->file);
    }
}

static void more(const struct shown *s, uint64_t all, uint64_t listed)
{
    if (all > listed)
        cli_printf(s->out, CLI_FAINT, "  %llu more; --top 0 shows up to %d\n", (unsigned long long)(all - listed),
                   (int)PROF_BLOCK_LINKS);
}

static void links(const struct shown *s, const struct prof_block_story *story)
{
    char text[1024];
    size_t i;
    if (story->holder_count != 0)
        cli_printf(s->out, CLI_HEAD, "\nPointers to it\n");
    for (i = 0; i < story->holder_count && i < s->top; i++) {
        const struct prof_block_link *link = &story->holders[i];
        fputs("  ", s->out->file);
        cli_put(s->out, CLI_PLAIN, link->text);
        if (link->block != 0 || link->obj != 0)
            fprintf(s->out->file, "  at %s", prof_fmt_addr(text, sizeof text, link->at));
        if (link->interior)
            fprintf(s->out->file, ", into its middle (+%llu)", (unsigned long long)(link->to - s->block.addr));
        fputc('\n', s->out->file);
    }
    more(s, story->all_holders, i);
    if (story->held_count != 0)
        cli_printf(s->out, CLI_HEAD, "\nPointers in it\n");
    for (i = 0; i < story->held_count && i < s->top; i++) {
        const struct prof_block_link *link = &story->held[i];
        fputs("  ", s->out->file);
        cli_put(s->out, CLI_PLAIN, link->text);
        fputs(" -> ", s->out->file);
        cli_put(s->out, CLI_TYPE, link->name);
        fprintf(s->out->file, "  %s%s\n", prof_fmt_addr(text, sizeof text, link->to),
                link->interior ? ", into its middle" : "");
    }
    more(s, story->all_held, i);
}

static void history(const struct shown *s, const struct prof_block_life *life)
{
    uint64_t shown = 0;
    char text[1024];
    if (life->before)
        prof_text_before(cli_text(s->session, s->out), "");
    cli_printf(s->out, CLI_HEAD, "\nHistory\n     N  TIME        EVENT\n");
    for (size_t i = 0; life->events != NULL && i < life->count && shown < s->top; i++, shown++) {
        const struct prof_event *e = &life->events[i];
        uint64_t number = i + 1 + (i > 0 ? life->left_out : 0);
        fprintf(s->out->file, "%6llu  %-10s  %-12s ", (unsigned long long)number,
                prof_fmt_event_time(text, sizeof text, e), prof_op_name(e->op));
        cli_put(s->out, CLI_PLACE, e->stack != 0 ? prof_view_site(s->session->view, e->stack, text, sizeof text) : "");
        if (e->op == TRK_OP_ALLOC)
            fprintf(s->out->file, "  %llu bytes at %s", (unsigned long long)e->size,
                    prof_fmt_addr(text, sizeof text, e->addr));
        if (e->op == TRK_OP_ALLOC && e->aux == TRK_ALLOC_REALLOC && e->from != 0 && e->from != e->addr)
            fprintf(s->out->file, ", moved from %s", prof_fmt_addr(text, sizeof text, e->from));
        const char *name = NULL;
        if (e->op == TRK_OP_TYPED && prof_trace_type(s->session->trace, (uint32_t)e->size, &name) != NULL) {
            fputs(" ", s->out->file);
            cli_put(s->out, CLI_TYPE, name);
            fputs((e->aux & 1) != 0 ? "[]" : "", s->out->file);
        }
        fprintf(s->out->file, "  thread %u\n", e->tid);
    }
    if (life->count > shown)
        cli_printf(s->out, CLI_FAINT, "%llu more events; --top 0 shows all\n",
                   (unsigned long long)(life->count - shown));
    if (life->lives > 1)
        cli_printf(s->out, CLI_FAINT, "%llu other block%s lay here before\n", (unsigned long long)(life->lives - 1),
                   life->lives == 2 ? "" : "s");
}

static void print(struct shown *s, const struct prof_block_life *life, const struct prof_block_story *story,
                  bool no_history)
{
    const struct prof_event *last = life->count != 0 ? &life->events[life->count - 1] : NULL;
    uint64_t end = prof_heap_totals(s->session->heap)->end_us;
    char text[512];
    if (s->id != 0)
        cli_put(s->out, CLI_TYPE, prof_block_text(text, sizeof text, s->session->heap, s->session->symbols, s->id));
    else
        cli_printf(s->out, CLI_TYPE, "a freed block");
    fprintf(s->out->file, "  at %s, ", prof_fmt_addr(text, sizeof text, s->block.addr));
    if (s->id != 0)
        fprintf(s->out->file, "block#%u, ", s->id);
    sizes(s);
    fputc('\n', s->out->file);
    if (s->id != 0)
        type(s);
    else
        type_told(s, life);
    if (s->id != 0 || !life->before)
        moment(s, "born", s->block.born_us, s->block.tid, s->block.stack);
    if (s->id != 0) {
        label(s, "age");
        fprintf(s->out->file, "%s\n",
                prof_fmt_age(text, sizeof text, end > s->block.born_us ? end - s->block.born_us : 0));
    } else if (last != NULL) {
        moment(s, last->op == TRK_OP_FREE ? "freed" : "ended", last->time_us, last->tid, last->stack);
    }
    if (story != NULL) {
        class_and_path(s, story);
        links(s, story);
    }
    if (!no_history)
        history(s, life);
}

static int nothing_there(const char *spec)
{
    return cli_error(prof_error_create(PROF_ERROR_NOT_FOUND,
                                       "nothing lives at %s at this moment of the trace, and no block did; 'reftrack "
                                       "dump -a %s' lists what happened there",
                                       spec, spec));
}

int show_block(struct cli_session *session, const struct cli_common *common, struct cli_out *out, const char *spec,
               const struct prof_thing *thing, uint64_t top, bool no_history)
{
    struct shown s = { .session = session, .out = out, .id = thing->block, .top = top };
    struct prof_block_life life = { .found = false };
    struct prof_block_story *story = NULL;
    struct prof_error *error = NULL;
    int code = -1;
    if (thing->block == 0 || !no_history || common->format == CLI_FORMAT_JSON)
        error = prof_heap_block_life(session->heap, thing->addr, &life);
    if (error == NULL && thing->block != 0)
        error = prof_block_story_create(session->heap, session->symbols, NULL, thing->block, &story);
    if (error == NULL && thing->block == 0 && !life.found) {
        code = nothing_there(spec);
    } else if (error == NULL) {
        s.block = (struct prof_block){ .addr = life.addr, .size = life.size, .kind = life.kind };
        if (thing->block != 0) {
            s.block = *prof_heap_block(session->heap, thing->block);
        } else if (!life.before && life.count != 0) {
            s.block.born_us = life.events[0].time_us;
            s.block.tid = life.events[0].tid;
            s.block.stack = life.events[0].stack;
        }
        if (common->format == CLI_FORMAT_JSON) {
            char *text = NULL;
            error = prof_json_block(session->view, thing->block, &life, story, &text);
            code = cli_json(out, error, text);
            error = NULL;
        } else {
            print(&s, &life, story, no_history);
        }
    }
    prof_block_story_destroy(story);
    prof_block_life_deinit(&life);
    return error != NULL ? cli_error(error) : code;
}
