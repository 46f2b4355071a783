"""The table: one row per field of every PDU, one row per TLV. Everything else in the codec follows from it.

Sizes are octets and include the terminating NUL of C-octet strings. Clauses are those of SMPP 3.4 unless they begin
with "5.0". ``status`` is what the specification wants to be answered when a value is wrong; ``rule`` names the
judgement in ``smppwire.validation``; no rule, no limit on the value beyond its size.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Final, NamedTuple

from smppwire.constants import RESPONSE_BIT, CommandId, CommandStatus, InterfaceVersion, TlvTag
from smppwire.pdus import PDU_CLASSES

V34: Final = InterfaceVersion.SMPP_3_4
V50: Final = InterfaceVersion.SMPP_5_0


class Kind(Enum):
    """How a field lies on the wire (3.1)."""

    C_OCTETS = "C-octet string"  # up to and including a NUL
    INTEGER = "integer"  # big endian, unsigned, `size` octets
    COUNT = "count"  # one octet: how many octets or elements the next field has; no attribute of the PDU
    OCTETS = "octet string"  # as many octets as the count before it says
    DESTINATIONS = "dest_address"  # as many submit_multi destinations as the count before it says
    UNSUCCESSFUL = "unsuccess_sme"  # as many failed destinations as the count before it says


class Rule(Enum):
    """Names of the judgements on values; ``smppwire.validation`` holds one function for each."""

    ANY = "any"
    PASSWORD = "password"  # noqa: S105 - the name of a field
    TON = "ton"
    NPI = "npi"
    SOURCE_ADDRESS = "source address"
    DESTINATION_ADDRESS = "destination address"
    DESTINATION_UNLESS_MESSAGE_ID = "destination address unless message_id"
    ESM_CLASS_SUBMIT = "esm_class of submit_sm"
    ESM_CLASS_MULTI = "esm_class of submit_multi"
    ESM_CLASS_DATA = "esm_class of data_sm"
    ESM_CLASS_DELIVER = "esm_class of deliver_sm"
    PRIORITY_FLAG = "priority_flag"
    TIME = "time"
    FINAL_DATE = "final_date"
    REGISTERED_DELIVERY = "registered_delivery"
    REPLACE_IF_PRESENT = "replace_if_present_flag"
    DATA_CODING = "data_coding"
    SM_DEFAULT_MSG_ID = "sm_default_msg_id"
    SHORT_MESSAGE = "short_message"
    TEXT_LENGTH = "length of short_message"
    DESTINATIONS = "dest_address"
    DL_NAME = "dl_name"


class Field(NamedTuple):
    """One mandatory parameter. ``size``: most octets (C-octet strings with NUL), or most elements of a list."""

    name: str
    kind: Kind
    size: int
    status: CommandStatus
    clause: str
    rule: Rule = Rule.ANY


class PduSpec(NamedTuple):
    """One PDU: its mandatory fields in wire order.

    ``required_tlvs`` by version from which they are required. ``forgiving``: with status 0, too, an unreadable body is
    kept as ``trailing`` instead of being an error (ESMEs send anything as the unused body of a deliver_sm_resp).
    """

    command_id: CommandId
    clause: str
    fields: tuple[Field, ...]
    since: int = V34
    required_tlvs: tuple[TlvTag, ...] = ()
    required_since: int = V34
    forgiving: bool = False

    @property
    def name(self) -> str:
        """Name in the specification's spelling."""
        return self.command_id.name.lower()

    @property
    def is_response(self) -> bool:
        """Whether this PDU answers another one (generic_nack included)."""
        return bool(self.command_id & RESPONSE_BIT)

    @property
    def pdu_class(self) -> type[Any]:
        """The dataclass that holds it; its constructor takes sequence_number, command_status, then ``attributes``."""
        return PDU_CLASSES[self.command_id]

    @property
    def attributes(self) -> tuple[Field, ...]:
        """The fields that are attributes of the PDU: all but the counts."""
        return tuple(field for field in self.fields if field.kind is not Kind.COUNT)


_S = CommandStatus
_C = Kind.C_OCTETS
_I = Kind.INTEGER

# --------------------------------------------------------------------------- mandatory parameters (5.2)

