"""Addresses of up to 64 octets: data_sm has room for them (SMPP 3.4 section 4.7.1), deliver_sm has room for 20.

What reports on a message with such an address leaves as data_sm, its text in message_payload. ESMEs below 3.4 know no
data_sm: to them it cannot be told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from smppd.engine.message import MESSAGE_PAYLOAD, DataRecord
from smppwire.codec import decode, encode
from smppwire.constants import HEADER_LENGTH, CommandId
from smppwire.pdus import DataSm, DeliverSm, Tlv

if TYPE_CHECKING:
    from smppwire.pdus import SubmitSm

LONGEST_ADDRESS: Final = 20
"""Octets of an address in deliver_sm (SMPP 3.4 section 5.2.8), the NUL aside."""

NO_NUMBER: Final = b"\0\0\0\0" + b"\0\0\0\0"
"""command_status and sequence_number of a PDU that is taken apart and put together again."""


def is_too_long(pdu: SubmitSm) -> bool:
    """Whether an address of this record does not fit into a deliver_sm."""
    return pdu.__class__ is DataRecord and (
        len(pdu.source_addr) > LONGEST_ADDRESS or len(pdu.destination_addr) > LONGEST_ADDRESS
    )


def as_data_sm(body: bytes) -> bytes:
    """The body of a data_sm that says what the deliver_sm with this body would say."""
    length = (HEADER_LENGTH + len(body)).to_bytes(4, "big")
    pdu = cast("DeliverSm", decode(length + CommandId.DELIVER_SM.to_bytes(4, "big") + NO_NUMBER + body))
    text = (Tlv(MESSAGE_PAYLOAD, pdu.short_message),) if pdu.short_message else ()
    data_sm = DataSm(
        service_type=pdu.service_type,
        source_addr_ton=pdu.source_addr_ton,
        source_addr_npi=pdu.source_addr_npi,
        source_addr=pdu.source_addr,
        dest_addr_ton=pdu.dest_addr_ton,
        dest_addr_npi=pdu.dest_addr_npi,
        destination_addr=pdu.destination_addr,
        esm_class=pdu.esm_class,
        registered_delivery=pdu.registered_delivery,
        data_coding=pdu.data_coding,
        tlvs=pdu.tlvs + text,
    )
    return encode(data_sm)[HEADER_LENGTH:]
