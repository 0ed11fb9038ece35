/* suppress_match.c: does a suppression speak of a finding? No recursion: `...` of Valgrind blocks is a walk over the
 * set of places that a prefix of the lines can reach. */
#include "suppress.h"
#include "glob.h"

#include <string.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static bool frame_finds(const char *pattern, const struct prof_frame *frame)
{
    return (frame->function != NULL && glob_find(pattern, frame->function)) ||
           (frame->file != NULL && glob_find(pattern, frame->file)) ||
           (frame->module != NULL && glob_find(pattern, frame->module));
}

static bool match_lsan(const struct suppress_rule *rule, const struct suppress_facts *facts)
{
    // "leak:" hides leaks; it must not hide that memory was used after its release.
    if (facts->verdict == PROF_OVER_RELEASED || facts->verdict == PROF_USE_AFTER_RELEASE ||
        facts->verdict == PROF_WEAK_HAZARD)
        return false;
    for (size_t i = 0; i < facts->stack_count; i++) {
        for (size_t j = 0; j < facts->stacks[i].count; j++) {
            if (frame_finds(rule->pattern, &facts->stacks[i].frames[j]))
                return true;
        }
    }
    return false;
}

/* Valgrind's scope and leak kinds against ours. */
static bool valgrind_speaks_of(const struct suppress_rule *rule, enum prof_verdict verdict)
{
    unsigned kind = SUPPRESS_DEFINITE;

    switch (verdict) {
    case PROF_USE_AFTER_RELEASE:
    case PROF_WEAK_HAZARD:
        return (rule->scope & SUPPRESS_SCOPE_ACCESS) != 0;
    case PROF_OVER_RELEASED:
        return (rule->scope & (SUPPRESS_SCOPE_FREE | SUPPRESS_SCOPE_ACCESS)) != 0;
    case PROF_COLLATERAL:
    case PROF_INDIRECT:
        kind = SUPPRESS_INDIRECT;
        break;
    case PROF_POSSIBLE:
        kind = SUPPRESS_POSSIBLE;
        break;
    case PROF_REACHABLE:
    case PROF_GROWTH:
        kind = SUPPRESS_REACHABLE;
        break;
    case PROF_UNFREED: // reachability was not examined: any of the kinds
        kind = SUPPRESS_ALL_KINDS;
        break;
    default:
        break;
    }
    return (rule->scope & SUPPRESS_SCOPE_LEAK) != 0 && (rule->kinds & kind) != 0;
}

static bool line_matches(const struct suppress_frame *line, const struct prof_frame *frame)
{
    switch (line->kind) {
    case SUPPRESS_FRAME_FUN:
        return glob_match(line->pattern, frame->function != NULL ? frame->function : "???");
    case SUPPRESS_FRAME_OBJ:
        return frame->module != NULL &&
               (glob_match(line->pattern, frame->module) || glob_match(line->pattern, base_name(frame->module)));
    case SUPPRESS_FRAME_SRC:
        return frame->file != NULL && (line->line == 0 || line->line == frame->line) &&
               (glob_match(line->pattern, frame->file) || glob_match(line->pattern, base_name(frame->file)));
    default:
        return true;
    }
}

/* Do the lines match the first frames from `first` on? `reach` holds, per frame, whether the lines so far can end
 * there. */
static bool lines_match(const struct suppress_frame *lines, size_t line_count, const struct suppress_stack *stack,
                        size_t first)
{
    enum { MOST = 512 };
    bool reach[MOST + 1] = { false }, next[MOST + 1];
    size_t n = stack->count - first;

    if (n > MOST)
        n = MOST;
    reach[0] = true;
    for (size_t i = 0; i < line_count; i++) {
        memset(next, 0, (n + 1) * sizeof *next);
        bool any = false;
        if (lines[i].kind == SUPPRESS_FRAME_ANY) {
            bool on = false;
            for (size_t j = 0; j <= n; j++)
                any |= next[j] = on |= reach[j];
        } else {
            for (size_t j = 0; j < n; j++) {
                if (reach[j] && line_matches(&lines[i], &stack->frames[first + j]))
                    any = next[j + 1] = true;
            }
        }
        if (!any)
            return false;
        memcpy(reach, next, (n + 1) * sizeof *reach);
    }
    return true;
}

