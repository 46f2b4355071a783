"""ESME to ESME: a message whose destination is an ESME's own address is delivered there, the sender's own included.

Who serves an address is said by `address_range` of the accounts; where ranges overlap, the first account in configured
order has it. Beyond that an ESME that was asked for something finds its way back: acknowledgements of the SME (SMPP 3.4
section 5.2.12, types 0x08 and 0x10) go to the account whose message asked for them, and replies to a message with the
reply path set to the account that sent it, whatever address it used.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Final

from smppd.engine.esmes import Delivery
from smppd.engine.message import DELIVERED, MESSAGE_PAYLOAD, MODE_MASK, ONE_ATTEMPT, DataRecord, text_octets
from smppd.engine.multipart import NO_HEADER, user_data
from smppd.engine.ports import Outcome
from smppwire.codec import encode
from smppwire.constants import (
    ESM_CLASS_TYPE_MASK,
    HEADER_LENGTH,
    REGISTERED_DELIVERY_ACK_MASK,
    CommandId,
    CommandStatus,
    EsmClassFeature,
    EsmClassType,
    MessageState,
    RegisteredDelivery,
    TlvTag,
)
from smppwire.errors import EncodeError
from smppwire.pdus import DataSm, DeliverSm, Tlv
from smppwire.schema import TLVS
from smppwire.text import alphabet_of, decode_text, encode_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from smppd.engine.esmes import EsmeState
    from smppd.engine.message import Message
    from smppd.patterns import AddressRange
    from smppwire.pdus import SubmitSm

MAX_PATHS: Final = 20_000
"""Ways back that are remembered, the least recently used is forgotten first: a few megabytes, and more than an ESME
leaves unacknowledged."""

DELIVER_SM: Final = int(CommandId.DELIVER_SM)
DATA_SM: Final = int(CommandId.DATA_SM)
VERSION_34: Final = 0x34
VERSION_50: Final = 0x50

LONGEST_TEXT: Final = 254
"""Octets of a short_message in 3.4 (section 5.2.21); 5.0 has 255."""

TYPE_MASK: Final = int(ESM_CLASS_TYPE_MASK)
REPLY_PATH: Final = int(EsmClassFeature.REPLY_PATH)
ACK_MASK: Final = int(REGISTERED_DELIVERY_ACK_MASK)

ASKED_BY: Final = {
    0: REPLY_PATH,
    int(EsmClassType.SME_DELIVERY_ACKNOWLEDGEMENT): int(RegisteredDelivery.SME_DELIVERY_ACK),
    int(EsmClassType.SME_MANUAL_ACKNOWLEDGEMENT): int(RegisteredDelivery.SME_MANUAL_ACK),
}
"""What a message type needs to take a way back: the reply path of the original, or the bit of its registered_delivery
that asked for the acknowledgement. No two of these are the same bit."""

SUBMISSION_ONLY: Final = frozenset(
    {
        TlvTag.QOS_TIME_TO_LIVE,
        TlvTag.SET_DPF,
        TlvTag.DPF_RESULT,
        TlvTag.RECEIPTED_MESSAGE_ID,
        TlvTag.MESSAGE_STATE,
        TlvTag.NETWORK_ERROR_CODE,
    }
)
"""What is said to the message centre alone, and what nobody but it may say to an ESME."""

FIRST_VENDOR_TAG: Final = 0x1400
LAST_VENDOR_TAG: Final = 0x3FFF

SM_DELIVERY_FAILURE: Final = 32
"""The error code of what the receiving ESME refuses (smDeliveryFailure of 3GPP TS 29.002)."""

TAKEN: Final = Outcome(DELIVERED)
REJECTED: Final = Outcome(int(MessageState.REJECTED), SM_DELIVERY_FAILURE)
UNDELIVERABLE: Final = Outcome(int(MessageState.UNDELIVERABLE), SM_DELIVERY_FAILURE)
ABSENT: Final = 27
"""The error code of what waits for an ESME that is not there (absentSubscriber of 3GPP TS 29.002)."""

RX_R_APPN: Final = int(CommandStatus.ESME_RX_R_APPN)


def outcome_of(status: int) -> Outcome:
    """What the answer of the receiving ESME makes of a message: this status does not ask for another attempt.

    ESME_RX_R_APPN refuses this one message: REJECTED. Any other error means that it cannot be delivered.
    """
    if not status:
        return TAKEN
    return REJECTED if status == RX_R_APPN else UNDELIVERABLE


class Forward(Delivery):
    """A message on its way to an ESME; how that ends is the outcome of the message.

    What leaves is written when it leaves, from the record: a replaced message arrives as it was replaced.
    """

    __slots__ = ("message", "outcome")

    def __init__(self, message: Message, esme: EsmeState, now: float) -> None:
        super().__init__("forward", b"", esme, None, now, message.expires_at)
        self.message = message
        self.outcome = TAKEN
        """How it ends, once it is done with."""

    @property
    def is_wanted(self) -> bool:
        """Whether its message still waits for it: one that was cancelled or has expired does not."""
        return not self.message.is_final

    @property
    def has_one_attempt(self) -> bool:
        """Whether its message asks for one attempt and no more."""
        return self.message.pdu.esm_class & MODE_MASK in ONE_ATTEMPT

    def address(self) -> bytes:
        """The ESME's address that this is for."""
        return self.message.pdu.destination_addr

    def write(self, version: int) -> tuple[int, bytes] | None:
        """(command_id, body) for a bind of this interface_version; None when it does not fit such a bind's PDUs.

        What was submitted by data_sm leaves by data_sm, all else by deliver_sm. ESMEs below 3.4 know neither data_sm
        nor TLVs: the whole text must fit into short_message. Where data_coding 0 means another alphabet to the receiver
        than to the sender, the text is written anew.
        """
        pdu = in_alphabet(
            self.message.pdu, self.message.esme.dialect.default_alphabet, self.esme.dialect.default_alphabet
        )
        try:
            if version >= VERSION_34 and pdu.__class__ is DataRecord:
                return DATA_SM, encode(_data_sm(pdu, version))[HEADER_LENGTH:]
            return DELIVER_SM, encode(_deliver_sm(pdu, version))[HEADER_LENGTH:]
        except EncodeError:
            return None


