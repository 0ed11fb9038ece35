/* why.c: why a program that ran never said hello: reads its ELF header the way the kernel and the loader would. */
#include "launch.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { INTERPRETERS = 4 };
#if defined(__aarch64__)
enum { MACHINE = EM_AARCH64 };
#else
enum { MACHINE = EM_X86_64 };
#endif

/* The file that execvp would run; malloc'ed, NULL: none. */
static char *find_in_path(const char *program)
{
    if (strchr(program, '/') != NULL)
        return strdup(program);
    const char *path = getenv("PATH");
    if (path == NULL || path[0] == '\0')
        path = "/bin:/usr/bin";
    while (true) {
        size_t length = strcspn(path, ":");
        char *file;
        if (asprintf(&file, "%.*s%s%s", (int)length, path, length > 0 ? "/" : "./", program) < 0)
            return NULL;
        struct stat st;
        if (access(file, X_OK) == 0 && stat(file, &st) == 0 && S_ISREG(st.st_mode))
            return file;
        free(file);
        if (path[length] == '\0')
            return NULL;
        path += length + 1;
    }
}

/* "#!/usr/bin/env -S python3 ..." leads to another file; malloc'ed, NULL: not a script. */
static char *script_interpreter(int fd)
{
    char line[256];
    ssize_t n = pread(fd, line, sizeof line - 1, 0);
    if (n < 3 || line[0] != '#' || line[1] != '!')
        return NULL;
    line[n] = '\0';
    line[strcspn(line, "\n")] = '\0';
    char *save = NULL;
    char *word = strtok_r(line + 2, " \t", &save);
    if (word == NULL)
        return NULL;
    const char *base = strrchr(word, '/');
    if (strcmp(base != NULL ? base + 1 : word, "env") == 0) {
        char *next = strtok_r(NULL, " \t", &save);
        while (next != NULL && (next[0] == '-' || strchr(next, '=') != NULL))
            next = strtok_r(NULL, " \t", &save);
        if (next != NULL)
            return find_in_path(next);
    }
    return strdup(word);
}

static char *explain_elf(int fd)
{
    Elf64_Ehdr ehdr;
    if (pread(fd, &ehdr, sizeof ehdr, 0) != (ssize_t)sizeof ehdr || memcmp(ehdr.e_ident, ELFMAG, SELFMAG) != 0)
        return NULL;
    if (ehdr.e_ident[EI_CLASS] != ELFCLASS64)
        return strdup("is a 32-bit program");
    if (ehdr.e_machine != MACHINE)
        return strdup("is built for another processor, libtrack-preload.so is not");
    bool dynamic = false;
    for (unsigned i = 0; i < ehdr.e_phnum && i < 256; i++) {
        Elf64_Phdr phdr;
        off_t at = (off_t)(ehdr.e_phoff + (uint64_t)i * ehdr.e_phentsize);
        if (pread(fd, &phdr, sizeof phdr, at) != (ssize_t)sizeof phdr)
            return NULL;
        if (phdr.p_type != PT_INTERP)
            continue;
        char interp[256];
        size_t want = phdr.p_filesz < sizeof interp - 1 ? phdr.p_filesz : sizeof interp - 1;
        ssize_t n = pread(fd, interp, want, (off_t)phdr.p_offset);
        interp[n > 0 ? n : 0] = '\0';
        if (strstr(interp, "musl") != NULL)
            return strdup("uses musl, whose loader libtrack-preload.so does not support");
        dynamic = true;
    }
    return dynamic ? NULL
                   : strdup("is statically linked, nothing can be preloaded into it; link it dynamically to record it");
}

char *launch_why_silent(const char *program)
{
    char *file = find_in_path(program);
    char *why = NULL;
    for (int i = 0; file != NULL && why == NULL && i < INTERPRETERS; i++) {
        int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
            if (fd >= 0)
                close(fd);
            break;
        }
        if ((st.st_mode & (S_ISUID | S_ISGID)) != 0 || fgetxattr(fd, "security.capability", NULL, 0) > 0)
            why = strdup("runs with other privileges than its caller, the loader ignores LD_PRELOAD there");
        else
            why = explain_elf(fd);
        char *next = why == NULL ? script_interpreter(fd) : NULL;
        close(fd);
        free(file);
        file = next;
    }
    free(file);
    return why;
}
