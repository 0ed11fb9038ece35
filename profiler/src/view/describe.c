/* describe.c: objects, references and findings in words. One place, so that reports, the viewer and --json use the
 * same ones. Everything here is raw text of the target and must be escaped by who prints it. */
#include "internal.h"

#include <stdio.h>
#include <string.h>

const char *prof_op_name(unsigned op)
{
    static const char *const names[TRK_OP_COUNT_] = {
        [TRK_OP_NONE] = "none",
        [TRK_OP_EXT] = "ext",
        [TRK_OP_TICK] = "tick",
        [TRK_OP_THREAD] = "thread",
        [TRK_OP_ALLOC] = "alloc",
        [TRK_OP_FREE] = "free",
        [TRK_OP_REALLOC] = "realloc",
        [TRK_OP_REALLOC_FAIL] = "realloc-fail",
        [TRK_OP_NEW] = "new",
        [TRK_OP_REF] = "ref",
        [TRK_OP_UNREF] = "unref",
        [TRK_OP_MOVE] = "move",
        [TRK_OP_DEL] = "del",
        [TRK_OP_WEAK_SET] = "weak-set",
        [TRK_OP_WEAK_CLEAR] = "weak-clear",
        [TRK_OP_BORROW] = "borrow",
        [TRK_OP_RETURN] = "return",
        [TRK_OP_SINK] = "sink",
        [TRK_OP_PIN] = "pin",
        [TRK_OP_UNPIN] = "unpin",
        [TRK_OP_MAY_LEAK] = "may-leak",
        [TRK_OP_PARK] = "park",
        [TRK_OP_REUSE] = "reuse",
        [TRK_OP_RETYPE] = "retype",
        [TRK_OP_DTOR_BEGIN] = "dtor-begin",
        [TRK_OP_DTOR_END] = "dtor-end",
        [TRK_OP_ROOT_ADD] = "root-add",
        [TRK_OP_ROOT_DEL] = "root-del",
        [TRK_OP_TOUCH] = "touch",
        [TRK_OP_CONTEXT] = "context",
        [TRK_OP_MARK] = "mark",
        [TRK_OP_SCOPE_BEGIN] = "scope-begin",
        [TRK_OP_SCOPE_END] = "scope-end",
        [TRK_OP_MOVE_RANGE] = "move-range",
        [TRK_OP_FORK] = "fork",
        [TRK_OP_MODULES] = "modules",
        [TRK_OP_DROP] = "drop",
        [TRK_OP_EXIT] = "exit",
        [TRK_OP_ASSERT_FREED] = "assert-freed",
        [TRK_OP_CHECKPOINT] = "checkpoint",
        [TRK_OP_COUNT_SEEN] = "count-seen",
        [TRK_OP_EXEC] = "exec",
        [TRK_OP_EXEC_FAIL] = "exec-fail",
        [TRK_OP_SKIP] = "skip",
        [TRK_OP_IGNORE] = "ignore",
        [TRK_OP_DISABLE] = "disable",
        [TRK_OP_POOL] = "pool",
        [TRK_OP_TYPED] = "typed",
        [TRK_OP_GC] = "gc",
    };
    return op < TRK_OP_COUNT_ && names[op] != NULL ? names[op] : "?";
}

const char *prof_rung_name(unsigned rung)
{
    static const char *const names[] = {
        [TRK_RUNG_STOPPED] = "stopped", [TRK_RUNG_WAITING] = "waiting", [TRK_RUNG_CONFIRMED] = "confirmed"
    };
    return rung < sizeof names / sizeof *names && names[rung] != NULL ? names[rung] : "?";
}

const char *prof_look_name(unsigned why)
{
    static const char *const names[] = {
        [TRK_LOOK_EXIT] = "exit",   [TRK_LOOK_CALL] = "call",       [TRK_LOOK_MARK] = "mark",
        [TRK_LOOK_SCOPE] = "scope", [TRK_LOOK_REQUEST] = "request", [TRK_LOOK_LEAK_CHECK] = "leak-check",
        [TRK_LOOK_GC] = "gc"
    };
    return why < sizeof names / sizeof *names && names[why] != NULL ? names[why] : "?";
}

