"""``[dialect.NAME]``: how a message centre writes things when all goes well.

Every key has the default of the dialect "default", which is what smppd does without any. A dialect that is
``based_on`` another one takes over every key that it does not set itself.
"""

from __future__ import annotations

import typing
from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, field

from smppd.settings.names import Command, Hex, LengthField, Number32, StateName, Status, StatusName, Tag
from smppd.settings.types import Octet, OptionalZone, Table, text_rule

MAX_ID: Final = 64
"""Characters of a message id (SMPP 3.4, 5.2.23)."""

MAX_TEXT: Final = 255
"""Octets of a receipt's text: what fits into a short_message."""

BASES: Final = {"decimal": 10, "hex": 16, "uuid": 16}
"""What the digits of an id count in; a UUID is 32 hexadecimal ones."""

MAX_PAIRS: Final = 64
"""Pairs of TON and NPI that an address may have."""

MAX_VENDOR_TLVS: Final = 32
"""TLVs that a dialect adds to one PDU."""

MAX_VENDOR_OCTETS: Final = 4_096
"""Octets of all TLVs that a dialect adds to one PDU: some ESMEs take no longer PDU at all (quirk Q88)."""

DEFAULT_TEMPLATE: Final = (
    "id:{id} sub:{sub} dlvrd:{dlvrd} submit date:{submit_date} done date:{done_date} stat:{stat} err:{err} text:{text}"
)
"""The text of a receipt as SMPP 3.4 prints it (appendix B)."""

TEMPLATE_FIELDS: Final = ("id", "sub", "dlvrd", "submit_date", "done_date", "stat", "err", "text")
"""What the template of a receipt may name."""

ReceiptTlv: TypeAlias = Literal["receipted_message_id", "message_state", "network_error_code", "user_message_reference"]

RECEIPT_TLVS: Final[tuple[ReceiptTlv, ...]] = typing.get_args(ReceiptTlv)
"""What a receipt has beside its text, where it is known."""

IdText: TypeAlias = Annotated[str, text_rule(f"up to {MAX_ID} characters of printable ASCII", 0, MAX_ID)]
Pair: TypeAlias = Annotated[list[Octet], Meta(min_length=2, max_length=2)]


class IdForm(Table, frozen=True):
    """How a message id is written in one place.

    * base: of the number; or a UUID that is made of it. case: of hexadecimal digits. width: padded with zeros to so
      many digits (not a UUID). prefix: what stands before it. dashes: of a UUID.
    * terminated: whether the NUL follows (in the places that have one: the text of a receipt has none). empty: nothing
      is written at all.
    """

    base: Literal["decimal", "hex", "uuid"] = "decimal"
    case: Literal["lower", "upper"] = "lower"
    width: Annotated[int, Meta(ge=0, le=MAX_ID)] = 0
    prefix: IdText = ""
    dashes: bool = True
    terminated: bool = True
    empty: bool = False


class MessageId(Table, frozen=True):
    """``message_id``: in the response, in the text of the receipt, in its TLV, and for sessions below 3.4.

    What has the form of ``response`` is spelled like the response, below 3.4 too. There ``width`` is also the most
    digits an id has: SMPP 3.3 has room for eight characters.
    """

    response: IdForm = IdForm()
    receipt_text: IdForm = IdForm()
    receipt_tlv: IdForm = IdForm()
    below_34: IdForm = IdForm(base="hex", case="upper", width=8)


class ReceiptForm(Table, frozen=True):
    """``receipt``: what a delivery receipt looks like.

    * template: its text; see ``TEMPLATE_FIELDS``.
    * date: 10 digits (YYMMDDhhmm), 12 with seconds, 14 with the century too, or "smpp": with tenths and quarter hours
      from UTC. zone: of the dates; "" = that of the server.
    * text_length: characters of the original text. states: how an outcome is spelled. errors: the text of ``err`` per
      outcome. err_width: digits of a number there.
    * esm_class. carrier: what tells it: the text, TLVs, both, or both with another state in the TLV.
    * tlvs: which are written. tlv_states: the octet in message_state per outcome, where it is to be another one.
      network_error_code: in three octets, or as three digits.
    * pdu: what carries it. text_in: where its text stands. terminated: a NUL ends it.
    * addresses: swapped, as a message from the subscriber has them, or those of the original.
    * unrequested: is sent though none was asked for. accepted_first: one that says ACCEPTD precedes the final one.
    * data_coding, registered_delivery: of the PDU.
    """

    template: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)] = DEFAULT_TEMPLATE
    date: Literal["10", "12", "14", "smpp"] = "10"
    zone: OptionalZone = ""
    text_length: Annotated[int, Meta(ge=0, le=MAX_TEXT)] = 20
    states: dict[StateName, Annotated[str, Meta(max_length=16)]] = field(default_factory=dict)
    errors: dict[StateName, Annotated[str, Meta(max_length=16)]] = field(default_factory=dict)
    err_width: Annotated[int, Meta(ge=1, le=8)] = 3
    esm_class: Octet = 0x04
    carrier: Literal["text", "tlvs", "both", "contradictory"] = "both"
    tlvs: list[ReceiptTlv] = field(default_factory=lambda: list(RECEIPT_TLVS))
    tlv_states: dict[StateName, Octet] = field(default_factory=dict)
    network_error_code: Literal["binary", "ascii"] = "binary"
    pdu: Literal["deliver_sm", "data_sm"] = "deliver_sm"
    text_in: Literal["short_message", "message_payload"] = "short_message"
    terminated: bool = False
    addresses: Literal["swapped", "original"] = "swapped"
    unrequested: bool = False
    accepted_first: bool = False
    data_coding: Octet = 0
    registered_delivery: Octet = 0


