"""The gallery: every PDU of SMPP 3.4, and the broadcast family of 5.0, field by field as it lies on the wire.

Written from the specification and independently of ``smppwire.schema``: the codec's tests hold the two against each
other. Sizes of C-octet strings include the NUL. Numbers in brackets are sections of SMPP 3.4, "5.0" marks the rest.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from construct import (
    Bytes,
    Construct,
    GreedyBytes,
    GreedyRange,
    If,
    Int16ub,
    Int32ub,
    Rebuild,
    Struct,
    Tell,
    len_,
    this,
)

from smppwire.constants import command_name
from smppwire.grammar.notation import (
    CommandStatus,
    DataCoding,
    DefaultMessage,
    DestFlag,
    Destination,
    ErrorCode,
    EsmClass,
    Integer,
    InterfaceVersion,
    Members,
    MessageId,
    MessageState,
    NoUnsuccess,
    Npi,
    NumberOfDests,
    PriorityFlag,
    ProtocolId,
    Recorded,
    RegisteredDelivery,
    ReplaceFlag,
    ServiceType,
    ShortMessage,
    SmLength,
    Text,
    Time,
    Ton,
    WhileOctetsLast,
)

# The header (3.2): its length counts itself.
HEADER: Final = Struct(
    *map(
        Recorded,
        (
            "command_length" / Integer(size=Int32ub),
            "command_id" / Integer(command_name, size=Int32ub),
            "command_status" / CommandStatus,
            "sequence_number" / Integer(size=Int32ub),
        ),
    )
)

# One optional parameter (5.3.1).
TLV: Final = Struct(
    "offset" / Tell,
    "tag" / Int16ub,
    "length" / Rebuild(Int16ub, len_(this.value)),
    "value" / Bytes(this.length),
)

# What follows the mandatory part: whole TLVs, then whatever is no whole TLV.
OPTIONAL_PART: Final = Struct(
    "tlvs" / GreedyRange(TLV),
    "trailing" / GreedyBytes,
)


class Body(NamedTuple):
    """The grammar of one PDU: its name, its mandatory fields, and TLVs that 5.0 makes mandatory by tag."""

    name: str
    fields: Construct
    names: tuple[str, ...]
    is_response: bool
    required_tlvs: tuple[int, ...] = ()


def request(name: str, *fields: Construct, required_tlvs: tuple[int, ...] = ()) -> Body:
    """A PDU whose mandatory fields are all there."""
    return Body(name, Struct(*map(_recorded, fields)), _names(fields), is_response=False, required_tlvs=required_tlvs)


def response(name: str, *fields: Construct, required_tlvs: tuple[int, ...] = ()) -> Body:
    """A PDU whose body may be missing, or end after any of its fields."""
    return Body(name, Struct(*map(_optional, fields)), _names(fields), is_response=True, required_tlvs=required_tlvs)


def _names(fields: tuple[Construct, ...]) -> tuple[str, ...]:
    return tuple(field.name for field in fields)


# Lists record their members themselves, and end with their count.


def _recorded(field: Construct) -> Construct:
    return field if field.name in LISTS else Recorded(field)


def _optional(field: Construct) -> Construct:
    return field if field.name in LISTS else Recorded(WhileOctetsLast(field))


LISTS: Final = {"dest_address": "number_of_dests", "unsuccess_sme": "no_unsuccess"}
"""The fields that are lists, and the fields that count them."""

# -- Parts that several PDUs share -------------------------------------------------------------------------------------

BIND: Final = (
    "system_id" / Text(16, "ESME_RINVSYSID"),
    "password" / Text(9, "ESME_RINVPASWD"),
    "system_type" / Text(13, "ESME_RINVSYSTYP"),
    "interface_version" / InterfaceVersion,
    "addr_ton" / Ton("ESME_RBINDFAIL"),
    "addr_npi" / Npi("ESME_RBINDFAIL"),
    "address_range" / Text(41, "ESME_RBINDFAIL"),
)

BIND_RESP: Final = ("system_id" / Text(16, "ESME_RINVSYSID"),)

SOURCE: Final = (
    "source_addr_ton" / Ton("ESME_RINVSRCTON"),
    "source_addr_npi" / Npi("ESME_RINVSRCNPI"),
    "source_addr" / Text(21, "ESME_RINVSRCADR"),
)

# data_sm and alert_notification know longer addresses (4.7.1, 4.12.1).
LONG_SOURCE: Final = (
    "source_addr_ton" / Ton("ESME_RINVSRCTON"),
    "source_addr_npi" / Npi("ESME_RINVSRCNPI"),
    "source_addr" / Text(65, "ESME_RINVSRCADR"),
)

DESTINATION: Final = (
    "dest_addr_ton" / Ton("ESME_RINVDSTTON"),
    "dest_addr_npi" / Npi("ESME_RINVDSTNPI"),
    "destination_addr" / Destination(21),
)

LONG_DESTINATION: Final = (
    "dest_addr_ton" / Ton("ESME_RINVDSTTON"),
    "dest_addr_npi" / Npi("ESME_RINVDSTNPI"),
    "destination_addr" / Destination(65),
)

SHORT_MESSAGE: Final = (
    "sm_length" / SmLength,
    "short_message" / ShortMessage,
)

MESSAGE: Final = (
    "esm_class" / EsmClass,
    "protocol_id" / ProtocolId,
    "priority_flag" / PriorityFlag,
    "schedule_delivery_time" / Time("ESME_RINVSCHED"),
    "validity_period" / Time("ESME_RINVEXPIRY"),
    "registered_delivery" / RegisteredDelivery,
    "replace_if_present_flag" / ReplaceFlag,
    "data_coding" / DataCoding,
    "sm_default_msg_id" / DefaultMessage,
    *SHORT_MESSAGE,
)

SUBMIT: Final = (
    "service_type" / ServiceType,
    *SOURCE,
    *DESTINATION,
    *MESSAGE,
)

# A destination of submit_multi (4.5.1.1): an address or the name of a list.
DEST_ADDRESS: Final = (
    "dest_flag" / DestFlag,
    "dest_addr_ton" / If(this.dest_flag == 1, Ton("ESME_RINVDSTTON")),
    "dest_addr_npi" / If(this.dest_flag == 1, Npi("ESME_RINVDSTNPI")),
    "destination_addr" / If(this.dest_flag == 1, Destination(21)),
    "dl_name" / If(this.dest_flag == 2, Text(21, "ESME_RINVDLNAME")),
)

# A destination that a submit_multi could not be submitted to (4.5.2.1).
UNSUCCESS_SME: Final = (
    *DESTINATION,
    "error_status_code" / CommandStatus,
)

# -- The PDUs ----------------------------------------------------------------------------------------------------------

GALLERY: Final[dict[int, Body]] = {
    # Sessions (4.1 to 4.3, 4.11)
    0x00000001: request("bind_receiver", *BIND),
    0x80000001: response("bind_receiver_resp", *BIND_RESP),
    0x00000002: request("bind_transmitter", *BIND),
    0x80000002: response("bind_transmitter_resp", *BIND_RESP),
    0x00000009: request("bind_transceiver", *BIND),
    0x80000009: response("bind_transceiver_resp", *BIND_RESP),
    0x0000000B: request(
        "outbind",
        "system_id" / Text(16, "ESME_RINVSYSID"),
        "password" / Text(9, "ESME_RINVPASWD"),
    ),
    0x00000006: request("unbind"),
    0x80000006: response("unbind_resp"),
    0x00000015: request("enquire_link"),
    0x80000015: response("enquire_link_resp"),
    0x80000000: response("generic_nack"),
    # Messages (4.4 to 4.7)
    0x00000004: request("submit_sm", *SUBMIT),
    0x80000004: response(
        "submit_sm_resp",
        "message_id" / MessageId,
    ),
    0x00000005: request("deliver_sm", *SUBMIT),
    0x80000005: response(
        "deliver_sm_resp",
        "message_id" / MessageId,
    ),
    0x00000021: request(
        "submit_multi",
        "service_type" / ServiceType,
        *SOURCE,
        "number_of_dests" / NumberOfDests,
        Members("dest_address", this.number_of_dests, *DEST_ADDRESS),
        *MESSAGE,
    ),
    0x80000021: response(
        "submit_multi_resp",
        "message_id" / MessageId,
        "no_unsuccess" / NoUnsuccess,
        Members("unsuccess_sme", this.no_unsuccess, *UNSUCCESS_SME),
    ),
    0x00000103: request(
        "data_sm",
        "service_type" / ServiceType,
        *LONG_SOURCE,
        *LONG_DESTINATION,
        "esm_class" / EsmClass,
        "registered_delivery" / RegisteredDelivery,
        "data_coding" / DataCoding,
    ),
    0x80000103: response(
        "data_sm_resp",
        "message_id" / MessageId,
    ),
    # Their life (4.8 to 4.10)
    0x00000003: request(
        "query_sm",
        "message_id" / MessageId,
        *SOURCE,
    ),
    0x80000003: response(
        "query_sm_resp",
        "message_id" / MessageId,
        "final_date" / Time("ESME_RINVEXPIRY", reported=True),
        "message_state" / MessageState,
        "error_code" / ErrorCode,
    ),
    0x00000008: request(
        "cancel_sm",
        "service_type" / ServiceType,
        "message_id" / MessageId,
        *SOURCE,
        "dest_addr_ton" / Ton("ESME_RINVDSTTON"),
        "dest_addr_npi" / Npi("ESME_RINVDSTNPI"),
        "destination_addr" / Text(21, "ESME_RINVDSTADR"),  # empty when message_id says which message
    ),
    0x80000008: response("cancel_sm_resp"),
    0x00000007: request(
        "replace_sm",
        "message_id" / MessageId,
        *SOURCE,
        "schedule_delivery_time" / Time("ESME_RINVSCHED"),
        "validity_period" / Time("ESME_RINVEXPIRY"),
        "registered_delivery" / RegisteredDelivery,
        "sm_default_msg_id" / DefaultMessage,
        *SHORT_MESSAGE,
    ),
    0x80000007: response("replace_sm_resp"),
    0x00000102: request(
        "alert_notification",
        *LONG_SOURCE,
        "esme_addr_ton" / Ton("ESME_RINVDSTTON"),
        "esme_addr_npi" / Npi("ESME_RINVDSTNPI"),
        "esme_addr" / Text(65, "ESME_RINVDSTADR"),
    ),
    # Cell broadcast (5.0, 4.4 to 4.6); the text of a broadcast_sm is in its message_payload
    0x00000111: request(
        "broadcast_sm",
        "service_type" / ServiceType,
        *SOURCE,
        "message_id" / MessageId,
        "priority_flag" / PriorityFlag,
        "schedule_delivery_time" / Time("ESME_RINVSCHED"),
        "validity_period" / Time("ESME_RINVEXPIRY"),
        "replace_if_present_flag" / ReplaceFlag,
        "data_coding" / DataCoding,
        "sm_default_msg_id" / DefaultMessage,
        required_tlvs=(0x0606, 0x0601, 0x0604, 0x0605),
    ),
    0x80000111: response(
        "broadcast_sm_resp",
        "message_id" / MessageId,
    ),
    0x00000112: request(
        "query_broadcast_sm",
        "message_id" / MessageId,
        *SOURCE,
    ),
    0x80000112: response(
        "query_broadcast_sm_resp",
        "message_id" / MessageId,
        required_tlvs=(0x0427, 0x0606, 0x0608),
    ),
    0x00000113: request(
        "cancel_broadcast_sm",
        "service_type" / ServiceType,
        "message_id" / MessageId,
        *SOURCE,
    ),
    0x80000113: response("cancel_broadcast_sm_resp"),
}