const char *prof_state_name(unsigned state)
{
    static const char *const names[] = { [PROF_OBJ_NONE] = "none",
                                         [PROF_OBJ_ALIVE] = "alive",
                                         [PROF_OBJ_ZERO] = "zero",
                                         [PROF_OBJ_PARKED] = "parked",
                                         [PROF_OBJ_DEAD] = "dead" };
    return state < sizeof names / sizeof *names ? names[state] : "?";
}

const char *prof_verdict_words(enum prof_verdict verdict)
{
    static const char *const words[PROF_VERDICT_COUNT_] = {
        [PROF_MISSING_UNREF] = "a reference was never given back",
        [PROF_CYCLE] = "objects that only hold each other",
        [PROF_CYCLE_HELD] = "a cycle that something still holds",
        [PROF_OVER_RETAINED] = "held longer than its peers",
        [PROF_COLLATERAL] = "alive only because of another finding",
        [PROF_OVER_RELEASED] = "released once too often",
        [PROF_USE_AFTER_RELEASE] = "used after its last release",
        [PROF_ZERO_NOT_FREED] = "its count reached zero, but it was not freed",
        [PROF_SLOT_OVERWRITTEN] = "the variable that owned it was overwritten",
        [PROF_HOLDER_FREED] = "its holder was freed without releasing it",
        [PROF_UNCOLLECTABLE] = "a cycle that cannot be collected",
        [PROF_RESURRECTED] = "referenced again inside its destructor",
        [PROF_WEAK_HAZARD] = "a weak pointer outlived it, or the memory that it is in",
        [PROF_FLOATING] = "its floating reference was never sunk",
        [PROF_LOST] = "no pointer to it exists any more",
        [PROF_INDIRECT] = "held only by something lost",
        [PROF_POSSIBLE] = "only a pointer into its middle, or into that of its holder, leads to it",
        [PROF_REACHABLE] = "still held at the end",
        [PROF_UNFREED] = "not freed at the end",
        [PROF_GROWTH] = "more and more of them stay alive",
    };
    return verdict > 0 && verdict < PROF_VERDICT_COUNT_ && words[verdict] != NULL ? words[verdict] : "?";
}

char *prof_fmt_obj(char *buf, size_t size, const struct prof_heap *heap, prof_obj_id obj)
{
    if (obj == 0 || obj >= prof_heap_obj_max(heap)) {
        snprintf(buf, size, "-");
        return buf;
    }
    const struct prof_obj *o = prof_heap_obj(heap, obj);
    snprintf(buf, size, "%s#%u", prof_heap_type(heap, o->type)->name, o->serial);
    return buf;
}

char *prof_view_site(struct prof_view *view, uint32_t stack, char *buf, size_t size)
{
    if (stack == 0) {
        snprintf(buf, size, "(no stack)");
        return buf;
    }
    return prof_fmt_frame(buf, size, prof_symbols_site_frame(view->symbols, stack), false);
}

/* ---- Owners --------------------------------------------------------------------------------------------------------
 */
enum owner { OWNER_HOLDER, OWNER_ROOT, OWNER_STACK, OWNER_ELSEWHERE, OWNER_NOBODY };

static const struct prof_root_region *root_at(struct prof_view *view, uint64_t addr)
{
    const struct prof_root_region *roots;
    size_t count = prof_heap_roots(view->heap, &roots);
    for (size_t i = 0; i < count; i++)
        if (addr - roots[i].start < roots[i].size)
            return &roots[i];
    return NULL;
}

