/* obj.h: see obj.c. OBJ_SCOPE: static where it is included as a whole. */
#ifndef TEST_OBJ_H
#define TEST_OBJ_H
#ifndef OBJ_SCOPE
#define OBJ_SCOPE
#endif
struct obj;
OBJ_SCOPE struct obj *obj_new(void);
OBJ_SCOPE struct obj *obj_new_text(const char *text);
OBJ_SCOPE void *obj_untyped(void); /* as obj_new */
OBJ_SCOPE struct obj *obj_ref(struct obj *obj);
OBJ_SCOPE void obj_unref(struct obj *obj);
void obj_tiny(struct obj *obj);
#endif