SYSTEM_ID: Final = Field("system_id", _C, 16, _S.ESME_RINVSYSID, "5.2.1")
PASSWORD: Final = Field("password", _C, 9, _S.ESME_RINVPASWD, "5.2.2", Rule.PASSWORD)
SYSTEM_TYPE: Final = Field("system_type", _C, 13, _S.ESME_RINVSYSTYP, "5.2.3")
INTERFACE_VERSION: Final = Field("interface_version", _I, 1, _S.ESME_RBINDFAIL, "5.2.4")
ADDR_TON: Final = Field("addr_ton", _I, 1, _S.ESME_RBINDFAIL, "5.2.5", Rule.TON)
ADDR_NPI: Final = Field("addr_npi", _I, 1, _S.ESME_RBINDFAIL, "5.2.6", Rule.NPI)
ADDRESS_RANGE: Final = Field("address_range", _C, 41, _S.ESME_RBINDFAIL, "5.2.7")

SERVICE_TYPE: Final = Field("service_type", _C, 6, _S.ESME_RINVSERTYP, "5.2.11")
SOURCE_ADDR_TON: Final = Field("source_addr_ton", _I, 1, _S.ESME_RINVSRCTON, "5.2.5", Rule.TON)
SOURCE_ADDR_NPI: Final = Field("source_addr_npi", _I, 1, _S.ESME_RINVSRCNPI, "5.2.6", Rule.NPI)
SOURCE_ADDR: Final = Field("source_addr", _C, 21, _S.ESME_RINVSRCADR, "5.2.8", Rule.SOURCE_ADDRESS)
SOURCE_ADDR_65: Final = SOURCE_ADDR._replace(size=65)
DEST_ADDR_TON: Final = Field("dest_addr_ton", _I, 1, _S.ESME_RINVDSTTON, "5.2.5", Rule.TON)
DEST_ADDR_NPI: Final = Field("dest_addr_npi", _I, 1, _S.ESME_RINVDSTNPI, "5.2.6", Rule.NPI)
DESTINATION_ADDR: Final = Field("destination_addr", _C, 21, _S.ESME_RINVDSTADR, "5.2.9", Rule.DESTINATION_ADDRESS)
DESTINATION_ADDR_65: Final = DESTINATION_ADDR._replace(size=65)
ESME_ADDR_TON: Final = Field("esme_addr_ton", _I, 1, _S.ESME_RINVDSTTON, "5.2.5", Rule.TON)
ESME_ADDR_NPI: Final = Field("esme_addr_npi", _I, 1, _S.ESME_RINVDSTNPI, "5.2.6", Rule.NPI)
# The address of an ESME may be letters whatever its TON, as a sender's address may.
ESME_ADDR: Final = Field("esme_addr", _C, 65, _S.ESME_RINVDSTADR, "5.2.10", Rule.SOURCE_ADDRESS)

ESM_CLASS: Final = Field("esm_class", _I, 1, _S.ESME_RINVESMCLASS, "5.2.12", Rule.ESM_CLASS_SUBMIT)
PROTOCOL_ID: Final = Field("protocol_id", _I, 1, _S.ESME_ROK, "5.2.13")
PRIORITY_FLAG: Final = Field("priority_flag", _I, 1, _S.ESME_RINVPRTFLG, "5.2.14", Rule.PRIORITY_FLAG)
SCHEDULE_DELIVERY_TIME: Final = Field("schedule_delivery_time", _C, 17, _S.ESME_RINVSCHED, "5.2.15", Rule.TIME)
VALIDITY_PERIOD: Final = Field("validity_period", _C, 17, _S.ESME_RINVEXPIRY, "5.2.16", Rule.TIME)
REGISTERED_DELIVERY: Final = Field(
    "registered_delivery", _I, 1, _S.ESME_RINVREGDLVFLG, "5.2.17", Rule.REGISTERED_DELIVERY
)
REPLACE_IF_PRESENT_FLAG: Final = Field(
    "replace_if_present_flag", _I, 1, _S.ESME_RINVREPFLAG, "5.2.18", Rule.REPLACE_IF_PRESENT
)
DATA_CODING: Final = Field("data_coding", _I, 1, _S.ESME_RINVDCS, "5.2.19", Rule.DATA_CODING)
SM_DEFAULT_MSG_ID: Final = Field("sm_default_msg_id", _I, 1, _S.ESME_RINVDFTMSGID, "5.2.20", Rule.SM_DEFAULT_MSG_ID)
SM_LENGTH: Final = Field("sm_length", Kind.COUNT, 1, _S.ESME_RINVMSGLEN, "5.2.21")
SHORT_MESSAGE: Final = Field("short_message", Kind.OCTETS, 254, _S.ESME_RINVMSGLEN, "5.2.22", Rule.SHORT_MESSAGE)
MESSAGE_ID: Final = Field("message_id", _C, 65, _S.ESME_RINVMSGID, "5.2.23")
FINAL_DATE: Final = Field("final_date", _C, 17, _S.ESME_RINVEXPIRY, "4.8.2", Rule.FINAL_DATE)
MESSAGE_STATE: Final = Field("message_state", _I, 1, _S.ESME_ROK, "5.2.28")
ERROR_CODE: Final = Field("error_code", _I, 1, _S.ESME_ROK, "4.8.2")

