/* What leaves in numbers: submit_sm_resp and deliver_sm, many at a time into one bytes object. Where a value is not
   what it usually is, the answer is None, and Python does it. */

#include "codec.h"

#define MAX_BATCH (1 << 20) /* so that sums of lengths cannot overflow: each is below 2**31 */
#define MAX_PART (1 << 20)  /* octets of one message_id or one body; no SMPP PDU is longer */

/* ------------------------------------------------------------------------------------------ submit_sm_resp */

/* Octets of one response: with its message_id and the tail, or a header alone; 0: none; -1: for Python. */
static Py_ssize_t
size_of_response(PyObject *answer, Py_ssize_t tail)
{
    if (PyBytes_CheckExact(answer)) {
        Py_ssize_t length = PyBytes_GET_SIZE(answer);
        return length <= MAX_PART ? HEADER_LENGTH + length + tail : -1;
    }
    if (!PyLong_Check(answer)) {
        return -1;
    }
    int overflow;
    long long status = PyLong_AsLongLongAndOverflow(answer, &overflow);
    if (overflow || status > UINT32_MAX) {
        return -1;
    }
    return status < 0 ? 0 : HEADER_LENGTH;
}

static unsigned char *
write_response(unsigned char *at, uint32_t sequence_number, PyObject *answer, PyObject *tail)
{
    if (!PyBytes_CheckExact(answer)) {
        write_header(at, HEADER_LENGTH, SUBMIT_SM_RESP, (uint32_t)u32_of(answer), sequence_number);
        return at + HEADER_LENGTH;
    }
    Py_ssize_t length = PyBytes_GET_SIZE(answer);
    Py_ssize_t size = HEADER_LENGTH + length + PyBytes_GET_SIZE(tail);
    write_header(at, size, SUBMIT_SM_RESP, 0, sequence_number);
    memcpy(at + HEADER_LENGTH, PyBytes_AS_STRING(answer), (size_t)length);
    memcpy(at + HEADER_LENGTH + length, PyBytes_AS_STRING(tail), (size_t)PyBytes_GET_SIZE(tail));
    return at + size;
}

/* The sequence_number that a response repeats; -1: for Python. */
static int64_t
sequence_number_of(Codec *codec, PyObject *pdu)
{
    return Py_TYPE(pdu) == codec->submit_sm ? u32_of(SLOT(codec, pdu, SEQUENCE_NUMBER)) : -1;
}

static PyObject *
join_responses(Codec *codec, PyObject *const *pdus, PyObject *const *answers, Py_ssize_t count, PyObject *tail)
{
    Py_ssize_t total = 0, accepted = 0;
    for (Py_ssize_t index = 0; index < count; index++) {
        Py_ssize_t size = size_of_response(answers[index], PyBytes_GET_SIZE(tail));
        if (size < 0 || sequence_number_of(codec, pdus[index]) < 0) {
            Py_RETURN_NONE;
        }
        total += size;
        accepted += PyBytes_CheckExact(answers[index]);
    }
    PyObject *octets = PyBytes_FromStringAndSize(NULL, total);
    if (octets == NULL) {
        return NULL;
    }
    unsigned char *at = (unsigned char *)PyBytes_AS_STRING(octets);
    for (Py_ssize_t index = 0; index < count; index++) {
        if (size_of_response(answers[index], 0) > 0) {
            at = write_response(at, (uint32_t)sequence_number_of(codec, pdus[index]), answers[index], tail);
        }
    }
    return Py_BuildValue("(Nn)", octets, accepted);
}

const char codec_submit_sm_resps_doc[] = PyDoc_STR(
    "submit_sm_resps($self, pdus, answers, tail, /)\n"
    "--\n\n"
    "Responses, joined, and the number of those that accept; None when it is for Python to write them.\n\n"
    "An answer is a message_id, which `tail` follows, a command_status, or below 0: none.");

PyObject *
codec_submit_sm_resps(Codec *codec, PyObject *const *args, Py_ssize_t nargs)
{
    if (fail_on_arguments("submit_sm_resps", nargs, 3)) {
        return NULL;
    }
    if (!PyList_Check(args[0]) || !PyList_Check(args[1]) || !PyBytes_CheckExact(args[2])) {
        Py_RETURN_NONE;
    }
    Py_ssize_t count = PyList_GET_SIZE(args[0]);
    if (PyList_GET_SIZE(args[1]) != count || count > MAX_BATCH || PyBytes_GET_SIZE(args[2]) > MAX_PART) {
        Py_RETURN_NONE;
    }
    return join_responses(codec, PySequence_Fast_ITEMS(args[0]), PySequence_Fast_ITEMS(args[1]), count, args[2]);
}

/* ---------------------------------------------------------------------------------------------- deliver_sm */

static PyObject *
join_requests(PyObject *const *numbers, PyObject *const *bodies, Py_ssize_t count, uint32_t command_id)
{
    Py_ssize_t total = 0;
    for (Py_ssize_t index = 0; index < count; index++) {
        PyObject *body = bodies[index];
        if (!PyBytes_CheckExact(body) || PyBytes_GET_SIZE(body) > MAX_PART || u32_of(numbers[index]) < 0) {
            Py_RETURN_NONE;
        }
        total += HEADER_LENGTH + PyBytes_GET_SIZE(body);
    }
    PyObject *octets = PyBytes_FromStringAndSize(NULL, total);
    if (octets == NULL) {
        return NULL;
    }
    unsigned char *at = (unsigned char *)PyBytes_AS_STRING(octets);
    for (Py_ssize_t index = 0; index < count; index++) {
        Py_ssize_t length = PyBytes_GET_SIZE(bodies[index]);
        write_header(at, HEADER_LENGTH + length, command_id, 0, (uint32_t)u32_of(numbers[index]));
        memcpy(at + HEADER_LENGTH, PyBytes_AS_STRING(bodies[index]), (size_t)length);
        at += HEADER_LENGTH + length;
    }
    return octets;
}

const char codec_requests_doc[] = PyDoc_STR(
    "requests($self, command_id, numbers, bodies, /)\n"
    "--\n\n"
    "Requests of one kind, joined; None when it is for Python to write them.");

PyObject *
codec_requests(Codec *Py_UNUSED(codec), PyObject *const *args, Py_ssize_t nargs)
{
    if (fail_on_arguments("requests", nargs, 3)) {
        return NULL;
    }
    int64_t command_id = u32_of(args[0]);
    if (command_id < 0 || !PyList_Check(args[2])) {
        Py_RETURN_NONE;
    }
    PyObject *numbers = PySequence_Fast(args[1], "requests: a sequence of numbers is wanted");
    if (numbers == NULL) {
        return NULL;
    }
    Py_ssize_t count = PySequence_Fast_GET_SIZE(numbers);
    PyObject *octets;
    if (PyList_GET_SIZE(args[2]) != count || count > MAX_BATCH) {
        octets = Py_NewRef(Py_None);
    }
    else {
        octets = join_requests(PySequence_Fast_ITEMS(numbers), PySequence_Fast_ITEMS(args[2]), count,
                               (uint32_t)command_id);
    }
    Py_DECREF(numbers);
    return octets;
}
