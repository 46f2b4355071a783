/* What the files of the module share: the layout of a submit_sm in memory, and how its fields lie on the wire. */

#ifndef SMPPWIRE_SPEEDUPS_CODEC_H
#define SMPPWIRE_SPEEDUPS_CODEC_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#ifdef Py_GIL_DISABLED
#error "smppwire_speedups needs the global interpreter lock; on a free-threaded CPython smppwire does without it"
#endif

#include <stdint.h>
#include <string.h>

#define API 1 /* what smppwire.speedups asks for: to be raised whenever a signature or a meaning changes */

#define HEADER_LENGTH 16
#define SUBMIT_SM 0x00000004u
#define SUBMIT_SM_RESP 0x80000004u

/* The attributes of smppwire.pdus.SubmitSm, in its order: that of the wire (SMPP 3.4, 4.4.1). */
enum slot {
    SEQUENCE_NUMBER,
    COMMAND_STATUS,
    SERVICE_TYPE,
    SOURCE_ADDR_TON,
    SOURCE_ADDR_NPI,
    SOURCE_ADDR,
    DEST_ADDR_TON,
    DEST_ADDR_NPI,
    DESTINATION_ADDR,
    ESM_CLASS,
    PROTOCOL_ID,
    PRIORITY_FLAG,
    SCHEDULE_DELIVERY_TIME,
    VALIDITY_PERIOD,
    REGISTERED_DELIVERY,
    REPLACE_IF_PRESENT_FLAG,
    DATA_CODING,
    SM_DEFAULT_MSG_ID,
    SHORT_MESSAGE,
    TLVS,
    TRAILING,
    SLOTS
};

#define FIRST_FIELD SERVICE_TYPE
#define LAST_FIELD SHORT_MESSAGE
#define FIELDS (LAST_FIELD - FIRST_FIELD + 1)

enum kind { INTEGER, C_OCTETS, OCTETS };

typedef struct {
    const char *name;
    enum kind kind; /* of a field; without meaning for the others */
} Slot;

extern const Slot SLOT_TABLE[SLOTS];

/* The attributes of what a receipt reports on. */
enum fact { PDU, MESSAGE_ID, STATE, ERROR_CODE, ACCEPTED_WALL, FINAL_WALL, FACTS };

/* Knows where the slots of the class are that it was made for. */
typedef struct {
    PyObject_HEAD
    PyTypeObject *submit_sm;
    PyTypeObject *tlv;
    Py_ssize_t offset[SLOTS];
    PyObject *octet[256]; /* the integers a field of one octet can have */
    PyObject *no_octets;
    PyObject *no_tlvs;
    PyObject *fact_names[FACTS];
} Codec;

/* The reference that a slot holds; NULL when the attribute has been deleted. */
#define SLOT(codec, pdu, slot) (*(PyObject **)((char *)(pdu) + (codec)->offset[slot]))

static inline uint32_t
read_u32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline unsigned
read_u16(const unsigned char *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static inline void
write_u32(unsigned char *at, uint32_t value)
{
    at[0] = (unsigned char)(value >> 24);
    at[1] = (unsigned char)(value >> 16);
    at[2] = (unsigned char)(value >> 8);
    at[3] = (unsigned char)value;
}

static inline void
write_header(unsigned char *at, Py_ssize_t length, uint32_t command_id, uint32_t status, uint32_t sequence_number)
{
    write_u32(at, (uint32_t)length);
    write_u32(at + 4, command_id);
    write_u32(at + 8, status);
    write_u32(at + 12, sequence_number);
}

/* The value of an int that fits 32 bits without a sign; -1 for anything else, without an exception. */
static inline int64_t
u32_of(PyObject *value)
{
    if (value == NULL || !PyLong_Check(value)) {
        return -1;
    }
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    return overflow || number < 0 || number > UINT32_MAX ? -1 : (int64_t)number;
}

/* The value of an int of one octet; -1 for anything else, without an exception. */
static inline int
octet_of(PyObject *value)
{
    if (value == NULL || !PyLong_CheckExact(value)) {
        return -1;
    }
    int overflow;
    long number = PyLong_AsLongAndOverflow(value, &overflow);
    return overflow || number < 0 || number > 255 ? -1 : (int)number;
}

int fail_on_arguments(const char *name, Py_ssize_t given, Py_ssize_t wanted);

extern const char codec_receive_doc[];
PyObject *codec_receive(Codec *, PyObject *const *, Py_ssize_t);
extern const char codec_doubtful_doc[];
PyObject *codec_doubtful(Codec *, PyObject *const *, Py_ssize_t);
extern const char codec_submit_sm_resps_doc[];
PyObject *codec_submit_sm_resps(Codec *, PyObject *const *, Py_ssize_t);
extern const char codec_requests_doc[];
PyObject *codec_requests(Codec *, PyObject *const *, Py_ssize_t);
extern const char codec_receipt_bodies_doc[];
PyObject *codec_receipt_bodies(Codec *, PyObject *const *, Py_ssize_t);

#endif