/* What kind of place owns the reference; *place is filled when the module map was asked. */
static enum owner classify(struct prof_view *view, const struct prof_open *open, struct prof_place *place)
{
    *place = (struct prof_place){ .kind = PROF_PLACE_UNKNOWN };
    if (open->kind == PROF_OPEN_BIRTH)
        return OWNER_NOBODY;
    // What lies at the address of a dead holder now is somebody else's.
    if (open->kind == PROF_OPEN_HOLDER || (open->flags & PROF_OPEN_HOLDER_FREED) != 0)
        return OWNER_HOLDER;
    if (root_at(view, open->slot) != NULL)
        return OWNER_ROOT;
    if (prof_heap_obj_at(view->heap, open->slot) != 0 || prof_heap_block_at(view->heap, open->slot) != 0)
        return OWNER_HOLDER;
    prof_symbols_place(view->symbols, open->at_us, open->slot, place);
    if (place->kind == PROF_PLACE_GLOBAL)
        return OWNER_ROOT;
    return place->kind == PROF_PLACE_STACK ? OWNER_STACK : OWNER_ELSEWHERE;
}

/* ".peer", "+16"; "" for an unknown place inside. */
static void field_words(struct prof_view *view, const char *type, uint64_t offset, char *buf, size_t size)
{
    char field[256];
    if (prof_symbols_field(view->symbols, type, offset, field, sizeof field))
        snprintf(buf, size, ".%s", field);
    else
        snprintf(buf, size, "%+lld", (long long)offset); /* a header may lie in front of the object */
}

static void gone_words(struct prof_view *view, const struct prof_open *open, char *buf, size_t size)
{
    struct prof_gone_holder gone;
    char field[300] = "";
    if (!prof_heap_gone_holder(view->heap, open, &gone)) {
        snprintf(buf, size, "freed memory 0x%llx", (unsigned long long)open->slot);
        return;
    }
    const char *type = prof_heap_type(view->heap, gone.type)->name;
    if (open->kind == PROF_OPEN_SLOT)
        field_words(view, type, gone.offset, field, sizeof field);
    snprintf(buf, size, "%s#%u%s", type, gone.serial, field);
}

static void holder_words(struct prof_view *view, uint64_t addr, bool named_holder, char *buf, size_t size)
{
    prof_obj_id obj = prof_heap_obj_at(view->heap, addr);
    if (obj != 0) {
        const struct prof_obj *o = prof_heap_obj(view->heap, obj);
        char name[512], field[300] = "";
        prof_fmt_obj(name, sizeof name, view->heap, obj);
        if (!named_holder)
            field_words(view, prof_heap_type(view->heap, o->type)->name, addr - o->start, field, sizeof field);
        snprintf(buf, size, "%s%s", name, field);
        return;
    }
    prof_block_id id = prof_heap_block_at(view->heap, addr);
    if (id != 0) {
        const struct prof_block *block = prof_heap_block(view->heap, id);
        char site[512];
        prof_view_site(view, block->stack, site, sizeof site);
        snprintf(buf, size, "block 0x%llx+%llu of %s", (unsigned long long)block->addr,
                 (unsigned long long)(addr - block->addr), site);
        return;
    }
    snprintf(buf, size, "%s 0x%llx", named_holder ? "holder" : "variable", (unsigned long long)addr);
}

/* A local variable is named after the function that put the reference there. */
static void local_words(struct prof_view *view, const struct prof_open *open, char *buf, size_t size)
{
    uint32_t stack = open->moved_stack != 0 ? open->moved_stack : open->stack;
    const struct prof_frame *frame = stack != 0 ? prof_symbols_site_frame(view->symbols, stack) : NULL;
    if (frame != NULL && frame->function != NULL)
        snprintf(buf, size, "local variable of %s()", frame->function);
    else
        snprintf(buf, size, "local variable");
}

