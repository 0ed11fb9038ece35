/* local.c: scopes around an address, and the places of variables there. */
#include <symbol/local.h>

#include <symbol/die.h>

#include <dwarf.h>

enum { MAX_DEPTH = 64, MAX_LOCALS = 4096, RBP = 6, CFA_TO_RBP = 16 };

// Adds the variables of one scope and returns the scope inside it that covers the address.
static bool read_scope(struct prof_locals *locals, Dwarf_Die *scope, uint64_t vaddr, Dwarf_Die *inner)
{
    Dwarf_Die die;
    bool found = false;
    if (dwarf_child(scope, &die) != 0)
        return false;
    do {
        switch (dwarf_tag(&die)) {
        case DW_TAG_variable:
        case DW_TAG_formal_parameter:
            if (locals->list.count < MAX_LOCALS &&
                !prof_vec_push(&locals->list, (struct prof_local){ die, locals->levels - 1 }))
                return false;
            break;
        case DW_TAG_inlined_subroutine:
        case DW_TAG_lexical_block:
        case DW_TAG_try_block:
        case DW_TAG_catch_block:
            if (!found && dwarf_haspc(&die, vaddr) > 0) {
                *inner = die;
                found = true;
            }
            break;
        default:
            break;
        }
    } while (prof_die_next(&die));
    return found;
}

bool prof_locals_read(struct prof_lines *lines, uint64_t vaddr, struct prof_locals *ret)
{
    struct prof_locals locals = { .levels = 1 };
    if (!prof_lines_function(lines, vaddr, &locals.unit, &locals.functions[0]))
        return false;
    Dwarf_Die scope = locals.functions[0], inner;
    for (int depth = 0; depth < MAX_DEPTH && read_scope(&locals, &scope, vaddr, &inner); depth++) {
        if (dwarf_tag(&inner) == DW_TAG_inlined_subroutine && locals.levels < MAX_DEPTH)
            locals.functions[locals.levels++] = inner;
        scope = inner;
    }
    *ret = locals;
    return true;
}

void prof_locals_deinit(struct prof_locals *locals)
{
    prof_vec_deinit(&locals->list);
}

// The single operation that tells where a variable is at an address.
static bool place_of(const Dwarf_Die *variable, uint64_t at, Dwarf_Op *ret)
{
    Dwarf_Die die = *variable;
    Dwarf_Attribute attr;
    Dwarf_Op *ops;
    size_t count;
    if (dwarf_attr_integrate(&die, DW_AT_location, &attr) == NULL ||
        dwarf_getlocation_addr(&attr, at, &ops, &count, 1) != 1 || count != 1)
        return false;
    *ret = ops[0];
    if (ops[0].atom == DW_OP_addrx || ops[0].atom == DW_OP_GNU_addr_index) { // an address in a table of the unit
        Dwarf_Attribute indexed;
        if (dwarf_getlocation_attr(&attr, &ops[0], &indexed) != 0 || dwarf_formaddr(&indexed, &ret->number) != 0)
            return false;
        ret->atom = DW_OP_addr;
    }
    return true;
}

// What the frame pointer of x86-64 is less than the base that places of variables count from.
static bool frame_base(const struct prof_locals *locals, int64_t *ret)
{
    Dwarf_Die function = locals->functions[0];
    Dwarf_Attribute attr;
    Dwarf_Op *ops;
    size_t count;
    if (dwarf_attr_integrate(&function, DW_AT_frame_base, &attr) == NULL ||
        dwarf_getlocation(&attr, &ops, &count) != 0 || count != 1)
        return false;
    if (ops[0].atom == DW_OP_call_frame_cfa) // with a frame pointer: behind it lie the saved one and the return address
        *ret = CFA_TO_RBP;
    else if (ops[0].atom == DW_OP_reg0 + RBP)
        *ret = 0;
    else
        return false;
    return true;
}

static bool in_register(const struct prof_local *local, const struct prof_flow *flow)
{
    Dwarf_Op op;
    return place_of(&local->die, flow->at, &op) && op.atom == DW_OP_reg0 + flow->reg;
}

// Is the byte at `where` inside a variable whose first is at `start`? *into: how far.
static bool covers(const struct prof_local *local, int64_t start, int64_t where, uint64_t *into)
{
    Dwarf_Die variable = local->die, type;
    if (where < start || !prof_die_type(&variable, &type))
        return false;
    *into = (uint64_t)where - (uint64_t)start;
    return *into < prof_die_size(type);
}

static bool in_frame(const struct prof_locals *locals, const struct prof_local *local, const struct prof_flow *flow,
                     uint64_t *into)
{
    Dwarf_Op op;
    int64_t base;
    return place_of(&local->die, flow->at, &op) && op.atom == DW_OP_fbreg && frame_base(locals, &base) &&
           covers(local, (int64_t)(op.number + (uint64_t)base), flow->disp, into);
}

static bool at_address(const struct prof_local *local, const struct prof_flow *flow, uint64_t *into)
{
    Dwarf_Op op;
    return place_of(&local->die, flow->at, &op) && op.atom == DW_OP_addr &&
           covers(local, (int64_t)op.number, (int64_t)flow->addr, into);
}

static bool local_gets(const struct prof_locals *locals, const struct prof_local *local, const struct prof_flow *flow,
                       uint64_t *into)
{
    *into = 0;
    switch (flow->kind) {
    case PROF_FLOW_REGISTER:
    case PROF_FLOW_OF_REGISTER:
        return in_register(local, flow);
    case PROF_FLOW_FRAME:
        return in_frame(locals, local, flow, into);
    case PROF_FLOW_OF_FRAME:
        return in_frame(locals, local, flow, into) && *into == 0;
    case PROF_FLOW_ADDRESS:
        return at_address(local, flow, into);
    }
    return false;
}

bool prof_locals_target(const struct prof_locals *locals, const struct prof_flow *flow, struct prof_local_target *ret)
{
    uint64_t into;
    bool behind = flow->kind == PROF_FLOW_OF_FRAME || flow->kind == PROF_FLOW_OF_REGISTER;
    if (behind && flow->member < 0)
        return false;
    for (size_t i = locals->list.count; i-- > 0;) { // the innermost first
        const struct prof_local *local = &locals->list.items[i];
        if (local_gets(locals, local, flow, &into)) {
            *ret = (struct prof_local_target){ local->die, behind ? (uint64_t)flow->member : into, behind };
            return true;
        }
    }
    if (flow->kind != PROF_FLOW_ADDRESS)
        return false;
    // Variables of the unit are not in the list: most addresses are stored to by none of them.
    struct prof_local global = { 0 };
    Dwarf_Die unit = locals->unit;
    if (dwarf_child(&unit, &global.die) != 0)
        return false;
    do {
        if (dwarf_tag(&global.die) == DW_TAG_variable && at_address(&global, flow, &into)) {
            *ret = (struct prof_local_target){ global.die, into, false };
            return true;
        }
    } while (prof_die_next(&global.die));
    return false;
}
