/* static.c: the same program with functions that only its own symbol table names. */
#define OBJ_SCOPE static
#include "obj.c"
#include "server.c"
