/* A chunk of a connection to events: submit_sm and deliver_sm_resp, while they are sound and nothing else comes. */

#include "codec.h"

/* Where a field lies in the buffer. An integer is one octet at `at`. */
typedef struct {
    const unsigned char *at;
    Py_ssize_t length;
} Span;

/* The octet strings of the PDU before: those that come again are not made again. Strong references, or NULL. */
typedef struct {
    PyObject *octets[SLOTS];
} Shared;

static void
forget_shared(Shared *shared)
{
    for (int slot = FIRST_FIELD; slot <= LAST_FIELD; slot++) {
        Py_CLEAR(shared->octets[slot]);
    }
}

/* Find the fields of a body. Gives the place behind the last one, or NULL when the mandatory part is not sound. */
static const unsigned char *
find_fields(const unsigned char *at, const unsigned char *end, Span *fields)
{
    for (int slot = FIRST_FIELD; slot <= LAST_FIELD; slot++) {
        Py_ssize_t left = end - at;
        if (left <= 0) {
            return NULL;
        }
        Span *field = &fields[slot];
        field->at = at;
        switch (SLOT_TABLE[slot].kind) {
        case INTEGER:
            field->length = 1;
            at += 1;
            break;
        case C_OCTETS: {
            const unsigned char *nul = *at ? memchr(at, 0, (size_t)left) : at;
            if (nul == NULL) {
                return NULL;
            }
            field->length = nul - at;
            at = nul + 1;
            break;
        }
        case OCTETS: /* with its length before it */
            field->at = at + 1;
            field->length = *at;
            if (left < 1 + field->length) {
                return NULL;
            }
            at += 1 + field->length;
            break;
        }
    }
    return at;
}

static PyObject *
make_octets(Codec *codec, const Span *field, PyObject **shared)
{
    if (field->length == 0) {
        return Py_NewRef(codec->no_octets);
    }
    PyObject *before = *shared;
    if (before != NULL && PyBytes_GET_SIZE(before) == field->length &&
        memcmp(PyBytes_AS_STRING(before), field->at, (size_t)field->length) == 0) {
        return Py_NewRef(before);
    }
    PyObject *octets = PyBytes_FromStringAndSize((const char *)field->at, field->length);
    if (octets != NULL) {
        Py_XSETREF(*shared, Py_NewRef(octets));
    }
    return octets;
}

/* Tlv(tag, value), by what the class inherits from tuple: its own __new__ is a Python function around that. */
static PyObject *
make_tlv(Codec *codec, const unsigned char *at, Py_ssize_t length)
{
    PyObject *tlv = NULL, *pair = NULL, *arguments = NULL;
    PyObject *tag = PyLong_FromLong((long)read_u16(at));
    PyObject *value = PyBytes_FromStringAndSize((const char *)at + 4, length);
    if (tag != NULL && value != NULL) {
        pair = PyTuple_Pack(2, tag, value);
    }
    if (pair != NULL) {
        arguments = PyTuple_Pack(1, pair);
    }
    if (arguments != NULL) {
        tlv = PyTuple_Type.tp_new(codec->tlv, arguments, NULL);
    }
    Py_XDECREF(tag);
    Py_XDECREF(value);
    Py_XDECREF(pair);
    Py_XDECREF(arguments);
    return tlv;
}

/* The optional parameters from `at` on; what is no whole TLV any more begins at `*rest`. */
static PyObject *
make_tlvs(Codec *codec, const unsigned char *at, const unsigned char *end, const unsigned char **rest)
{
    const unsigned char *scan = at;
    Py_ssize_t count = 0;
    while (end - scan >= 4 && end - scan - 4 >= (Py_ssize_t)read_u16(scan + 2)) {
        scan += 4 + read_u16(scan + 2);
        count++;
    }
    *rest = scan;
    PyObject *tlvs = PyTuple_New(count);
    for (Py_ssize_t index = 0; tlvs != NULL && index < count; index++) {
        Py_ssize_t length = read_u16(at + 2);
        PyObject *tlv = make_tlv(codec, at, length);
        if (tlv == NULL) {
            Py_CLEAR(tlvs);
            break;
        }
        PyTuple_SET_ITEM(tlvs, index, tlv);
        at += 4 + length;
    }
    return tlvs;
}

static int
fill_header(Codec *codec, PyObject *pdu, uint32_t command_status, uint32_t sequence_number)
{
    SLOT(codec, pdu, SEQUENCE_NUMBER) = PyLong_FromUnsignedLong(sequence_number);
    SLOT(codec, pdu, COMMAND_STATUS) =
        command_status ? PyLong_FromUnsignedLong(command_status) : Py_NewRef(codec->octet[0]);
    return SLOT(codec, pdu, SEQUENCE_NUMBER) != NULL && SLOT(codec, pdu, COMMAND_STATUS) != NULL;
}

