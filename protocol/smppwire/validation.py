"""Judging values: what the specification wants to be answered to a PDU that decodes but is not right.

Decoding accepts any value; here is what is wrong with them, in wire order. The schema says per field which rule holds
and which status answers a breach; the rules are one small function each, giving the conditions as source text; from
them two functions are generated per PDU and policy, when first asked for: ``first_violation`` (straight-line code for
the hot path, returns a status) and ``validate`` (yields every violation). Both come from the same list of conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final, Literal, NamedTuple

from smppwire.constants import (
    ESM_CLASS_MODE_MASK,
    ESM_CLASS_TYPE_MASK,
    CommandId,
    CommandStatus,
    EsmClassFeature,
    EsmClassMode,
    EsmClassType,
    InterfaceVersion,
    Npi,
    TlvTag,
    Ton,
    tlv_name,
)
from smppwire.generation import compile_source
from smppwire.pdus import DistributionList, Pdu, SmeAddress, Tlv, UnknownPdu
from smppwire.schema import (
    DISTRIBUTION_LIST_FIELDS,
    PDUS,
    PORT_TAGS,
    SAR_TAGS,
    SME_ADDRESS_FIELDS,
    TLV_REQUIREMENTS,
    TLVS,
    V50,
    Field,
    Kind,
    PduSpec,
    Rule,
)
from smppwire.smpp_time import check_time


class Violation(NamedTuple):
    """One thing that is wrong: the status to answer, the parameter, and the broken rule in a few words."""

    status: int
    field: str
    rule: str


Validator = Callable[[Any], int]
"""``validator(pdu)``: the status of the first violation in wire order, 0 when there is none."""


class _Validators(dict[int, Validator]):
    """first_violation functions by command_id, generated when first asked for."""

    __slots__ = ("_policy",)

    def __init__(self, policy: ValidationPolicy) -> None:
        super().__init__()
        self._policy = policy

    def __missing__(self, command_id: int) -> Validator:
        if command_id not in PDUS:
            return _unknown_command  # not kept: a peer could name four billion of them
        self[command_id] = generated = _generate(command_id, self._policy)[0]
        return generated


def _unknown_command(_pdu: Pdu) -> int:
    return CommandStatus.ESME_RINVCMDID


@dataclass(frozen=True)
class ValidationPolicy:
    """By which rules values are judged. Hashable; equal policies share their generated code.

    * ``interface_version``: what the session speaks. 0x50 and above: the rules of 5.0, everything below: those of 3.4.
    * ``strict``: False accepts what peers often get wrong and what can be read all the same: over-long C-octet
      strings, TLVs of a wrong size or value, octets after the body.
    * ``password_max``: octets of a password including its NUL (9 in 5.2.2; operators hand out longer ones).
    * ``payload_and_short_message``: "reject" answers ESME_RINVMSGLEN when both are filled, "payload" lets
      message_payload count. In 5.0 the payload supersedes the text in any case.
    * ``header_only_body``: "ignore" or "reject" a body of a PDU that has none (peers send an enquire_link_resp with a
      NUL; 3.4 does not say what to make of it). "reject" needs ``strict``.
    * ``from_smsc``: the PDUs were sent by an SMSC: data_sm may carry receipts, modes mean nothing.
    * ``lengths``: (field, octets without the NUL) for fields of ``LENGTH_FIELDS`` whose longest value is to be another
      than the specification's; it holds however lax the policy is.
    * ``source_pairs``, ``destination_pairs``: the pairs of TON and NPI that a submission may have; none: all those of
      the specification. Operators restrict them; a TON that no pair has is answered with the status of the TON.
    """

    interface_version: int = InterfaceVersion.SMPP_3_4
    strict: bool = True
    password_max: int = 9
    payload_and_short_message: Literal["reject", "payload"] = "reject"
    header_only_body: Literal["ignore", "reject"] = "ignore"
    from_smsc: bool = False
    lengths: tuple[tuple[str, int], ...] = ()
    source_pairs: frozenset[tuple[int, int]] = frozenset()
    destination_pairs: frozenset[tuple[int, int]] = frozenset()
    validators: dict[int, Validator] = field(init=False, repr=False, compare=False)
    """``validators[command_id]``: what ``first_violation`` calls; hot code may hold on to an entry."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "validators", _Validators(self))

    def longest(self, field: str) -> int | None:
        """What ``lengths`` says of a field; None where it says nothing."""
        return dict(self.lengths).get(field)

    @property
    def is_50(self) -> bool:
        """Whether the rules of 5.0 apply."""
        return self.interface_version >= V50