def in_alphabet(pdu: SubmitSm, theirs: str, ours: str) -> SubmitSm:
    """A submission whose default alphabet is `theirs`, for somebody to whom data_coding 0 means `ours`.

    What `ours` does not have becomes a question mark; user data headers and binary data stay as they are.
    """
    if theirs == ours or alphabet_of(pdu.data_coding, theirs) is alphabet_of(pdu.data_coding, ours):
        return pdu
    header, octets = user_data(pdu)
    udh = None if header is NO_HEADER else header
    text = decode_text(octets, pdu.data_coding, default_alphabet=theirs, udh=udh)
    whole = text_octets(pdu)
    written = whole[: len(whole) - len(octets)] + encode_text(
        text, pdu.data_coding, default_alphabet=ours, errors="replace", udh=udh
    )
    if pdu.tlv(MESSAGE_PAYLOAD):
        tlvs = tuple(Tlv(tag, written if tag == MESSAGE_PAYLOAD else value) for tag, value in pdu.tlvs)
        return replace(pdu, tlvs=tlvs)
    return replace(pdu, short_message=written)


def _deliver_sm(pdu: SubmitSm, version: int) -> DeliverSm:
    """The mobile originated message that a submission becomes (SMPP 3.4 section 4.6.1)."""
    payload = pdu.tlv(MESSAGE_PAYLOAD) if pdu.tlvs else None
    text = pdu.short_message if not payload else b""
    tlvs: tuple[Tlv, ...] = ()
    if version < VERSION_34:
        text = payload or text
    else:
        tlvs = _kept(pdu.tlvs, DELIVER_SM, version)
        if len(text) > LONGEST_TEXT and version < VERSION_50:
            tlvs += (Tlv(MESSAGE_PAYLOAD, text),)
            text = b""
    return DeliverSm(
        service_type=pdu.service_type,
        source_addr_ton=pdu.source_addr_ton,
        source_addr_npi=pdu.source_addr_npi,
        source_addr=pdu.source_addr,
        dest_addr_ton=pdu.dest_addr_ton,
        dest_addr_npi=pdu.dest_addr_npi,
        destination_addr=pdu.destination_addr,
        esm_class=pdu.esm_class & ~MODE_MASK,
        protocol_id=pdu.protocol_id,
        priority_flag=pdu.priority_flag,
        registered_delivery=pdu.registered_delivery & ACK_MASK,
        data_coding=pdu.data_coding,
        short_message=text,
        tlvs=tlvs,
    )


def _data_sm(pdu: SubmitSm, version: int) -> DataSm:
    """The data_sm that a data_sm becomes (SMPP 3.4 section 4.7.1); a text that replace_sm gave it is its payload."""
    tlvs = _kept(pdu.tlvs, DATA_SM, version)
    if pdu.short_message:
        tlvs += (Tlv(MESSAGE_PAYLOAD, pdu.short_message),)
    return DataSm(
        service_type=pdu.service_type,
        source_addr_ton=pdu.source_addr_ton,
        source_addr_npi=pdu.source_addr_npi,
        source_addr=pdu.source_addr,
        dest_addr_ton=pdu.dest_addr_ton,
        dest_addr_npi=pdu.dest_addr_npi,
        destination_addr=pdu.destination_addr,
        esm_class=pdu.esm_class & ~MODE_MASK,
        registered_delivery=pdu.registered_delivery & ACK_MASK,
        data_coding=pdu.data_coding,
        tlvs=tlvs,
    )