static int
fill_fields(Codec *codec, PyObject *pdu, const Span *fields, Shared *shared)
{
    for (int slot = FIRST_FIELD; slot <= LAST_FIELD; slot++) {
        const Span *field = &fields[slot];
        PyObject *value = SLOT_TABLE[slot].kind == INTEGER ? Py_NewRef(codec->octet[*field->at])
                                                           : make_octets(codec, field, &shared->octets[slot]);
        if (value == NULL) {
            return 0;
        }
        SLOT(codec, pdu, slot) = value;
    }
    return 1;
}

static int
fill_end(Codec *codec, PyObject *pdu, const unsigned char *at, const unsigned char *end)
{
    if (at == end) {
        SLOT(codec, pdu, TLVS) = Py_NewRef(codec->no_tlvs);
        SLOT(codec, pdu, TRAILING) = Py_NewRef(codec->no_octets);
        /* All that it refers to now is octets, integers and an empty tuple: it is part of no cycle, and to look at it
           would be lost time for the collector. (To read a million and keep them takes 0.50 s instead of 0.70 s, a
           full collection then 0.17 s instead of 0.34 s; CPython 3.11.) If somebody assigns a container to one of its
           fields later, that container, and all it refers to, is kept alive by a reference which the collector does
           not see, as by any object that is not the collector's business: nothing is freed too early. Only a cycle
           through this very object would stay, and a PDU is a value that refers to nothing which knows it. */
        PyObject_GC_UnTrack(pdu);
        return 1;
    }
    const unsigned char *rest;
    if ((SLOT(codec, pdu, TLVS) = make_tlvs(codec, at, end, &rest)) == NULL) {
        return 0;
    }
    SLOT(codec, pdu, TRAILING) = PyBytes_FromStringAndSize((const char *)rest, end - rest);
    return SLOT(codec, pdu, TRAILING) != NULL;
}

/* The submit_sm between two places of a buffer; NULL without an exception when it is not sound. */
static PyObject *
make_submit_sm(Codec *codec, const unsigned char *start, const unsigned char *end, uint32_t command_status,
               uint32_t sequence_number, Shared *shared)
{
    Span fields[SLOTS];
    const unsigned char *behind = find_fields(start + HEADER_LENGTH, end, fields);
    if (behind == NULL) {
        return NULL;
    }
    PyObject *pdu = codec->submit_sm->tp_alloc(codec->submit_sm, 0);
    if (pdu == NULL) {
        return NULL;
    }
    if (!fill_header(codec, pdu, command_status, sequence_number) || !fill_fields(codec, pdu, fields, shared) ||
        !fill_end(codec, pdu, behind, end)) {
        Py_DECREF(pdu);
        return NULL;
    }
    return pdu;
}

/* What `receive` was called with, and how far it has come. */
typedef struct {
    Codec *codec;
    int takes_submit_sm;
    int64_t acknowledgement; /* the command_id of the responses that are gathered, -1: none */
    PyObject *entries;       /* sequence_number -> (context, sent_at, response_id) */
    PyObject *acknowledged;  /* makes an event of a list of (context, command_status) */
    PyObject *events;
    PyObject *run; /* the list of the event at hand, if it is one of acknowledgements; a strong reference */
    Py_ssize_t accepted;
    Shared shared;
} Reading;

