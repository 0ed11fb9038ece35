/* exec_all.c: replaces itself by each function of the exec family in turn and checks that arguments and environment
 * arrive. Usage: exec_all STEP; step 0 starts. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "target.h"

int main(int argc, char **argv)
{
    int step = argc > 1 ? atoi(argv[1]) : 0;
    if (step > 0) {
        CHECK(argc == 5 && strcmp(argv[0], "zero") == 0 && strcmp(argv[2], "two words") == 0 && !*argv[3]);
        CHECK(strcmp(argv[4], "last") == 0);
        CHECK(getenv("MARK") && strcmp(getenv("MARK"), "here") == 0);
    }
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    CHECK(n > 0);
    self[n] = '\0';
    char folder[4096];
    strcpy(folder, self);
    char *name = strrchr(folder, '/');
    *name++ = '\0';
    setenv("MARK", "here", 1);
    setenv("PATH", folder, 1);
    /* The handle of the preload survives: those that set the environment hand on the same one. */
    extern char **environ;
    char number[16];
    snprintf(number, sizeof(number), "%d", step + 1);
    char zero[] = "zero", words[] = "two words", empty[] = "", last[] = "last";
    char *list[] = { zero, number, words, empty, last, NULL };
    struct stub_api stub = stub_api();
    errno = 0;
    CHECK(execve("/does/not/exist", list, environ) == -1 && errno == ENOENT);
    CHECK(execlp("does-not-exist-either", "x", (char *)NULL) == -1 && errno == ENOENT);
    if (stub.count)
        CHECK(stub.count(STUB_EXEC) == 2 && stub.count(STUB_EXEC_FAILED) == 2);
    switch (step) {
    case 0:
        execve(self, list, environ);
        break;
    case 1:
        execv(self, list);
        break;
    case 2:
        execvp(name, list);
        break;
    case 3:
        execvpe(name, list, environ);
        break;
    case 4:
        fexecve(open(self, O_RDONLY | O_CLOEXEC), list, environ);
        break;
    case 5:
        execl(self, "zero", number, "two words", "", "last", (char *)NULL);
        break;
    case 6:
        execlp(name, "zero", number, "two words", "", "last", (char *)NULL);
        break;
    case 7:
        execle(self, "zero", number, "two words", "", "last", (char *)NULL, environ);
        break;
    case 8:
        execveat(AT_FDCWD, self, list, environ, 0);
        break;
    default:
        printf("steps %d\n", step);
        return 0;
    }
    perror("exec");
    return 1;
}
