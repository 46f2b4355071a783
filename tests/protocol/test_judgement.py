"""Judging many at once: the same statuses as the validators, and nothing called right that is not."""

from dataclasses import replace
from functools import cache
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smppwire.constants import CommandId, CommandStatus
from smppwire.judgement import Judge, judge_of, learn_rules
from smppwire.pdus import SubmitSm, Tlv
from smppwire.schema import PDUS, Kind
from smppwire.speedups import CODEC, REASON
from smppwire.validation import ValidationPolicy, first_violation
from tests.protocol.wire import pdus_of

native = pytest.mark.skipif(CODEC is None, reason=f"the C code is not in use: {REASON}")
POLICIES = [
    ValidationPolicy(interface_version=version, strict=strict, payload_and_short_message=both)
    for version in (0x33, 0x34, 0x50)
    for strict in (True, False)
    for both in ("reject", "payload")
] + [
    ValidationPolicy(lengths=(("service_type", 200), ("short_message", 10), ("source_addr", 3))),
    ValidationPolicy(source_pairs=frozenset({(5, 0), (0, 1), (0, 0)}), destination_pairs=frozenset({(0, 0), (1, 1)})),
]
RIGHT = SubmitSm(1, source_addr_ton=5, source_addr=b"sender", destination_addr=b"336", short_message=b"text")
WRONG = replace(RIGHT, source_addr_ton=99)
FIELDS = PDUS[CommandId.SUBMIT_SM].attributes
INTEGERS = [row.name for row in FIELDS if row.kind is Kind.INTEGER]
STRINGS = [row.name for row in FIELDS if row.kind is not Kind.INTEGER]


@cache
def rules_of(policy: ValidationPolicy) -> bytes:
    return learn_rules(policy.validators[CommandId.SUBMIT_SM])


@pytest.fixture(params=[pytest.param(None, id="python"), pytest.param(CODEC, id="native", marks=native)])
def judge(request: pytest.FixtureRequest) -> Judge:
    return Judge(ValidationPolicy(), request.param)


def test_where_all_is_right_there_is_nothing_to_say(judge: Judge) -> None:
    assert judge.statuses([RIGHT] * 3) is None
    assert judge.statuses([]) is None


def test_a_status_for_each(judge: Judge) -> None:
    statuses = judge.statuses([RIGHT, WRONG, RIGHT, replace(RIGHT, destination_addr=b"")])
    assert statuses == [0, CommandStatus.ESME_RINVSRCTON, 0, CommandStatus.ESME_RINVDSTADR]


def test_what_needs_a_closer_look_may_be_right(judge: Judge) -> None:
    """Times, optional parameters, a destination in letters: the tables do not call them right, the validator does."""
    unusual = [
        replace(RIGHT, validity_period=b"000001000000000R"),
        replace(RIGHT, tlvs=(Tlv(0x020C, b"\0\1"),)),
        replace(RIGHT, dest_addr_ton=5, destination_addr=b"letters"),
    ]
    assert judge.statuses(unusual) is None
    assert judge.statuses([*unusual, WRONG]) == [0, 0, 0, CommandStatus.ESME_RINVSRCTON]


def test_a_subclass_is_judged_too(judge: Judge) -> None:
    class Record(SubmitSm):
        __slots__ = ()

    assert judge.statuses([Record(1, destination_addr=b"1"), Record(2)]) == [0, CommandStatus.ESME_RINVDSTADR]


def test_equal_policies_share_a_judge() -> None:
    assert judge_of(ValidationPolicy()) is judge_of(ValidationPolicy())
    assert judge_of(ValidationPolicy()) is not judge_of(ValidationPolicy(strict=False))


# -- the tables --------------------------------------------------------------------------------------------------------


def tables(policy: ValidationPolicy) -> dict[str, bytes]:
    rules = rules_of(policy)
    return {row.name: rules[512 * place : 512 * (place + 1)] for place, row in enumerate(FIELDS)}


def test_the_tables_say_what_the_rules_say() -> None:
    known = tables(ValidationPolicy())
    assert len(known) == len(FIELDS)
    assert known["priority_flag"] == bytes((1, 1, 1, 1)).ljust(512, b"\0")
    assert known["replace_if_present_flag"] == bytes((1, 1)).ljust(512, b"\0")
    assert known["service_type"][:256] == bytes([1] * 6).ljust(256, b"\0")
    assert known["source_addr"][:256] == bytes([2] * 21).ljust(256, b"\0")
    assert known["destination_addr"][:256] == bytes([0] + [2] * 20).ljust(256, b"\0")
    assert known["short_message"][:256] == bytes([1] * 255 + [0])
    assert known["validity_period"] == b"\1".ljust(512, b"\0")
    digits = {value for value in range(256) if known["destination_addr"][256 + value]}
    assert digits == set(b"0123456789+*#. ")
    assert not known["source_addr"][256 + 0x1F]
    assert known["source_addr"][256 + ord("x")]