NUMBER_OF_DESTS: Final = Field("number_of_dests", Kind.COUNT, 1, _S.ESME_RINVNUMDESTS, "5.2.24")
DEST_ADDRESS: Final = Field("dest_address", Kind.DESTINATIONS, 254, _S.ESME_RINVNUMDESTS, "4.5.1.1", Rule.DESTINATIONS)
NO_UNSUCCESS: Final = Field("no_unsuccess", Kind.COUNT, 1, _S.ESME_ROK, "5.2.26")
UNSUCCESS_SME: Final = Field("unsuccess_sme", Kind.UNSUCCESSFUL, 255, _S.ESME_ROK, "4.5.2.1")

DEST_FLAG: Final = Field("dest_flag", _I, 1, _S.ESME_RINVDESTFLAG, "5.2.25")
"""Octet before each element of dest_address; its value chooses one of the two layouts below."""

SME_ADDRESS_FIELDS: Final = (DEST_ADDR_TON, DEST_ADDR_NPI, DESTINATION_ADDR)
DISTRIBUTION_LIST_FIELDS: Final = (Field("dl_name", _C, 21, _S.ESME_RINVDLNAME, "5.2.27", Rule.DL_NAME),)
# No rules here: what was refused may have been refused for its address, and is reported as it came.
UNSUCCESS_SME_FIELDS: Final = (
    *(row._replace(rule=Rule.ANY) for row in SME_ADDRESS_FIELDS),
    Field("error_status_code", _I, 4, _S.ESME_ROK, "4.5.2.1"),
)

# --------------------------------------------------------------------------- PDUs (4; 5.0: 4.4, 4.6)

_SOURCE = (SOURCE_ADDR_TON, SOURCE_ADDR_NPI, SOURCE_ADDR)
_DESTINATION = (DEST_ADDR_TON, DEST_ADDR_NPI, DESTINATION_ADDR)
_BIND = (SYSTEM_ID, PASSWORD, SYSTEM_TYPE, INTERFACE_VERSION, ADDR_TON, ADDR_NPI, ADDRESS_RANGE)
_MESSAGE = (
    PROTOCOL_ID,
    PRIORITY_FLAG,
    SCHEDULE_DELIVERY_TIME,
    VALIDITY_PERIOD,
    REGISTERED_DELIVERY,
    REPLACE_IF_PRESENT_FLAG,
    DATA_CODING,
    SM_DEFAULT_MSG_ID,
    SM_LENGTH,
    SHORT_MESSAGE,
)