def first_violation(pdu: Pdu, policy: ValidationPolicy) -> int:
    """Status of the first violation in wire order, 0 (ESME_ROK) when there is none. An unknown command: RINVCMDID."""
    return policy.validators[pdu.command_id](pdu)


def validator(command_id: int, policy: ValidationPolicy) -> Validator:
    """The function that judges PDUs of one command under a policy; for loops."""
    return policy.validators[command_id]


def validate(pdu: Pdu, policy: ValidationPolicy) -> Iterator[Violation]:
    """Everything that is wrong with a PDU, in wire order."""
    if isinstance(pdu, UnknownPdu):
        return iter((Violation(CommandStatus.ESME_RINVCMDID, "command_id", "unknown command"),))
    return _generate(pdu.command_id, policy)[1](pdu)


DESTINATION_FIELDS: Final = frozenset(row.name for row in (*SME_ADDRESS_FIELDS, *DISTRIBUTION_LIST_FIELDS))
"""What `Violation.field` says of a single destination of a submit_multi: an SMSC may refuse that one alone (4.5.1)."""


def destination_violation(destination: SmeAddress | DistributionList, policy: ValidationPolicy) -> int:
    """Status of the first violation in one destination of a submit_multi, 0 (ESME_ROK) when there is none."""
    judge = _generate(CommandId.SUBMIT_MULTI, policy)[2]
    return next((violation.status for violation in judge((destination,))), 0)


# --------------------------------------------------------------------------- rules


class Check(NamedTuple):
    """A condition, as source text, under which ``rule`` is broken. It may name the PDU's attributes and ``pdu``."""

    condition: str
    rule: str


NPIS: Final = frozenset(Npi)
MAX_TON: Final = max(Ton)

FORBIDDEN_IN_ADDRESSES: Final = bytes([*range(0x20), 0x7F])
"""Control characters: no alphabet of a sender or receiver has them, whatever the type of number."""
DIALLED: Final = b"0123456789+*#. "
"""What a national or international number may consist of: digits and the characters people and UNIs put among them."""
_NUMBER_TONS: Final = (Ton.INTERNATIONAL, Ton.NATIONAL)

TYPES_FROM_ESME: Final = frozenset(
    {EsmClassType.DEFAULT, EsmClassType.SME_DELIVERY_ACKNOWLEDGEMENT, EsmClassType.SME_MANUAL_ACKNOWLEDGEMENT}
)
"""esm_class types an ESME may use in 3.4; 5.0 has one table for both directions, the SMSC always had all."""
ALL_TYPES: Final = frozenset(EsmClassType)

MAX_SHORT_MESSAGE_34: Final = 254
"""sm_length 255 is not allowed in 3.4 (5.2.21)."""
MAX_SHORT_MESSAGE_50: Final = 255
MAX_DESTINATIONS_34: Final = 254
"""number_of_dests 255 is not allowed in 3.4 (5.2.24)."""
MAX_DESTINATIONS_50: Final = 255
RESERVED_DATA_CODINGS: Final = frozenset({0x0B, 0x0C, *range(0x0F, 0xC0), *range(0xE0, 0xF0)})
"""Reserved by 5.2.19. 3.4 has no status for them and traffic uses some; only 5.0 has one, ESME_RINVDCS."""
_TIME_LENGTH: Final = 16
_SHORT_DATE_LENGTH: Final = 12


