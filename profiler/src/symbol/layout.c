/* layout.c: which words of a type are pointers.
 *
 * The members are walked depth first with a stack of open structs. An array of structs is walked once; what was found
 * is copied for its other elements. Damaged debug information (types that contain themselves, members outside of their
 * struct, endless arrays) meets limits, and what cannot be said is said to be MAYBE. */
#include <symbol/layout.h>

#include <symbol/die.h>

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 32, MAX_STEPS = 200000, MAX_SPANS = 1 << 16, MAX_ARRAYS = 16, POINTER = 8, POINTER_BITS = 40 };

struct step { /* a struct whose members are being read */
    Dwarf_Die member;
    bool begun;
    uint64_t base, size; /* of one element */
    uint64_t copies;     /* elements, for arrays of structs */
    size_t mark;         /* spans before it */
};
struct walker {
    struct prof_layout_walk *walk;
    struct step steps[MAX_DEPTH];
    int depth;
    bool failed;
};

static void add(struct walker *w, uint64_t start, uint64_t size, enum prof_word_kind kind, const char *pointee)
{
    struct prof_layout_spans *spans = &w->walk->spans;
    struct prof_layout_span span = { .start = start, .end = start + size, .kind = kind, .pointee = pointee };
    if (size != 0 && !prof_vec_push(spans, span))
        w->failed = true;
}

// A type that this unit only declares, where it is defined.
static bool define(struct walker *w, Dwarf_Die *type)
{
    return !prof_die_flag(type, DW_AT_declaration) ||
           (w->walk->types != NULL && prof_types_define(w->walk->types, type, 0));
}

static bool is_byte(Dwarf_Die *type)
{
    int tag = dwarf_tag(type);
    return (tag == DW_TAG_base_type || tag == DW_TAG_enumeration_type) && prof_die_size(*type) == 1;
}

static bool is_wide_number(Dwarf_Die *type)
{
    Dwarf_Word encoding;
    return prof_die_size(*type) == 16 && prof_die_number(type, DW_AT_encoding, &encoding) &&
           (encoding == DW_ATE_signed || encoding == DW_ATE_unsigned); // half of it may be a pointer
}

// Is a typedef on the way to the plain type one that means "a number that holds a pointer"?
static bool is_pointer_number(Dwarf_Die type)
{
    for (int i = 0; i < MAX_ARRAYS; i++) {
        const char *name = dwarf_tag(&type) == DW_TAG_typedef ? dwarf_diename(&type) : NULL;
        if (name != NULL) {
            size_t skip = strspn(name, "_g");
            if (strcmp(name + skip, "uintptr_t") == 0 || strcmp(name + skip, "intptr_t") == 0 ||
                strcmp(name, "guintptr") == 0 || strcmp(name, "gintptr") == 0)
                return true;
        }
        int tag = dwarf_tag(&type);
        if ((tag != DW_TAG_typedef && tag != DW_TAG_const_type && tag != DW_TAG_volatile_type &&
             tag != DW_TAG_atomic_type) ||
            !prof_die_type(&type, &type))
            break;
    }
    return false;
}

static void place_pointer(struct walker *w, uint64_t base, Dwarf_Die *type, uint64_t bytes)
{
    Dwarf_Die to;
    if (!prof_die_type(type, &to) || !prof_die_peel(&to)) {
        add(w, base, bytes, PROF_WORD_MAYBE, NULL); // void *
        return;
    }
    const char *name = dwarf_tag(&to) != DW_TAG_subroutine_type ? prof_type_name(w->walk->names, &to) : NULL;
    add(w, base, bytes, PROF_WORD_POINTER, name != NULL ? name : "");
}

// A value of `type` at `base`, for which there are `room` bytes. Structs are opened, anything else gives spans.
static void place(struct walker *w, uint64_t base, Dwarf_Die type, uint64_t room)
{
    uint64_t copies = 1, count, size, bytes;
    bool number = is_pointer_number(type), known = prof_die_peel(&type);
    for (int i = 0; known && dwarf_tag(&type) == DW_TAG_array_type; i++) {
        known =
            i < MAX_ARRAYS && prof_die_array(&type, &type, &count) && !__builtin_mul_overflow(copies, count, &copies);
        number = is_pointer_number(type);
        known = known && prof_die_peel(&type);
    }
    int tag = dwarf_tag(&type);
    if (!known || (prof_die_is_struct(tag) && !define(w, &type))) {
        add(w, base, room, PROF_WORD_MAYBE, NULL);
        return;
    }
    size = prof_die_size(type);
    if (__builtin_mul_overflow(size, copies, &bytes) || bytes > room)
        bytes = room;
    switch (tag) {
    case DW_TAG_pointer_type:
    case DW_TAG_reference_type:
    case DW_TAG_rvalue_reference_type:
        place_pointer(w, base, &type, bytes);
        return;
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
        if (bytes < POINTER)
            return;
        if (w->depth < MAX_DEPTH && bytes == size * copies) {
            struct step *step = &w->steps[w->depth];
            *step = (struct step){ .base = base, .size = size, .copies = copies, .mark = w->walk->spans.count };
            w->depth += dwarf_child(&type, &step->member) == 0;
            return;
        }
        break;
    case DW_TAG_base_type:
    case DW_TAG_enumeration_type:
        if (!number && !is_wide_number(&type) && !(is_byte(&type) && copies > 1))
            return;
        break;
    case DW_TAG_ptr_to_member_type:
    case DW_TAG_unspecified_type:
        return;
    default: // unions, and what other languages have
        break;
    }
    add(w, base, bytes, PROF_WORD_MAYBE, NULL);
}

