/* track/adapt/cpython.h: extension modules of CPython. The interpreter counts references in place, and so does each
 * module that is compiled against Python.h; with this header those of your module are told: what Py_INCREF, Py_DECREF
 * and their relatives do, and what the functions of the C API return as new references. Include it behind Python.h:
 *
 *     #define PY_SSIZE_T_CLEAN
 *     #include <Python.h>
 *     #include <track/adapt/cpython.h>
 *
 * or compile with -DPY_SSIZE_T_CLEAN= -include track/adapt/cpython.h. C and C++; tested with CPython 3.11. Not for
 * Py_LIMITED_API, and not for builds without the GIL. Nothing to link. Record with the adapter that sees objects die:
 *
 *     reftrack run --adapter cpython -- python3 -c 'import yours; yours.test()'
 *
 * What the report then speaks of is your module: which references it took, which it gave back, and which objects that
 * it took are alive in the end with nobody pointing to them. What the interpreter does to the same objects nobody
 * tells; counts that are told here and read at checkpoints say how much that is (unaccounted), and no verdict rests on
 * it. A reference that is returned to the interpreter, or that a function of the API steals, is the interpreter's from
 * then on, without a word.
 *
 * Slots. Py_CLEAR, Py_SETREF and Py_XSETREF know their variable. Where a reference goes into one otherwise, say so:
 *
 *     TRK_OWN(self->callback, Py_NewRef(callback));   ... Py_CLEAR(self->callback);
 *
 * None, True, False and other singletons, and objects that are immortal (3.12), are left out. */
#ifndef TRACK_ADAPT_CPYTHON_H
#define TRACK_ADAPT_CPYTHON_H

#include <Python.h>
#include <track/adapt/count.h>

#if defined(Py_LIMITED_API) || defined(Py_GIL_DISABLED)
#error "track/adapt/cpython.h: references are counted elsewhere with Py_LIMITED_API, and otherwise without the GIL"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What is told -------------------------------------------------------------------------------------------------
 */

static inline int trk_py_is_counted(PyObject *op)
{
#if PY_VERSION_HEX >= 0x030c0000
    if (_Py_IsImmortal(op))
        return 0;
#endif
    return op != Py_None && op != Py_True && op != Py_False && op != Py_NotImplemented && op != Py_Ellipsis;
}

enum { TRK_PY_TYPES = 128 };

/* Description of a Python type for reports, one per source file; those beyond the first TRK_PY_TYPES share one. With
 * the GIL. */
static inline struct trk_type *trk_py_type(PyTypeObject *python)
{
    static struct {
        PyTypeObject *python;
        struct trk_type type;
    } known[TRK_PY_TYPES];
    static TRK_TYPE_FULL(any, "PyObject", sizeof(PyObject), 0, offsetof(PyObject, ob_refcnt),
                         sizeof(((PyObject *)0)->ob_refcnt), TRK_TYPE_INLINE);
    for (size_t i = (uintptr_t)python / 64 % TRK_PY_TYPES, n = 0; n < TRK_PY_TYPES; i = (i + 1) % TRK_PY_TYPES, n++) {
        if (known[i].python == NULL) {
            known[i].python = python;
            known[i].type = any;
            known[i].type.name = python->tp_name;
            known[i].type.size = (size_t)python->tp_basicsize;
            known[i].type.id = 0;
        }
        if (known[i].python == python)
            return &known[i].type;
    }
    return &any;
}

/* The module took a reference: to an object that may have been there long before. */
static TRK_COUNT_INLINE void trk_py_taken(PyObject *op, const void *slot)
{
    if (TRK_ON() && trk_py_is_counted(op)) {
        trk_retype(op, trk_py_type(Py_TYPE(op)));
        trk_ref_rc(op, slot, (long)Py_REFCNT(op));
    }
}

/* What a constructor returned. One that others refer to as well was there before. */
static TRK_COUNT_INLINE PyObject *trk_py_made(PyObject *op)
{
    if (TRK_ON() && op != NULL && trk_py_is_counted(op)) {
        if (Py_REFCNT(op) == 1)
            trk_new(op, trk_py_type(Py_TYPE(op)));
        else
            trk_py_taken(op, NULL);
    }
    return op;
}

/* What a function returned as a new reference. */
static TRK_COUNT_INLINE PyObject *trk_py_got(PyObject *op)
{
    if (op != NULL)
        trk_py_taken(op, NULL);
    return op;
}

/* Py_INCREF and Py_DECREF with the variable that owns the reference, or NULL. */
static TRK_COUNT_INLINE void trk_py_incref(PyObject *op, const void *slot)
{
    Py_INCREF(op);
    trk_py_taken(op, slot);
}