def _any(_field: Field, _policy: ValidationPolicy) -> Iterator[Check]:
    return iter(())


def _ton(field: Field, policy: ValidationPolicy) -> Iterator[Check]:
    yield Check(f"{field.name} > {MAX_TON}", "reserved type of number")
    if pairs := _pairs_of(field, policy):
        yield Check(f"{field.name} not in {sorted({ton for ton, _ in pairs})}", "a type of number not accepted here")


def _npi(field: Field, policy: ValidationPolicy) -> Iterator[Check]:
    yield Check(f"{field.name} not in NPIS", "reserved numbering plan")
    if pairs := _pairs_of(field, policy):
        ton = field.name.replace("npi", "ton")
        yield Check(f"({ton}, {field.name}) not in {sorted(pairs)}", "a numbering plan not accepted here")


def _pairs_of(field: Field, policy: ValidationPolicy) -> frozenset[tuple[int, int]]:
    """The pairs of TON and NPI that are accepted where this field is one of the two; none: all."""
    if field.name.startswith("source_addr"):
        return policy.source_pairs
    return policy.destination_pairs if field.name.startswith("dest_addr") else frozenset()


def _password(field: Field, policy: ValidationPolicy) -> Iterator[Check]:
    if policy.strict:
        yield Check(f"len({field.name}) > {policy.password_max - 1}", f"longer than {policy.password_max - 1} octets")


_CONTROL_CHARACTER: Final = "control characters"


def _source_address(field: Field, _policy: ValidationPolicy) -> Iterator[Check]:
    name = field.name
    yield Check(f"not {name}.isdigit() and has_control({name})", _CONTROL_CHARACTER)


def _destination_address(field: Field, policy: ValidationPolicy) -> Iterator[Check]:
    yield Check(f"not {field.name}", "empty")
    yield from _source_address(field, policy)
    yield from _number(field)


def _destination_unless_message_id(field: Field, policy: ValidationPolicy) -> Iterator[Check]:
    yield Check(f"not ({field.name} or pdu.message_id)", "empty, and no message_id either")
    yield from _source_address(field, policy)
    yield from _number(field)


def _number(field: Field) -> Iterator[Check]:
    condition = f"not {field.name}.isdigit() and dest_addr_ton in NUMBER_TONS and {field.name}.translate(None, DIALLED)"
    yield Check(condition, "a number of this type consists of digits")


def _esm_class(policy: ValidationPolicy, *, types: frozenset[EsmClassType], transaction: bool) -> Iterator[Check]:
    known = ALL_TYPES if policy.is_50 or policy.from_smsc else types
    modes = set(EsmClassMode)
    if not (transaction or policy.from_smsc):
        modes.remove(EsmClassMode.TRANSACTION)
    allowed = {
        value for value in range(256) if value & ESM_CLASS_TYPE_MASK in known and value & ESM_CLASS_MODE_MASK in modes
    }
    yield Check(f"esm_class not in {allowed}", "message type or mode not allowed here")
    yield Check(
        f"esm_class & {EsmClassFeature.UDHI:d} and tlvs and conflicts_with_udh(tlvs)",
        "user data header together with segmentation or port TLVs",
    )


def _esm_class_submit(_field: Field, policy: ValidationPolicy) -> Iterator[Check]:
    return _esm_class(policy, types=TYPES_FROM_ESME, transaction=policy.is_50)


def _esm_class_multi(_field: Field, policy: ValidationPolicy) -> Iterator[Check]:
    return _esm_class(policy, types=TYPES_FROM_ESME, transaction=False)


def _esm_class_data(_field: Field, policy: ValidationPolicy) -> Iterator[Check]:
    return _esm_class(policy, types=TYPES_FROM_ESME, transaction=True)


