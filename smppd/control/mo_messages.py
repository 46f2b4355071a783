"""Messages from subscribers as they are asked for, and the deliver_sm that they become."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Meta, Struct, field

from smppd.control.failures import InvalidError, quoted
from smppd.patterns import address_type
from smppd.settings.types import MAX_ADDRESS, MAX_LIFE, Interval, Octet, ServiceType
from smppd.tlvs import tlv_octets
from smppwire.constants import TlvTag
from smppwire.errors import EncodeError, TextError
from smppwire.pdus import DeliverSm, Tlv
from smppwire.segmentation import Segment, segment

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BATCH: Final = 1000
"""Messages of one batch: what a person calls a lot, composed in a tenth of a second."""

MAX_TEXT: Final = 39_015
"""Characters of the longest text: 255 parts of 153 (3GPP TS 23.038)."""

MAX_OCTETS: Final = 65_535
"""Octets of the longest message_payload."""

LONGEST_TEXT: Final = 254
"""Octets of a short_message (SMPP 3.4 section 5.2.21)."""

MAX_TLVS: Final = 64
"""TLVs of one message: the specification has fewer for deliver_sm."""

UCS2: Final = 8
"""data_coding of a text that the account's default alphabet does not have."""

REFERENCES: Final = {"udh8": 0x100, "udh16": 0x10000, "sar": 0x10000, "payload": 0x10000}
"""How many references there are for the parts of one text."""

TLV_HEADER: Final = 4
"""Octets of a TLV before its value."""

Problems = list[tuple[str, str]]


class Mo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message from a subscriber to an ESME. The names are those of deliver_sm (SMPP 3.4 section 4.6.1)."""

    source_addr: Annotated[str, Meta(max_length=MAX_ADDRESS, description="The subscriber.")]
    destination_addr: Annotated[str, Meta(max_length=MAX_ADDRESS, description="The ESME's address: a short code, say.")]
    text: Annotated[
        Annotated[str, Meta(max_length=MAX_TEXT)] | None,
        Meta(
            description="What it says: in the account's default alphabet (GSM 03.38) if that has all of it, else in "
            "UCS-2, unless data_coding says otherwise. A long one is split.",
        ),
    ] = None
    short_message: Annotated[
        Annotated[str, Meta(max_length=2 * MAX_OCTETS)] | None,
        Meta(description="Octets in hexadecimal in place of a text; never split."),
    ] = None
    data_coding: Annotated[Octet | None, Meta(description="Default: 0 or 8 for a text, 0 for octets.")] = None
    account: Annotated[
        str,
        Meta(
            max_length=15,
            description='Whose it is. "": of the account that serves destination_addr (by the address_range of '
            "accounts, then of binds), else of the only account.",
        ),
    ] = ""
    split: Annotated[
        Literal["udh8", "udh16", "sar", "payload"],
        Meta(
            description="How a long text travels: in parts with a user data header (8-bit or 16-bit reference) or with "
            "sar_ TLVs. `payload`: as one message_payload, however long it is."
        ),
    ] = "udh8"
    source_addr_ton: Annotated[Octet | None, Meta(description="Default: as people mean the address.")] = None
    source_addr_npi: Annotated[Octet | None, Meta(description="Default: as people mean the address.")] = None
    dest_addr_ton: Annotated[Octet | None, Meta(description="Default: as people mean the address.")] = None
    dest_addr_npi: Annotated[Octet | None, Meta(description="Default: as people mean the address.")] = None
    service_type: ServiceType = ""
    esm_class: Annotated[Octet, Meta(description="The bit for a user data header is added where there is one.")] = 0
    protocol_id: Octet = 0
    priority_flag: Octet = 0
    registered_delivery: Annotated[Octet, Meta(description="Acknowledgements that the subscriber asks for.")] = 0
    tlvs: Annotated[
        dict[str, int | str],
        Meta(
            max_length=MAX_TLVS,
            description="By their names in the specification (`source_port`) or numbers (`0x1403`): integers, text, "
            'or octets as "0x...".',
        ),
    ] = field(default_factory=dict)
    delay: Annotated[float, Meta(ge=0, le=MAX_LIFE, description="Seconds of the engine's clock until it is sent.")] = (
        0.0
    )
    validity: Annotated[
        Interval | None,
        Meta(description="Seconds it waits for its ESME; null: `[messages] default_validity`."),
    ] = None


class MoBatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Messages from subscribers: all of them are taken, or none."""

    messages: Annotated[list[Mo], Meta(min_length=1, max_length=MAX_BATCH)]