_SPECS: Final = (
    PduSpec(CommandId.BIND_TRANSMITTER, "4.1.1", _BIND),
    PduSpec(CommandId.BIND_TRANSMITTER_RESP, "4.1.2", (SYSTEM_ID,)),
    PduSpec(CommandId.BIND_RECEIVER, "4.1.3", _BIND),
    PduSpec(CommandId.BIND_RECEIVER_RESP, "4.1.4", (SYSTEM_ID,)),
    PduSpec(CommandId.BIND_TRANSCEIVER, "4.1.5", _BIND),
    PduSpec(CommandId.BIND_TRANSCEIVER_RESP, "4.1.6", (SYSTEM_ID,)),
    PduSpec(CommandId.OUTBIND, "4.1.7", (SYSTEM_ID, PASSWORD)),
    PduSpec(CommandId.UNBIND, "4.2.1", ()),
    PduSpec(CommandId.UNBIND_RESP, "4.2.2", ()),
    PduSpec(CommandId.GENERIC_NACK, "4.3.1", ()),
    PduSpec(CommandId.SUBMIT_SM, "4.4.1", (SERVICE_TYPE, *_SOURCE, *_DESTINATION, ESM_CLASS, *_MESSAGE)),
    PduSpec(CommandId.SUBMIT_SM_RESP, "4.4.2", (MESSAGE_ID,)),
    PduSpec(
        CommandId.SUBMIT_MULTI,
        "4.5.1",
        (
            SERVICE_TYPE,
            *_SOURCE,
            NUMBER_OF_DESTS,
            DEST_ADDRESS,
            ESM_CLASS._replace(rule=Rule.ESM_CLASS_MULTI),
            *_MESSAGE,
        ),
    ),
    PduSpec(CommandId.SUBMIT_MULTI_RESP, "4.5.2", (MESSAGE_ID, NO_UNSUCCESS, UNSUCCESS_SME)),
    PduSpec(
        CommandId.DELIVER_SM,
        "4.6.1",
        (
            SERVICE_TYPE,
            *_SOURCE,
            DEST_ADDR_TON,
            DEST_ADDR_NPI,
            # The address of an ESME: letters with any TON, or nothing, as in the submit_sm that a receipt answers.
            DESTINATION_ADDR._replace(rule=Rule.SOURCE_ADDRESS),
            ESM_CLASS._replace(rule=Rule.ESM_CLASS_DELIVER),
            *_MESSAGE,
        ),
    ),
    PduSpec(CommandId.DELIVER_SM_RESP, "4.6.2", (MESSAGE_ID,), forgiving=True),
    PduSpec(
        CommandId.DATA_SM,
        "4.7.1",
        (
            SERVICE_TYPE,
            SOURCE_ADDR_TON,
            SOURCE_ADDR_NPI,
            SOURCE_ADDR_65,
            DEST_ADDR_TON,
            DEST_ADDR_NPI,
            DESTINATION_ADDR_65,
            ESM_CLASS._replace(rule=Rule.ESM_CLASS_DATA),
            REGISTERED_DELIVERY,
            DATA_CODING,
        ),
        required_tlvs=(TlvTag.MESSAGE_PAYLOAD,),
        required_since=V50,
    ),
    PduSpec(CommandId.DATA_SM_RESP, "4.7.2", (MESSAGE_ID,), forgiving=True),
    PduSpec(CommandId.QUERY_SM, "4.8.1", (MESSAGE_ID, *_SOURCE)),
    PduSpec(CommandId.QUERY_SM_RESP, "4.8.2", (MESSAGE_ID, FINAL_DATE, MESSAGE_STATE, ERROR_CODE)),
    PduSpec(
        CommandId.CANCEL_SM,
        "4.9.1",
        (
            SERVICE_TYPE,
            MESSAGE_ID,
            *_SOURCE,
            DEST_ADDR_TON,
            DEST_ADDR_NPI,
            DESTINATION_ADDR._replace(rule=Rule.DESTINATION_UNLESS_MESSAGE_ID),
        ),
    ),
    PduSpec(CommandId.CANCEL_SM_RESP, "4.9.2", ()),
    PduSpec(
        CommandId.REPLACE_SM,
        "4.10.1",
        (
            MESSAGE_ID,
            *_SOURCE,
            SCHEDULE_DELIVERY_TIME,
            VALIDITY_PERIOD,
            REGISTERED_DELIVERY,
            SM_DEFAULT_MSG_ID,
            SM_LENGTH,
            # No message_payload here in 3.4, and in 5.0 it supersedes: there is nothing to conflict with.
            SHORT_MESSAGE._replace(rule=Rule.TEXT_LENGTH),
        ),
    ),
    PduSpec(CommandId.REPLACE_SM_RESP, "4.10.2", ()),
    PduSpec(CommandId.ENQUIRE_LINK, "4.11.1", ()),
    PduSpec(CommandId.ENQUIRE_LINK_RESP, "4.11.2", ()),
    PduSpec(
        CommandId.ALERT_NOTIFICATION,
        "4.12.1",
        (SOURCE_ADDR_TON, SOURCE_ADDR_NPI, SOURCE_ADDR_65, ESME_ADDR_TON, ESME_ADDR_NPI, ESME_ADDR),
    ),
    PduSpec(
        CommandId.BROADCAST_SM,
        "5.0 4.4.1",
        (
            SERVICE_TYPE,
            *_SOURCE,
            MESSAGE_ID,
            PRIORITY_FLAG,
            SCHEDULE_DELIVERY_TIME,
            VALIDITY_PERIOD,
            REPLACE_IF_PRESENT_FLAG,
            DATA_CODING,
            SM_DEFAULT_MSG_ID,
        ),
        since=V50,
        required_tlvs=(
            TlvTag.BROADCAST_AREA_IDENTIFIER,
            TlvTag.BROADCAST_CONTENT_TYPE,
            TlvTag.BROADCAST_REP_NUM,
            TlvTag.BROADCAST_FREQUENCY_INTERVAL,
        ),
    ),
    PduSpec(CommandId.BROADCAST_SM_RESP, "5.0 4.4.1", (MESSAGE_ID,), since=V50),
    PduSpec(CommandId.QUERY_BROADCAST_SM, "5.0 4.6.1", (MESSAGE_ID, *_SOURCE), since=V50),
    PduSpec(
        CommandId.QUERY_BROADCAST_SM_RESP,
        "5.0 4.6.1",
        (MESSAGE_ID,),
        since=V50,
        required_tlvs=(TlvTag.MESSAGE_STATE, TlvTag.BROADCAST_AREA_IDENTIFIER, TlvTag.BROADCAST_AREA_SUCCESS),
    ),
    PduSpec(CommandId.CANCEL_BROADCAST_SM, "5.0 4.6.2", (SERVICE_TYPE, MESSAGE_ID, *_SOURCE), since=V50),
    PduSpec(CommandId.CANCEL_BROADCAST_SM_RESP, "5.0 4.6.2", (), since=V50),
)