char *prof_view_owner(struct prof_view *view, const struct prof_open *open, char *buf, size_t size)
{
    struct prof_place place;
    const struct prof_root_region *root;
    switch (classify(view, open, &place)) {
    case OWNER_NOBODY:
        snprintf(buf, size, "nobody told");
        break;
    case OWNER_HOLDER:
        if ((open->flags & PROF_OPEN_HOLDER_FREED) != 0)
            gone_words(view, open, buf, size);
        else
            holder_words(view, open->slot, open->kind == PROF_OPEN_HOLDER, buf, size);
        break;
    case OWNER_ROOT:
        root = root_at(view, open->slot);
        if (root != NULL)
            snprintf(buf, size, "root %s+%llu", root->name != NULL ? root->name : "",
                     (unsigned long long)(open->slot - root->start));
        else if (place.name != NULL && place.offset == 0)
            snprintf(buf, size, "global %s", place.name);
        else if (place.name != NULL)
            snprintf(buf, size, "global %s+%llu", place.name, (unsigned long long)place.offset);
        else
            snprintf(buf, size, "global variable 0x%llx", (unsigned long long)open->slot);
        break;
    case OWNER_STACK:
        local_words(view, open, buf, size);
        break;
    case OWNER_ELSEWHERE:
        snprintf(buf, size, "variable 0x%llx, on another stack or in memory nobody reported",
                 (unsigned long long)open->slot);
        break;
    }
    return buf;
}

char *prof_view_inner_site(struct prof_view *view, uint32_t stack, char *buf, size_t size)
{
    const struct prof_frame *frames;
    size_t count = stack != 0 ? prof_symbols_stack(view->symbols, stack, &frames) : 0;
    size_t site = count != 0 ? prof_symbols_site(view->symbols, stack) : 0;
    for (size_t i = 0; i < site; i++) {
        // Only code of the program itself: nobody repairs what lies inside a library's wrappers.
        const struct prof_frame *frame = &frames[i];
        if (frame->function == NULL || frame->line == 0 || frame->module == NULL || frames[site].module == NULL ||
            strcmp(frame->module, frames[site].module) != 0 || strncmp(frame->function, "trk_", 4) == 0)
            continue;
        char outer[512];
        prof_fmt_frame(buf, size, frame, false);
        size_t used = strlen(buf);
        snprintf(buf + used, size - used, ", called from %s", prof_view_site(view, stack, outer, sizeof outer));
        return buf;
    }
    return prof_view_site(view, stack, buf, size);
}

bool prof_view_owner_is_local(struct prof_view *view, const struct prof_open *open)
{
    struct prof_place place;
    enum owner owner = classify(view, open, &place);
    return owner == OWNER_STACK || owner == OWNER_ELSEWHERE;
}

/* ---- Findings ------------------------------------------------------------------------------------------------------
 */
bool prof_finding_rate(const struct prof_finding *finding, double *ret_bytes_per_h)
{
    if (finding->step_count > 1) {
        const struct prof_finding_step *first = &finding->steps[0], *last = &finding->steps[finding->step_count - 1];
        if (last->at_us < first->at_us || last->at_us - first->at_us < 60000000)
            return false;
        *ret_bytes_per_h = ((double)last->bytes - (double)first->bytes) * 3600e6 / (double)(last->at_us - first->at_us);
        return true;
    }
    if (finding->objects < 3 || finding->last_us < finding->first_us || finding->last_us - finding->first_us < 60000000)
        return false;
    double hours = (double)(finding->last_us - finding->first_us) / 3600e6;
    /* the first of them opens the interval */
    *ret_bytes_per_h = (double)finding->bytes * (double)(finding->objects - 1) / (double)finding->objects / hours;
    return true;
}

char *prof_view_subject(const struct prof_finding *finding, enum prof_units units, char *buf, size_t size)
{
    char count[32], bytes[32];
    prof_fmt_count(count, sizeof count, finding->objects);
    prof_fmt_bytes(bytes, sizeof bytes, finding->bytes, units);
    if (finding->type[0] != '\0')
        snprintf(buf, size, "%s %s, %s", count, finding->type, bytes);
    else
        snprintf(buf, size, "%s %s%s, %s", count, prof_finding_is_object(finding) ? "object" : "block",
                 finding->objects == 1 ? "" : "s", bytes);
    return buf;
}

