"""Judging submit_sm by the batch: most of them are right, and the C code can tell so at a glance.

It knows no rule. It looks up tables that say of every value of every field whether it is right, and these tables are
asked from the generated validator of the policy, one value after the other. They are sound because the rules of a
submit_sm without TLVs look at one field each, and at one octet of an address after the other; one rule (digits alone in
international and national numbers) depends on a second field, and is asked with every value of that. Whatever the
tables do not call right goes to the validator itself: it may be right all the same, and only the validator knows what
is wrong.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from smppwire.constants import CommandId, Ton
from smppwire.pdus import SubmitSm
from smppwire.schema import PDUS, Field, Kind
from smppwire.speedups import CODEC

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from smppwire_speedups import Codec

    from smppwire.validation import ValidationPolicy, Validator

_FIELDS: Final = PDUS[CommandId.SUBMIT_SM].attributes
_VALUES: Final = 256
_DIGIT: Final = b"1"
"""Right in every address and every text."""

_LONGEST_ASKED: Final = 70
"""Octets of a C-octet string about which the validator is asked. No right one is longer, but for what
``ValidationPolicy.lengths`` allows; such are doubtful."""

_TIMES: Final = frozenset({"schedule_delivery_time", "validity_period"})
"""Strings whose octets are no matter of one at a time: only the empty ones are called right."""

RIGHT, RIGHT_BY_OCTET = 1, 2
"""What a table says of a number of octets; see the stub of ``Codec.doubtful``."""


class Judge:
    """Judges runs of submit_sm under one policy."""

    __slots__ = ("_codec", "_rules", "_violation")

    def __init__(self, policy: ValidationPolicy, codec: Codec | None = CODEC) -> None:
        """Judge by ``policy``, with a glance by ``codec`` first if there is one."""
        self._violation = policy.validators[CommandId.SUBMIT_SM]
        if policy.source_pairs or policy.destination_pairs:
            codec = None  # a table of a single field cannot say which pairs are right
        self._codec = codec
        self._rules = b"" if codec is None else learn_rules(self._violation)

    def statuses(self, pdus: Sequence[SubmitSm]) -> Sequence[int] | None:
        """The status of the first violation of each, 0 where there is none; None when all of them are right."""
        violation = self._violation
        if self._codec is None:
            for pdu in pdus:
                if violation(pdu):
                    return [violation(pdu) for pdu in pdus]
            return None
        doubtful = self._codec.doubtful(pdus, self._rules)
        if doubtful is None:
            return None
        found = [0] * len(pdus)
        for index in doubtful:
            found[index] = violation(pdus[index])
        return found if any(found) else None


@cache
def judge_of(policy: ValidationPolicy) -> Judge:
    """The judge of a policy; equal policies share one. (To ask a validator for its tables takes milliseconds.)"""
    return Judge(policy)


def learn_rules(violation: Validator) -> bytes:
    """The tables of all fields of a submit_sm, in wire order, as ``Codec.doubtful`` wants them."""
    return b"".join(
        _integers(violation, row) if row.kind is Kind.INTEGER else _octets(violation, row) for row in _FIELDS
    )


def _is_right(violation: Validator, **fields: object) -> bool:
    pdu = SubmitSm(destination_addr=_DIGIT)
    for name, value in fields.items():
        setattr(pdu, name, value)
    return not violation(pdu)


def _integers(violation: Validator, row: Field) -> bytes:
    """256 values, and nothing in the second half."""
    return bytes(_is_right(violation, **{row.name: value}) for value in range(_VALUES)) + bytes(_VALUES)


def _octets(violation: Validator, row: Field) -> bytes:
    """What there is to say of every number of octets, and of every octet."""
    if row.name in _TIMES:
        return bytes((RIGHT,)).ljust(2 * _VALUES, b"\0")
    octets = bytes(all(_octet_answers(violation, row, value)) for value in range(_VALUES))
    right = RIGHT if all(octets) else RIGHT_BY_OCTET
    most = _LONGEST_ASKED if row.kind is Kind.C_OCTETS else _VALUES - 1
    lengths = bytes(right * _is_right(violation, **{row.name: _DIGIT * length}) for length in range(most + 1))
    return lengths.ljust(_VALUES, b"\0") + octets


def _octet_answers(violation: Validator, row: Field, value: int) -> Iterator[bool]:
    """What the validator says of one octet, whatever type of number it is."""
    types: Iterable[int] = Ton if row.name == "destination_addr" else (Ton.UNKNOWN,)
    for ton in types:
        yield _is_right(violation, **{row.name: bytes((value,)), "dest_addr_ton": ton})