PDUS: Final[dict[int, PduSpec]] = {spec.command_id: spec for spec in _SPECS}
"""Every PDU of the specification by its command_id."""

# --------------------------------------------------------------------------- optional parameters (5.3; 5.0: 4.8)


class TlvKind(Enum):
    """What the value of a TLV is."""

    INTEGER = "integer"
    C_OCTETS = "C-octet string"
    OCTETS = "octet string"


class TlvSpec(NamedTuple):
    """One optional parameter.

    ``lengths``: the lengths of the value that are right. ``values``: the closed list of an enumerated one-octet value,
    given only where traffic keeps to it. ``value_status``: what 5.0 answers to a wrong value (3.4 has only
    ESME_RINVOPTPARAMVAL). ``allowed_34`` and ``allowed_50``: the PDUs it belongs to; elsewhere it is ignored.
    """

    tag: TlvTag
    kind: TlvKind
    lengths: range | tuple[int, ...]
    clause: str
    allowed_34: frozenset[int]
    allowed_50: frozenset[int]
    values: frozenset[int] | None = None
    repeatable: bool = False
    value_status: CommandStatus = CommandStatus.ESME_RINVOPTPARAMVAL

    @property
    def name(self) -> str:
        """Name in the specification's spelling."""
        return self.tag.name.lower()

    @property
    def since(self) -> int:
        """First version of the protocol that has it."""
        return V34 if self.allowed_34 else V50

    def allowed_in(self, interface_version: int) -> frozenset[int]:
        """The command_ids it belongs to in that version."""
        return self.allowed_50 if interface_version >= V50 else self.allowed_34


_LETTERS: Final = {
    "S": (CommandId.SUBMIT_SM,),
    "M": (CommandId.SUBMIT_MULTI,),
    "D": (CommandId.DELIVER_SM,),
    "X": (CommandId.DATA_SM,),
    "B": (CommandId.BROADCAST_SM,),
    "Sr": (CommandId.SUBMIT_SM_RESP,),
    "Mr": (CommandId.SUBMIT_MULTI_RESP,),
    "Dr": (CommandId.DELIVER_SM_RESP,),
    "Xr": (CommandId.DATA_SM_RESP,),
    "Br": (CommandId.BROADCAST_SM_RESP,),
    "Rb": (CommandId.BIND_RECEIVER_RESP, CommandId.BIND_TRANSMITTER_RESP, CommandId.BIND_TRANSCEIVER_RESP),
    "A": (CommandId.ALERT_NOTIFICATION,),
    "P": (CommandId.REPLACE_SM,),
    "Q": (CommandId.QUERY_BROADCAST_SM,),
    "Qr": (CommandId.QUERY_BROADCAST_SM_RESP,),
    "C": (CommandId.CANCEL_BROADCAST_SM,),
    "*r": tuple(command_id for command_id in CommandId if command_id & RESPONSE_BIT),
}


