"""What values mean, in words: the reading voice of the dissector.

Every function takes the value of one field and answers a short phrase, "" when there is nothing to add. They never
raise and never judge: whether a value is legal is written in the grammar, next to the field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from smppwire import smpp_time
from smppwire.constants import status_name

Words = Callable[[int], str]

RESERVED: Final = "reserved"

TON: Final = {
    0: "unknown",
    1: "international",
    2: "national",
    3: "network specific",
    4: "subscriber number",
    5: "alphanumeric",
    6: "abbreviated",
}

NPI: Final = {
    0: "unknown",
    1: "ISDN (E.163/E.164)",
    3: "data (X.121)",
    4: "telex (F.69)",
    6: "land mobile (E.212)",
    8: "national",
    9: "private",
    10: "ERMES",
    14: "Internet (IP)",
    18: "WAP client id",
}

PRIORITY: Final = {
    0: "lowest: non-priority (GSM), bulk (ANSI-136), normal (IS-95)",
    1: "priority (GSM), normal (ANSI-136), interactive (IS-95)",
    2: "priority (GSM), urgent (ANSI-136 and IS-95)",
    3: "highest: priority (GSM), very urgent (ANSI-136), emergency (IS-95)",
    4: "cell broadcast background [5.0]",
}

REPLACE: Final = {0: "do not replace", 1: "replace"}

MESSAGE_STATE: Final = {
    0: "SCHEDULED [5.0]",
    1: "ENROUTE",
    2: "DELIVERED",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIVERABLE",
    6: "ACCEPTED",
    7: "UNKNOWN",
    8: "REJECTED",
    9: "SKIPPED [5.0]",
}

DEST_FLAG: Final = {1: "SME address", 2: "distribution list"}

SERVICE_TYPE: Final = {
    "": "default",
    "CMT": "cellular messaging",
    "CPT": "cellular paging",
    "VMN": "voice mail notification",
    "VMA": "voice mail alerting",
    "WAP": "wireless application protocol",
    "USSD": "unstructured supplementary services data",
    "CBS": "cell broadcast [5.0]",
    "GUTS": "generic UDP transport [5.0]",
}

ESM_MODE: Final = ("default mode", "datagram mode", "transaction mode", "store and forward mode")

ESM_TYPE: Final = {
    0x00: "",
    0x04: "SMSC delivery receipt",
    0x08: "SME delivery acknowledgement",
    0x10: "SME manual or user acknowledgement",
    0x18: "conversation abort",
    0x20: "intermediate delivery notification",
}

ESM_TYPE_BITS: Final = 0x3C
UDHI: Final = 0x40
REPLY_PATH: Final = 0x80

RECEIPT_WANTED: Final = (
    "no receipt",
    "receipt on success and failure",
    "receipt on failure",
    "receipt on success [5.0]",
)

SME_ACK_WANTED: Final = ("", "SME delivery acknowledgement", "SME manual acknowledgement", "both SME acknowledgements")

DATA_CODING: Final = {
    0x00: "SMSC default alphabet",
    0x01: "IA5 (ASCII)",
    0x02: "8-bit binary",
    0x03: "Latin-1 (ISO-8859-1)",
    0x04: "8-bit binary",
    0x05: "JIS (X 0208)",
    0x06: "Cyrillic (ISO-8859-5)",
    0x07: "Latin/Hebrew (ISO-8859-8)",
    0x08: "UCS-2",
    0x09: "pictogram",
    0x0A: "ISO-2022-JP (music codes)",
    0x0D: "extended kanji (JIS X 0212)",
    0x0E: "KS C 5601",
}

_WAITING_TYPE: Final = ("voicemail", "fax", "e-mail", "other")
_GSM_FIRST_REPLACE: Final = 0x41
_GSM_LAST_REPLACE: Final = 0x47

_INTERFACE_3_3: Final = 0x33
_INTERFACE_VERSIONS: Final = {0x34: "3.4", 0x50: "5.0"}


def nothing(_value: object) -> str:
    """For values that speak for themselves."""
    return ""


def table(entries: Mapping[int, str], otherwise: str = RESERVED) -> Words:
    """Words looked up in ``entries``; ``otherwise`` for a value that is not there."""

    def words(value: int) -> str:
        return entries.get(value, otherwise)

    return words


def unit(singular: str, plural: str) -> Words:
    """Words for a number of things."""

    def words(value: int) -> str:
        return f"{value} {singular if value == 1 else plural}"

    return words


def service_type(value: bytes) -> str:
    """service_type (5.2.11): the generic ones; anything else is the carrier's own."""
    return SERVICE_TYPE.get(value.decode("latin-1"), "carrier specific")