def _esm_class_deliver(_field: Field, policy: ValidationPolicy) -> Iterator[Check]:
    return _esm_class(policy, types=ALL_TYPES, transaction=True)


def conflicts_with_udh(tlvs: tuple[Tlv, ...]) -> bool:
    """Whether TLVs say again what a user data header says: ports, or all three segmentation parameters (5.2.12)."""
    tags = {tag for tag, _ in tlvs}
    return not tags.isdisjoint(PORT_TAGS) or tags >= SAR_TAGS


def _priority_flag(_field: Field, policy: ValidationPolicy) -> Iterator[Check]:
    highest = 4 if policy.is_50 else 3
    yield Check(f"priority_flag > {highest}", f"above {highest}")


def _time(field: Field, _policy: ValidationPolicy) -> Iterator[Check]:
    yield Check(f"{field.name} and not check_time({field.name})", "not a time of YYMMDDhhmmsstnnp")


def _final_date(field: Field, policy: ValidationPolicy) -> Iterator[Check]:
    if policy.strict:
        yield Check(
            f"{field.name} and not is_final_date({field.name})", "not a time of YYMMDDhhmmsstnnp or YYMMDDhhmmss"
        )


def is_final_date(octets: bytes) -> bool:
    """Whether octets may be a final_date: a time, or the twelve digits that 7.1.1 allows an SMSC to report."""
    return check_time(octets + b"000+") if len(octets) == _SHORT_DATE_LENGTH else check_time(octets)


def _registered_delivery(_field: Field, policy: ValidationPolicy) -> Iterator[Check]:
    yield Check("registered_delivery & 0xC0", "reserved bits")
    if not policy.is_50:
        yield Check("registered_delivery & 3 == 3", "reserved receipt request")


def _replace_if_present(_field: Field, _policy: ValidationPolicy) -> Iterator[Check]:
    yield Check("replace_if_present_flag > 1", "neither 0 nor 1")


def _data_coding(_field: Field, policy: ValidationPolicy) -> Iterator[Check]:
    if policy.is_50 and policy.strict:
        yield Check(f"data_coding in {set(RESERVED_DATA_CODINGS)}", "reserved data_coding")


def _sm_default_msg_id(_field: Field, policy: ValidationPolicy) -> Iterator[Check]:
    if not policy.is_50:
        yield Check("sm_default_msg_id == 255", "reserved message")


def _text_length(_field: Field, policy: ValidationPolicy) -> Iterator[Check]:
    longest = policy.longest("short_message")
    if longest is None:
        longest = MAX_SHORT_MESSAGE_50 if policy.is_50 else MAX_SHORT_MESSAGE_34
    yield Check(f"len(short_message) > {longest}", f"longer than {longest} octets")


def _short_message(field: Field, policy: ValidationPolicy) -> Iterator[Check]:
    yield from _text_length(field, policy)
    if policy.payload_and_short_message == "reject" and not policy.is_50:
        yield Check(
            f"tlvs and short_message and pdu.tlv({TlvTag.MESSAGE_PAYLOAD:d})", "message_payload is filled as well"
        )


def _dl_name(field: Field, _policy: ValidationPolicy) -> Iterator[Check]:
    yield Check(f"not {field.name}", "empty")


def _destinations(_field: Field, policy: ValidationPolicy) -> Iterator[Check]:
    most = MAX_DESTINATIONS_50 if policy.is_50 else MAX_DESTINATIONS_34
    yield Check(f"not 1 <= len(dest_address) <= {most}", f"not between 1 and {most} destinations")