def _in(letters: str) -> frozenset[int]:
    return frozenset(command_id for letter in letters.split() for command_id in _LETTERS[letter])


def _row(
    tag: TlvTag,
    kind: TlvKind,
    lengths: range | tuple[int, ...],
    clause: str,
    in_34: str,
    added_in_50: str = "",
    *,
    values: range | frozenset[int] | None = None,
    repeatable: bool = False,
    value_status: CommandStatus = CommandStatus.ESME_RINVOPTPARAMVAL,
) -> TlvSpec:
    allowed = _in(in_34)
    closed = None if values is None else frozenset(values)
    return TlvSpec(tag, kind, lengths, clause, allowed, allowed | _in(added_in_50), closed, repeatable, value_status)


def _up_to(most: int, least: int = 1) -> range:
    return range(least, most + 1)


_T = TlvTag
_INT = TlvKind.INTEGER
_CSTR = TlvKind.C_OCTETS
_OCT = TlvKind.OCTETS
_ONE = (1,)

MAX_TLV_LENGTH: Final = 0xFFFF
"""Longest value a TLV can have: its length is a 16-bit integer."""

_TLV_ROWS: Final = (
    # tag, kind, lengths, clause, PDUs in 3.4, PDUs that 5.0 adds
    _row(
        _T.DEST_ADDR_SUBUNIT, _INT, _ONE, "5.3.2.1", "S M X", "D B",
        values=range(5), value_status=_S.ESME_RINVDSTADDRSUBUNIT,
    ),
    _row(_T.DEST_NETWORK_TYPE, _INT, _ONE, "5.3.2.3", "X", "S M", values=range(9)),
    _row(_T.DEST_BEARER_TYPE, _INT, _ONE, "5.3.2.5", "X", "S M", values=range(9)),
    _row(_T.DEST_TELEMATICS_ID, _INT, (2,), "5.3.2.7", "X", "S M"),
    _row(
        _T.SOURCE_ADDR_SUBUNIT, _INT, _ONE, "5.3.2.2", "S M X", "D B",
        values=range(5), value_status=_S.ESME_RINVSRCADDRSUBUNIT,
    ),
    _row(_T.SOURCE_NETWORK_TYPE, _INT, _ONE, "5.3.2.4", "X", "S M", values=range(9)),
    _row(_T.SOURCE_BEARER_TYPE, _INT, _ONE, "5.3.2.6", "X", "S M", values=range(9)),
    _row(_T.SOURCE_TELEMATICS_ID, _INT, _ONE, "5.3.2.8", "X", "S M"),
    _row(_T.QOS_TIME_TO_LIVE, _INT, (4,), "5.3.2.9", "X", "S M"),
    _row(_T.PAYLOAD_TYPE, _INT, _ONE, "5.3.2.10", "S M D X", "B", values=range(2)),
    _row(_T.ADDITIONAL_STATUS_INFO_TEXT, _CSTR, _up_to(256), "5.3.2.11", "Xr", "Sr Mr Dr"),
    _row(_T.RECEIPTED_MESSAGE_ID, _CSTR, _up_to(65), "5.3.2.12", "D X"),
    _row(_T.MS_MSG_WAIT_FACILITIES, _INT, _ONE, "5.3.2.13", "S M X"),
    _row(_T.PRIVACY_INDICATOR, _INT, _ONE, "5.3.2.14", "S M D X", "B", values=range(4)),
    _row(_T.SOURCE_SUBADDRESS, _OCT, _up_to(23, 2), "5.3.2.15", "S M D X", "B"),
    _row(_T.DEST_SUBADDRESS, _OCT, _up_to(23, 2), "5.3.2.16", "S M D X", "B"),
    # Two octets by the book; peers send one as well.
    _row(_T.USER_MESSAGE_REFERENCE, _INT, (1, 2), "5.3.2.17", "S M D X", "B Q Qr C"),
    _row(_T.USER_RESPONSE_CODE, _INT, _ONE, "5.3.2.18", "S D X", "M"),
    _row(_T.SOURCE_PORT, _INT, (2,), "5.3.2.20", "S M D X", "B"),
    _row(_T.DESTINATION_PORT, _INT, (2,), "5.3.2.21", "S M D X", "B"),
    _row(_T.SAR_MSG_REF_NUM, _INT, (2,), "5.3.2.22", "S M D X"),
    _row(_T.LANGUAGE_INDICATOR, _INT, _ONE, "5.3.2.19", "S M D X", "B"),
    _row(_T.SAR_TOTAL_SEGMENTS, _INT, _ONE, "5.3.2.23", "S M D X", values=range(1, 256)),
    _row(_T.SAR_SEGMENT_SEQNUM, _INT, _ONE, "5.3.2.24", "S M D X", values=range(1, 256)),
    _row(_T.SC_INTERFACE_VERSION, _INT, _ONE, "5.3.2.25", "Rb"),
    _row(_T.CALLBACK_NUM_PRES_IND, _INT, _ONE, "5.3.2.37", "S M X", "D B", repeatable=True),
    _row(_T.CALLBACK_NUM_ATAG, _OCT, _up_to(65), "5.3.2.38", "S M X", "D B", repeatable=True),
    _row(_T.NUMBER_OF_MESSAGES, _INT, _ONE, "5.3.2.39", "S X", "M", values=range(100)),
    _row(_T.CALLBACK_NUM, _OCT, _up_to(19, 4), "5.3.2.36", "S M D X", "B", repeatable=True),
    _row(_T.DPF_RESULT, _INT, _ONE, "5.3.2.28", "Xr", "Sr Mr D", values=range(2)),
    _row(_T.SET_DPF, _INT, _ONE, "5.3.2.29", "X", "S M", values=range(2)),
    _row(_T.MS_AVAILABILITY_STATUS, _INT, _ONE, "5.3.2.30", "A", values=range(3)),
    # The network type is left open: some SMSCs send three ASCII digits here.
    _row(_T.NETWORK_ERROR_CODE, _OCT, (3,), "5.3.2.31", "D X Xr", "Sr Mr Dr"),
    _row(_T.MESSAGE_PAYLOAD, _OCT, _up_to(MAX_TLV_LENGTH, 0), "5.3.2.32", "S M D X", "B P"),
    _row(_T.DELIVERY_FAILURE_REASON, _INT, _ONE, "5.3.2.33", "Xr", "Sr Mr Dr", values=range(4)),
    _row(_T.MORE_MESSAGES_TO_SEND, _INT, _ONE, "5.3.2.34", "S X", "M", values=range(2)),
    # 0 and 9 are 5.0's, but 3.4 peers send 0 with failed receipts.
    _row(_T.MESSAGE_STATE, _INT, _ONE, "5.3.2.35", "D X", "Qr", values=range(10)),
    _row(_T.CONGESTION_STATE, _INT, _ONE, "5.0 4.8.4", "", "*r", values=range(101)),
    _row(
        _T.USSD_SERVICE_OP, _INT, _ONE, "5.3.2.44", "S", "M X D",
        values=frozenset({*range(4), *range(16, 20), *range(32, 256)}),
    ),
    _row(
        _T.BROADCAST_CHANNEL_INDICATOR, _INT, _ONE, "5.0 4.8.4", "", "B",
        values=range(2), value_status=_S.ESME_RINVBCASTCHANIND,
    ),
    _row(_T.BROADCAST_CONTENT_TYPE, _OCT, (3,), "5.0 4.8.4", "", "B C", value_status=_S.ESME_RINVBCASTCNTTYPE),
    _row(_T.BROADCAST_CONTENT_TYPE_INFO, _OCT, _up_to(255), "5.0 4.8.4", "", "B"),
    _row(
        _T.BROADCAST_MESSAGE_CLASS, _INT, _ONE, "5.0 4.8.4", "", "B",
        values=range(4), value_status=_S.ESME_RINVBCASTMSGCLASS,
    ),
    _row(_T.BROADCAST_REP_NUM, _INT, (2,), "5.0 4.8.4", "", "B", value_status=_S.ESME_RINVBCAST_REP),
    _row(
        _T.BROADCAST_FREQUENCY_INTERVAL, _OCT, (3,), "5.0 4.8.4", "", "B", value_status=_S.ESME_RINVBCASTFREQINT
    ),
    _row(
        _T.BROADCAST_AREA_IDENTIFIER, _OCT, _up_to(101), "5.0 4.8.4", "", "B Br Qr",
        repeatable=True, value_status=_S.ESME_RINVBCASTAREAFMT,
    ),
    _row(_T.BROADCAST_ERROR_STATUS, _INT, (4,), "5.0 4.8.4", "", "Br", repeatable=True),
    _row(_T.BROADCAST_AREA_SUCCESS, _INT, _ONE, "5.0 4.8.4", "", "Qr", values=frozenset({*range(101), 255})),
    # 16 octets in the table, "C-octet string" beside it: with or without the NUL.
    _row(_T.BROADCAST_END_TIME, _CSTR, (16, 17), "5.0 4.8.4", "", "Qr"),
    _row(_T.BROADCAST_SERVICE_GROUP, _OCT, _up_to(255), "5.0 4.8.4", "", "B"),
    _row(_T.BILLING_IDENTIFICATION, _OCT, _up_to(1024), "5.0 4.8.4", "", "S M X"),
    _row(_T.SOURCE_NETWORK_ID, _CSTR, _up_to(65, 7), "5.0 4.8.4", "", "S M X D"),
    _row(_T.DEST_NETWORK_ID, _CSTR, _up_to(65, 7), "5.0 4.8.4", "", "S M X D"),
    _row(_T.SOURCE_NODE_ID, _OCT, (6,), "5.0 4.8.4", "", "S M X D"),
    _row(_T.DEST_NODE_ID, _OCT, (6,), "5.0 4.8.4", "", "S M X D"),
    _row(_T.DEST_ADDR_NP_RESOLUTION, _INT, _ONE, "5.0 4.8.4", "", "S M X D", values=range(3)),
    _row(_T.DEST_ADDR_NP_INFORMATION, _OCT, (10,), "5.0 4.8.4", "", "S M X D"),
    _row(_T.DEST_ADDR_NP_COUNTRY, _INT, _up_to(5), "5.0 4.8.4", "", "S M X D"),
    _row(_T.DISPLAY_TIME, _INT, _ONE, "5.3.2.26", "S M X", "B", values=range(3)),
    _row(_T.SMS_SIGNAL, _INT, (2,), "5.3.2.40", "S M X", "B"),
    # 5.0 adds the form of four octets: 0 to 3 is a value of the short form only.
    _row(_T.MS_VALIDITY, _INT, (1, 4), "5.3.2.27", "S M X", "B", values=range(4)),
    _row(_T.ALERT_ON_MESSAGE_DELIVERY, _INT, (0, 1), "5.3.2.41", "S M X", "B", values=range(4)),
    _row(_T.ITS_REPLY_TYPE, _INT, _ONE, "5.3.2.42", "S X", "M D", values=range(9)),
    _row(_T.ITS_SESSION_INFO, _OCT, (2,), "5.3.2.43", "S D X", "M"),
)  # fmt: skip