/* Valgrind stacks begin in the allocator ("fun:malloc"), ours with its caller. */
static bool names_allocator(const struct suppress_frame *line)
{
    static const char *const names[] = { "malloc",
                                         "calloc",
                                         "realloc",
                                         "reallocarray",
                                         "memalign",
                                         "posix_memalign",
                                         "aligned_alloc",
                                         "valloc",
                                         "pvalloc",
                                         "_Znwm",
                                         "_Znam",
                                         "free",
                                         "strdup",
                                         "strndup",
                                         "_ZnwmSt11align_val_t",
                                         "_ZnamSt11align_val_t",
                                         "_ZnwmRKSt9nothrow_t",
                                         "_ZnamRKSt9nothrow_t" };
    if (line->kind != SUPPRESS_FRAME_FUN)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (glob_match(line->pattern, names[i]))
            return true;
    }
    return false;
}

static bool match_valgrind(const struct suppress_rule *rule, const struct suppress_facts *facts)
{
    if (!valgrind_speaks_of(rule, facts->verdict))
        return false;
    for (size_t i = 0; i < facts->stack_count; i++) {
        const struct suppress_stack *stack = &facts->stacks[i];
        if (lines_match(rule->frames, rule->frame_count, stack, 0))
            return true;
        if (stack->site > 0 && stack->site < stack->count &&
            lines_match(rule->frames, rule->frame_count, stack, stack->site))
            return true;
        if (rule->frame_count < 2 || !names_allocator(&rule->frames[0]))
            continue;
        if (lines_match(rule->frames + 1, rule->frame_count - 1, stack, 0) ||
            (stack->site < stack->count && lines_match(rule->frames + 1, rule->frame_count - 1, stack, stack->site)))
            return true;
    }
    return false;
}

static bool match_own(const struct suppress_rule *rule, const struct suppress_facts *facts)
{
    if (rule->verdict != 0 && rule->verdict != facts->verdict)
        return false;
    if (rule->type != NULL && !glob_match(rule->type, facts->type))
        return false;
    if (rule->fingerprint != NULL && strcmp(rule->fingerprint, facts->fingerprint) != 0)
        return false;
    if (rule->max != 0 && facts->objects > rule->max)
        return false;
    if (rule->fun == NULL)
        return true;
    for (size_t i = 0; i < facts->stack_count; i++) {
        for (size_t j = 0; j < facts->stacks[i].count; j++) {
            const char *function = facts->stacks[i].frames[j].function;
            if (function != NULL && glob_match(rule->fun, function))
                return true;
        }
    }
    return false;
}

static struct prof_suppression_use *find_use(const struct prof_suppressions *s, const struct suppress_facts *facts)
{
    for (size_t i = 0; i < s->rules.count; i++) {
        const struct suppress_rule *rule = &s->rules.items[i];
        struct prof_suppression_use *use = &s->uses.items[rule->use];
        bool hit = false;

        if (use->expired)
            continue;
        if (rule->syntax == SUPPRESS_LSAN)
            hit = match_lsan(rule, facts);
        else if (rule->syntax == SUPPRESS_VALGRIND)
            hit = match_valgrind(rule, facts);
        else
            hit = match_own(rule, facts);
        if (hit)
            return use;
    }
    return NULL;
}

const char *suppress_match(const struct prof_suppressions *s, const struct suppress_facts *facts)
{
    struct prof_suppression_use *use = find_use(s, facts);
    if (use == NULL)
        return NULL;
    use->findings++;
    use->objects += facts->objects;
    use->bytes += facts->bytes;
    return use->place;
}

bool suppress_would_match(const struct prof_suppressions *s, const struct suppress_facts *facts)
{
    return find_use(s, facts) != NULL;
}