_RULES: Final[dict[Rule, Callable[[Field, ValidationPolicy], Iterator[Check]]]] = {
    Rule.ANY: _any,
    Rule.PASSWORD: _password,
    Rule.TON: _ton,
    Rule.NPI: _npi,
    Rule.SOURCE_ADDRESS: _source_address,
    Rule.DESTINATION_ADDRESS: _destination_address,
    Rule.DESTINATION_UNLESS_MESSAGE_ID: _destination_unless_message_id,
    Rule.ESM_CLASS_SUBMIT: _esm_class_submit,
    Rule.ESM_CLASS_MULTI: _esm_class_multi,
    Rule.ESM_CLASS_DATA: _esm_class_data,
    Rule.ESM_CLASS_DELIVER: _esm_class_deliver,
    Rule.PRIORITY_FLAG: _priority_flag,
    Rule.TIME: _time,
    Rule.FINAL_DATE: _final_date,
    Rule.REGISTERED_DELIVERY: _registered_delivery,
    Rule.REPLACE_IF_PRESENT: _replace_if_present,
    Rule.DATA_CODING: _data_coding,
    Rule.SM_DEFAULT_MSG_ID: _sm_default_msg_id,
    Rule.SHORT_MESSAGE: _short_message,
    Rule.TEXT_LENGTH: _text_length,
    Rule.DESTINATIONS: _destinations,
    Rule.DL_NAME: _dl_name,
}


LENGTH_FIELDS: Final = frozenset(
    row.name
    for spec in PDUS.values()
    for row in (*spec.attributes, *SME_ADDRESS_FIELDS, *DISTRIBUTION_LIST_FIELDS)
    if (row.kind is Kind.C_OCTETS and row.rule not in {Rule.PASSWORD, Rule.TIME, Rule.FINAL_DATE})
    or row.name == "short_message"
)
"""What ``ValidationPolicy.lengths`` may name. A password has a limit of its own, a time is exactly 0 or 16 octets."""

SUBMISSIONS: Final = frozenset({CommandId.SUBMIT_SM, CommandId.SUBMIT_MULTI, CommandId.DATA_SM, CommandId.BROADCAST_SM})
"""PDUs whose addresses have to be of accepted pairs. Those that ask for a message may leave TON and NPI open."""


def _checks(row: Field, policy: ValidationPolicy) -> Iterator[Check]:
    """All conditions on one field: its size first, then its rule."""
    if row.name in LENGTH_FIELDS and row.kind is Kind.C_OCTETS:
        longest = policy.longest(row.name)
        if longest is None and policy.strict:
            longest = row.size - 1
        if longest is not None:
            yield Check(f"len({row.name}) > {longest}", f"longer than {longest} octets")
    yield from _RULES[row.rule](row, policy)


# --------------------------------------------------------------------------- TLVs


class _TlvLimits(NamedTuple):
    lengths: range | tuple[int, ...]
    values: frozenset[bytes] | None
    value_status: int
    alone: bool  # whether it says nothing about other TLVs

    def forbids(self, value: bytes) -> bool:
        # Enumerations are of one octet; the longer form of ms_validity is something else.
        return self.values is not None and len(value) == 1 and value not in self.values


_CALLBACK_TAGS: Final = (TlvTag.CALLBACK_NUM_PRES_IND, TlvTag.CALLBACK_NUM_ATAG)
_TAGS_WITH_COMPANIONS: Final = frozenset({*_CALLBACK_TAGS, *(requirement.tag for requirement in TLV_REQUIREMENTS)})


def _limits(spec: PduSpec, policy: ValidationPolicy) -> dict[int, _TlvLimits]:
    """What holds for the TLVs that belong to one kind of PDU; all others are ignored."""
    version = max(policy.interface_version, spec.since)
    limits: dict[int, _TlvLimits] = {}
    for tag, row in TLVS.items():
        if spec.command_id in row.allowed_in(version):
            values = None if row.values is None else frozenset(bytes((value,)) for value in row.values)
            status = row.value_status if version >= V50 else CommandStatus.ESME_RINVOPTPARAMVAL
            limits[int(tag)] = _TlvLimits(row.lengths, values, status, tag not in _TAGS_WITH_COMPANIONS)
    return limits


