"""The C code beside the library: found or left aside, and on every stream the same as Python.

What needs it is skipped where it is not installed. `make test` runs these tests both ways.
"""

import random
import struct
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smppwire import speedups
from smppwire.codec import encode
from smppwire.constants import CommandId
from smppwire.pdus import (
    BindTransceiver,
    BindTransceiverResp,
    DeliverSmResp,
    EnquireLink,
    GenericNack,
    Pdu,
    SubmitSm,
    Tlv,
    Unbind,
    UnbindResp,
)
from smppwire.schema import PDUS
from smppwire.session import BINDS, Acknowledged, FramingLost, Role, Session
from tests.protocol.wire import bodies, frames, header, pdus_of, u32

native = pytest.mark.skipif(not speedups.ACTIVE, reason=f"the C code is not in use: {speedups.REASON}")
SESSION_SLOTS = ("state", "inbound_outstanding", "paused", "next_sequence_number", "interface_version")


# -- found, or left aside ----------------------------------------------------------------------------------------------


def test_the_decision_says_why() -> None:
    assert speedups.ACTIVE is (speedups.CODEC is not None)
    assert bool(speedups.REASON) != speedups.ACTIVE


@pytest.mark.parametrize("value", ["1", "yes"])
def test_the_environment_turns_it_off(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(speedups.SWITCH, value)
    assert speedups.find_codec() == (None, "SMPPWIRE_NO_SPEEDUPS is set")


def pretend(monkeypatch: pytest.MonkeyPatch, **content: Any) -> None:
    """Have a module of that content be the installed one."""
    module = ModuleType("smppwire_speedups")
    vars(module).update(content)
    monkeypatch.setitem(sys.modules, "smppwire_speedups", module)
    monkeypatch.delenv(speedups.SWITCH, raising=False)


@pytest.mark.parametrize("value", ["", "0"])
def test_it_is_used_when_it_fits(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    pretend(monkeypatch, API=speedups.API, Codec=lambda submit_sm, tlv: (submit_sm, tlv))
    monkeypatch.setenv(speedups.SWITCH, value)
    assert speedups.find_codec() == ((SubmitSm, Tlv), "")


def test_another_interface_is_left_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, API=speedups.API + 1)
    codec, reason = speedups.find_codec()
    assert codec is None
    assert reason == f"smppwire-speedups has interface {speedups.API + 1}, {speedups.API} is wanted"


def test_classes_of_another_make_are_left_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_submit_sm: type, _tlv: type) -> None:
        raise TypeError("SubmitSm.tlvs is not a slot")

    pretend(monkeypatch, API=speedups.API, Codec=refuse)
    codec, reason = speedups.find_codec()
    assert codec is None
    assert reason == "smppwire-speedups does not know this Python: SubmitSm.tlvs is not a slot"


def test_nothing_installed_is_nothing_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(speedups.SWITCH, raising=False)
    monkeypatch.setitem(sys.modules, "smppwire_speedups", None)
    codec, reason = speedups.find_codec()
    assert codec is None
    assert reason == "smppwire-speedups is not installed"


