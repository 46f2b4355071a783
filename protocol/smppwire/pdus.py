"""The PDUs: one slotted dataclass each, fields in wire order under the specification's names.

C-octet strings are ``bytes`` without their NUL, octet strings ``bytes``, integers ``int``; text is decoded by whoever
wants to read it. ``sm_length``, ``number_of_dests`` and ``no_unsuccess`` are no attributes: encoding derives them.

``tlvs`` holds the optional parameters in wire order, duplicates and unknown ones included. ``trailing`` holds what
follows the mandatory part and is not a whole TLV (one to three stray octets, a TLV that runs over the end, the body of
a PDU that has none): decoding keeps those octets, encoding writes them back, validation judges them.

In responses a body may be missing or cut short (5.0 leaves it out with every error status; peers do all sorts of
things): mandatory fields that are not there are ``None``, and encoding writes nothing for them.

The PDUs are mutable and compare by value. Passwords are left out of ``repr``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from smppwire.constants import CommandId


class Tlv(NamedTuple):
    """An optional parameter: tag, length, value (5.3). The length is that of ``value``."""

    tag: int
    value: bytes


class SmeAddress(NamedTuple):
    """A submit_multi destination with dest_flag 1 (4.5.1.1)."""

    dest_addr_ton: int
    dest_addr_npi: int
    destination_addr: bytes


class DistributionList(NamedTuple):
    """A submit_multi destination with dest_flag 2 (4.5.1.1)."""

    dl_name: bytes


DestAddress = SmeAddress | DistributionList


class UnsuccessSme(NamedTuple):
    """One failed destination of a submit_multi (4.5.2.1); ``error_status_code`` is a command_status."""

    dest_addr_ton: int
    dest_addr_npi: int
    destination_addr: bytes
    error_status_code: int


class Pdu:
    """What all PDUs have in common. Never instantiated itself."""

    __slots__ = ()

    command_id: ClassVar[int]
    sequence_number: int
    command_status: int
    tlvs: tuple[Tlv, ...]
    trailing: bytes

    def tlv(self, tag: int) -> bytes | None:
        """Value of the last TLV with this tag, or None. (The last one counts: 5.3 is silent, practice is not.)"""
        for entry in reversed(self.tlvs):
            if entry[0] == tag:
                return entry[1]
        return None


@dataclass(slots=True)
class UnknownPdu(Pdu):
    """A PDU whose command_id is not in the specification: the frame was sound, ``body`` is everything after the header.

    ``tlvs`` and ``trailing`` are empty when decoded.
    """

    sequence_number: int = 0
    command_status: int = 0
    command_id: int = 0  # type: ignore[misc]  # the one PDU whose command_id is data
    body: bytes = b""
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class BindReceiver(Pdu):
    """bind_receiver (4.1.3): an ESME asks to receive."""

    command_id: ClassVar[int] = CommandId.BIND_RECEIVER

    sequence_number: int = 0
    command_status: int = 0
    system_id: bytes = b""
    password: bytes = field(default=b"", repr=False)
    system_type: bytes = b""
    interface_version: int = 0
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: bytes = b""
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class BindReceiverResp(Pdu):
    """bind_receiver_resp (4.1.4)."""

    command_id: ClassVar[int] = CommandId.BIND_RECEIVER_RESP

    sequence_number: int = 0
    command_status: int = 0
    system_id: bytes | None = b""
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class BindTransmitter(Pdu):
    """bind_transmitter (4.1.1): an ESME asks to submit."""

    command_id: ClassVar[int] = CommandId.BIND_TRANSMITTER

    sequence_number: int = 0
    command_status: int = 0
    system_id: bytes = b""
    password: bytes = field(default=b"", repr=False)
    system_type: bytes = b""
    interface_version: int = 0
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: bytes = b""
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class BindTransmitterResp(Pdu):
    """bind_transmitter_resp (4.1.2)."""

    command_id: ClassVar[int] = CommandId.BIND_TRANSMITTER_RESP

    sequence_number: int = 0
    command_status: int = 0
    system_id: bytes | None = b""
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class BindTransceiver(Pdu):
    """bind_transceiver (4.1.5): an ESME asks to do both."""

    command_id: ClassVar[int] = CommandId.BIND_TRANSCEIVER

    sequence_number: int = 0
    command_status: int = 0
    system_id: bytes = b""
    password: bytes = field(default=b"", repr=False)
    system_type: bytes = b""
    interface_version: int = 0
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: bytes = b""
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class BindTransceiverResp(Pdu):
    """bind_transceiver_resp (4.1.6)."""

    command_id: ClassVar[int] = CommandId.BIND_TRANSCEIVER_RESP

    sequence_number: int = 0
    command_status: int = 0
    system_id: bytes | None = b""
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class Outbind(Pdu):
    """outbind (4.1.7): the SMSC asks an ESME to bind. There is no response; the ESME binds."""

    command_id: ClassVar[int] = CommandId.OUTBIND

    sequence_number: int = 0
    command_status: int = 0
    system_id: bytes = b""
    password: bytes = field(default=b"", repr=False)
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class Unbind(Pdu):
    """unbind (4.2.1): either side ends the session."""

    command_id: ClassVar[int] = CommandId.UNBIND

    sequence_number: int = 0
    command_status: int = 0
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class UnbindResp(Pdu):
    """unbind_resp (4.2.2)."""

    command_id: ClassVar[int] = CommandId.UNBIND_RESP

    sequence_number: int = 0
    command_status: int = 0
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class EnquireLink(Pdu):
    """enquire_link (4.11.1): is the peer still there?"""

    command_id: ClassVar[int] = CommandId.ENQUIRE_LINK

    sequence_number: int = 0
    command_status: int = 0
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class EnquireLinkResp(Pdu):
    """enquire_link_resp (4.11.2)."""

    command_id: ClassVar[int] = CommandId.ENQUIRE_LINK_RESP

    sequence_number: int = 0
    command_status: int = 0
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class GenericNack(Pdu):
    """generic_nack (4.3.1): answers what cannot be answered by a response of its own."""

    command_id: ClassVar[int] = CommandId.GENERIC_NACK

    sequence_number: int = 0
    command_status: int = 0
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class SubmitSm(Pdu):
    """submit_sm (4.4.1): one short message from an ESME."""

    command_id: ClassVar[int] = CommandId.SUBMIT_SM

    sequence_number: int = 0
    command_status: int = 0
    service_type: bytes = b""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: bytes = b""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: bytes = b""
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: bytes = b""
    validity_period: bytes = b""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class SubmitSmResp(Pdu):
    """submit_sm_resp (4.4.2)."""

    command_id: ClassVar[int] = CommandId.SUBMIT_SM_RESP

    sequence_number: int = 0
    command_status: int = 0
    message_id: bytes | None = b""
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class DeliverSm(Pdu):
    """deliver_sm (4.6.1): a short message or a receipt for an ESME."""

    command_id: ClassVar[int] = CommandId.DELIVER_SM

    sequence_number: int = 0
    command_status: int = 0
    service_type: bytes = b""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: bytes = b""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: bytes = b""
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: bytes = b""
    validity_period: bytes = b""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class DeliverSmResp(Pdu):
    """deliver_sm_resp (4.6.2); message_id is unused and should be empty."""

    command_id: ClassVar[int] = CommandId.DELIVER_SM_RESP

    sequence_number: int = 0
    command_status: int = 0
    message_id: bytes | None = b""
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class SubmitMulti(Pdu):
    """submit_multi (4.5.1): one short message to several destinations.

    number_of_dests is the length of ``dest_address``.
    """

    command_id: ClassVar[int] = CommandId.SUBMIT_MULTI

    sequence_number: int = 0
    command_status: int = 0
    service_type: bytes = b""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: bytes = b""
    dest_address: tuple[DestAddress, ...] = ()
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: bytes = b""
    validity_period: bytes = b""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class SubmitMultiResp(Pdu):
    """submit_multi_resp (4.5.2).

    no_unsuccess is the length of ``unsuccess_sme``.
    """

    command_id: ClassVar[int] = CommandId.SUBMIT_MULTI_RESP

    sequence_number: int = 0
    command_status: int = 0
    message_id: bytes | None = b""
    unsuccess_sme: tuple[UnsuccessSme, ...] | None = ()
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class DataSm(Pdu):
    """data_sm (4.7.1): a message in either direction; its text is in the TLV message_payload."""

    command_id: ClassVar[int] = CommandId.DATA_SM

    sequence_number: int = 0
    command_status: int = 0
    service_type: bytes = b""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: bytes = b""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: bytes = b""
    esm_class: int = 0
    registered_delivery: int = 0
    data_coding: int = 0
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class DataSmResp(Pdu):
    """data_sm_resp (4.7.2)."""

    command_id: ClassVar[int] = CommandId.DATA_SM_RESP

    sequence_number: int = 0
    command_status: int = 0
    message_id: bytes | None = b""
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class QuerySm(Pdu):
    """query_sm (4.8.1): what became of a message?"""

    command_id: ClassVar[int] = CommandId.QUERY_SM

    sequence_number: int = 0
    command_status: int = 0
    message_id: bytes = b""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: bytes = b""
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class QuerySmResp(Pdu):
    """query_sm_resp (4.8.2)."""

    command_id: ClassVar[int] = CommandId.QUERY_SM_RESP

    sequence_number: int = 0
    command_status: int = 0
    message_id: bytes | None = b""
    final_date: bytes | None = b""
    message_state: int | None = 0
    error_code: int | None = 0
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class CancelSm(Pdu):
    """cancel_sm (4.9.1): withdraw one message, or all pending ones between two addresses."""

    command_id: ClassVar[int] = CommandId.CANCEL_SM

    sequence_number: int = 0
    command_status: int = 0
    service_type: bytes = b""
    message_id: bytes = b""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: bytes = b""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: bytes = b""
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class CancelSmResp(Pdu):
    """cancel_sm_resp (4.9.2)."""

    command_id: ClassVar[int] = CommandId.CANCEL_SM_RESP

    sequence_number: int = 0
    command_status: int = 0
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class ReplaceSm(Pdu):
    """replace_sm (4.10.1): new text or times for a message that is still pending."""

    command_id: ClassVar[int] = CommandId.REPLACE_SM

    sequence_number: int = 0
    command_status: int = 0
    message_id: bytes = b""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: bytes = b""
    schedule_delivery_time: bytes = b""
    validity_period: bytes = b""
    registered_delivery: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class ReplaceSmResp(Pdu):
    """replace_sm_resp (4.10.2)."""

    command_id: ClassVar[int] = CommandId.REPLACE_SM_RESP

    sequence_number: int = 0
    command_status: int = 0
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class AlertNotification(Pdu):
    """alert_notification (4.12.1): a subscriber is reachable again. There is no response."""

    command_id: ClassVar[int] = CommandId.ALERT_NOTIFICATION

    sequence_number: int = 0
    command_status: int = 0
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: bytes = b""
    esme_addr_ton: int = 0
    esme_addr_npi: int = 0
    esme_addr: bytes = b""
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class BroadcastSm(Pdu):
    """broadcast_sm (5.0, 4.4.1): a cell broadcast; the text and the areas are TLVs."""

    command_id: ClassVar[int] = CommandId.BROADCAST_SM

    sequence_number: int = 0
    command_status: int = 0
    service_type: bytes = b""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: bytes = b""
    message_id: bytes = b""
    priority_flag: int = 0
    schedule_delivery_time: bytes = b""
    validity_period: bytes = b""
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class BroadcastSmResp(Pdu):
    """broadcast_sm_resp (5.0, 4.4.1)."""

    command_id: ClassVar[int] = CommandId.BROADCAST_SM_RESP

    sequence_number: int = 0
    command_status: int = 0
    message_id: bytes | None = b""
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class QueryBroadcastSm(Pdu):
    """query_broadcast_sm (5.0, 4.6.1)."""

    command_id: ClassVar[int] = CommandId.QUERY_BROADCAST_SM

    sequence_number: int = 0
    command_status: int = 0
    message_id: bytes = b""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: bytes = b""
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class QueryBroadcastSmResp(Pdu):
    """query_broadcast_sm_resp (5.0, 4.6.1); state and areas are TLVs."""

    command_id: ClassVar[int] = CommandId.QUERY_BROADCAST_SM_RESP

    sequence_number: int = 0
    command_status: int = 0
    message_id: bytes | None = b""
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class CancelBroadcastSm(Pdu):
    """cancel_broadcast_sm (5.0, 4.6.2)."""

    command_id: ClassVar[int] = CommandId.CANCEL_BROADCAST_SM

    sequence_number: int = 0
    command_status: int = 0
    service_type: bytes = b""
    message_id: bytes = b""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: bytes = b""
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


@dataclass(slots=True)
class CancelBroadcastSmResp(Pdu):
    """cancel_broadcast_sm_resp (5.0, 4.6.2)."""

    command_id: ClassVar[int] = CommandId.CANCEL_BROADCAST_SM_RESP

    sequence_number: int = 0
    command_status: int = 0
    tlvs: tuple[Tlv, ...] = ()
    trailing: bytes = b""


PDU_CLASSES: dict[int, type[Pdu]] = {
    pdu_class.command_id: pdu_class
    for pdu_class in (
        BindReceiver,
        BindReceiverResp,
        BindTransmitter,
        BindTransmitterResp,
        BindTransceiver,
        BindTransceiverResp,
        Outbind,
        Unbind,
        UnbindResp,
        EnquireLink,
        EnquireLinkResp,
        GenericNack,
        SubmitSm,
        SubmitSmResp,
        DeliverSm,
        DeliverSmResp,
        SubmitMulti,
        SubmitMultiResp,
        DataSm,
        DataSmResp,
        QuerySm,
        QuerySmResp,
        CancelSm,
        CancelSmResp,
        ReplaceSm,
        ReplaceSmResp,
        AlertNotification,
        BroadcastSm,
        BroadcastSmResp,
        QueryBroadcastSm,
        QueryBroadcastSmResp,
        CancelBroadcastSm,
        CancelBroadcastSmResp,
    )
}
"""Every PDU class of the specification by its command_id."""

Bind = BindReceiver | BindTransmitter | BindTransceiver
BindResp = BindReceiverResp | BindTransmitterResp | BindTransceiverResp