def _tlv_glance(limits: dict[int, _TlvLimits]) -> Callable[[tuple[Tlv, ...]], bool]:
    """A function that says whether TLVs are plainly right; if not, a judge has to look."""
    plain = {tag: (row.lengths, row.values) if row.alone else ((), None) for tag, row in limits.items()}

    def plainly_right(tlvs: tuple[Tlv, ...]) -> bool:
        for tag, value in tlvs:
            if tag in plain:
                lengths, values = plain[tag]
                if len(value) not in lengths or (values is not None and value not in values):
                    return False
        return True

    return plainly_right


def _tlv_judge(limits: dict[int, _TlvLimits]) -> Callable[[tuple[Tlv, ...]], Iterator[Violation]]:
    """A function that judges TLVs, in wire order; those that are missing come last."""

    def judge(tlvs: tuple[Tlv, ...]) -> Iterator[Violation]:
        for tag, value in tlvs:
            row = limits.get(tag)
            if row is None:
                continue
            if len(value) not in row.lengths:
                yield Violation(CommandStatus.ESME_RINVPARLEN, tlv_name(tag), f"a length of {len(value)} octets")
            elif row.forbids(value) and (tag not in SAR_TAGS or {entry[0] for entry in tlvs} >= SAR_TAGS):
                yield Violation(row.value_status, tlv_name(tag), "reserved value")
        yield from _companions(tlvs, limits)

    return judge


def _companions(tlvs: tuple[Tlv, ...], limits: dict[int, _TlvLimits]) -> Iterator[Violation]:
    """TLVs that are missing beside others: 5.0's pairs, and as many of each callback parameter (5.3.2.37, 5.3.2.38)."""
    tags = [tag for tag, _ in tlvs]
    for tag, value, requires in TLV_REQUIREMENTS:
        if tag in limits and any(entry[0] == tag and value in {None, entry[1]} for entry in tlvs):
            for missing in (other for other in requires if other not in tags):
                yield Violation(CommandStatus.ESME_RMISSINGOPTPARAM, missing.name.lower(), f"{tlv_name(tag)} needs it")
    for tag in _CALLBACK_TAGS:
        if tag in limits and tags.count(tag) not in {0, tags.count(TlvTag.CALLBACK_NUM)}:
            yield Violation(CommandStatus.ESME_RMISSINGOPTPARAM, tlv_name(tag), "not as often as callback_num")


# --------------------------------------------------------------------------- code generation


def has_control(octets: bytes) -> bool:
    """Whether a control character is among the octets of an address."""
    return len(octets.translate(None, FORBIDDEN_IN_ADDRESSES)) != len(octets)


_HELPERS: Final[dict[str, Any]] = {
    "DIALLED": DIALLED,
    "DistributionList": DistributionList,
    "NPIS": frozenset(map(int, NPIS)),
    "NUMBER_TONS": tuple(map(int, _NUMBER_TONS)),
    "Violation": Violation,
    "check_time": check_time,
    "conflicts_with_udh": conflicts_with_udh,
    "has_control": has_control,
    "is_final_date": is_final_date,
}

_Report = Callable[[int, str, str], str]
"""How a breach is told: status, field and rule as the source of a statement."""


def _report_status(status: int, _field: str, _rule: str) -> str:
    return f"return {status:d}"


def _report_violation(status: int, field: str, rule: str) -> str:
    return f"yield Violation({status:d}, {field!r}, {rule!r})"


def _check_lines(rows: tuple[Field, ...], policy: ValidationPolicy, report: _Report, guard: str = "") -> Iterator[str]:
    for row in rows:
        for condition, rule in _checks(row, policy):
            yield f"if {guard.format(row.name)}{condition}:"
            yield f"    {report(row.status, row.name, rule)}"