def esm_class(value: int) -> str:
    """esm_class (5.2.12): mode, type and features, such as "default mode, UDHI"."""
    parts = [ESM_MODE[value & 0x03], ESM_TYPE.get(value & ESM_TYPE_BITS, "reserved message type")]
    if value & UDHI:
        parts.append("UDHI")
    if value & REPLY_PATH:
        parts.append("reply path")
    return ", ".join(filter(None, parts))


def registered_delivery(value: int) -> str:
    """registered_delivery (5.2.17): what the sender wants to hear back."""
    parts = [RECEIPT_WANTED[value & 0x03], SME_ACK_WANTED[value >> 2 & 0x03]]
    if value & 0x30:
        parts.append("intermediate notification")
    if value & 0xC0:
        parts.append("reserved bits")
    return ", ".join(filter(None, parts))


def data_coding(value: int) -> str:
    """data_coding (5.2.19), with GSM 03.38's message waiting and message class groups."""
    if value in DATA_CODING:
        return DATA_CODING[value]
    if 0xC0 <= value <= 0xDF:
        switch = "on" if value & 0x08 else "off"
        return f"GSM message waiting: {_WAITING_TYPE[value & 0x03]} {switch}"
    if value >= 0xF0:
        alphabet = "8-bit data" if value & 0x04 else "GSM 7-bit"
        flash = " (flash)" if not value & 0x03 else ""
        return f"GSM message class {value & 0x03}{flash}, {alphabet}"
    if value in {0x10, 0x18}:
        alphabet = "UCS-2" if value & 0x08 else "GSM 7-bit"
        return f"reserved; GSM 03.38 general group: class 0 (flash), {alphabet}"
    return RESERVED


def data_coding_reserved(value: int) -> bool:
    """Whether SMPP 3.4 gives this data_coding no meaning."""
    return data_coding(value).startswith(RESERVED)


def protocol_id(value: int) -> str:
    """protocol_id: GSM 03.40 TP-PID, of which only the short message group is spelled out."""
    if value == 0:
        return "default"
    if value == 0x40:
        return "GSM short message type 0 (silent)"
    if _GSM_FIRST_REPLACE <= value <= _GSM_LAST_REPLACE:
        return f"GSM replace short message type {value - 0x40}"
    return {0x5F: "GSM return call", 0x7F: "GSM SIM data download"}.get(value, "network specific")


def interface_version(value: int) -> str:
    """interface_version (5.2.4)."""
    if value <= _INTERFACE_3_3:
        return "3.3 or earlier"
    return _INTERFACE_VERSIONS.get(value, RESERVED)


def interface_version_reserved(value: int) -> bool:
    """Whether no version has this number."""
    return interface_version(value) == RESERVED


def default_message(value: int) -> str:
    """sm_default_msg_id."""
    return "none" if value == 0 else f"canned message {value}"


def error_code(value: int) -> str:
    """error_code of a query_sm_resp: network specific."""
    return "none" if value == 0 else "network specific"


def time(value: bytes) -> str:
    """A time (7.1.1) in ISO 8601: the moment in UTC, or the duration of a relative time. "" when it is neither."""
    if not value:
        return "none"
    try:
        if value.endswith(b"R"):
            return _duration(smpp_time.parse_relative(value))
        moment = smpp_time.parse_final_date(value)
    except smpp_time.SmppTimeError:
        return ""
    return moment.isoformat() if moment else ""


def _duration(parts: smpp_time.RelativeTime) -> str:
    """``P1Y2M3DT4H5M6S`` without the parts that are nothing."""
    days = "".join(f"{n}{letter}" for n, letter in zip(parts[:3], "YMD", strict=True) if n)
    clock = "".join(f"{n}{letter}" for n, letter in zip(parts[3:], "HMS", strict=True) if n)
    return f"P{days}{'T' if clock else ''}{clock}" if days or clock else "PT0S"


def status(value: int) -> str:
    """A command_status."""
    return status_name(value)


# -- TLVs --------------------------------------------------------------------------------------------------------------

SUBUNIT: Final = {0: "unknown", 1: "MS display", 2: "mobile equipment", 3: "smart card", 4: "external unit"}