static TRK_COUNT_INLINE void trk_py_decref(PyObject *op, const void *slot)
{
    if (TRK_ON() && trk_py_is_counted(op)) {
        /* Types are given back by objects that others made. What else op may be is not looked at: it may be gone. */
        if (Py_TYPE(op) == &PyType_Type)
            trk_retype(op, trk_py_type(&PyType_Type));
        trk_unref_rc(op, slot, (long)Py_REFCNT(op) - 1);
    }
    Py_DECREF(op);
}

static TRK_COUNT_INLINE void trk_py_xincref(PyObject *op)
{
    if (op != NULL)
        trk_py_incref(op, NULL);
}

static TRK_COUNT_INLINE void trk_py_xdecref(PyObject *op, const void *slot)
{
    if (op != NULL)
        trk_py_decref(op, slot);
}

static TRK_COUNT_INLINE PyObject *trk_py_newref(PyObject *op)
{
    trk_py_incref(op, NULL);
    return op;
}

static TRK_COUNT_INLINE PyObject *trk_py_xnewref(PyObject *op)
{
    trk_py_xincref(op);
    return op;
}

#ifdef __cplusplus
}
#endif

/* ---- In the place of Python.h's -----------------------------------------------------------------------------------
 *
 * Laid out by hand. */
/* clang-format off */
#undef Py_INCREF
#undef Py_DECREF
#undef Py_XINCREF
#undef Py_XDECREF
#undef Py_NewRef
#undef Py_XNewRef
#undef Py_CLEAR
#undef Py_SETREF
#undef Py_XSETREF
#define Py_INCREF(op)   trk_py_incref((PyObject *)(op), NULL)
#define Py_DECREF(op)   trk_py_decref((PyObject *)(op), NULL)
#define Py_XINCREF(op)  trk_py_xincref((PyObject *)(op))
#define Py_XDECREF(op)  trk_py_xdecref((PyObject *)(op), NULL)
#define Py_NewRef(op)   trk_py_newref((PyObject *)(op))
#define Py_XNewRef(op)  trk_py_xnewref((PyObject *)(op))
#define Py_CLEAR(op)                                                                                                   \
    do {                                                                                                               \
        PyObject *trk_py_old_ = (PyObject *)(op);                                                                      \
        (op) = NULL;                                                                                                   \
        trk_py_xdecref(trk_py_old_, &(op));                                                                            \
    } while (0)
#define Py_XSETREF(op, op2)                                                                                            \
    do {                                                                                                               \
        PyObject *trk_py_old_ = (PyObject *)(op);                                                                      \
        (op) = (op2);                                                                                                  \
        if ((op) != NULL && trk_py_is_counted((PyObject *)(op)))                                                       \
            trk_own((op), &(op));                                                                                      \
        trk_py_xdecref(trk_py_old_, &(op));                                                                            \
    } while (0)
#define Py_SETREF(op, op2) Py_XSETREF(op, op2)

/* Constructors. Macros do not expand in themselves. */
#define _PyObject_New(type)                        trk_py_made(_PyObject_New(type))
#define _PyObject_NewVar(type, n)                  ((PyVarObject *)trk_py_made((PyObject *)_PyObject_NewVar(type, n)))
#define _PyObject_GC_New(type)                     trk_py_made(_PyObject_GC_New(type))
#define _PyObject_GC_NewVar(type, n)               ((PyVarObject *)trk_py_made((PyObject *)_PyObject_GC_NewVar(type, n)))
#define PyType_GenericAlloc(type, n)               trk_py_made(PyType_GenericAlloc(type, n))
#define PyType_GenericNew(type, args, kw)          trk_py_made(PyType_GenericNew(type, args, kw))
#define PyList_New(n)                              trk_py_made(PyList_New(n))
#define PyList_GetSlice(list, from, to)            trk_py_made(PyList_GetSlice(list, from, to))
#define PyList_AsTuple(list)                       trk_py_made(PyList_AsTuple(list))
#define PyTuple_New(n)                             trk_py_made(PyTuple_New(n))
#define PyTuple_Pack(...)                          trk_py_made(PyTuple_Pack(__VA_ARGS__))
#define PyTuple_GetSlice(tuple, from, to)          trk_py_made(PyTuple_GetSlice(tuple, from, to))
#define PyDict_New()                               trk_py_made(PyDict_New())
#define PyDict_Copy(dict)                          trk_py_made(PyDict_Copy(dict))
#define PyDict_Keys(dict)                          trk_py_made(PyDict_Keys(dict))
#define PyDict_Values(dict)                        trk_py_made(PyDict_Values(dict))
#define PyDict_Items(dict)                         trk_py_made(PyDict_Items(dict))
#define PySet_New(from)                            trk_py_made(PySet_New(from))
#define PyFrozenSet_New(from)                      trk_py_made(PyFrozenSet_New(from))
#define PyLong_FromLong(n)                         trk_py_made(PyLong_FromLong(n))
#define PyLong_FromUnsignedLong(n)                 trk_py_made(PyLong_FromUnsignedLong(n))
#define PyLong_FromLongLong(n)                     trk_py_made(PyLong_FromLongLong(n))
#define PyLong_FromUnsignedLongLong(n)             trk_py_made(PyLong_FromUnsignedLongLong(n))
#define PyLong_FromSsize_t(n)                      trk_py_made(PyLong_FromSsize_t(n))
#define PyLong_FromSize_t(n)                       trk_py_made(PyLong_FromSize_t(n))
#define PyLong_FromDouble(x)                       trk_py_made(PyLong_FromDouble(x))
#define PyFloat_FromDouble(x)                      trk_py_made(PyFloat_FromDouble(x))
#define PyUnicode_FromString(text)                 trk_py_made(PyUnicode_FromString(text))
#define PyUnicode_FromStringAndSize(text, n)       trk_py_made(PyUnicode_FromStringAndSize(text, n))
#define PyUnicode_FromFormat(...)                  trk_py_made(PyUnicode_FromFormat(__VA_ARGS__))
#define PyBytes_FromString(text)                   trk_py_made(PyBytes_FromString(text))
#define PyBytes_FromStringAndSize(text, n)         trk_py_made(PyBytes_FromStringAndSize(text, n))
#define PyCapsule_New(pointer, name, destructor)   trk_py_made(PyCapsule_New(pointer, name, destructor))