TLVS: Final[dict[int, TlvSpec]] = {row.tag: row for row in _TLV_ROWS}
"""Every optional parameter of the specification by its tag."""


class TlvRequirement(NamedTuple):
    """A TLV that (with this value, or with any: None) makes no sense without the others (5.0, 4.8.4)."""

    tag: TlvTag
    value: bytes | None
    requires: tuple[TlvTag, ...]


TLV_REQUIREMENTS: Final = (
    TlvRequirement(_T.SOURCE_NETWORK_ID, None, (_T.SOURCE_NODE_ID,)),
    TlvRequirement(_T.DEST_NETWORK_ID, None, (_T.DEST_NODE_ID,)),
    TlvRequirement(_T.DEST_ADDR_NP_RESOLUTION, b"\x02", (_T.DEST_ADDR_NP_INFORMATION, _T.DEST_ADDR_NP_COUNTRY)),
)

SAR_TAGS: Final = frozenset({_T.SAR_MSG_REF_NUM, _T.SAR_TOTAL_SEGMENTS, _T.SAR_SEGMENT_SEQNUM})
"""Segmentation parameters: they count only when all three are there (5.3.2.22)."""

PORT_TAGS: Final = frozenset({_T.SOURCE_PORT, _T.DESTINATION_PORT})