def test_a_broken_build_is_left_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "smppwire_speedups":
                raise ImportError("undefined symbol")

    monkeypatch.delenv(speedups.SWITCH, raising=False)
    monkeypatch.delitem(sys.modules, "smppwire_speedups", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    assert speedups.find_codec() == (None, "smppwire-speedups cannot be loaded: undefined symbol")


# -- what it is made for -----------------------------------------------------------------------------------------------


class Loose:
    """Has no slots."""


class Cramped(SimpleNamespace):
    """Has other attributes."""


@native
@pytest.mark.parametrize(("submit_sm", "tlv"), [(Loose, Tlv), (Cramped, Tlv), (int, Tlv), (Pdu, Tlv), (SubmitSm, int)])
def test_it_knows_what_it_cannot_handle(submit_sm: type, tlv: type) -> None:
    with pytest.raises(TypeError):
        type(speedups.CODEC)(submit_sm, tlv)


@native
def test_a_subclass_has_its_slots_elsewhere() -> None:
    with pytest.raises(TypeError, match=r"is not a slot|is no class with __slots__"):
        type(speedups.CODEC)(type("Record", (SubmitSm,), {"__slots__": ()}), Tlv)


@native
@pytest.mark.parametrize("name", ["receive", "doubtful", "submit_sm_resps", "requests", "receipt_bodies"])
def test_calls_are_checked(name: str) -> None:
    function = getattr(speedups.CODEC, name)
    with pytest.raises(TypeError, match=f"{name}: \\d arguments are wanted, not 0"):
        function()
    assert function.__doc__


@native
def test_arguments_of_receive_are_checked() -> None:
    with pytest.raises(TypeError, match="receive: bytes, and later a dict and a list, are wanted"):
        speedups.CODEC.receive("", 1, True, -1, {}, [], list)  # type: ignore[union-attr,arg-type]
    with pytest.raises(TypeError):
        speedups.CODEC.receive(b"", None, True, -1, {}, [], list)  # type: ignore[union-attr,arg-type]


# -- the same events, the same replies, the same state -----------------------------------------------------------------


class Twins:
    """One session that reads in Python and one that reads in C, to be treated alike."""

    def __init__(self, role: Role, max_pdu_length: int = 4096) -> None:
        self.both = [Session(role, max_pdu_length=max_pdu_length, codec=codec) for codec in (None, speedups.CODEC)]

    def all(self, call: str, *arguments: Any) -> Any:
        """Call both, compare, and give what they said."""
        pure, native_one = ([getattr(one, call)(*arguments), *self._seen(one)] for one in self.both)
        assert pure == native_one
        return pure[0]

    def bind(self) -> None:
        """Bind as transceivers, from either side."""
        request, response = BindTransceiver(1), BindTransceiverResp(1)
        for one in self.both:
            if one.role is Role.SMSC:
                (event,) = one.receive(encode(request), 0.0)
                one.respond(event, BindTransceiverResp(), 0.0)  # type: ignore[arg-type]
            else:
                one.send_request(BindTransceiver(), "bind", 0.0)
                one.receive(encode(response), 0.0)

    @staticmethod
    def _seen(session: Session) -> list[Any]:
        """All that can be told of a session from outside, and what it holds back."""
        framer = session._framer
        values = [getattr(session, name) for name in SESSION_SLOTS]
        held = [bytes(framer._pending), str(framer.error), framer._missing if framer._pending else 0]
        return [*values, *held, list(session.window.entries.items()), session.next_due()]


plain = st.builds(
    lambda number, destination, text, tlvs: encode(
        SubmitSm(number, 0, destination_addr=destination, short_message=text, tlvs=tlvs)
    ),
    u32,
    st.sampled_from([b"336", b"", b"4477009001"]),
    st.binary(max_size=30),
    st.sampled_from([(), (), (Tlv(0x20C, b"ab"),), (Tlv(1, b""), Tlv(0xFFFF, bytes(40)))]),
)
"""submit_sm as they are."""
broken = bodies(CommandId.SUBMIT_SM).map(lambda body: header(body, CommandId.SUBMIT_SM))
"""submit_sm as they may be."""
numbers = st.integers(1, 12)
acknowledgements = st.builds(
    lambda number, status, body: header(body, CommandId.DELIVER_SM_RESP, status, number),
    numbers,
    st.sampled_from([0, 0, 0, 0x58, 0xFFFFFFFF]),
    st.sampled_from([b"\0", b"", b"id\0", b"anything"]),
)
others = st.one_of(
    st.builds(lambda number: encode(EnquireLink(number)), u32),
    st.builds(lambda number: encode(GenericNack(number, 3)), numbers),
    st.builds(lambda number: encode(Unbind(number)), u32),
    st.builds(lambda number: encode(BindTransceiver(number)), u32),
    st.builds(lambda number: header(b"\0", CommandId.DATA_SM_RESP, 0, number), numbers),
    st.sampled_from(list(PDUS.values())).flatmap(pdus_of).map(encode),
    frames(),
    st.builds(lambda length: struct.pack(">IIII", length, 4, 0, 1), st.sampled_from([0, 15, 4097, 1 << 31])),
)
streams = st.lists(st.one_of(plain, plain, broken, acknowledgements, acknowledgements, others), max_size=12).map(
    b"".join
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("octets"), st.integers(0, 400)),
        st.tuples(st.just("deliver"), st.integers(1, 6)),
        st.tuples(st.just("data"), st.integers(1, 2)),
        st.tuples(st.just("answer"), st.booleans()),
        st.tuples(st.just("enough"), st.none()),
    ),
    max_size=25,
)