NETWORK_TYPE: Final = {
    0: "unknown",
    1: "GSM",
    2: "ANSI-136/TDMA",
    3: "IS-95/CDMA",
    4: "PDC",
    5: "PHS",
    6: "iDEN",
    7: "AMPS",
    8: "paging network",
}

BEARER_TYPE: Final = {
    0: "unknown",
    1: "SMS",
    2: "circuit switched data",
    3: "packet data",
    4: "USSD",
    5: "CDPD",
    6: "DataTAC",
    7: "FLEX/ReFLEX",
    8: "cell broadcast",
}

PAYLOAD_TYPE: Final = {0: "default (WDP when it comes from a WAP application)", 1: "WCMP"}

PRIVACY: Final = {0: "not restricted", 1: "restricted", 2: "confidential", 3: "secret"}

SUBADDRESS: Final = {0x80: "NSAP even", 0x88: "NSAP odd", 0xA0: "user specified"}

LANGUAGE: Final = {0: "unspecified", 1: "English", 2: "French", 3: "Spanish", 4: "German", 5: "Portuguese"}

PRESENTATION: Final = ("presentation allowed", "presentation restricted", "number not available", RESERVED)

SCREENING: Final = ("user provided, not screened", "user provided, passed", "user provided, failed", "network provided")

DPF_RESULT: Final = {0: "delivery pending flag not set", 1: "delivery pending flag set"}

SET_DPF: Final = {0: "not requested", 1: "set the delivery pending flag on failure"}

AVAILABILITY: Final = {0: "available", 1: "denied (suspended, no SMS capability ...)", 2: "unavailable"}

NETWORK_ERROR: Final = {
    1: "ANSI-136 access denied reason",
    2: "IS-95 access denied reason",
    3: "GSM",
    4: "ANSI-136 cause code [5.0]",
    5: "IS-95 cause code [5.0]",
    6: "ANSI-41 error [5.0]",
    7: "SMPP error [5.0]",
    8: "message centre specific [5.0]",
}

DELIVERY_FAILURE: Final = {
    0: "destination unavailable",
    1: "destination address invalid",
    2: "permanent network error",
    3: "temporary network error",
}

MORE_MESSAGES: Final = {0: "no more messages", 1: "more messages follow"}

USSD_OPERATION: Final = {
    0: "PSSD indication",
    1: "PSSR indication",
    2: "USSR request",
    3: "USSN request",
    16: "PSSD response",
    17: "PSSR response",
    18: "USSR confirm",
    19: "USSN confirm",
}

CHANNEL: Final = {0: "basic", 1: "extended"}

BROADCAST_NETWORK: Final = {0: "generic", 1: "GSM", 2: "TDMA", 3: "CDMA"}

BROADCAST_CLASS: Final = {0: "no class", 1: "class 1 (user)", 2: "class 2 (user)", 3: "class 3 (TE specific)"}

TIME_UNIT: Final = {
    0x00: "as often as possible",
    0x08: "seconds",
    0x09: "minutes",
    0x0A: "hours",
    0x0B: "days",
    0x0C: "weeks",
    0x0D: "months",
    0x0E: "years",
}

AREA_FORMAT: Final = {0: "alias or name", 1: "ellipsoid arc", 2: "polygon"}

NUMBER_PORTABILITY: Final = {0: "not queried", 1: "queried, not ported", 2: "queried, ported"}

DISPLAY_TIME: Final = {0: "temporary", 1: "default", 2: "invoke"}

MS_VALIDITY: Final = {
    0: "store indefinitely",
    1: "power down",
    2: "registration area",
    3: "display only",
    4: "relative time period [5.0]",
}

ALERT: Final = {0: "default", 1: "low", 2: "medium", 3: "high"}

ITS_REPLY: Final = {
    0: "digit",
    1: "number",
    2: "telephone number",
    3: "password",
    4: "character line",
    5: "menu",
    6: "date",
    7: "time",
    8: "continue",
}

_UNKNOWN_SHARE: Final = 255
_HUNDRED_PERCENT: Final = 100
# The first level of congestion_state that is no longer called what stands beside it.
_CONGESTION_LEVELS: Final = (
    (1, "idle"),
    (30, "low load"),
    (50, "medium load"),
    (80, "high load"),
    (90, "optimum load"),
)


def telematics(value: int) -> str:
    """dest_telematics_id as 5.0 reads it: octet 1 is the protocol id."""
    return f"protocol id {value >> 8}" if value >> 8 else f"telematics id {value}"


