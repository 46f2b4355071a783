"""The codec against PDUs from other projects' test suites and bug reports (protocol/vectors/vectors.jsonl).

Every row is cut out of its octets by the framer, decoded, and compared with everything its source asserts. What
decodes is encoded again. Rows that deviate from the specification show the error the reference codec gives
(``ref_error``) or its lenient reading. Where we differ from a source on purpose, DIFFERENCES says why.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from smppwire.codec import decode, describe, encode
from smppwire.constants import EsmClassFeature, TlvTag, status_name
from smppwire.errors import DecodeError
from smppwire.framing import Framer
from smppwire.pdus import DistributionList, Pdu, SmeAddress, SubmitMulti, SubmitMultiResp, UnknownPdu
from smppwire.receipt import parse_receipt
from smppwire.text import decode_text
from smppwire.udh import parse_udh
from smppwire.validation import ValidationPolicy, first_violation, validate

VECTORS = Path(__file__).parents[2] / "protocol" / "vectors" / "vectors.jsonl"
ROWS: list[dict[str, Any]] = [json.loads(line) for line in VECTORS.read_text(encoding="utf-8").splitlines()]
by_id = {"argvalues": ROWS, "ids": [row["id"] for row in ROWS]}

STRICT = ValidationPolicy(header_only_body="reject")

_UNDERSTATED = (
    "its command_length cuts the text short; the source reads on past the end of the PDU, we answer RINVMSGLEN"
)
_OVERSTATED = "its command_length is larger than the octets there are; the source does not look, we wait for the rest"
_SWAPPED = "the source has the command_ids of broadcast_sm and query_broadcast_sm the wrong way round"

DIFFERENCES: dict[str, str] = {
    "V0130": "the source reads a PDU that is not complete; on a stream that is no error, the rest may come",
    "V0131": "the octet too many lies behind command_length: it is the beginning of the next PDU",
    "V0138": _SWAPPED,
    "V0153": _SWAPPED,
    "V0168": "the source's maximum is 0x10000; 65,537 octets are below our default and may still come",
    "V0383": "the source refuses sequence_number 0; real peers send it and it can be echoed",
    **{f"V0{number}": _UNDERSTATED for number in (327, 328, 337, 338)},
    **{f"V0{number}": _OVERSTATED for number in range(329, 337)},
    "V0339": _OVERSTATED,
    **{f"V0{number}": _UNDERSTATED for number in range(409, 415)},
}

ABOUT_THE_SOURCE = {"charset_hint", "source_bug", "lenient", "header_only", "partial_header_available"}
PROSE = {"V0083", "V0084"}  # their "text" describes what the source makes of it
HEADER = ("command_length", "command_id", "command_status", "sequence_number")


class Reading:
    """What we make of the octets of one row."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.framer = Framer()
        buffer, cut = self.framer.feed(octets)
        self.frames = [buffer[start:end] for start, end, *_ in cut]
        self.pdus: list[Pdu | DecodeError] = []
        for frame in self.frames:
            try:
                self.pdus.append(decode(frame))
            except DecodeError as error:
                self.pdus.append(error)

    @property
    def first(self) -> Pdu | DecodeError | None:
        return self.pdus[0] if self.pdus else None

    @property
    def refused(self) -> bool:
        """Whether a strict server would answer an error to the first PDU."""
        if self.first is None:
            return self.framer.error is not None
        return isinstance(self.first, DecodeError) or first_violation(self.first, STRICT) != 0


def user_data(pdu: Any, row: dict[str, Any]) -> tuple[Any, bytes]:
    """User data header, if the PDU or the source says there is one, and the rest of the text."""
    octets = pdu.short_message or pdu.tlv(TlvTag.MESSAGE_PAYLOAD) or b""
    # Some SMSCs forget the indicator; the sources of those rows know better.
    if pdu.esm_class & EsmClassFeature.UDHI or "udh_hex" in row["expect"]:
        return parse_udh(octets)
    return None, octets


def field(pdu: Any, name: str) -> Any:
    value = getattr(pdu, name, "(no such field)")
    return value.decode("latin-1") if isinstance(value, bytes) else value