// An array without a length, as the last thing in a struct.
static bool open_tail(struct walker *w, uint64_t start, Dwarf_Die type)
{
    uint64_t count;
    Dwarf_Die element;
    if (!prof_die_peel(&type) || dwarf_tag(&type) != DW_TAG_array_type || !prof_die_array(&type, &element, &count) ||
        count != 0)
        return false;
    if (w->depth == 1 && w->steps[0].copies == 1) {
        w->walk->has_tail = true;
        w->walk->tail_start = start;
        w->walk->tail = element;
    }
    return true;
}

static void member(struct walker *w, struct step *step)
{
    int tag = dwarf_tag(&step->member);
    Dwarf_Attribute attr;
    Dwarf_Die type;
    Dwarf_Word start = 0, first, bits;
    if (tag == DW_TAG_variant_part) { // a choice, as a union
        add(w, step->base, step->size, PROF_WORD_MAYBE, NULL);
        return;
    }
    if ((tag != DW_TAG_member && tag != DW_TAG_inheritance) || prof_die_flag(&step->member, DW_AT_external) ||
        prof_die_flag(&step->member, DW_AT_declaration) || !prof_die_type(&step->member, &type))
        return;
    if (dwarf_attr(&step->member, DW_AT_data_member_location, &attr) != NULL && dwarf_formudata(&attr, &start) != 0) {
        // Where a virtual base lies is known to the program only.
        add(w, step->base, step->size, PROF_WORD_MAYBE, NULL);
        return;
    }
    if (prof_die_bits(&step->member, start, &first, &bits)) {
        start = first / 8 & ~(Dwarf_Word)(POINTER - 1);
        if (bits >= POINTER_BITS && start <= step->size && step->size - start >= POINTER)
            add(w, step->base + start, POINTER, PROF_WORD_MAYBE, NULL);
        return;
    }
    if (start > step->size || open_tail(w, step->base + start, type))
        return;
    place(w, step->base + start, type, step->size - start);
}

// What one element gave, for the others.
static void copy_elements(struct walker *w, const struct step *step)
{
    struct prof_layout_spans *spans = &w->walk->spans;
    size_t count = spans->count - step->mark;
    if (count == 0 || step->copies <= 1)
        return;
    if (step->copies > MAX_SPANS || count * step->copies > MAX_SPANS) {
        spans->count = step->mark;
        add(w, step->base, step->size * step->copies, PROF_WORD_MAYBE, NULL);
        return;
    }
    for (uint64_t i = 1; i < step->copies && !w->failed; i++) {
        for (size_t k = 0; k < count; k++) {
            struct prof_layout_span span = spans->items[step->mark + k];
            add(w, span.start + i * step->size, span.end - span.start, span.kind, span.pointee);
        }
    }
}

static int by_start(const void *left, const void *right)
{
    const struct prof_layout_span *a = left, *b = right;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return a->end < b->end ? -1 : a->end > b->end;
}

// Sorts, and joins what overlaps or is equal side by side. What lies twice in one place is MAYBE.
static void finish(struct prof_layout_spans *spans)
{
    size_t used = 0;
    if (spans->count > 1)
        qsort(spans->items, spans->count, sizeof *spans->items, by_start);
    for (size_t i = 0; i < spans->count; i++) {
        struct prof_layout_span span = spans->items[i], *last = used > 0 ? &spans->items[used - 1] : NULL;
        bool same = last != NULL && last->kind == span.kind && last->pointee == span.pointee;
        if (last != NULL && span.start < last->end) {
            last->end = span.end > last->end ? span.end : last->end;
            last->kind = PROF_WORD_MAYBE;
            last->pointee = NULL;
        } else if (same && span.start == last->end) {
            last->end = span.end;
        } else {
            spans->items[used++] = span;
        }
    }
    spans->count = used;
}

bool prof_layout_walk(struct prof_layout_walk *walk, const Dwarf_Die *type, uint64_t size)
{
    struct walker w = { .walk = walk };
    place(&w, 0, *type, size);
    int budget = MAX_STEPS;
    while (w.depth > 0 && !w.failed && --budget > 0 && walk->spans.count <= MAX_SPANS) {
        struct step *step = &w.steps[w.depth - 1];
        if (step->begun && !prof_die_next(&step->member)) {
            w.depth--;
            copy_elements(&w, step);
            continue;
        }
        step->begun = true;
        member(&w, step);
    }
    if (w.depth > 0) { // too much: nothing is known
        walk->spans.count = 0;
        walk->has_tail = false;
        add(&w, 0, size, PROF_WORD_MAYBE, NULL);
    }
    finish(&walk->spans);
    return !w.failed;
}