/* Functions that return a new reference to what may have been there before. */
#define PyObject_GetAttr(op, name)                 trk_py_got(PyObject_GetAttr(op, name))
#define PyObject_GetAttrString(op, name)           trk_py_got(PyObject_GetAttrString(op, name))
#define PyObject_GetItem(op, key)                  trk_py_got(PyObject_GetItem(op, key))
#define PyObject_GetIter(op)                       trk_py_got(PyObject_GetIter(op))
#define PyIter_Next(op)                            trk_py_got(PyIter_Next(op))
#define PyObject_Repr(op)                          trk_py_got(PyObject_Repr(op))
#define PyObject_Str(op)                           trk_py_got(PyObject_Str(op))
#define PyObject_Call(op, args, kw)                trk_py_got(PyObject_Call(op, args, kw))
#define PyObject_CallObject(op, args)              trk_py_got(PyObject_CallObject(op, args))
#define PyObject_CallNoArgs(op)                    trk_py_got(PyObject_CallNoArgs(op))
#define PyObject_CallOneArg(op, arg)               trk_py_got(PyObject_CallOneArg(op, arg))
#define PyObject_CallFunctionObjArgs(...)          trk_py_got(PyObject_CallFunctionObjArgs(__VA_ARGS__))
#define PyObject_CallMethodObjArgs(...)            trk_py_got(PyObject_CallMethodObjArgs(__VA_ARGS__))
#define PySequence_GetItem(op, i)                  trk_py_got(PySequence_GetItem(op, i))
#define PySequence_List(op)                        trk_py_got(PySequence_List(op))
#define PySequence_Tuple(op)                       trk_py_got(PySequence_Tuple(op))
#define PySequence_Fast(op, message)               trk_py_got(PySequence_Fast(op, message))
#define PyMapping_GetItemString(op, key)           trk_py_got(PyMapping_GetItemString(op, key))
#define PyImport_ImportModule(name)                trk_py_got(PyImport_ImportModule(name))
#define PyImport_Import(name)                      trk_py_got(PyImport_Import(name))
/* Those with a format have another name when lengths are Py_ssize_t. */
#ifdef PY_SSIZE_T_CLEAN
#define _Py_BuildValue_SizeT(...)                  trk_py_got(_Py_BuildValue_SizeT(__VA_ARGS__))
#define _PyObject_CallFunction_SizeT(...)          trk_py_got(_PyObject_CallFunction_SizeT(__VA_ARGS__))
#define _PyObject_CallMethod_SizeT(...)            trk_py_got(_PyObject_CallMethod_SizeT(__VA_ARGS__))
#endif
#if !defined(PY_SSIZE_T_CLEAN) || PY_VERSION_HEX >= 0x030d0000
#define Py_BuildValue(...)                         trk_py_got(Py_BuildValue(__VA_ARGS__))
#define PyObject_CallFunction(...)                 trk_py_got(PyObject_CallFunction(__VA_ARGS__))
#define PyObject_CallMethod(...)                   trk_py_got(PyObject_CallMethod(__VA_ARGS__))
#endif
/* clang-format on */

#endif
