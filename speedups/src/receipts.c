/* Bodies of delivery receipts: deliver_sm as SMPP 3.4 appendix B has it, for those originals that are plain text. */

#include "codec.h"

#include <math.h>

#define TEXT_OCTETS 20 /* of the original text that a receipt repeats (appendix B) */
#define LONGEST_ADDRESS 20
#define LONGEST_SERVICE_TYPE 5
#define LONGEST_SHORT_MESSAGE 254
#define LONGEST_ID 64
#define LONGEST_TAIL 65536
#define UDHI 0x40
#define ESCAPE 0x1b /* the first half of a character: it must not stand alone where the text is cut */
#define RECEIPTED_MESSAGE_ID 0x001e
#define BEHIND_ESM_CLASS 8 /* protocol_id to sm_default_msg_id: not used in a receipt, all 0 */

/* What the receipts of one minute that fare alike have in common. */
typedef struct {
    double accepted_minute, final_minute;
    int64_t state, error_code;
    PyObject *middle; /* of the text, between the message_id and the original's beginning */
    PyObject *tail;   /* TLVs behind receipted_message_id */
} Wording;

typedef struct {
    const unsigned char *at;
    Py_ssize_t length;
} Octets;

/* A floor division by 60 in the very steps of Python's. */
static double
minute_of(double seconds)
{
    double rest = fmod(seconds, 60.0);
    if (rest < 0.0) {
        rest += 60.0;
    }
    return nearbyint((seconds - rest) / 60.0);
}

/* An octet string of so many octets at most; 0 when the value is none. */
static int
octets_of(PyObject *value, Py_ssize_t most, Octets *octets)
{
    if (value == NULL || !PyBytes_CheckExact(value) || PyBytes_GET_SIZE(value) > most) {
        return 0;
    }
    octets->at = (const unsigned char *)PyBytes_AS_STRING(value);
    octets->length = PyBytes_GET_SIZE(value);
    return 1;
}

/* The beginning of the original's text, if that is easily said: one short message in the default alphabet. */
static int
beginning_of(Codec *codec, PyObject *pdu, Octets *text)
{
    int esm_class = octet_of(SLOT(codec, pdu, ESM_CLASS));
    if (esm_class < 0 || esm_class >= UDHI || octet_of(SLOT(codec, pdu, DATA_CODING)) != 0 ||
        SLOT(codec, pdu, TLVS) != codec->no_tlvs || !octets_of(SLOT(codec, pdu, SHORT_MESSAGE), PY_SSIZE_T_MAX, text)) {
        return 0;
    }
    if (text->length > TEXT_OCTETS) {
        text->length = TEXT_OCTETS;
    }
    if (text->length && text->at[text->length - 1] == ESCAPE) {
        text->length--;
    }
    return 1;
}

static unsigned char *
put(unsigned char *at, Octets octets)
{
    memcpy(at, octets.at, (size_t)octets.length);
    return at + octets.length;
}

static unsigned char *
put_address(unsigned char *at, int ton, int npi, Octets address)
{
    *at++ = (unsigned char)ton;
    *at++ = (unsigned char)npi;
    at = put(at, address);
    *at++ = 0;
    return at;
}

/* The body; None when something is not usual. */
static PyObject *
write_body(Codec *codec, PyObject *pdu, PyObject *message_id, const Wording *wording, int esm_class, int with_tlvs)
{
    Octets service_type, source, destination, id, middle, text, tail;
    int source_ton = octet_of(SLOT(codec, pdu, SOURCE_ADDR_TON));
    int source_npi = octet_of(SLOT(codec, pdu, SOURCE_ADDR_NPI));
    int dest_ton = octet_of(SLOT(codec, pdu, DEST_ADDR_TON));
    int dest_npi = octet_of(SLOT(codec, pdu, DEST_ADDR_NPI));
    if (source_ton < 0 || source_npi < 0 || dest_ton < 0 || dest_npi < 0 || !beginning_of(codec, pdu, &text) ||
        !octets_of(SLOT(codec, pdu, SERVICE_TYPE), LONGEST_SERVICE_TYPE, &service_type) ||
        !octets_of(SLOT(codec, pdu, SOURCE_ADDR), LONGEST_ADDRESS, &source) ||
        !octets_of(SLOT(codec, pdu, DESTINATION_ADDR), LONGEST_ADDRESS, &destination) ||
        !octets_of(message_id, LONGEST_ID, &id) || !octets_of(wording->middle, LONGEST_SHORT_MESSAGE, &middle) ||
        !octets_of(wording->tail, LONGEST_TAIL, &tail)) {
        Py_RETURN_NONE;
    }
    Py_ssize_t text_length = 3 + id.length + 1 + middle.length + text.length;
    if (text_length > LONGEST_SHORT_MESSAGE) {
        Py_RETURN_NONE;
    }
    Py_ssize_t size = service_type.length + 1 + 3 + destination.length + 3 + source.length + 1 + BEHIND_ESM_CLASS + 1 +
                      text_length;
    if (with_tlvs) {
        size += 4 + id.length + 1 + tail.length;
    }
    PyObject *body = PyBytes_FromStringAndSize(NULL, size);
    if (body == NULL) {
        return NULL;
    }
    unsigned char *at = put((unsigned char *)PyBytes_AS_STRING(body), service_type);
    *at++ = 0;
    at = put_address(at, dest_ton, dest_npi, destination);
    at = put_address(at, source_ton, source_npi, source);
    *at++ = (unsigned char)esm_class;
    memset(at, 0, BEHIND_ESM_CLASS);
    at += BEHIND_ESM_CLASS;
    *at++ = (unsigned char)text_length;
    memcpy(at, "id:", 3);
    at = put(at + 3, id);
    *at++ = ' ';
    at = put(at, middle);
    at = put(at, text);
    if (with_tlvs) {
        *at++ = RECEIPTED_MESSAGE_ID >> 8;
        *at++ = RECEIPTED_MESSAGE_ID & 0xff;
        *at++ = 0;
        *at++ = (unsigned char)(id.length + 1);
        at = put(at, id);
        *at++ = 0;
        put(at, tail);
    }
    return body;
}