char *prof_view_path(const struct prof_finding *finding, char *buf, size_t size)
{
    size_t used = 0, head = (finding->path_count + 1) / 2;

    buf[0] = '\0';
    for (size_t i = 0; i < finding->path_count && used < size; i++) {
        const struct prof_path_step *step = &finding->path[i];
        if (i > 0 && i == head && finding->path_left_out > 0)
            used += (size_t)snprintf(buf + used, size - used, " -> ... %llu more ...",
                                     (unsigned long long)finding->path_left_out);
        if (used < size)
            used += (size_t)snprintf(buf + used, size - used, "%s%s%s", i > 0 ? " -> " : "", step->text,
                                     step->interior ? " (into the middle)" : "");
    }
    return buf;
}

bool prof_finding_is_object(const struct prof_finding *finding)
{
    return finding->type[0] != '\0' || (finding->verdict == PROF_REACHABLE && !finding->plain);
}

bool prof_finding_is_folded(const struct prof_finding *finding)
{
    return !finding->gating && (finding->verdict == PROF_REACHABLE || finding->verdict == PROF_UNFREED ||
                                finding->verdict == PROF_INDIRECT || finding->verdict == PROF_COLLATERAL);
}

bool prof_finding_is_listed(const struct prof_finding *finding)
{
    return finding->suppressed_by == NULL && !prof_finding_is_folded(finding);
}

/* "between marks warm and end: +1 000 objects, +992 KiB", and the way there when it has stations. */
static void growth_words(const struct prof_finding *finding, enum prof_units units, char *buf, size_t size)
{
    const struct prof_finding_step *first = &finding->steps[0], *last = &finding->steps[finding->step_count - 1];
    bool objects = prof_finding_is_object(finding), enlarged = last->objects == first->objects;
    char from[32], to[32], count[32], bytes[32];
    uint64_t more = last->objects > first->objects ? last->objects - first->objects : first->objects - last->objects;
    struct prof_str str = { 0 };

    if (first->mark != NULL)
        prof_str_addf(&str, "between marks %s and %s: ", first->mark, last->mark);
    else
        prof_str_addf(&str, "from %s to %s: ", prof_fmt_time(from, sizeof from, first->at_us),
                      prof_fmt_time(to, sizeof to, last->at_us));
    if (!enlarged)
        prof_str_addf(&str, "%c%s %s%s, ", last->objects > first->objects ? '+' : '-',
                      prof_fmt_count(count, sizeof count, more), objects ? "object" : "block", more == 1 ? "" : "s");
    prof_str_add(&str, prof_fmt_delta(bytes, sizeof bytes, (double)last->bytes - (double)first->bytes, units));
    if (finding->step_count > 2) {
        enum { STATIONS = 8 };
        size_t skip = finding->step_count > STATIONS ? finding->step_count - STATIONS : 0;
        prof_str_addf(&str, "; more each time: %s", skip != 0 ? "... " : "");
        for (size_t i = skip; i < finding->step_count; i++) {
            prof_str_add(&str, i != skip ? ", " : "");
            prof_str_add(&str, objects ? prof_fmt_count(count, sizeof count, finding->steps[i].objects)
                                       : prof_fmt_bytes(bytes, sizeof bytes, finding->steps[i].bytes, units));
        }
    }
    snprintf(buf, size, "%s", str.failed ? finding->sentence : str.text);
    prof_str_deinit(&str);
}

char *prof_view_why(const struct prof_finding *finding, enum prof_units units, char *buf, size_t size)
{
    if (finding->step_count > 1)
        growth_words(finding, units, buf, size);
    else if (finding->sentence != NULL && finding->sentence[0] != '\0')
        snprintf(buf, size, "%s", finding->sentence);
    else
        snprintf(buf, size, "%s", prof_verdict_words(finding->verdict));
    return buf;
}