class Composer:
    """Writes the parts of messages; those of one long text have a reference in common."""

    def __init__(self, references: int = 0) -> None:
        """Begin behind so many references."""
        self.references = references
        """How many have been given to texts."""

    def compose(self, mo: Mo, default_alphabet: str) -> list[DeliverSm]:
        """The parts of a message for an ESME to which data_coding 0 means this alphabet.

        Raises InvalidError with all that is wrong with it.
        """
        problems: Problems = []
        source = octets_of(mo.source_addr, "source_addr", problems)
        destination = octets_of(mo.destination_addr, "destination_addr", problems)
        tlvs = _tlvs(mo.tlvs, problems)
        parts, data_coding = self._parts(mo, default_alphabet, problems)
        if problems:
            raise InvalidError(problems)
        source_ton, source_npi = address_type(source)
        dest_ton, dest_npi = address_type(destination)
        return [
            DeliverSm(
                service_type=mo.service_type.encode(),
                source_addr_ton=_given(mo.source_addr_ton, source_ton),
                source_addr_npi=_given(mo.source_addr_npi, source_npi),
                source_addr=source,
                dest_addr_ton=_given(mo.dest_addr_ton, dest_ton),
                dest_addr_npi=_given(mo.dest_addr_npi, dest_npi),
                destination_addr=destination,
                esm_class=mo.esm_class | part.esm_class,
                protocol_id=mo.protocol_id,
                priority_flag=mo.priority_flag,
                registered_delivery=mo.registered_delivery,
                data_coding=data_coding,
                short_message=part.short_message,
                tlvs=(*part.tlvs, *tlvs),
            )
            for part in parts
        ]

    def _parts(self, mo: Mo, default_alphabet: str, problems: Problems) -> tuple[list[Segment], int]:
        """The content of each part, and their data_coding."""
        if (mo.text is None) == (mo.short_message is None):
            how = "neither is given" if mo.text is None else "both are given"
            problems.append(("text", f"expected either text or short_message ({how})"))
            return [], 0
        if mo.text is None:
            return _octets_as_part(mo, problems), mo.data_coding or 0
        reference = self.references % REFERENCES[mo.split]
        cut = partial(segment, mo.text, method=mo.split, reference=reference, default_alphabet=default_alphabet)
        codings = (0, UCS2) if mo.data_coding is None else (mo.data_coding,)
        reason = ""
        for data_coding in codings:
            try:
                parts = cut(data_coding=data_coding)
            except TextError as error:
                reason = f"it cannot be sent with data_coding {data_coding}: {error}"
            else:
                self.references += len(parts) > 1
                return parts, data_coding
        problems.append(("text", reason))
        return [], 0


def octets_of(address: str, path: str, problems: Problems) -> bytes:
    """An address as it stands in a PDU; what cannot stand there is added to `problems`."""
    try:
        octets = address.encode("latin-1")
    except UnicodeEncodeError:
        problems.append((path, f"{quoted(address)} has characters that SMPP cannot carry here"))
        return b""
    if b"\0" in octets:
        problems.append((path, "a NUL cannot be sent here"))
    return octets


def _given(value: int | None, usual: int) -> int:
    return usual if value is None else value


def _octets_as_part(mo: Mo, problems: Problems) -> list[Segment]:
    """The octets of a message that is not to be cut."""
    try:
        octets = bytes.fromhex(mo.short_message or "")
    except ValueError:
        problems.append(("short_message", "expected octets in hexadecimal"))
        return []
    if mo.split == "payload":
        return [Segment(b"", 0, (Tlv(TlvTag.MESSAGE_PAYLOAD, octets),))]
    if len(octets) > LONGEST_TEXT:
        hint = 'split = "payload" sends them as message_payload'
        problems.append(("short_message", f"expected at most {LONGEST_TEXT} octets, got {len(octets)} ({hint})"))
    return [Segment(octets)]


def _tlvs(named: Mapping[str, int | str], problems: Problems) -> list[Tlv]:
    tlvs = []
    for name, value in named.items():
        try:
            octets = tlv_octets(name, value)
        except (ValueError, EncodeError) as error:
            problems.append((f"tlvs.{name}", str(error) or "expected the name of a TLV, or its number as 0x1403"))
            continue
        tlvs.append(Tlv(int.from_bytes(octets[:2], "big"), octets[TLV_HEADER:]))
    return tlvs
