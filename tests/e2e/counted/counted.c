/* Objects whose types say where the count stands: `counted [wait]`. Prints "NAME ADDRESS COUNT" for each one, as its
 * count should be found in memory; COUNT "none": no number, "-": not in the list at all. With "wait" it goes on when a
 * line comes. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <track/track.h>

struct byte {
    char name[3];
    uint8_t refs;
};
struct half {
    uint16_t refs, other;
};
struct word {
    int64_t id;
    int refs;
    struct word *peer;
};
struct wide {
    int64_t refs;
};
struct __attribute__((packed)) packed {
    char byte;
    uint32_t refs;
};
struct flags {
    uint32_t word; /* three flags, eleven bits of count, more flags */
};
struct wrong {
    struct wrong *self; /* taken for the count */
};
struct front {
    int64_t refs;
    char hidden[56];
    char body[16]; /* trk_new gets this address */
};
static TRK_TYPE_COUNTED(byte_type, struct byte, refs);
static TRK_TYPE_COUNTED(half_type, struct half, refs);
static TRK_TYPE_COUNTED(word_type, struct word, refs);
static TRK_TYPE_COUNTED(packed_type, struct packed, refs);
static TRK_TYPE_COUNTED(wrong_type, struct wrong, self);
static TRK_TYPE_COUNT_BITS(wide_type, struct wide, refs, 0, 0, 1);
static TRK_TYPE_COUNT_BITS(flags_type, struct flags, word, 3, 11, 0);
static TRK_TYPE_FULL(front_type, "struct front", sizeof(struct front), offsetof(struct front, body), 0, 8, 0);
static TRK_TYPE_FULL(odd_type, "odd", 16, 0, 0, 3, 0);                 /* no such width */
static TRK_TYPE_FULL(far_type, "far", 16, 0, UINT32_C(1) << 31, 4, 0); /* far outside of the object */
static TRK_TYPE(plain_type, struct word);

static void *volatile keep[64];
static int kept;

static void *born(size_t size, struct trk_type *type)
{
    void *object = calloc(1, size < 32 ? 32 : size);
    if (object == NULL)
        abort();
    keep[kept++] = object;
    trk_new(object, type);
    return object;
}

static void say(const char *name, const void *object, const char *count)
{
    printf("%s %lx %s\n", name, (unsigned long)(uintptr_t)object, count);
}

static void make_widths(void)
{
    struct byte *byte = born(sizeof *byte, &byte_type);
    byte->refs = 200;
    say("byte", byte, "200");
    struct half *half = born(sizeof *half, &half_type);
    half->refs = 65535;
    half->other = 1;
    say("half", half, "65535");
    struct word *word = born(sizeof *word, &word_type);
    word->refs = -2;
    say("word", word, "-2");
    struct packed *packed = born(sizeof *packed, &packed_type);
    packed->refs = 70000;
    say("packed", packed, "70000");
    struct wide *wide = born(sizeof *wide, &wide_type);
    wide->refs = 4;
    say("biased", wide, "5");
    struct flags *flags = born(sizeof *flags, &flags_type);
    flags->word = 5u | 1025u << 3 | UINT32_MAX << 14;
    say("flags", flags, "1025");
    struct wrong *wrong = born(sizeof *wrong, &wrong_type);
    wrong->self = wrong;
    say("wrong", wrong, "none");
    say("odd", born(16, &odd_type), "-");
    say("far", born(16, &far_type), "-");
}

static void make_lives(void)
{
    static struct word in_data = { .refs = 7 };
    struct front *front = calloc(1, sizeof *front);
    if (front == NULL)
        abort();
    keep[kept++] = front;
    front->refs = 9;
    trk_new(front->body, &front_type);
    say("front", front->body, "9");
    trk_new(&in_data, &word_type);
    say("data", &in_data, "7");
    struct word *dead = born(sizeof *dead, &word_type), *freed = born(sizeof *freed, &word_type);
    say("deleted", dead, "-");
    say("freed", freed, "-");
    trk_del(dead);
    free(freed); /* and nothing is told of the object */
    struct front *gone = calloc(1, sizeof *gone);
    if (gone == NULL)
        abort();
    trk_new(gone->body, &front_type);
    say("gone", gone->body, "-");
    free(gone);
    struct word *plain = born(sizeof *plain, &plain_type), *retyped = born(sizeof *retyped, &plain_type);
    plain->refs = retyped->refs = 3;
    say("plain", plain, "-");
    trk_retype(retyped, &word_type);
    say("retyped", retyped, "3");
    struct word *lost = born(sizeof *lost, &word_type);
    trk_retype(lost, &plain_type);
    say("untyped", lost, "-");
    struct word *small = born(sizeof *small, &word_type);
    small->refs = 12;
    struct word *moved = realloc(small, 1 << 20);
    keep[kept++] = moved;
    say("moved", moved, "12");
    struct word *mapped = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mapped += 100;
    mapped->refs = 21;
    keep[kept++] = mapped;
    trk_new(mapped, &word_type);
    say("mapped", mapped, "21");
    char *pages = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    trk_new(pages + 4096, &word_type);
    munmap(pages + 4096, 4096);
    say("unmapped", pages + 4096, "-");
}

int main(int argc, char **argv)
{
    char byte;
    make_widths();
    make_lives();
    printf("ready %lx %d\n", 0ul, (int)getpid());
    fflush(stdout);
    if (argc > 1 && strcmp(argv[1], "wait") == 0 && read(0, &byte, 1) < 0)
        return 2;
    return 0;
}
