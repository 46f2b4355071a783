/* The module and its one class. A Codec belongs to the class of submit_sm it was made for; the module has no state. */

#include "codec.h"

#include <structmember.h> /* PyMemberDef's types, under names that all versions since 3.11 have */

const Slot SLOT_TABLE[SLOTS] = {
    [SEQUENCE_NUMBER] = {"sequence_number", INTEGER},
    [COMMAND_STATUS] = {"command_status", INTEGER},
    [SERVICE_TYPE] = {"service_type", C_OCTETS},
    [SOURCE_ADDR_TON] = {"source_addr_ton", INTEGER},
    [SOURCE_ADDR_NPI] = {"source_addr_npi", INTEGER},
    [SOURCE_ADDR] = {"source_addr", C_OCTETS},
    [DEST_ADDR_TON] = {"dest_addr_ton", INTEGER},
    [DEST_ADDR_NPI] = {"dest_addr_npi", INTEGER},
    [DESTINATION_ADDR] = {"destination_addr", C_OCTETS},
    [ESM_CLASS] = {"esm_class", INTEGER},
    [PROTOCOL_ID] = {"protocol_id", INTEGER},
    [PRIORITY_FLAG] = {"priority_flag", INTEGER},
    [SCHEDULE_DELIVERY_TIME] = {"schedule_delivery_time", C_OCTETS},
    [VALIDITY_PERIOD] = {"validity_period", C_OCTETS},
    [REGISTERED_DELIVERY] = {"registered_delivery", INTEGER},
    [REPLACE_IF_PRESENT_FLAG] = {"replace_if_present_flag", INTEGER},
    [DATA_CODING] = {"data_coding", INTEGER},
    [SM_DEFAULT_MSG_ID] = {"sm_default_msg_id", INTEGER},
    [SHORT_MESSAGE] = {"short_message", OCTETS},
    [TLVS] = {"tlvs", OCTETS},
    [TRAILING] = {"trailing", OCTETS},
};

static const char *const FACT_NAMES[FACTS] = {
    [PDU] = "pdu",
    [MESSAGE_ID] = "message_id",
    [STATE] = "state",
    [ERROR_CODE] = "error_code",
    [ACCEPTED_WALL] = "accepted_wall",
    [FINAL_WALL] = "final_wall",
};

int
fail_on_arguments(const char *name, Py_ssize_t given, Py_ssize_t wanted)
{
    if (given == wanted) {
        return 0;
    }
    PyErr_Format(PyExc_TypeError, "%s: %zd arguments are wanted, not %zd", name, wanted, given);
    return -1;
}

/* Where a class keeps one of its slots; -1 with a TypeError when that is no slot we may write to. */
static Py_ssize_t
offset_of(PyTypeObject *type, const char *name)
{
    Py_ssize_t offset = -1;
    PyObject *descriptor = PyObject_GetAttrString((PyObject *)type, name);
    if (descriptor != NULL && Py_TYPE(descriptor) == &PyMemberDescr_Type && PyDescr_TYPE(descriptor) == type) {
        const PyMemberDef *member = ((PyMemberDescrObject *)descriptor)->d_member;
        if (member->type == T_OBJECT_EX && member->offset > 0 &&
            member->offset + (Py_ssize_t)sizeof(PyObject *) <= type->tp_basicsize) {
            offset = member->offset;
        }
    }
    Py_XDECREF(descriptor);
    if (offset < 0) {
        PyErr_Clear();
        PyErr_Format(PyExc_TypeError, "%s.%s is not a slot", type->tp_name, name);
    }
    return offset;
}

static int
learn_classes(Codec *self, PyTypeObject *submit_sm, PyTypeObject *tlv)
{
    if (!PyType_HasFeature(submit_sm, Py_TPFLAGS_HEAPTYPE) || submit_sm->tp_itemsize || submit_sm->tp_dictoffset ||
        !PyType_IS_GC(submit_sm) || submit_sm->tp_alloc != PyType_GenericAlloc) {
        PyErr_Format(PyExc_TypeError, "%s is no class with __slots__", submit_sm->tp_name);
        return -1;
    }
    if (!PyType_IsSubtype(tlv, &PyTuple_Type)) {
        PyErr_Format(PyExc_TypeError, "%s is no tuple", tlv->tp_name);
        return -1;
    }
    for (int slot = 0; slot < SLOTS; slot++) {
        self->offset[slot] = offset_of(submit_sm, SLOT_TABLE[slot].name);
        if (self->offset[slot] < 0) {
            return -1;
        }
    }
    self->submit_sm = (PyTypeObject *)Py_NewRef(submit_sm);
    self->tlv = (PyTypeObject *)Py_NewRef(tlv);
    return 0;
}

