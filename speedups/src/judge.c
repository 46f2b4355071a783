/* Which submit_sm need a closer look. What is right and what is wrong stands in smppwire.validation: the table that is
   looked up here was asked from its functions (smppwire.judgement). */

#include "codec.h"

/* For each field, what is right of it whatever the others are. An integer: `value[n]` is 1 where n is right. An octet
   string: `value[n]` is 1 where n octets are right, 2 where that is so if each of them is right by `octet`. */
typedef struct {
    unsigned char value[256];
    unsigned char octet[256];
} Rule;

static int
is_right_integer(const Rule *rule, PyObject *value)
{
    int number = octet_of(value);
    return number >= 0 && rule->value[number];
}

static int
are_right_octets(const Rule *rule, PyObject *value)
{
    if (value == NULL || !PyBytes_CheckExact(value) || PyBytes_GET_SIZE(value) > 255) {
        return 0;
    }
    Py_ssize_t length = PyBytes_GET_SIZE(value);
    if (rule->value[length] != 2) {
        return rule->value[length];
    }
    const unsigned char *octets = (const unsigned char *)PyBytes_AS_STRING(value);
    for (Py_ssize_t index = 0; index < length; index++) {
        if (!rule->octet[octets[index]]) {
            return 0;
        }
    }
    return 1;
}

/* Whether there is certainly nothing wrong with a PDU. Optional parameters are for Python to judge. */
static int
is_right(Codec *codec, const Rule *rules, PyObject *pdu)
{
    if (Py_TYPE(pdu) != codec->submit_sm || SLOT(codec, pdu, TLVS) != codec->no_tlvs ||
        SLOT(codec, pdu, TRAILING) != codec->no_octets) {
        return 0;
    }
    for (int slot = FIRST_FIELD; slot <= LAST_FIELD; slot++) {
        const Rule *rule = &rules[slot - FIRST_FIELD];
        PyObject *value = SLOT(codec, pdu, slot);
        if (!(SLOT_TABLE[slot].kind == INTEGER ? is_right_integer(rule, value) : are_right_octets(rule, value))) {
            return 0;
        }
    }
    return 1;
}

static int
append_index(PyObject **indexes, Py_ssize_t index)
{
    if (*indexes == NULL && (*indexes = PyList_New(0)) == NULL) {
        return -1;
    }
    PyObject *number = PyLong_FromSsize_t(index);
    if (number == NULL) {
        return -1;
    }
    int failed = PyList_Append(*indexes, number);
    Py_DECREF(number);
    return failed;
}

const char codec_doubtful_doc[] = PyDoc_STR(
    "doubtful($self, pdus, rules, /)\n"
    "--\n\n"
    "The indexes of those submit_sm that the rules do not say to be right; None when they are right all.\n\n"
    "`rules`: 512 octets for each field, in the order of the wire. For an integer, octet n is 1 where n is\n"
    "right. For an octet string, it is 1 where n octets are right whatever they are, and 2 where that is so if\n"
    "for each of them, c, octet 256 + c is 1.");

PyObject *
codec_doubtful(Codec *codec, PyObject *const *args, Py_ssize_t nargs)
{
    if (fail_on_arguments("doubtful", nargs, 2)) {
        return NULL;
    }
    if (!PyBytes_Check(args[1]) || PyBytes_GET_SIZE(args[1]) != (Py_ssize_t)(FIELDS * sizeof(Rule))) {
        PyErr_Format(PyExc_ValueError, "doubtful: rules of %d octets are wanted", (int)(FIELDS * sizeof(Rule)));
        return NULL;
    }
    const Rule *rules = (const Rule *)PyBytes_AS_STRING(args[1]);
    PyObject *pdus = PySequence_Fast(args[0], "doubtful: a sequence is wanted");
    if (pdus == NULL) {
        return NULL;
    }
    PyObject *indexes = NULL;
    for (Py_ssize_t index = 0; index < PySequence_Fast_GET_SIZE(pdus); index++) {
        if (!is_right(codec, rules, PySequence_Fast_GET_ITEM(pdus, index)) && append_index(&indexes, index)) {
            Py_CLEAR(indexes);
            Py_DECREF(pdus);
            return NULL;
        }
    }
    Py_DECREF(pdus);
    return indexes != NULL ? indexes : Py_NewRef(Py_None);
}