static void
forget_wording(Wording *wording)
{
    Py_CLEAR(wording->middle);
    Py_CLEAR(wording->tail);
}

/* Ask for the wording, unless it is that of the record before. -1: an exception; 0: not usual; 1: it is there. */
static int
find_wording(PyObject *record, PyObject *const *fact, PyObject *ask, Wording *wording)
{
    if (!PyFloat_Check(fact[ACCEPTED_WALL]) || !PyFloat_Check(fact[FINAL_WALL])) {
        return 0;
    }
    double accepted_minute = minute_of(PyFloat_AS_DOUBLE(fact[ACCEPTED_WALL]));
    double final_minute = minute_of(PyFloat_AS_DOUBLE(fact[FINAL_WALL]));
    int64_t state = u32_of(fact[STATE]), error_code = u32_of(fact[ERROR_CODE]);
    if (state < 0 || error_code < 0) {
        return 0;
    }
    if (wording->middle != NULL && wording->accepted_minute == accepted_minute &&
        wording->final_minute == final_minute && wording->state == state && wording->error_code == error_code) {
        return 1;
    }
    forget_wording(wording);
    PyObject *pair = PyObject_CallOneArg(ask, record);
    if (pair == NULL) {
        return -1;
    }
    if (PyTuple_Check(pair) && PyTuple_GET_SIZE(pair) == 2) {
        wording->middle = Py_NewRef(PyTuple_GET_ITEM(pair, 0));
        wording->tail = Py_NewRef(PyTuple_GET_ITEM(pair, 1));
    }
    Py_DECREF(pair);
    wording->accepted_minute = accepted_minute;
    wording->final_minute = final_minute;
    wording->state = state;
    wording->error_code = error_code;
    return wording->middle != NULL;
}

/* What receipt_bodies was called with. */
typedef struct {
    PyObject *ask;       /* for the wording */
    PyObject *otherwise; /* writes what is not for us */
    int esm_class, with_tlvs;
} Order;

static PyObject *
body_of(Codec *codec, PyObject *record, const Order *order, Wording *wording)
{
    PyObject *fact[FACTS] = {NULL};
    PyObject *body = NULL;
    int found = 1;
    for (int name = 0; found >= 0 && name < FACTS; name++) {
        fact[name] = PyObject_GetAttr(record, codec->fact_names[name]);
        found = fact[name] != NULL ? 1 : -1;
    }
    if (found > 0 && Py_TYPE(fact[PDU]) != codec->submit_sm) {
        found = 0;
    }
    if (found > 0) {
        found = find_wording(record, fact, order->ask, wording);
    }
    if (found > 0) {
        body = write_body(codec, fact[PDU], fact[MESSAGE_ID], wording, order->esm_class, order->with_tlvs);
    }
    if (found == 0 || body == Py_None) {
        Py_XDECREF(body);
        body = PyObject_CallOneArg(order->otherwise, record);
    }
    for (int name = 0; name < FACTS; name++) {
        Py_XDECREF(fact[name]);
    }
    return body;
}

const char codec_receipt_bodies_doc[] = PyDoc_STR(
    "receipt_bodies($self, records, wording, otherwise, esm_class, with_tlvs, /)\n"
    "--\n\n"
    "The bodies of delivery receipts.\n\n"
    "See smppwire.bulk.receipt_bodies. Whatever is not usual in a record, `otherwise` is called to write.");

PyObject *
codec_receipt_bodies(Codec *codec, PyObject *const *args, Py_ssize_t nargs)
{
    if (fail_on_arguments("receipt_bodies", nargs, 5)) {
        return NULL;
    }
    const Order order = {args[1], args[2], octet_of(args[3]), args[4] == Py_True};
    if (order.esm_class < 0) {
        PyErr_SetString(PyExc_ValueError, "receipt_bodies: an esm_class of one octet is wanted");
        return NULL;
    }
    PyObject *records = PySequence_List(args[0]); /* of our own: the attributes of a record may be anybody's code */
    PyObject *bodies = records != NULL ? PyList_New(PyList_GET_SIZE(records)) : NULL;
    Wording wording = {0};
    for (Py_ssize_t index = 0; bodies != NULL && index < PyList_GET_SIZE(records); index++) {
        PyObject *body = body_of(codec, PyList_GET_ITEM(records, index), &order, &wording);
        if (body == NULL) {
            Py_CLEAR(bodies);
            break;
        }
        PyList_SET_ITEM(bodies, index, body);
    }
    forget_wording(&wording);
    Py_XDECREF(records);
    return bodies;
}