def _kept(tlvs: tuple[Tlv, ...], command_id: int, version: int) -> tuple[Tlv, ...]:
    """Those TLVs of a submission that its receiver gets too, in their order."""
    if not tlvs:
        return tlvs
    known = _kept_tags(command_id, VERSION_50 if version >= VERSION_50 else VERSION_34)
    return tuple(tlv for tlv in tlvs if tlv.tag in known or FIRST_VENDOR_TAG <= tlv.tag <= LAST_VENDOR_TAG)


@cache
def _kept_tags(command_id: int, version: int) -> frozenset[int]:
    """The tags that this PDU of this version has, but for those between ESME and message centre."""
    return frozenset(int(tag) for tag, row in TLVS.items() if command_id in row.allowed_in(version)) - SUBMISSION_ONLY


class Peers:
    """Which account a message belongs to, if any."""

    __slots__ = ("_lengths", "_owners", "_paths", "active")

    def __init__(self) -> None:
        self.active = False
        """Whether any message can belong to an account: False costs those who forward nothing one look."""
        self._owners: dict[bytes, list[tuple[int, AddressRange, EsmeState]]] = {}
        self._lengths: list[int] = []
        self._paths: OrderedDict[tuple[EsmeState, bytes], tuple[EsmeState, int]] = OrderedDict()
        """(who got a message, its source_addr) -> who sent it, and what it asked for as bits of `ASKED_BY`."""

    def configure(self, accounts: Iterable[tuple[EsmeState, AddressRange]]) -> None:
        """Take the accounts with the addresses they serve, in configured order. Ways back stay."""
        owners: dict[bytes, list[tuple[int, AddressRange, EsmeState]]] = {}
        for position, (esme, addresses) in enumerate(accounts):
            if addresses:
                for beginning in addresses.beginnings():
                    owners.setdefault(beginning, []).append((position, addresses, esme))
        self._owners = owners
        self._lengths = sorted({len(beginning) for beginning in owners})
        self.active = bool(owners or self._paths)

    def find(self, sender: EsmeState, pdu: SubmitSm) -> EsmeState | None:
        """The account that gets what `sender` submits, None when the network does."""
        if self._paths:
            path = self._paths.get((sender, pdu.destination_addr))
            if path is not None and path[1] & ASKED_BY.get(pdu.esm_class & TYPE_MASK, 0):
                return path[0]
        return self.owner(pdu.destination_addr)

    def owner(self, address: bytes) -> EsmeState | None:
        """The first account in configured order whose address_range has this address."""
        best: tuple[int, EsmeState] | None = None
        for length in self._lengths:
            for position, addresses, esme in self._owners.get(address[:length], ()):
                if best is not None and position >= best[0]:
                    break
                if addresses.matches(address):
                    best = position, esme
                    break
        return None if best is None else best[1]

    def forget(self, gone: Collection[EsmeState]) -> None:
        """Forget the ways back that begin or end at these accounts."""
        paths = self._paths
        for key in [key for key, (sender, _) in paths.items() if key[0] in gone or sender in gone]:
            del paths[key]

    def remember(self, receiver: EsmeState, message: Message) -> None:
        """Keep the way back from `receiver`, if the message asks for an answer of its own."""
        pdu = message.pdu
        asked = pdu.registered_delivery & ACK_MASK | pdu.esm_class & REPLY_PATH
        if not asked:
            return
        key = (receiver, pdu.source_addr)
        sender, before = self._paths.pop(key, (message.esme, 0))
        self._paths[key] = (message.esme, asked | before if sender is message.esme else asked)
        if len(self._paths) > MAX_PATHS:
            self._paths.popitem(last=False)
        self.active = True

    @property
    def paths(self) -> Iterable[tuple[EsmeState, bytes, EsmeState, int]]:
        """The ways back, the least recently used first: who got a message, from where, who sent it, what it asked."""
        return ((*key, *value) for key, value in self._paths.items())

    def put_back(self, receiver: EsmeState, source_addr: bytes, sender: EsmeState, asked: int) -> None:
        """Take back one of `paths`, in its order."""
        self._paths[receiver, source_addr] = sender, asked
        self.active = True
