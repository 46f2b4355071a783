"""The dissector: any octets in, every field and everything that is wrong out. It never raises."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from smppwire.constants import HEADER_LENGTH, MAX_PDU_LENGTH, MAX_SEQUENCE_NUMBER, command_name
from smppwire.grammar import words
from smppwire.grammar.gallery import GALLERY, HEADER, LISTS, OPTIONAL_PART, Body
from smppwire.grammar.notation import Field, Finding, Kind, Trace, UnreadableError
from smppwire.grammar.optional import (
    MESSAGE_PAYLOAD,
    PARAMETERS,
    PORTS,
    REPEATABLE,
    SAR,
    parameter,
)
from smppwire.receipt import Receipt, parse_receipt
from smppwire.text import decode_text, is_text
from smppwire.udh import Udh, UdhError, parse_udh

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TLV_HEADER: Final = 4
"""Octets of tag and length."""

LONGEST_3_4_MESSAGE: Final = 254
"""Largest sm_length of 3.4 (5.2.21); 5.0 allows 255."""

GENERIC_NACK: Final = 0x80000000
DATA_SM: Final = 0x00000103
CARELESS: Final = frozenset({0x80000005, 0x80000103})
"""deliver_sm_resp and data_sm_resp come from ESMEs too, whose message_id nobody reads: it may lack its NUL."""

DELIVERIES: Final = frozenset({0x00000005, DATA_SM})
"""The PDUs that carry delivery receipts (Appendix B)."""

RECEIPT_TYPES: Final = frozenset({0x04, 0x20})
"""esm_class message types of a receipt and of an intermediate notification."""

CONCATENATION_STARTS: Final = (b"\x05\x00\x03", b"\x06\x08\x04")
"""A user data header that holds nothing but a concatenation element."""


class Problem(NamedTuple):
    """What is wrong: where, in which field, which rule it breaks, and the command_status that says so to a peer.

    ``fatal``: framing is lost, so that nothing after this PDU in the same stream can be trusted. In notes ``status``
    is None where the specification has no status for the case.
    """

    offset: int
    field: str
    rule: str
    status: str | None
    fatal: bool = False


class TlvField(NamedTuple):
    """One optional parameter: ``octets`` is the whole of it, ``raw`` its value on the wire."""

    offset: int
    octets: bytes
    tag: int
    raw: bytes
    name: str
    value: int | bytes
    meaning: str
    kind: Kind


Place = Field | TlvField
"""Something that was read."""


@dataclass(slots=True)
class Dissection:
    """One PDU taken apart.

    ``fields`` are in wire order, header first; ``values`` the mandatory parameters by name, lists as lists.
    ``broken_at`` names the mandatory field that could not be read; ``fields`` then ends before it, and ``rest`` is
    everything from there on. In a PDU that is whole, ``rest`` is what follows the last whole TLV.
    ``problems`` break a rule of form; ``notes`` are about values that are well formed, but reserved or unusual.
    """

    octets: bytes
    command: str | None = None
    command_id: int | None = None
    command_length: int | None = None
    command_status: int | None = None
    sequence_number: int | None = None
    fields: list[Field] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    tlvs: list[TlvField] = field(default_factory=list)
    rest: bytes = b""
    rest_offset: int = 0
    broken_at: str | None = None
    text: str | None = None
    user_data: bytes | None = None
    udh: Udh | None = None
    receipt: Receipt | None = None
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)

    @property
    def has_header(self) -> bool:
        """Whether the sixteen octets of the header are all there."""
        return self.sequence_number is not None

    def last_tlv(self, tag: int) -> TlvField | None:
        """The optional parameter with this tag that counts: the last one."""
        return next((tlv for tlv in reversed(self.tlvs) if tlv.tag == tag), None)

    def as_json(self) -> dict[str, Any]:
        """Everything as JSON values: octet strings in hexadecimal, C-octet strings as Latin-1, integers as numbers."""
        return {
            "command": self.command,
            "command_id": self.command_id,
            "command_length": self.command_length,
            "command_status": self.command_status,
            "sequence_number": self.sequence_number,
            "fields": {name: _json_value(name, value) for name, value in self.values.items()},
            "tlvs": [
                {"tag": tlv.tag, "name": tlv.name, "value": _shown(tlv.value, tlv.kind), "hex": tlv.raw.hex()}
                for tlv in self.tlvs
            ],
            "text": self.text,
            "udh": _json_udh(self.udh, self.user_data),
            "receipt": asdict(self.receipt) if self.receipt else None,
            "trailing": self.rest.hex(),
            "problems": [problem._asdict() for problem in self.problems],
            "notes": [note._asdict() for note in self.notes],
        }


def dissect_stream(
    octets: bytes, *, max_pdu_length: int = MAX_PDU_LENGTH, default_alphabet: str = "gsm7"
) -> list[Dissection]:
    """The PDUs in ``octets``, cut by their command_length.

    When a command_length cannot be trusted, that PDU gets all octets that are left. So do stray octets at the end that
    are too few for a header: they belong to the PDU before them.
    """
    found = []
    start = 0
    while start < len(octets):
        length = int.from_bytes(octets[start : start + 4], "big")
        sound = HEADER_LENGTH <= length <= max_pdu_length
        end = start + length
        if not sound or len(octets) - end < HEADER_LENGTH:
            end = len(octets)
        found.append(dissect(octets[start:end], max_pdu_length=max_pdu_length, default_alphabet=default_alphabet))
        start = end
    return found


def dissect(octets: bytes, *, max_pdu_length: int = MAX_PDU_LENGTH, default_alphabet: str = "gsm7") -> Dissection:
    """``octets`` taken apart as one PDU, whatever they are.

    ``default_alphabet`` is what data_coding 0 means (see ``smppwire.text``); a command_length above
    ``max_pdu_length`` is a problem. Raises ``TextError`` for a default alphabet that is none, and nothing else.
    """
    it = Dissection(octets)
    trace = Trace()
    if not _header(it, trace):
        return it
    frame = _frame(it, max_pdu_length)
    if frame is None:
        return it
    body = GALLERY.get(it.command_id or 0)
    if body is None:
        it.command = "unknown"
        it.rest, it.rest_offset = frame[HEADER_LENGTH:], HEADER_LENGTH
        it.problems.append(Problem(4, "command_id", f"0x{it.command_id:08x} is unknown", "ESME_RINVCMDID"))
        return it
    _body(it, trace, frame, body)
    _message(it, default_alphabet)
    it.problems.extend(_contradictions(it, body))
    it.notes.extend(_oddities(it, body))
    return it


# -- Header and frame --------------------------------------------------------------------------------------------------


def _header(it: Dissection, trace: Trace) -> bool:
    """Read the header into ``it``; False when it is cut short."""
    try:
        HEADER.parse_stream(BytesIO(it.octets), trace=trace)
    except UnreadableError:
        rule = f"{len(it.octets)} octets given, a header has {HEADER_LENGTH}"
        it.problems.append(Problem(0, "command_length", rule, "ESME_RINVCMDLEN", fatal=True))
        it.rest_offset = len(trace.fields) * 4
        it.rest = it.octets[it.rest_offset :]
    it.fields = list(trace.fields)
    for header_field in it.fields:
        setattr(it, header_field.name, header_field.value)
    if it.command_id is not None:
        it.command = GALLERY[it.command_id].name if it.command_id in GALLERY else "unknown"
    trace.fields.clear()
    trace.values.clear()
    return it.has_header


def _frame(it: Dissection, max_pdu_length: int) -> bytes | None:
    """The octets that belong to this PDU; None when there is no telling."""
    given, length = len(it.octets), it.command_length or 0
    if length < HEADER_LENGTH:
        it.rest, it.rest_offset = it.octets[HEADER_LENGTH:], HEADER_LENGTH
        _framing_problem(it, f"{length} is less than the {HEADER_LENGTH} octets of a header")
        return None
    if length > max_pdu_length:
        _framing_problem(it, f"{length} is above the maximum of {max_pdu_length}")
    elif length > given:
        _framing_problem(it, f"{length} octets announced, {given} given: the PDU is incomplete")
    elif length < given:
        _framing_problem(it, f"{length} octets announced, {given} given: what is left is no PDU")
    return it.octets[:length]


def _framing_problem(it: Dissection, rule: str) -> None:
    it.problems.append(Problem(0, "command_length", rule, "ESME_RINVCMDLEN", fatal=True))


# -- Body --------------------------------------------------------------------------------------------------------------


def _body(it: Dissection, trace: Trace, frame: bytes, body: Body) -> None:
    """Mandatory parameters, then the optional ones."""
    stream = BytesIO(frame)
    stream.seek(HEADER_LENGTH)
    failed = body.is_response and it.command_status != 0
    if failed and body.names and _only_tlvs(frame[HEADER_LENGTH:]):
        it.notes.append(Problem(HEADER_LENGTH, body.names[0], "left out before the TLVs of a failed response", None))
        _optional_part(it, stream)
        return
    try:
        body.fields.parse_stream(stream, trace=trace)
    except UnreadableError as broken:
        _broken(it, trace, frame, broken, forgiven=failed or it.command_id in CARELESS)
        return
    it.fields += trace.fields
    it.values = trace.values
    _judged(it, trace)
    if body.is_response and not failed:
        _cut_short(it, len(frame), body)
    _optional_part(it, stream)


def _only_tlvs(octets: bytes) -> bool:
    """Whether these octets start with a tag we know and are whole TLVs to the end."""
    if int.from_bytes(octets[:2], "big") not in PARAMETERS:
        return False
    part = OPTIONAL_PART.parse(octets)
    return bool(part.tlvs) and not part.trailing


def _broken(it: Dissection, trace: Trace, frame: bytes, broken: UnreadableError, *, forgiven: bool) -> None:
    """Enter a mandatory part that could not be read.

    ``forgiven``: the header of this response says all that matters, so its body is not read at all.
    """
    if forgiven:
        it.rest, it.rest_offset = frame[HEADER_LENGTH:], HEADER_LENGTH
        rule = f"{broken.rule}; the body is left unread, as the header is enough"
    else:
        it.fields += trace.fields
        it.values = trace.values
        _judged(it, trace)
        it.rest, it.rest_offset = frame[broken.offset :], broken.offset
        it.broken_at = broken.name
        rule = broken.rule
    it.problems.append(Problem(broken.offset, broken.name, rule, broken.status))


def _judged(it: Dissection, trace: Trace) -> None:
    for offset, name, finding in trace.findings:
        _enter(it, offset, name, finding)


def _enter(it: Dissection, offset: int, name: str, finding: Finding) -> None:
    target = it.problems if finding.grave else it.notes
    target.append(Problem(offset, name, finding.rule, finding.status))


def _cut_short(it: Dissection, end: int, body: Body) -> None:
    """A successful response may come without its body, but not with half of it."""
    if not it.values:
        return
    missing = next((name for name in body.names if name not in it.values), None)
    if missing:
        it.problems.append(Problem(end, missing, "the body ends before this field", "ESME_RINVCMDLEN"))


def _optional_part(it: Dissection, stream: BytesIO) -> None:
    """TLVs up to the first that is not whole, and what is left."""
    part = OPTIONAL_PART.parse_stream(stream)
    for tlv in part.tlvs:
        name, reading = parameter(tlv.tag)
        octets = it.octets[tlv.offset : tlv.offset + TLV_HEADER + tlv.length]
        value, meaning = reading.read(tlv.value), reading.explain(tlv.value)
        it.tlvs.append(TlvField(tlv.offset, octets, tlv.tag, tlv.value, name, value, meaning, reading.kind))
        for finding in reading.judge(tlv.value):
            _enter(it, tlv.offset, name, finding)
    if not part.trailing:
        return
    it.rest = part.trailing
    it.rest_offset = stream.tell() - len(it.rest)
    it.problems.append(Problem(it.rest_offset, *_stray(it.rest)))


def _stray(rest: bytes) -> tuple[str, str, str]:
    """Field, rule and status of octets after the last whole TLV."""
    if len(rest) < TLV_HEADER:
        return "tlvs", f"too few octets left for a TLV: {len(rest)}", "ESME_RINVOPTPARSTREAM"
    tag, length = int.from_bytes(rest[:2], "big"), int.from_bytes(rest[2:4], "big")
    name, _ = parameter(tag)
    given = len(rest) - TLV_HEADER
    return name, f"TLV 0x{tag:04x} announces {length} octets, {given} are left", "ESME_RINVOPTPARSTREAM"


# -- Message -----------------------------------------------------------------------------------------------------------


def _message(it: Dissection, default_alphabet: str) -> None:
    """The text, from short_message or else message_payload, with its user data header and what it says as a receipt."""
    it.user_data = _user_data(it)
    if it.user_data is None:
        return
    esm_class: int = it.values.get("esm_class", 0)
    data_coding: int = it.values.get("data_coding", 0)
    content = it.user_data
    if esm_class & words.UDHI:
        try:
            it.udh, content = parse_udh(it.user_data)
        except UdhError as error:
            # Receivers ignore a header they cannot read (3GPP TS 23.040, 9.2.3.24).
            it.notes.append(_at(it, "esm_class", f"UDHI is set, but {error}", "ESME_RINVESMCLASS"))
    elif _like_concatenation(content):
        rule = "the message starts with a concatenation header, but UDHI is not set"
        it.problems.append(_at(it, "esm_class", rule, "ESME_RINVESMCLASS"))
    it.text = decode_text(content, data_coding, default_alphabet=default_alphabet, udh=it.udh)
    if is_text(data_coding):
        it.text = it.text.rstrip("\x00")  # senders that count a terminator in sm_length
    it.receipt = _receipt(it, content, esm_class)


def _user_data(it: Dissection) -> bytes | None:
    """What the message consists of; None when the PDU has none or it is empty."""
    short_message: bytes | None = it.values.get("short_message")
    payload = it.last_tlv(MESSAGE_PAYLOAD)
    return short_message or (payload.raw if payload else None) or None


def _like_concatenation(content: bytes) -> bool:
    """Whether these octets start like part n of m with n <= m and m > 1, which hardly any text does."""
    size = content[0] + 1 if content.startswith(CONCATENATION_STARTS) else 0
    return bool(size) and len(content) >= size and 1 <= content[size - 1] <= content[size - 2] > 1


def _receipt(it: Dissection, content: bytes, esm_class: int) -> Receipt | None:
    """The receipt in the text. Its octets are read as they are: receipts are ASCII, whatever data_coding says."""
    if it.command_id not in DELIVERIES:
        return None
    announced = esm_class & words.ESM_TYPE_BITS in RECEIPT_TYPES
    receipt = parse_receipt(content)
    telling = receipt.id is not None and receipt.stat is not None
    if telling and not announced:
        it.notes.append(_at(it, "esm_class", "the text reads like a receipt, but the message type is not one", None))
    return receipt if announced or telling else None


def _at(it: Dissection, name: str, rule: str, status: str | None) -> Problem:
    """A problem with a field (or TLV) that was read."""
    places: Iterator[Place] = iter((*it.fields, *it.tlvs))
    offset = next((place.offset for place in places if place.name == name), HEADER_LENGTH)
    return Problem(offset, name, rule, status)


# -- Several fields at once --------------------------------------------------------------------------------------------


def _contradictions(it: Dissection, body: Body) -> Iterator[Problem]:
    """Fields that do not go together, and TLVs that must be there."""
    tags = {tlv.tag for tlv in it.tlvs}
    payload = it.last_tlv(MESSAGE_PAYLOAD)
    if payload and it.values.get("short_message"):
        yield Problem(payload.offset, payload.name, "short_message is filled as well", "ESME_RINVMSGLEN")
    if it.broken_at or it.command_status:
        return
    for tag in body.required_tlvs:
        if tag not in tags:
            yield Problem(len(it.octets), PARAMETERS[tag][0], "mandatory TLV missing", "ESME_RMISSINGOPTPARAM")


def _oddities(it: Dissection, body: Body) -> Iterator[Problem]:
    """What is legal or tolerated, and still worth a remark."""
    tags = Counter(tlv.tag for tlv in it.tlvs)
    if it.command_status and not body.is_response:
        yield Problem(8, "command_status", "not 0 in a request; receivers ignore it", None)
    if it.sequence_number == 0 and it.command_id != GENERIC_NACK:
        yield Problem(12, "sequence_number", "0 is only for a generic_nack that has no number to echo", None)
    if (it.sequence_number or 0) > MAX_SEQUENCE_NUMBER:
        yield Problem(12, "sequence_number", f"above 0x{MAX_SEQUENCE_NUMBER:08x}", None)
    if it.values.get("sm_length", 0) > LONGEST_3_4_MESSAGE:
        yield _at(it, "sm_length", "255 is for 5.0 only", "ESME_RINVMSGLEN")
    if it.command_id == DATA_SM and not it.broken_at and MESSAGE_PAYLOAD not in tags:
        yield Problem(len(it.octets), PARAMETERS[MESSAGE_PAYLOAD][0], "no message", "ESME_RMISSINGOPTPARAM")
    if it.values.get("esm_class", 0) & words.UDHI and tags.keys() & (SAR | PORTS):
        names = ", ".join(sorted(PARAMETERS[tag][0] for tag in tags.keys() & (SAR | PORTS)))
        yield _at(it, "esm_class", f"UDHI is set together with {names}", "ESME_RINVESMCLASS")
    if 0 < len(SAR & tags.keys()) < len(SAR):
        yield _at(it, PARAMETERS[min(SAR & tags.keys())][0], "the three sar_ TLVs count only together", None)
    for tag, times in tags.items():
        if times > 1 and tag in PARAMETERS and tag not in REPEATABLE:
            yield _at(it, PARAMETERS[tag][0], f"{times} times; the last one counts", None)


# -- JSON --------------------------------------------------------------------------------------------------------------


def _shown(value: int | bytes, kind: Kind) -> int | str:
    if isinstance(value, int):
        return value
    return value.decode("latin-1") if kind == "text" else value.hex()


def _json_value(name: str, value: Any) -> Any:
    if name in LISTS:
        return [{key: _shown(item, "text") for key, item in member.items()} for member in value]
    return _shown(value, "octets" if name == "short_message" else "text")


def _json_udh(udh: Udh | None, user_data: bytes | None) -> Mapping[str, Any] | None:
    if udh is None or user_data is None:
        return None
    return {
        "octets": user_data[: udh.length].hex(),
        "elements": [{"iei": iei, "data": data.hex()} for iei, data in udh.elements],
        "concat": udh.concat._asdict() if udh.concat else None,
        "ports": udh.ports._asdict() if udh.ports else None,
        "single_shift": udh.single_shift,
        "locking_shift": udh.locking_shift,
    }


def command_label(it: Dissection) -> str:
    """The name of the command, or its number when it has none."""
    return command_name(it.command_id) if it.command_id is not None else "incomplete header"