/* 1: the PDU became an event; 0: it is for Python to read; -1: an exception. */
static int
take_submit_sm(Reading *reading, const unsigned char *start, const unsigned char *end)
{
    PyObject *pdu =
        make_submit_sm(reading->codec, start, end, read_u32(start + 8), read_u32(start + 12), &reading->shared);
    if (pdu == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    int failed = PyList_Append(reading->events, pdu);
    Py_DECREF(pdu);
    if (failed) {
        return -1;
    }
    Py_CLEAR(reading->run);
    reading->accepted++;
    return 1;
}

static int
begin_run(Reading *reading)
{
    reading->run = PyList_New(0);
    if (reading->run == NULL) {
        return -1;
    }
    PyObject *event = PyObject_CallOneArg(reading->acknowledged, reading->run);
    if (event == NULL) {
        return -1;
    }
    int failed = PyList_Append(reading->events, event);
    Py_DECREF(event);
    return failed;
}

/* Append (context, command_status) to the run at hand. */
static int
add_to_run(Reading *reading, PyObject *context, uint32_t command_status)
{
    if (reading->run == NULL && begin_run(reading)) {
        return -1;
    }
    PyObject *status =
        command_status ? PyLong_FromUnsignedLong(command_status) : Py_NewRef(reading->codec->octet[0]);
    if (status == NULL) {
        return -1;
    }
    PyObject *pair = PyTuple_Pack(2, context, status);
    Py_DECREF(status);
    if (pair == NULL) {
        return -1;
    }
    int failed = PyList_Append(reading->run, pair);
    Py_DECREF(pair);
    return failed;
}

/* As take_submit_sm, for a response: it completes a request of ours that waits for just this kind, or is not ours. */
static int
take_acknowledgement(Reading *reading, const unsigned char *start)
{
    PyObject *number = PyLong_FromUnsignedLong(read_u32(start + 12));
    if (number == NULL) {
        return -1;
    }
    int taken = 0;
    PyObject *entry = PyDict_GetItemWithError(reading->entries, number);
    if (entry == NULL) {
        taken = PyErr_Occurred() ? -1 : 0;
    }
    else if (PyTuple_Check(entry) && PyTuple_GET_SIZE(entry) == 3 &&
             u32_of(PyTuple_GET_ITEM(entry, 2)) == reading->acknowledgement) {
        PyObject *context = Py_NewRef(PyTuple_GET_ITEM(entry, 0));
        int failed = add_to_run(reading, context, read_u32(start + 8)) || PyDict_DelItem(reading->entries, number);
        Py_DECREF(context);
        taken = failed ? -1 : 1;
    }
    Py_DECREF(number);
    return taken;
}

/* Read PDU after PDU until the chunk ends or one is for Python to read; gives the place reached, -1: an exception. */
static Py_ssize_t
read_run(Reading *reading, const unsigned char *buffer, Py_ssize_t size, Py_ssize_t longest)
{
    Py_ssize_t at = 0;
    while (size - at >= HEADER_LENGTH) {
        const unsigned char *start = buffer + at;
        Py_ssize_t length = read_u32(start);
        uint32_t command_id = read_u32(start + 4);
        if (length < HEADER_LENGTH || length > longest || length > size - at) {
            break;
        }
        int taken = 0;
        if (command_id == SUBMIT_SM && reading->takes_submit_sm) {
            taken = take_submit_sm(reading, start, start + length);
        }
        else if ((int64_t)command_id == reading->acknowledgement) {
            taken = take_acknowledgement(reading, start);
        }
        if (taken < 0) {
            return -1;
        }
        if (!taken) {
            break;
        }
        at += length;
    }
    return at;
}

static int
check_receive(PyObject *const *args)
{
    if (!PyBytes_Check(args[0]) || !PyDict_Check(args[4]) || !PyList_Check(args[5])) {
        PyErr_SetString(PyExc_TypeError, "receive: bytes, and later a dict and a list, are wanted");
        return -1;
    }
    return 0;
}

const char codec_receive_doc[] = PyDoc_STR(
    "receive($self, buffer, longest, takes_submit_sm, acknowledgement, entries, events, acknowledged, /)\n"
    "--\n\n"
    "Read a chunk from its beginning, up to the first PDU that is for Python, and append to `events`.\n\n"
    "That PDU is one of another command; one that is not sound, or longer than `longest`; one of which the end\n"
    "has not arrived; a submit_sm unless `takes_submit_sm`; a response with the command_id `acknowledgement`\n"
    "(-1: there is none) that no entry of `entries` waits for. Those that one waits for are taken out there, and\n"
    "runs of them become one event, made by `acknowledged` of a list of (context, command_status).\n\n"
    "Returns the offset of what has not been read, and the number of submit_sm.");

PyObject *
codec_receive(Codec *codec, PyObject *const *args, Py_ssize_t nargs)
{
    if (fail_on_arguments("receive", nargs, 7) || check_receive(args)) {
        return NULL;
    }
    Py_ssize_t longest = PyLong_AsSsize_t(args[1]);
    if (longest == -1 && PyErr_Occurred()) {
        return NULL;
    }
    Reading reading = {
        .codec = codec,
        .takes_submit_sm = args[2] == Py_True,
        .acknowledgement = u32_of(args[3]),
        .entries = args[4],
        .events = args[5],
        .acknowledged = args[6],
    };
    const unsigned char *buffer = (const unsigned char *)PyBytes_AS_STRING(args[0]);
    Py_ssize_t position = read_run(&reading, buffer, PyBytes_GET_SIZE(args[0]), longest);
    Py_CLEAR(reading.run);
    forget_shared(&reading.shared);
    return position < 0 ? NULL : Py_BuildValue("(nn)", position, reading.accepted);
}