def reading_of(key: str, expected: Any, pdu: Any, row: dict[str, Any]) -> Any:
    """What a decoded PDU says about ``key``, in the shape of the vectors."""
    match key:
        case "short_message_hex":
            return pdu.short_message.hex()
        case "sm_length":
            return len(pdu.short_message)
        case "tlv_count":
            return len(pdu.tlvs)
        case "tlvs":
            return [one for one in expected if has_tlv(pdu, one)]
        case "no_body":
            return len(encode(pdu)) == 16
        case "lenient_trailing":
            return pdu.trailing.hex()
        case "sequence_number_accepted":
            return first_violation(pdu, STRICT) == 0
        case "dest_addresses":
            return [destination_of(entry) for entry in pdu.dest_address]
        case "unsuccess_sme":
            return [entry._asdict() | {"destination_addr": entry[2].decode()} for entry in pdu.unsuccess_sme]
        case "udh_hex":
            return pdu.short_message[: len(pdu.short_message) - len(user_data(pdu, row)[1])].hex()
        case "concat":
            concat = user_data(pdu, row)[0] and user_data(pdu, row)[0].concat
            return concat and {"ref": concat.ref, "total": concat.total, "seq": concat.seq}
        case "text":
            udh, rest = user_data(pdu, row)
            # A NUL that sm_length counts is an octet of the message; the sources drop it.
            return decode_text(rest, pdu.data_coding, udh=udh).removesuffix("\0")
        case "receipt":
            receipt = parse_receipt(pdu.short_message)
            return {name: as_printed(name, getattr(receipt, name)) for name in expected}
        case _:
            return field(pdu, key)


def as_printed(name: str, value: Any) -> Any:
    """Counts of a receipt are numbers to us and three digits in its text."""
    return f"{value:03}" if name in {"sub", "dlvrd"} else value


def has_tlv(pdu: Pdu, expected: dict[str, Any]) -> bool:
    values = [value for tag, value in pdu.tlvs if tag == expected["tag"]]
    if "value_cstring" in expected:
        return expected["value_cstring"].encode() in [value.rstrip(b"\0") for value in values]
    return bytes.fromhex(expected["value_hex"]) in values


def destination_of(entry: SmeAddress | DistributionList) -> dict[str, Any]:
    if isinstance(entry, DistributionList):
        return {"dest_flag": 2, "dl_name": entry.dl_name.decode()}
    return {"dest_flag": 1, **entry._asdict(), "destination_addr": entry.destination_addr.decode()}


def contradictions(row: dict[str, Any]) -> list[str]:
    """What the source of a row asserts and we do not find."""
    octets = bytes.fromhex(row["hex"])
    reading = Reading(octets)
    header = dict(zip(HEADER, struct.unpack_from(">IIII", octets.ljust(16, b"\0")), strict=True))
    found = []
    for key, expected in row["expect"].items():
        got: Any
        if key in ABOUT_THE_SOURCE or (key == "text" and (expected is None or row["id"] in PROSE)):
            continue
        if key in HEADER:
            got = header[key]
        elif key == "error":
            got = expected if reading.refused else None
        elif key == "need_more":
            got = not reading.pdus and reading.framer.error is None
        elif key == "bytes_left":
            got = reading.framer.pending
        elif key == "pdus":
            got = [one for one, pdu in zip(expected, reading.pdus, strict=True) if is_as(pdu, one)]
        elif key == "feed_split_at":
            got = expected if split_gives_the_same(reading, expected) else None
        elif key == "is_receipt":
            got = isinstance(reading.first, Pdu)
        elif isinstance(reading.first, Pdu):
            got = reading_of(key, expected, reading.first, row)
        else:
            got = "(not decoded)"
        if got != expected:
            found.append(f"{key}: {got!r}, expected {expected!r}")
    return found


def is_as(pdu: Pdu | DecodeError, expected: dict[str, Any]) -> bool:
    names = [name for name in ("command_id", "command_status", "sequence_number") if name in expected]
    refused = isinstance(pdu, DecodeError) or first_violation(pdu, STRICT) != 0
    return refused == ("error" in expected) and all(getattr(pdu, name) == expected[name] for name in names)


def split_gives_the_same(reading: Reading, at: int) -> bool:
    framer = Framer()
    chunks = [framer.feed(reading.octets[:at]), framer.feed(reading.octets[at:])]
    return [buffer[start:end] for buffer, cut in chunks for start, end, *_ in cut] == reading.frames


@pytest.mark.parametrize("row", **by_id)
def test_what_the_source_asserts(row: dict[str, Any]) -> None:
    found = contradictions(row)
    if row["id"] in DIFFERENCES:
        assert found, f"no longer differs: {DIFFERENCES[row['id']]}"
    else:
        assert found == []


def test_differences_are_about_rows_that_deviate() -> None:
    conformant = {row["id"] for row in ROWS if row["conformant"]}
    assert not conformant & set(DIFFERENCES)
    assert set(DIFFERENCES) <= {row["id"] for row in ROWS}


@pytest.mark.parametrize("row", **by_id)
def test_what_decodes_encodes_to_the_same_octets(row: dict[str, Any]) -> None:
    reading = Reading(bytes.fromhex(row["hex"]))
    decoded = [(frame, pdu) for frame, pdu in zip(reading.frames, reading.pdus, strict=True) if isinstance(pdu, Pdu)]
    if row["conformant"]:
        assert decoded
        assert b"".join(frame for frame, _ in decoded) == reading.octets
        assert all(not pdu.trailing for _, pdu in decoded)
    for frame, pdu in decoded:
        assert encode(pdu) == frame