char *prof_view_holder(struct prof_view *view, const struct prof_finding_open *open, char *buf, size_t size)
{
    char name[512];

    if (open->holder_type == NULL) {
        snprintf(buf, size, "%s", open->holder_text != NULL ? open->holder_text : "");
        return buf;
    }
    const char *field = open->holder_field != NULL ? open->holder_field : "";
    const char *dot = field[0] != '\0' && field[0] != '+' ? "." : "";
    if (open->holder_serial != 0) {
        snprintf(buf, size, "%s#%u%s%s%s, freed", open->holder_type, open->holder_serial, dot, field,
                 open->count > 1 ? " and others like it" : "");
        return buf;
    }
    snprintf(buf, size, "%s%s%s", open->holder_type, dot, field);
    if (open->holder_obj != 0) {
        size_t used = strlen(buf);
        snprintf(buf + used, size - used, " (%s)", prof_fmt_obj(name, sizeof name, view->heap, open->holder_obj));
    }
    return buf;
}

/* Totals are of many places: one of them would not tell what to do. */
static void free_words(struct prof_view *view, const struct prof_finding *finding, char *buf, size_t size)
{
    const struct prof_site_total *sites;
    size_t count = 0;
    char site[512];
    prof_error_destroy(prof_view_finding_sites(view, finding, &sites, &count));
    if (count > 1)
        snprintf(buf, size, "free what %zu places allocate, most of it %s", count, sites[0].site);
    else
        snprintf(buf, size, "free what %s allocates", prof_view_site(view, finding->born_stack, site, sizeof site));
}

/* Where a release is too many: the one to drop, by the best evidence there is. The last two are most often innocent:
 * they are only named when nothing is known of other lives. false: it is no such finding. */
static bool extra_words(struct prof_view *view, const struct prof_finding *finding, char *buf, size_t size)
{
    const struct prof_parting *parting = view->ledgers != NULL ? prof_ledgers_parting(view->ledgers, finding) : NULL;
    char site[512];
    if (parting == NULL || !parting->too_many || (parting->extra == NULL && parting->siblings == 0))
        return false;
    if (parting->extra != NULL)
        snprintf(buf, size, "drop the release at %s, or take a reference for it",
                 prof_view_site(view, parting->extra->event.stack, site, sizeof site));
    else
        snprintf(buf, size, "find the release too many, or the reference not taken: freed ones release there, too");
    return true;
}

/* The release that is missing, and those of other references of the same objects. */
static void give_back_words(struct prof_view *view, const struct prof_finding *finding, char *buf, size_t size)
{
    char site[512];
    snprintf(buf, size, "give it back as at %s", prof_view_site(view, finding->missing_stack, site, sizeof site));
    for (size_t i = 0; i < finding->also_count; i++) {
        size_t used = strlen(buf);
        snprintf(buf + used, size - used, "%s %s", i + 1 == finding->also_count ? ", and as at" : ", as at",
                 prof_view_site(view, finding->also_missing[i].stack, site, sizeof site));
    }
}