def waiting(value: int) -> str:
    """ms_msg_wait_facilities (5.3.2.13): I00000TT."""
    return f"{_WAITING_TYPE[value & 0x03]} waiting: {'on' if value & 0x80 else 'off'}"


def callback_presentation(value: int) -> str:
    """callback_num_pres_ind (5.3.2.37): 0000ppss."""
    return f"{PRESENTATION[value >> 2 & 0x03]}, {SCREENING[value & 0x03]}"


def callback_number(value: bytes) -> str:
    """callback_num (5.3.2.36): digit mode, type of number, plan, then the digits."""
    if len(value) < 3:
        return ""
    mode = "ASCII" if value[0] & 1 else "TBCD"
    digits = value[3:].decode("latin-1") if value[0] & 1 else value[3:].hex()
    return f"{digits} ({mode}, TON {TON.get(value[1], RESERVED)}, NPI {NPI.get(value[2], RESERVED)})"


def callback_tag(value: bytes) -> str:
    """callback_num_atag (5.3.2.38): a data_coding, then the display tag."""
    return f"{data_coding(value[0])}: {value[1:].decode('latin-1')}" if value else ""


def subaddress(value: bytes) -> str:
    """source_subaddress, dest_subaddress (5.3.2.15): the type of what follows."""
    return SUBADDRESS.get(value[0], "reserved type") if value else ""


def network_error(value: bytes) -> str:
    """network_error_code (5.3.2.31): type of network, then its error."""
    if len(value) != 3:
        return ""
    return f"{NETWORK_ERROR.get(value[0], 'reserved network type')}, error {int.from_bytes(value[1:], 'big')}"


def ussd_operation(value: int) -> str:
    """ussd_service_op (5.3.2.44)."""
    return USSD_OPERATION.get(value, "vendor specific" if value >= 32 else RESERVED)


def congestion(value: int) -> str:
    """congestion_state (5.0, 4.8.4.18)."""
    for limit, words in _CONGESTION_LEVELS:
        if value < limit:
            return words
    if value < _HUNDRED_PERCENT:
        return "nearing congestion"
    return "congested" if value == _HUNDRED_PERCENT else RESERVED


def broadcast_content(value: bytes) -> str:
    """broadcast_content_type (5.0, 4.8.4.5): network, then the type of content."""
    if len(value) != 3:
        return ""
    network = BROADCAST_NETWORK.get(value[0], "reserved network")
    return f"{network}, content type {int.from_bytes(value[1:], 'big')}"


def interval(value: bytes) -> str:
    """broadcast_frequency_interval (5.0, 4.8.4.8): a unit of time, then how many."""
    if len(value) != 3:
        return ""
    words = TIME_UNIT.get(value[0], "reserved unit")
    return f"every {int.from_bytes(value[1:], 'big')} {words}" if value[0] else words


def area(value: bytes) -> str:
    """broadcast_area_identifier (5.0, 4.8.4.4): the format, then the area."""
    if not value:
        return ""
    name = f" {value[1:].decode('latin-1')}" if value[0] == 0 else ""
    return AREA_FORMAT.get(value[0], "reserved format") + name


def area_success(value: int) -> str:
    """broadcast_area_success (5.0, 4.8.4.3)."""
    if value == _UNKNOWN_SHARE:
        return "not available"
    return f"{value} %" if value <= _HUNDRED_PERCENT else RESERVED


def billing(value: bytes) -> str:
    """billing_identification (5.0, 4.8.4.2): bit 7 of the first octet marks a vendor's format."""
    if not value:
        return ""
    return "vendor specific format" if value[0] & 0x80 else "reserved format"


def validity(value: int) -> str:
    """ms_validity (5.3.2.27): one octet of behaviour; in 5.0's long form a unit of time and how many follow it."""
    if value <= 0xFF:
        return MS_VALIDITY.get(value, RESERVED)
    behaviour, unit, count = value >> 24, value >> 16 & 0xFF, value & 0xFFFF
    return f"{MS_VALIDITY.get(behaviour, RESERVED)}: {count} {TIME_UNIT.get(unit, 'reserved unit')}"


def its_session(value: bytes) -> str:
    """its_session_info (5.3.2.43): session, then sequence number (7 bits) and end of session (1 bit)."""
    if len(value) != 2:
        return ""
    end = ", end of session" if value[1] & 1 else ""
    return f"session {value[0]}, sequence {value[1] >> 1}{end}"


def characters(value: bytes) -> str:
    """Octets that are meant to be read as characters."""
    return value.decode("latin-1")
