/* birth_site.c: gathers what debug information, machine code and source say about where the value of a call goes. */
#include <symbol/birth.h>

#include <symbol/die.h>
#include <symbol/local.h>
#include <symbol/source_text.h>
#include <symbol/state.h>
#include <symbol/statement.h>

#include <dwarf.h>
#include <stdio.h>
#include <string.h>

enum { MAX_ARRAYS = 8 };

struct gather {
    struct prof_symbols *symbols;
    const struct prof_birth_code *code;
    struct prof_birth_site *site;
    struct prof_locals locals;
    unsigned level; /* of the site's function */
};

static void add(struct gather *g, enum prof_birth_how how, enum prof_birth_says says, const Dwarf_Die *type,
                const char *name)
{
    if (g->site->count == PROF_BIRTH_EVIDENCE_MAX) {
        g->site->several = true;
        return;
    }
    struct prof_birth_evidence *e = &g->site->items[g->site->count++];
    *e = (struct prof_birth_evidence){ .how = how, .says = says, .name = name };
    if (type != NULL)
        e->type = *type;
}

// What a pointer to `type` says. Nothing for void, and for whole words: they may be kept for anything.
static bool add_pointee(struct gather *g, enum prof_birth_how how, Dwarf_Die type)
{
    Dwarf_Die plain = type;
    Dwarf_Word encoding;
    if (!prof_die_peel(&plain))
        return false;
    int tag = dwarf_tag(&plain);
    uint64_t size = prof_die_size(plain);
    switch (tag) {
    case DW_TAG_base_type:
    case DW_TAG_enumeration_type:
        if (size == 1) {
            add(g, how, PROF_BIRTH_BYTES, NULL, NULL);
            return true;
        }
        if (size > 4 && !(prof_die_number(&plain, DW_AT_encoding, &encoding) && encoding == DW_ATE_float))
            return false;
        break;
    case DW_TAG_pointer_type:
        break;
    default:
        if (!prof_die_is_struct(tag))
            return false;
        if (prof_die_flag(&plain, DW_AT_declaration)) {
            if (!prof_types_define(g->code->types, &plain, 0))
                return false;
            type = plain;
        }
    }
    add(g, how, PROF_BIRTH_TYPE, &type, NULL);
    return true;
}

static void add_named(struct gather *g, enum prof_birth_how how, const char *name)
{
    static const char *const bytes[] = { "char", "signed char", "unsigned char" };
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        if (strcmp(name, bytes[i]) == 0) {
            add(g, how, PROF_BIRTH_BYTES, NULL, NULL);
            return;
        }
    }
    if (name[0] != '\0')
        add(g, how, strchr(name, '*') != NULL ? PROF_BIRTH_POINTERS : PROF_BIRTH_NAMED, NULL, name);
}

// The type that the variable or member has which gets the value: pointers to it are what is looked for.
static bool pointee_of(Dwarf_Die type, Dwarf_Die *ret)
{
    return prof_die_peel(&type) && dwarf_tag(&type) == DW_TAG_pointer_type && prof_die_type(&type, ret);
}

static bool plain_element(Dwarf_Die *type, uint64_t *offset)
{
    uint64_t count;
    for (int i = 0; i < MAX_ARRAYS; i++) {
        if (!prof_die_peel(type))
            return false;
        if (dwarf_tag(type) != DW_TAG_array_type)
            return true;
        if (!prof_die_array(type, type, &count))
            return false;
        uint64_t size = prof_die_size(*type);
        if (size == 0)
            return false;
        *offset %= size;
    }
    return false;
}

static void add_target(struct gather *g, const struct prof_local_target *target)
{
    Dwarf_Die variable = target->variable, type, pointee;
    uint64_t offset = target->member;
    if (!prof_die_type(&variable, &type) || (target->behind && !pointee_of(type, &type)) ||
        !plain_element(&type, &offset))
        return;
    if (pointee_of(type, &pointee) && (offset == 0 || target->behind)) {
        if (offset % 8 == 0)
            add_pointee(g, PROF_BIRTH_ASSIGNED, pointee);
        return;
    }
    if (!prof_die_is_struct(dwarf_tag(&type)) ||
        (prof_die_flag(&type, DW_AT_declaration) && !prof_types_define(g->code->types, &type, 0)))
        return;
    const struct prof_layout *layout = prof_layout_of(g->symbols, g->code->types, &type, false);
    const struct prof_layout_span *span = layout != NULL ? prof_layout_at(layout, offset) : NULL;
    if (span != NULL && span->kind == PROF_WORD_POINTER)
        add_named(g, PROF_BIRTH_ASSIGNED, span->pointee);
}

static void follow_value(struct gather *g)
{
    struct prof_flow flows[PROF_FLOW_MAX];
    size_t count = g->code->code != NULL ? prof_flow_follow(g->code->code, g->code->bytes, g->code->vaddr, flows) : 0;
    struct prof_local_target target;
    for (size_t i = 0; i < count; i++) {
        if (prof_locals_target(&g->locals, &flows[i], &target))
            add_target(g, &target);
    }
}