char *view_action(struct prof_view *view, const struct prof_finding *finding, char *buf, size_t size)
{
    char site[512];
    uint32_t taken = finding->open_count != 0 ? finding->open[0].stack : finding->born_stack;
    switch (finding->verdict) {
    case PROF_CYCLE:
    case PROF_CYCLE_HELD:
    case PROF_UNCOLLECTABLE:
        if (finding->headline == PROF_HEADLINE_HELD) {
            snprintf(buf, size, "tell which reference the pointer owns, or clear it");
        } else if (finding->edge_count != 0) {
            const struct prof_finding_edge *edge =
                &finding->edges[finding->break_edge < finding->edge_count ? finding->break_edge : 0];
            char from[512];
            prof_fmt_obj(from, sizeof from, view->heap, edge->from);
            from[strcspn(from, "#")] = '\0';
            snprintf(buf, size, "make %s%s%s weak, or clear it when its owner ends (set at %s)", from,
                     edge->field != NULL && edge->field[0] != '+' ? "." : "", edge->field != NULL ? edge->field : "",
                     prof_view_site(view, edge->stack, site, sizeof site));
        } else {
            snprintf(buf, size, "break the cycle");
        }
        break;
    case PROF_OVER_RELEASED:
    case PROF_USE_AFTER_RELEASE:
    case PROF_RESURRECTED:
        if (extra_words(view, finding, buf, size))
            break;
        snprintf(buf, size, "look at %s", prof_view_site(view, taken, site, sizeof site));
        if (finding->other_stack != 0) {
            char other[512];
            size_t used = strlen(buf);
            prof_view_site(view, finding->other_stack, other, sizeof other);
            if (strcmp(site, other) != 0)
                snprintf(buf + used, size - used, " and at %s", other);
        }
        break;
    case PROF_WEAK_HAZARD:
        snprintf(buf, size, "clear the pointer that was set at %s %s",
                 prof_view_site(view, finding->other_stack, site, sizeof site),
                 finding->slot_freed ? "before the memory that it is in is freed" : "when the object dies");
        break;
    case PROF_ZERO_NOT_FREED:
        snprintf(buf, size, "free it where its count reaches zero%s%s", finding->other_stack != 0 ? ": " : "",
                 finding->other_stack != 0 ? prof_view_site(view, finding->other_stack, site, sizeof site) : "");
        break;
    case PROF_HOLDER_FREED:
        snprintf(buf, size, "release the reference first, at %s",
                 prof_view_inner_site(view, finding->other_stack != 0 ? finding->other_stack : finding->born_stack,
                                      site, sizeof site));
        break;
    case PROF_SLOT_OVERWRITTEN:
        snprintf(buf, size, "release the reference first, at %s",
                 prof_view_site(view, finding->other_stack != 0 ? finding->other_stack : finding->born_stack, site,
                                sizeof site));
        break;
    case PROF_FLOATING:
        snprintf(buf, size, "sink or release what %s returns",
                 prof_view_site(view, finding->born_stack, site, sizeof site));
        break;
    case PROF_LOST:
    case PROF_UNFREED:
    case PROF_POSSIBLE:
    case PROF_INDIRECT:
        free_words(view, finding, buf, size);
        break;
    case PROF_REACHABLE:
        snprintf(buf, size, "nothing, as long as it is meant to stay");
        break;
    case PROF_GROWTH:
        if (finding->open_count != 0 &&
            (finding->open[0].holder_text != NULL || finding->open[0].holder_type != NULL)) {
            const struct prof_finding_open *open = &finding->open[0];
            char holder[512];
            prof_view_site(view, open->moved_stack != 0 ? open->moved_stack : open->stack, site, sizeof site);
            snprintf(buf, size, "limit %s, or take out again what %s puts there",
                     prof_view_holder(view, open, holder, sizeof holder), site);
        } else {
            snprintf(buf, size, "limit what %s makes, or let go of it sooner",
                     prof_view_site(view, finding->born_stack, site, sizeof site));
        }
        break;
    case PROF_COLLATERAL:
        snprintf(buf, size, "release it where its holder is freed");
        break;
    default:
        if (finding->broken_off)
            snprintf(buf, size, "look at why the recording ended early first: %s alive then, perhaps in use",
                     finding->objects == 1 ? "it was" : "they were");
        else if (finding->missing_stack != 0)
            give_back_words(view, finding, buf, size);
        else if (taken == 0)
            snprintf(buf, size, "find where it was taken: no stacks of references were recorded (--stacks 64,8,1)");
        else
            snprintf(buf, size, "give back the reference of %s", prof_view_site(view, taken, site, sizeof site));
    }
    return buf;
}

char *prof_view_action(struct prof_view *view, const struct prof_finding *finding, char *buf, size_t size)
{
    view_action(view, finding, buf, size);
    view_add_apart(view, finding, buf, size);
    return buf;
}