def play(twins: Twins, stream: bytes, script: list[tuple[str, Any]]) -> None:
    """Feed a stream piece by piece, and in between send requests and answer what pauses the session."""
    now = 1.0
    at = 0
    waiting: list[Pdu] = []

    def take(events: list[object]) -> None:
        waiting.extend(
            event for event in events if isinstance(event, Pdu) and event.command_id in {*BINDS, CommandId.UNBIND}
        )

    for action, value in [*script, ("octets", len(stream)), ("answer", True), ("answer", False)]:
        now += 1.0
        if action == "octets":
            take(twins.all("receive", stream[at : at + value], now))
            at += value
        elif action in {"deliver", "data"}:
            command_id = CommandId.DELIVER_SM if action == "deliver" else CommandId.DATA_SM
            if command_id in twins.both[0]._view.sendable:
                twins.all("register_many", command_id, [f"{action} {number}" for number in range(value)], now)
        elif action == "answer" and waiting:
            request = waiting.pop()
            answer(twins, request, now, accepts=value)
            take(twins.all("resume", now))
        elif action == "enough":
            twins.all("expired", now)
    twins.all("close")
    assert twins.all("receive", stream, now) == []


def answer(twins: Twins, request: Pdu, now: float, *, accepts: bool) -> None:
    """Accept or refuse what pauses a session; where that is not possible any more, drop it."""
    response = UnbindResp() if request.command_id == CommandId.UNBIND else None
    if request.command_id == CommandId.BIND_TRANSCEIVER:
        response = BindTransceiverResp(0, 0 if accepts else 5)  # type: ignore[assignment]
    if response is not None and response.command_id in twins.both[0]._view.sendable:
        twins.all("respond", request, response, now)
    else:
        twins.all("abandon", request)


@native
@settings(deadline=None, max_examples=400)
@given(stream=streams, script=steps, role=st.sampled_from(list(Role)), bound=st.sampled_from([True, True, True, False]))
def test_both_ways_to_read_a_stream_are_one(
    stream: bytes, script: list[tuple[str, Any]], role: Role, bound: bool
) -> None:
    twins = Twins(role)
    if bound:
        twins.bind()
        if role is Role.SMSC:
            twins.all("register_many", CommandId.DELIVER_SM, list(range(6)), 0.5)
    play(twins, stream, script)


@native
@settings(deadline=None, max_examples=200)
@given(body=bodies(CommandId.SUBMIT_SM), status=st.sampled_from([0, 1, 0xFFFFFFFF]), number=u32)
def test_both_ways_to_read_a_submit_sm_are_one(body: bytes, status: int, number: int) -> None:
    twins = Twins(Role.SMSC)
    twins.bind()
    frame = header(body, CommandId.SUBMIT_SM, status, number)
    twins.all("receive", frame + frame, 1.0)


@native
def test_runs_of_acknowledgements_end_where_something_else_comes() -> None:
    twins = Twins(Role.SMSC)
    twins.bind()
    twins.all("register_many", CommandId.DELIVER_SM, list("abcdefg"), 0.5)
    submitted = encode(SubmitSm(9, destination_addr=b"1"))
    first, second, other, third, late = (encode(DeliverSmResp(number)) for number in (1, 2, 77, 3, 1))
    events = twins.all("receive", first + second + submitted + third + other + late + encode(DeliverSmResp(4)), 1.0)
    runs = [event.responses for event in events if isinstance(event, Acknowledged)]
    assert runs == [[("a", 0), ("b", 0)], [("c", 0)], [("d", 0)]]


@native
@pytest.mark.parametrize("length", [0, 1, 12, 15, 65, 66, 80, 1 << 31, 0xFFFFFFFF])
@pytest.mark.parametrize("command_id", [CommandId.SUBMIT_SM, CommandId.DELIVER_SM_RESP])
def test_lengths_that_cannot_be_lose_the_stream_both_ways(length: int, command_id: int) -> None:
    twins = Twins(Role.SMSC, max_pdu_length=64)
    twins.bind()
    twins.all("register_many", CommandId.DELIVER_SM, ["a", "b"], 0.5)
    sound = encode(DeliverSmResp(2))
    events = twins.all("receive", sound + struct.pack(">IIII", length, command_id, 0, 1) + bytes(80), 1.0)
    assert isinstance(events[-1], FramingLost)
    assert len(twins.both[1].window) == 1


@native
def test_what_begins_like_the_one_before_is_another() -> None:
    twins = Twins(Role.SMSC)
    twins.bind()
    texts = (b"hello", b"hell", b"hello", b"", b"hello", b"jello")
    chunk = b"".join(encode(SubmitSm(1, source_addr=text, destination_addr=b"1", short_message=text)) for text in texts)
    events = twins.all("receive", chunk, 1.0)
    assert tuple(event.source_addr for event in events) == texts