static const struct prof_local *local_named(const struct gather *g, const char *name)
{
    for (size_t i = g->locals.list.count; i-- > 0;) {
        Dwarf_Die die = g->locals.list.items[i].die;
        const char *other = g->locals.list.items[i].level == g->level ? dwarf_diename(&die) : NULL;
        if (other != NULL && strcmp(other, name) == 0)
            return &g->locals.list.items[i];
    }
    return NULL;
}

// Variables of the site's function that are pointers: those declared at the line of the call, and the others.
static void read_variables(struct gather *g, const char *assigned)
{
    size_t declared = 0;
    for (size_t i = 0; i < g->locals.list.count; i++) {
        Dwarf_Die die = g->locals.list.items[i].die, type, pointee;
        int line = 0;
        if (g->locals.list.items[i].level != g->level || !prof_die_type(&die, &type) || !pointee_of(type, &pointee))
            continue;
        dwarf_decl_line(&die, &line);
        const char *name = dwarf_diename(&die);
        if (line <= 0 || (uint32_t)line > g->code->frame->line)
            continue;
        bool here = (uint32_t)line == g->code->frame->line;
        size_t before = g->site->count;
        if (!add_pointee(g, here ? PROF_BIRTH_DECLARED : PROF_BIRTH_VARIABLE, pointee) || !here ||
            g->site->count == before)
            continue;
        g->site->items[before].assigned = name != NULL && strcmp(name, assigned) == 0;
        declared++;
    }
    g->site->several |= declared > 1;
}

static void read_return(struct gather *g)
{
    Dwarf_Die type, pointee;
    if (prof_die_type(&g->locals.functions[g->level], &type) && pointee_of(type, &pointee))
        add_pointee(g, PROF_BIRTH_RETURNED, pointee);
}

// A type that the source names, as the function at the site sees it.
static bool find_named(struct gather *g, const char *name, Dwarf_Die *ret)
{
    char full[512];
    const char *function = g->code->frame->function;
    size_t scope =
        function != NULL && strchr(name, ' ') == NULL && !prof_type_is_c(&g->locals.unit) ? strlen(function) : 0;
    for (; scope > 0; scope--) { // ns::Class::method: ns::Class::NAME, ns::NAME
        if (scope < 2 || function[scope - 1] != ':' || function[scope - 2] != ':')
            continue;
        int length = snprintf(full, sizeof full, "%.*s%s", (int)scope, function, name);
        if (length > 0 && (size_t)length < sizeof full && prof_types_find(g->code->types, full, 0, ret))
            return true;
    }
    return prof_types_find(g->code->types, name, 0, ret);
}

static bool in_template(const struct gather *g)
{
    return g->code->frame->function != NULL && strchr(g->code->frame->function, '<') != NULL;
}

static void add_written(struct gather *g, enum prof_birth_how how, const struct prof_statement_type *written)
{
    Dwarf_Die type;
    if (written->name[0] == '\0')
        return;
    if (written->variable) {
        const struct prof_local *local = local_named(g, written->name);
        Dwarf_Die die;
        if (local == NULL)
            return;
        die = local->die;
        if (prof_die_type(&die, &type) && pointee_of(type, &type))
            add_pointee(g, how, type);
    } else if (written->stars == 0) {
        if (strcmp(written->name, "char") == 0)
            add(g, how, PROF_BIRTH_BYTES, NULL, NULL);
        else if (find_named(g, written->name, &type))
            add_pointee(g, how, type);
        else if (!in_template(g)) // there, it may be the name of a parameter
            g->site->unseen |= how == PROF_BIRTH_SIZEOF;
    } else {
        struct prof_str name = { 0 };
        const char *plain = find_named(g, written->name, &type) ? prof_type_name(&g->symbols->type_names, &type) : NULL;
        prof_str_addf(&name, "%s %.*s", plain != NULL ? plain : written->name, (int)written->stars, "****");
        const char *kept = name.failed ? NULL : prof_symbols_keep(g->symbols, name.text, name.length);
        if (kept != NULL)
            add(g, how, PROF_BIRTH_POINTERS, NULL, kept);
        prof_str_deinit(&name);
    }
}

void prof_birth_gather(struct prof_symbols *symbols, const struct prof_birth_code *code, struct prof_birth_site *ret)
{
    struct gather g = { .symbols = symbols, .code = code, .site = ret };
    struct prof_statement statement = { 0 };
    ret->count = 0;
    ret->several = ret->unseen = false;
    if (code->types == NULL || code->lines == NULL || !prof_locals_read(code->lines, code->vaddr - 1, &g.locals))
        return;
    if (code->inlined < g.locals.levels) {
        g.level = g.locals.levels - 1 - code->inlined;
        if (prof_source_statement(symbols, code, &statement)) {
            add_written(&g, PROF_BIRTH_SIZEOF, &statement.size);
            add_written(&g, PROF_BIRTH_CAST, &statement.cast);
        }
        follow_value(&g);
        read_variables(&g, statement.assigned);
        read_return(&g);
    }
    prof_locals_deinit(&g.locals);
}
