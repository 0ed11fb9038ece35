/* Every instruction of the code in some libraries, as Zydis and as hook/decode.c read it: length, where it jumps, where
 * a rip-relative displacement stands. What lies in code sections but is no code may be unknown to us, never read
 * differently. Usage: test_decode FILE... */
#include <Zydis/Zydis.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../../libtrack/hook/decode.h"

enum { SAID_MAX = 20 };

struct tally {
    unsigned long instructions, unknown, different;
};

static void say(const char *what, const char *file, const uint8_t *code, unsigned length)
{
    printf("%s in %s:", what, file);
    for (unsigned i = 0; i < length; i++)
        printf(" %02x", code[i]);
    printf("\n");
}

static void compare(const char *file, const uint8_t *code, size_t size, const ZydisDecodedInstruction *in,
                    struct tally *tally)
{
    struct trk_insn ours;
    unsigned disp_at = in->attributes & ZYDIS_ATTRIB_HAS_MODRM && in->raw.modrm.mod == 0 && in->raw.modrm.rm == 5
                           ? in->raw.disp.offset
                           : 0;
    int64_t target = in->attributes & ZYDIS_ATTRIB_IS_RELATIVE && in->raw.imm[0].is_relative
                         ? in->length + in->raw.imm[0].value.s
                         : 0;
    tally->instructions++;
    if (!trk_decode(code, size, &ours)) {
        tally->unknown++;
    } else if (ours.length != in->length || ours.disp_at != disp_at || ours.target != target) {
        /* KNC's mask jumps: processors that no distribution runs on read AVX-512's test here. */
        if (in->meta.isa_set == ZYDIS_ISA_SET_KNCJKBR)
            return;
        if (tally->different++ < SAID_MAX)
            say("read differently", file, code, in->length);
    }
}

static void compare_file(const ZydisDecoder *decoder, const char *file, struct tally *tally)
{
    int fd = open(file, O_RDONLY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size < (off_t)sizeof(Elf64_Ehdr))
        return;
    const uint8_t *m = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    const Elf64_Ehdr *e = (const void *)m;
    if (m == MAP_FAILED || e->e_machine != EM_X86_64 || e->e_shoff == 0)
        return;
    const Elf64_Shdr *s = (const void *)(m + e->e_shoff);
    for (unsigned i = 0; i < e->e_shnum; i++) {
        if (s[i].sh_type != SHT_PROGBITS || !(s[i].sh_flags & SHF_EXECINSTR))
            continue;
        const uint8_t *at = m + s[i].sh_offset, *end = at + s[i].sh_size;
        ZydisDecodedInstruction in;
        for (; at < end; at += in.length) {
            if (ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(decoder, NULL, at, (size_t)(end - at), &in)))
                compare(file, at, (size_t)(end - at), &in, tally);
            else
                in.length = 1;
        }
    }
    munmap((void *)(uintptr_t)m, (size_t)st.st_size);
}

/* Nothing is read beyond what was given: instructions cut at every length, at the end of a page. */
static int cut(void)
{
    uint8_t *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + 4096, 4096, PROT_NONE) != 0)
        return 1;
    unsigned seed = 1, decoded = 0;
    for (unsigned i = 0; i < 2000000; i++) {
        unsigned n = 1 + i % 16;
        for (unsigned k = 0; k < n; k++)
            pages[4096 - n + k] = (uint8_t)((seed = seed * 1103515245u + 12345u) >> 16);
        struct trk_insn in;
        if (trk_decode(pages + 4096 - n, n, &in)) {
            decoded++;
            if (in.length == 0 || in.length > n)
                return 1;
        }
    }
    return decoded == 0;
}

int main(int argc, char **argv)
{
    ZydisDecoder decoder;
    struct tally tally = { 0 };
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    for (int i = 1; i < argc; i++)
        compare_file(&decoder, argv[i], &tally);
    printf("%lu instructions, %lu unknown, %lu read differently\n", tally.instructions, tally.unknown, tally.different);
    if (cut() != 0) {
        printf("a cut instruction was read wrongly\n");
        return 1;
    }
    return tally.instructions == 0 || tally.different > 0 || tally.unknown > tally.instructions / 10000;
}