@native
def test_octet_by_octet() -> None:
    twins = Twins(Role.SMSC)
    twins.bind()
    stream = encode(SubmitSm(1, destination_addr=b"1", short_message=b"x" * 254)) * 2
    for octet in stream:
        twins.all("receive", bytes((octet,)), 1.0)


@native
def test_the_collector_need_not_know_what_refers_to_nothing() -> None:
    import gc

    twins = Twins(Role.SMSC)
    twins.bind()
    bare, with_tlv = twins.both[1].receive(
        encode(SubmitSm(1, destination_addr=b"1")) + encode(SubmitSm(2, tlvs=(Tlv(5, b"\1"),))), 1.0
    )
    assert not gc.is_tracked(bare)
    assert gc.is_tracked(with_tlv)


@native
def test_what_comes_again_is_one_object() -> None:
    twins = Twins(Role.SMSC)
    twins.bind()
    chunk = b"".join(encode(SubmitSm(n, source_addr=b"sender", destination_addr=b"33%d" % n)) for n in range(3))
    first, second, _ = twins.both[1].receive(chunk, 1.0)
    assert first.source_addr is second.source_addr  # type: ignore[union-attr]
    assert first.destination_addr == b"330"  # type: ignore[union-attr]


@native
def test_what_comes_of_a_context_that_fails() -> None:
    """An exception from outside ends the call; what was taken before stays taken."""

    def fail(_run: list[tuple[object, int]]) -> Any:
        raise KeyError("no event")

    entries: dict[int, tuple[object, float, int]] = {1: ("a", 0.0, CommandId.DELIVER_SM_RESP)}
    events: list[object] = []
    chunk = encode(SubmitSm(9, destination_addr=b"1")) + encode(DeliverSmResp(1))
    with pytest.raises(KeyError):
        speedups.CODEC.receive(chunk, 4096, True, CommandId.DELIVER_SM_RESP, entries, events, fail)  # type: ignore[union-attr]
    assert [event.sequence_number for event in events] == [9]  # type: ignore[attr-defined]
    assert list(entries) == [1]


@native
@pytest.mark.parametrize(
    "entry", [("a", 0.0, CommandId.DATA_SM_RESP), ("a", 0.0), None, ("a", 0.0, "x"), ("a", 0.0, 1 << 70)]
)
def test_entries_of_another_make_are_left_alone(entry: Any) -> None:
    entries: dict[int, Any] = {1: entry}
    events: list[object] = []
    got = speedups.CODEC.receive(  # type: ignore[union-attr]
        encode(DeliverSmResp(1)), 4096, True, CommandId.DELIVER_SM_RESP, entries, events, Acknowledged
    )
    assert got == (0, 0)
    assert entries == {1: entry}
    assert events == []


# -- memory ------------------------------------------------------------------------------------------------------------


def traffic(session: Session, dice: random.Random, messages: int) -> None:
    """So many submit_sm, sound and broken, and as many acknowledgements, through one session."""
    for _ in range(messages // 50):
        numbers = session.register_many(CommandId.DELIVER_SM, [object() for _ in range(50)], 1.0)
        parts = [encode(DeliverSmResp(number)) for number in numbers]
        parts += [
            encode(SubmitSm(n, source_addr=b"sender", destination_addr=b"33%09d" % dice.randrange(10**9), tlvs=tlvs))
            for n, tlvs in zip(range(50), [(), (), (Tlv(0x20C, b"ab"), Tlv(7, bytes(20)))] * 17, strict=False)
        ]
        parts.append(header(b"no body of a submit_sm", CommandId.SUBMIT_SM))
        dice.shuffle(parts)
        session.answered(sum(isinstance(event, SubmitSm) for event in session.receive(b"".join(parts), 1.0)))


def blocks_after(session: Session, messages: int) -> int:
    import gc

    traffic(session, random.Random(5), messages)
    gc.collect()
    return sys.getallocatedblocks()


@native
def test_no_memory_is_lost() -> None:
    twins = Twins(Role.SMSC)
    twins.bind()
    blocks_after(twins.both[1], 1_000)
    before = blocks_after(twins.both[1], 1_000)
    assert abs(blocks_after(twins.both[1], 5_000) - before) < 200


@native
@pytest.mark.long
def test_no_memory_is_lost_in_a_million_messages() -> None:
    twins = Twins(Role.SMSC)
    twins.bind()
    blocks_after(twins.both[1], 1_000)
    before = blocks_after(twins.both[1], 1_000)
    assert abs(blocks_after(twins.both[1], 1_000_000) - before) < 200