static int
make_constants(Codec *self)
{
    self->no_octets = PyBytes_FromStringAndSize(NULL, 0);
    self->no_tlvs = PyTuple_New(0);
    if (self->no_octets == NULL || self->no_tlvs == NULL) {
        return -1;
    }
    for (int value = 0; value < 256; value++) {
        if ((self->octet[value] = PyLong_FromLong(value)) == NULL) {
            return -1;
        }
    }
    for (int name = 0; name < FACTS; name++) {
        if ((self->fact_names[name] = PyUnicode_InternFromString(FACT_NAMES[name])) == NULL) {
            return -1;
        }
    }
    return 0;
}

static PyObject *
codec_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"submit_sm", "tlv", NULL};
    PyTypeObject *submit_sm, *tlv;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!O!:Codec", names, &PyType_Type, &submit_sm, &PyType_Type,
                                     &tlv)) {
        return NULL;
    }
    Codec *self = (Codec *)type->tp_alloc(type, 0);
    if (self != NULL && (learn_classes(self, submit_sm, tlv) || make_constants(self))) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static int
codec_traverse(Codec *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->submit_sm);
    Py_VISIT(self->tlv);
    return 0;
}

static int
codec_clear(Codec *self)
{
    Py_CLEAR(self->submit_sm);
    Py_CLEAR(self->tlv);
    return 0;
}

static void
codec_dealloc(Codec *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    codec_clear(self);
    Py_XDECREF(self->no_octets);
    Py_XDECREF(self->no_tlvs);
    for (int value = 0; value < 256; value++) {
        Py_XDECREF(self->octet[value]);
    }
    for (int name = 0; name < FACTS; name++) {
        Py_XDECREF(self->fact_names[name]);
    }
    type->tp_free(self);
    Py_DECREF(type);
}

#define METHOD(name) {#name, (PyCFunction)(void (*)(void))codec_##name, METH_FASTCALL, codec_##name##_doc}

static PyMethodDef codec_methods[] = {
    METHOD(receive),        METHOD(doubtful),       METHOD(submit_sm_resps), METHOD(requests),
    METHOD(receipt_bodies), {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(codec_doc,
             "Codec(submit_sm, tlv)\n"
             "--\n\n"
             "Reads and writes what an SMSC meets in numbers.\n\n"
             "`submit_sm` is smppwire's class of that name, or one with the same slots; `tlv` a subclass of tuple that\n"
             "is made of a pair. Raises TypeError for other classes.");

static PyType_Slot codec_slots[] = {
    {Py_tp_doc, (void *)codec_doc},
    {Py_tp_new, codec_new},
    {Py_tp_dealloc, codec_dealloc},
    {Py_tp_traverse, codec_traverse},
    {Py_tp_clear, codec_clear},
    {Py_tp_methods, codec_methods},
    {0, NULL},
};

static PyType_Spec codec_spec = {
    .name = "smppwire_speedups.Codec",
    .basicsize = sizeof(Codec),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = codec_slots,
};

static int
module_exec(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &codec_spec, NULL);
    if (type == NULL) {
        return -1;
    }
    int failed = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return failed || PyModule_AddIntConstant(module, "API", API) ? -1 : 0;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, /* there is no state outside of objects */
#endif
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "smppwire_speedups._codec",
    .m_doc = PyDoc_STR("What smppwire does in numbers, in C. smppwire finds it by itself; see smppwire.speedups."),
    .m_size = 0,
    .m_slots = module_slots,
};

PyMODINIT_FUNC
PyInit__codec(void)
{
    return PyModuleDef_Init(&module_definition);
}