class ResponseForm(Table, frozen=True):
    """``response``: how requests are answered.

    * error_body: what follows the header of a refusal: nothing, one NUL, the body of a success, or TLVs alone.
    * statuses: a status that is written in place of another one. nack: those that are answered by a generic_nack.
    * error_text_tlv: the tag of a TLV that says in words what is wrong; 0 = none.
    * unsupported: requests that get a generic_nack with ESME_RINVCMDID. final_date: of query_sm_resp: 16 characters,
      12, or the 19 of ISO 8601 with a space in the middle.
    """

    error_body: Literal["none", "nul", "full", "tlvs"] = "none"
    statuses: dict[StatusName, Status] = field(default_factory=dict)
    nack: list[Status] = field(default_factory=list)
    error_text_tlv: Tag = 0
    unsupported: list[Command] = field(default_factory=list)
    final_date: Literal["long", "short", "iso"] = "long"


class BindForm(Table, frozen=True):
    """``bind``: the status of each refusal, and whether (and as what) sc_interface_version is in the response."""

    unknown_system_id: Status = "ESME_RINVSYSID"
    wrong_password: Status = "ESME_RINVPASWD"  # noqa: S105 - a status
    bind_type: Status = "ESME_RBINDFAIL"
    max_binds: Status = "ESME_RALYBND"
    disabled: Status = "ESME_RBINDFAIL"
    sc_interface_version: bool | Octet = True


class SessionForm(Table, frozen=True):
    """``session``: sequence numbers and lengths.

    * first_sequence_number: of our requests. align_sequences: they take the numbers that the ESME used last.
    * own_response_numbers: responses are counted instead of repeating the number of the request.
    * max_pdu: octets of the longest PDU in both directions; 0 = as ``[server]`` says. What is longer and waits for the
      ESME is not delivered.
    """

    first_sequence_number: Number32 = 1
    align_sequences: bool = False
    own_response_numbers: bool = False
    max_pdu: Annotated[int, Meta(ge=0, le=16_777_216)] = 0


class TextForm(Table, frozen=True):
    """``text``: default_alphabet: what data_coding 0 stands for."""

    default_alphabet: Literal["gsm7", "gsm7-packed", "latin-1", "ascii", "utf-8"] = "gsm7"


class LimitForm(Table, frozen=True):
    """``limits``: what holds for an account that does not say it itself.

    strict: how strictly values are judged; not given: as ``[validation]`` says. lengths: of fields, in octets, where
    they are to differ from the specification.
    """

    strict: bool | None = None
    lengths: dict[LengthField, Annotated[int, Meta(ge=0, le=255)]] = field(default_factory=dict)


class AddressForm(Table, frozen=True):
    """``addresses``: the pairs of TON and NPI that a submission may have; [] = those of the specification."""

    source: Annotated[list[Pair], Meta(max_length=MAX_PAIRS)] = field(default_factory=list)
    destination: Annotated[list[Pair], Meta(max_length=MAX_PAIRS)] = field(default_factory=list)


class VendorTlv(Table, frozen=True):
    """One of ``vendor_tlvs``: a TLV that is added to every PDU of this name. value: in hexadecimal."""

    pdu: Command
    tag: Tag
    value: Hex = ""


class Dialect(Table, frozen=True):
    """``[dialect.NAME]``.

    based_on: another dialect; "" = the default one. description: in a sentence. sources: where this was seen.
    """

    based_on: Annotated[str, Meta(max_length=64)] = ""
    description: Annotated[str, Meta(max_length=1_000)] = ""
    sources: list[str] = field(default_factory=list)
    message_id: MessageId = MessageId()
    receipt: ReceiptForm = ReceiptForm()
    response: ResponseForm = ResponseForm()
    bind: BindForm = BindForm()
    session: SessionForm = SessionForm()
    text: TextForm = TextForm()
    limits: LimitForm = LimitForm()
    addresses: AddressForm = AddressForm()
    vendor_tlvs: Annotated[list[VendorTlv], Meta(max_length=MAX_VENDOR_TLVS)] = field(default_factory=list)
