/* extension.c: an extension module of CPython with mistakes in it; two functions make some, the others none. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <track/adapt/cpython.h>

typedef struct {
    PyObject_HEAD PyObject *callback;
} Holder;

static PyObject *registry;

/* Each list that is remembered has one reference that nobody gives back. */
static PyObject *remember(PyObject *self, PyObject *item)
{
    (void)self;
    PyObject *list = PyList_New(0);
    if (list == NULL || PyList_Append(list, item) != 0)
        return NULL;
    Py_INCREF(list);
    return list;
}

/* The error path forgets the dictionary. */
static PyObject *parse(PyObject *self, PyObject *args)
{
    const char *text;
    Py_ssize_t length;
    (void)self;
    if (!PyArg_ParseTuple(args, "s#", &text, &length))
        return NULL;
    PyObject *fields = PyDict_New(), *key = PyUnicode_FromStringAndSize(text, length);
    PyObject *value = PyLong_FromSsize_t(length + 100000);
    PyDict_SetItem(fields, key, value);
    Py_DECREF(value);
    Py_DECREF(key);
    if (length > 8) {
        PyErr_SetString(PyExc_ValueError, "too long");
        return NULL;
    }
    Py_CLEAR(registry);
    TRK_OWN(registry, Py_NewRef(fields));
    Py_DECREF(fields);
    Py_RETURN_NONE;
}

static PyObject *healthy(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *pair = Py_BuildValue("(iO)", 1, args), *text = PyObject_Repr(pair), *none = Py_None;
    Py_XINCREF(none);
    Py_DECREF(pair);
    Py_XDECREF(none);
    PyObject *kept = Py_XNewRef(text);
    Py_SETREF(text, PyUnicode_FromString("something else entirely"));
    Py_DECREF(text);
    return kept;
}

static int holder_init(PyObject *self, PyObject *args, PyObject *kw)
{
    PyObject *callback;
    (void)kw;
    if (!PyArg_ParseTuple(args, "O", &callback))
        return -1;
    Py_INCREF(callback);
    Py_XSETREF(((Holder *)self)->callback, callback);
    return 0;
}

static void holder_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_CLEAR(((Holder *)self)->callback);
    type->tp_free(self);
    Py_DECREF((PyObject *)type);
}

static PyType_Slot holder_slots[] = {
    { Py_tp_init, (void *)holder_init },
    { Py_tp_dealloc, (void *)holder_dealloc },
    { 0, NULL },
};
static PyType_Spec holder_spec = { "extension.Holder", sizeof(Holder), 0, Py_TPFLAGS_DEFAULT, holder_slots };

static PyMethodDef methods[] = {
    { "remember", remember, METH_O, NULL },
    { "parse", parse, METH_VARARGS, NULL },
    { "healthy", healthy, METH_VARARGS, NULL },
    { NULL, NULL, 0, NULL },
};
static struct PyModuleDef module = { PyModuleDef_HEAD_INIT, "extension", NULL, -1, methods, NULL, NULL, NULL, NULL };

PyMODINIT_FUNC PyInit_extension(void)
{
    PyObject *self = PyModule_Create(&module), *type = PyType_FromSpec(&holder_spec);
    if (self == NULL || type == NULL || PyModule_AddObjectRef(self, "Holder", type) != 0)
        return NULL;
    Py_DECREF(type);
    return self;
}