REFERENCE_ERRORS = {
    "need_more": "incomplete",
    "bad_command_length": "ESME_RINVCMDLEN fatal",
    "unknown_command_id": "ESME_RINVCMDID",
    "unterminated_cstring": "ESME_RINVCMDLEN",
    "truncated_field": "ESME_RINVMSGLEN",
    "tlv_stream": "ESME_RINVOPTPARSTREAM",
}
"""What the kinds of errors in ``ref_error`` are to us. (All truncated fields among the rows are texts.)"""


READ_ANYWAY = {
    "V0156": "a response may end between two fields: message_state and error_code are None",
    "V0296": "an error response without message_id whose body is TLVs from its first octet",
}
"""Rows that the reference codec refuses and we read, because nobody gains by an error."""


@pytest.mark.parametrize("row", [row for row in ROWS if row["id"] in READ_ANYWAY], ids=lambda row: row["id"])
def test_responses_are_read_where_they_can_be(row: dict[str, Any]) -> None:
    pdu = Reading(bytes.fromhex(row["hex"])).first
    assert isinstance(pdu, Pdu)
    assert list(validate(pdu, STRICT)) == []
    assert None in {getattr(pdu, name, "") for name in ("message_id", "error_code")}


REFUSED = [row for row in ROWS if "ref_error" in row and row["id"] not in READ_ANYWAY]


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row["id"])
def test_deviant_rows_get_the_documented_error(row: dict[str, Any]) -> None:
    reading = Reading(bytes.fromhex(row["hex"]))
    pdu = reading.first
    if pdu is None:
        error = reading.framer.error
        got = {f"{status_name(error.command_status)} fatal" if error else "incomplete"}
    elif isinstance(pdu, DecodeError):
        got = {status_name(pdu.command_status)}
    else:
        got = {status_name(violation.status) for violation in validate(pdu, STRICT)}
    assert REFERENCE_ERRORS[row["ref_error"]] in got


@pytest.mark.parametrize("row", [row for row in ROWS if "over_limit" in row], ids=lambda row: row["id"])
def test_over_long_fields_are_read_and_named(row: dict[str, Any]) -> None:
    pdu = Reading(bytes.fromhex(row["hex"])).first
    assert isinstance(pdu, Pdu)
    assert {violation.field for violation in validate(pdu, STRICT)} >= set(row["over_limit"])
    assert first_violation(pdu, ValidationPolicy(strict=False)) == 0


JUDGED: dict[str, str] = {
    # Conformant in structure, not in values: what a server answers to the first of them.
    "V0030": "ESME_RBINDFAIL",  # addr_npi 2 is reserved
    "V0047": "ESME_RINVMSGLEN",  # 255 octets of text: 5.0 allows them
    "V0062": "ESME_RINVESMCLASS",  # user data header and segmentation TLVs
    "V0255": "ESME_RINVSRCNPI",  # the source numbers NPIs consecutively
    "V0262": "ESME_RINVSRCNPI",
    "V0291": "ESME_RINVDSTADR",  # letters in an international number
}


@pytest.mark.parametrize("row", [row for row in ROWS if row["conformant"]], ids=lambda row: row["id"])
def test_conformant_rows_are_judged_clean(row: dict[str, Any]) -> None:
    for pdu in Reading(bytes.fromhex(row["hex"])).pdus:
        assert isinstance(pdu, Pdu)
        status = first_violation(pdu, ValidationPolicy())
        if row["project"] in {"CursedHardware/go-smpp", "gosmpp"} and status:
            continue  # their tests fill every field with some number, to see all bits pass
        assert status_name(status) == JUDGED.get(row["id"], "ESME_ROK")


@pytest.mark.parametrize("row", **by_id)
def test_one_line_for_each(row: dict[str, Any]) -> None:
    octets = bytes.fromhex(row["hex"])
    for item in (octets, *Reading(octets).frames):
        assert describe(item).isprintable()
        assert describe(item, personal=True).isprintable()


def test_a_lower_maximum_refuses_what_the_source_refuses() -> None:
    row = next(row for row in ROWS if row["id"] == "V0168")
    framer = Framer(max_pdu_length=0x10000)
    framer.feed(bytes.fromhex(row["hex"]))
    assert framer.error is not None


def test_the_rows_cover_the_kinds_of_pdus() -> None:
    kinds = {type(pdu) for row in ROWS for pdu in Reading(bytes.fromhex(row["hex"])).pdus}
    assert len(ROWS) == 285
    assert {SubmitMulti, SubmitMultiResp, UnknownPdu, DecodeError} <= kinds
    assert len(kinds) > 25