def _body_lines(spec: PduSpec, policy: ValidationPolicy, report: _Report) -> Iterator[str]:
    """The judgement of one PDU, in wire order: fields, elements of lists, TLVs, stray octets, missing TLVs."""
    if spec.command_id not in SUBMISSIONS:
        policy = replace(policy, source_pairs=frozenset(), destination_pairs=frozenset())
    yield "tlvs = pdu.tlvs"
    for row in spec.attributes:
        lines = list(_check_lines((row,), policy, report, "{} is not None and " if spec.is_response else ""))
        if lines:
            yield f"{row.name} = pdu.{row.name}"
            yield from lines
        if row.kind is Kind.DESTINATIONS:
            yield from _told("judge_destinations(dest_address)", report)
    if policy.strict:
        yield "if tlvs and not plainly_right(tlvs):"
        yield from ("    " + line for line in _told("judge_tlvs(tlvs)", report))
        if spec.fields or policy.header_only_body == "reject":
            yield "if pdu.trailing:"
            rule = "octets left that are no whole TLV" if spec.fields else "a body where none is expected"
            yield f"    {report(CommandStatus.ESME_RINVOPTPARSTREAM, 'tlvs', rule)}"
    if spec.required_tlvs and (spec.required_since < V50 or policy.is_50):
        present = "not pdu.command_status and " if spec.is_response else ""
        for tag in spec.required_tlvs:
            yield f"if {present}pdu.tlv({tag:d}) is None:"
            yield f"    {report(CommandStatus.ESME_RMISSINGOPTPARAM, tag.name.lower(), 'missing')}"


def _told(violations: str, report: _Report) -> Iterator[str]:
    """Lines that pass on what a judge of several things found."""
    if report is _report_violation:
        yield f"yield from {violations}"
    else:
        yield f"for violation in {violations}:"
        yield "    return violation.status"


def _destination_lines(policy: ValidationPolicy) -> Iterator[str]:
    yield "def judge_destinations(destinations):"
    yield "    for destination in destinations:"
    yield "        if type(destination) is DistributionList:"
    yield "            (dl_name,) = destination"
    yield from (" " * 12 + line for line in _check_lines(DISTRIBUTION_LIST_FIELDS, policy, _report_violation))
    yield "        else:"
    yield f"            {', '.join(row.name for row in SME_ADDRESS_FIELDS)} = destination"
    yield from (" " * 12 + line for line in _check_lines(SME_ADDRESS_FIELDS, policy, _report_violation))


def source_of_validator(command_id: int, policy: ValidationPolicy) -> str:
    """The generated text, to read. Raises KeyError for an unknown command_id."""
    spec = PDUS[command_id]
    lines = ["def first_violation(pdu):"]
    lines += ["    " + line for line in _body_lines(spec, policy, _report_status)]
    lines += ["    return 0", "", "", "def violations(pdu):"]
    lines += ["    " + line for line in _body_lines(spec, policy, _report_violation)]
    lines += ["    yield from ()", ""]
    if any(row.kind is Kind.DESTINATIONS for row in spec.fields):
        lines += ["", *_destination_lines(policy), ""]
    return "\n".join(lines)


@cache
def _generate(
    command_id: int, policy: ValidationPolicy
) -> tuple[Validator, Callable[[Any], Iterator[Violation]], Callable[[Any], Iterator[Violation]]]:
    """Judges of PDUs of one command: the first violation, all of them, and those of a submit_multi's destinations."""
    spec = PDUS[command_id]
    limits = _limits(spec, policy)
    namespace = dict(_HELPERS, judge_tlvs=_tlv_judge(limits), plainly_right=_tlv_glance(limits))
    source = source_of_validator(command_id, policy)
    compile_source(f"validation of {spec.name}, {policy}", source, namespace)
    return namespace["first_violation"], namespace["violations"], namespace.get("judge_destinations", _no_destinations)


def _no_destinations(_destinations: Any) -> Iterator[Violation]:
    return iter(())