def test_the_tables_follow_the_policy() -> None:
    lax, modern = tables(ValidationPolicy(strict=False)), tables(ValidationPolicy(interface_version=0x50))
    assert lax["service_type"][70]
    assert not lax["service_type"][71]
    assert modern["short_message"][255]
    assert modern["registered_delivery"][3]
    assert not modern["data_coding"][0x0B]


# -- the same as the validators, one by one ----------------------------------------------------------------------------

unlike = st.one_of(
    pdus_of(PDUS[CommandId.SUBMIT_SM]),
    st.builds(lambda name, value: replace(RIGHT, **{name: value}), st.sampled_from(INTEGERS), st.integers(0, 255)),
    st.builds(lambda name, value: replace(RIGHT, **{name: value}), st.sampled_from(STRINGS), st.binary(max_size=80)),
    st.builds(
        lambda ton, npi, address: replace(RIGHT, dest_addr_ton=ton, dest_addr_npi=npi, destination_addr=address),
        st.integers(0, 8),
        st.integers(0, 20),
        st.one_of(st.text("0123456789+*#. a\x7f\t", max_size=22).map(str.encode), st.binary(max_size=3)),
    ),
    st.builds(
        lambda first, second, one, other: replace(RIGHT, **{first: one, second: other}),
        st.sampled_from(INTEGERS),
        st.sampled_from(INTEGERS),
        st.integers(0, 255),
        st.integers(0, 255),
    ),
)


@native
@settings(deadline=None, max_examples=500)
@given(policy=st.sampled_from(POLICIES), pdus=st.lists(st.one_of(st.just(RIGHT), unlike), max_size=6))
def test_the_judge_and_the_validator_agree(policy: ValidationPolicy, pdus: list[SubmitSm]) -> None:
    wanted = [first_violation(pdu, policy) for pdu in pdus]
    assert judge_of(policy).statuses(pdus) == (wanted if any(wanted) else None)


@native
@pytest.mark.parametrize("name", [row.name for row in FIELDS] + ["tlvs", "trailing"])
@pytest.mark.parametrize("value", [None, b"1" * 300, -1, 256, 1 << 70, True, 1.5, "a", bytearray(b"1"), [], (1,)])
def test_values_of_another_make_are_doubtful(name: str, value: Any) -> None:
    """Not decoded, made by somebody: the tables say nothing of them."""
    rules = rules_of(ValidationPolicy())
    assert CODEC is not None
    assert CODEC.doubtful([RIGHT, replace(RIGHT, **{name: value})], rules) == [1]


@native
def test_an_attribute_that_was_deleted_is_doubtful() -> None:
    pdu = replace(RIGHT)
    del pdu.priority_flag
    rules = rules_of(ValidationPolicy())
    assert CODEC is not None
    record = type("Record", (SubmitSm,), {"__slots__": ()})(1, destination_addr=b"1")
    assert CODEC.doubtful((pdu, "no PDU", None, RIGHT, record), rules) == [0, 1, 2, 4]


@native
def test_rules_of_another_size_are_refused() -> None:
    assert CODEC is not None
    with pytest.raises(ValueError, match="rules of 8704 octets are wanted"):
        CODEC.doubtful([], b"")
    with pytest.raises(TypeError, match="a sequence is wanted"):
        CODEC.doubtful(3, bytes(8704))  # type: ignore[arg-type]


class _Unasked:
    """A codec that has nothing to say."""

    def doubtful(self, _pdus: object, _rules: bytes) -> list[int] | None:
        raise AssertionError


@pytest.mark.parametrize("name", ["source_pairs", "destination_pairs"])
def test_pairs_are_not_looked_up_in_tables_of_single_fields(name: str) -> None:
    """TON 5 is right, and so is NPI 1, but not together."""
    pairs: Any = {name: frozenset({(5, 0), (0, 1), (0, 0)})}
    judge = Judge(ValidationPolicy(**pairs), cast("Any", _Unasked()))
    ton, npi = ("source_addr_ton", "source_addr_npi") if name == "source_pairs" else ("dest_addr_ton", "dest_addr_npi")
    for fields, status in [({ton: 5, npi: 0}, 0), ({ton: 0, npi: 1}, 0), ({ton: 5, npi: 1}, 1)]:
        statuses = judge.statuses([replace(RIGHT, **{ton: 0, npi: 0} | fields)])
        assert (statuses is not None) == bool(status)
