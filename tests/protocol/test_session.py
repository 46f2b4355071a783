"""The session: the table cell by cell, what a peer's mistakes cost it, and two sessions talking to each other."""

from __future__ import annotations

import itertools
import random
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smppwire.codec import decode, encode
from smppwire.constants import RESPONSE_BIT, CommandId, CommandStatus, command_name
from smppwire.errors import EncodeError, StateError
from smppwire.pdus import (
    PDU_CLASSES,
    AlertNotification,
    BindReceiver,
    BindReceiverResp,
    BindTransceiver,
    BindTransceiverResp,
    BindTransmitter,
    BindTransmitterResp,
    BroadcastSm,
    DataSm,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Outbind,
    Pdu,
    QuerySm,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
)
from smppwire.session import (
    BOUND_STATES,
    MAX_SEQUENCE_NUMBER,
    TRANSITIONS,
    Acknowledged,
    Event,
    FramingLost,
    Refused,
    ResponseReceived,
    Role,
    Session,
    SessionState,
    state_diagram,
)
from smppwire.timers import SessionTimers, TimerAction

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 100.0
BINDS: dict[SessionState, tuple[type[Pdu], type[Pdu]]] = {
    SessionState.BOUND_TX: (BindTransmitter, BindTransmitterResp),
    SessionState.BOUND_RX: (BindReceiver, BindReceiverResp),
    SessionState.BOUND_TRX: (BindTransceiver, BindTransceiverResp),
}


# -- the table, against the operation matrix written down once more ---------------------------------------------------

# SMPP 3.4, 2.3, as the specification prints it (rows: PDUs, columns: states, E and S: who sends) with the additions of
# 5.0. A response stands in the same cells as its request with the sides exchanged; those rows are given in full here,
# because nothing may be derived in the same way as in the table under test.
MATRIX = """
PDU                       OPEN  OUTBOUND  BOUND_TX  BOUND_RX  BOUND_TRX  UNBOUND
bind_receiver             E     E         -         -         -          E
bind_receiver_resp        S     S         -         -         -          S
bind_transmitter          E     E         -         -         -          E
bind_transmitter_resp     S     S         -         -         -          S
bind_transceiver          E     E         -         -         -          E
bind_transceiver_resp     S     S         -         -         -          S
outbind                   S     -         -         -         -          -
unbind                    -     -         ES        ES        ES         -
unbind_resp               -     -         ES        ES        ES         -
submit_sm                 -     -         E         -         E          -
submit_sm_resp            -     -         S         -         S          -
submit_multi              -     -         E         -         E          -
submit_multi_resp         -     -         S         -         S          -
query_sm                  -     -         E         -         E          -
query_sm_resp             -     -         S         -         S          -
cancel_sm                 -     -         E         -         E          -
cancel_sm_resp            -     -         S         -         S          -
replace_sm                -     -         E         -         E          -
replace_sm_resp           -     -         S         -         S          -
data_sm                   -     -         ES        ES        ES         -
data_sm_resp              -     -         ES        ES        ES         -
deliver_sm                -     -         -         S         S          -
deliver_sm_resp           -     -         -         E         E          -
alert_notification        -     -         -         S         S          -
broadcast_sm              -     -         E         -         E          -
broadcast_sm_resp         -     -         S         -         S          -
query_broadcast_sm        -     -         E         -         E          -
query_broadcast_sm_resp   -     -         S         -         S          -
cancel_broadcast_sm       -     -         E         -         E          -
cancel_broadcast_sm_resp  -     -         S         -         S          -
enquire_link              ES    ES        ES        ES        ES         ES
enquire_link_resp         ES    ES        ES        ES        ES         ES
generic_nack              ES    ES        ES        ES        ES         ES
"""
MOVES = {
    ("bind_receiver_resp", "BOUND_RX"),
    ("bind_transmitter_resp", "BOUND_TX"),
    ("bind_transceiver_resp", "BOUND_TRX"),
    ("outbind", "OUTBOUND"),
    ("unbind_resp", "UNBOUND"),
}


def matrix_cells() -> Iterator[tuple[str, str, str, bool]]:
    """(state, PDU, side, allowed) for every combination, those of CLOSED included."""
    header, *rows = (line.split() for line in MATRIX.strip().splitlines())
    for name, *cells in rows:
        for state, letters in [*zip(header[1:], cells, strict=True), ("CLOSED", "-")]:
            for side in ("ESME", "SMSC"):
                yield state, name, side, side[0] in letters


CELLS = list(matrix_cells())


def test_the_matrix_has_every_pdu_in_every_state() -> None:
    assert {name for _, name, _, _ in CELLS} == {command_name(command_id) for command_id in PDU_CLASSES}
    assert {state for state, _, _, _ in CELLS} == {state.name for state in SessionState}


@pytest.mark.parametrize("state", SessionState)
def test_every_cell_of_the_table(state: SessionState) -> None:
    moves = dict(MOVES)
    expected = {
        (Role(side), CommandId[name.upper()]): SessionState[moves.get(name, state.name)]
        for cell_state, name, side, allowed in CELLS
        if allowed and cell_state == state.name
    }
    assert TRANSITIONS[state] == expected


def test_the_diagram_shows_every_move() -> None:
    diagram = state_diagram()
    assert diagram.startswith("stateDiagram-v2\n    [*] --> OPEN\n")
    assert "    OPEN --> BOUND_TRX: bind_transceiver_resp (SMSC)\n" in diagram
    assert "    OPEN --> OUTBOUND: outbind (SMSC)\n" in diagram
    assert "    BOUND_TX --> UNBOUND: unbind_resp (ESME)\n" in diagram
    assert "    UNBOUND --> BOUND_RX: bind_receiver_resp (SMSC)\n" in diagram
    assert diagram.count(" --> CLOSED: connection ends") == 6
    assert "submit_sm" not in diagram, "what does not move the session is no arrow"


# -- helpers ----------------------------------------------------------------------------------------------------------


def answer_to(request: Pdu, **fields: object) -> Pdu:
    return PDU_CLASSES[request.command_id | RESPONSE_BIT](**fields)


def exchange(sender: Session, receiver: Session, request: Pdu, **answer: object) -> None:
    """One request and its answer, both in one piece."""
    events = receiver.receive(sender.send_request(request, "exchange", NOW), NOW)
    assert events == [request]
    answered = receiver.respond(request, answer_to(request, **answer), NOW)
    [event] = sender.receive(answered, NOW)
    assert isinstance(event, ResponseReceived)
    assert event.request == "exchange"


def pair(state: SessionState = SessionState.BOUND_TRX, interface_version: int = 0x34) -> tuple[Session, Session]:
    """An ESME and an SMSC, connected and brought into a state by the PDUs that lead there."""
    esme = Session(Role.ESME, interface_version=interface_version)
    smsc = Session(Role.SMSC, interface_version=interface_version)
    if state is SessionState.OUTBOUND:
        esme.receive(smsc.send_request(Outbind(system_id=b"smsc"), None, NOW), NOW)
    elif state in BOUND_STATES:
        exchange(esme, smsc, BINDS[state][0](system_id=b"esme"), system_id=b"smsc")
    elif state is SessionState.UNBOUND:
        exchange(esme, smsc, BindTransceiver(system_id=b"esme"), system_id=b"smsc")
        exchange(esme, smsc, Unbind())
    elif state is SessionState.CLOSED:
        esme.close()
        smsc.close()
    assert esme.state is smsc.state is state
    return esme, smsc


def header(command_id: int, sequence_number: int, status: int = 0, length: int = 16) -> bytes:
    return struct.pack(">IIII", length, command_id, status, sequence_number)


def pdu_with(command_id: int, body: bytes, sequence_number: int = 9) -> bytes:
    return header(command_id, sequence_number, length=16 + len(body)) + body


def minimal(command_id: int) -> Pdu:
    """The emptiest PDU of a kind that is complete, so that the state decides over it and not the body."""
    return PDU_CLASSES[command_id]()


def refusal(session: Session, data: bytes) -> Refused:
    [event] = session.receive(data, NOW)
    assert isinstance(event, Refused)
    return event


# -- every cell again, through sessions -------------------------------------------------------------------------------

REQUESTS = [command_id for command_id in PDU_CLASSES if not command_id & RESPONSE_BIT]
RESPONSES = [command_id for command_id in PDU_CLASSES if command_id & RESPONSE_BIT]
CONNECTED = [state for state in SessionState if state is not SessionState.CLOSED]


@pytest.mark.parametrize("state", CONNECTED)
@pytest.mark.parametrize("sender", Role)
@pytest.mark.parametrize("command_id", REQUESTS, ids=command_name)
def test_a_request_in_every_state_from_every_side(command_id: int, sender: Role, state: SessionState) -> None:
    """Both sides agree: what one refuses to send the other refuses to receive, and answers as 3.4 wants."""
    esme, smsc = pair(state, interface_version=0x50)
    here, there = (esme, smsc) if sender is Role.ESME else (smsc, esme)
    allowed = (state.name, command_name(command_id), sender.name, True) in CELLS
    request = minimal(command_id)
    if allowed:
        events = there.receive(here.send_request(request, "context", NOW), NOW)
        assert events == [request]
        assert here.state is there.state is TRANSITIONS[state][sender, CommandId(command_id)]
        return
    with pytest.raises(StateError) as refused:
        here.send_request(request, "context", NOW)
    assert refused.value.command_status == CommandStatus.ESME_RINVBNDSTS
    assert len(here.window) == 0
    event = refusal(there, encode(minimal(command_id)))
    second_bind = command_name(command_id).startswith("bind") and state in BOUND_STATES
    status = CommandStatus.ESME_RALYBND if second_bind else CommandStatus.ESME_RINVBNDSTS
    no_response = command_id in (CommandId.OUTBIND, CommandId.ALERT_NOTIFICATION)
    answer = CommandId.GENERIC_NACK if no_response else command_id | RESPONSE_BIT
    assert event.kind == "wrong_state"
    assert event.reply == header(answer, 0, status)
    assert event.status == status
    assert there.state is state


@pytest.mark.parametrize("state", CONNECTED)
@pytest.mark.parametrize("sender", Role)
@pytest.mark.parametrize("command_id", RESPONSES, ids=command_name)
def test_a_response_to_nothing_in_every_state(command_id: int, sender: Role, state: SessionState) -> None:
    esme, smsc = pair(state, interface_version=0x50)
    there = smsc if sender is Role.ESME else esme
    event = refusal(there, header(command_id, 77))
    assert event.kind == "unexpected_response"
    assert event.reply is None
    assert there.state is state


def test_a_closed_session_hears_and_says_nothing() -> None:
    esme, smsc = pair(SessionState.CLOSED)
    assert smsc.receive(encode(EnquireLink(1)), NOW) == []
    with pytest.raises(StateError):
        esme.send_request(EnquireLink(), None, NOW)


# -- binding, unbinding, outbind --------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", sorted(BOUND_STATES, key=lambda state: state.name))
def test_a_bind_is_accepted_with_status_0(state: SessionState) -> None:
    esme, smsc = pair(state)
    assert esme.inbound_outstanding == smsc.inbound_outstanding == 0
    assert len(esme.window) == len(smsc.window) == 0


@pytest.mark.parametrize("request_class", [BindReceiver, BindTransmitter, BindTransceiver])
def test_a_refused_bind_leaves_both_sides_open(request_class: type[Pdu]) -> None:
    esme, smsc = Session(Role.ESME), Session(Role.SMSC)
    request = request_class(system_id=b"nobody")
    smsc.receive(esme.send_request(request, "bind", NOW), NOW)
    refused = smsc.respond(request, answer_to(request, command_status=CommandStatus.ESME_RINVSYSID), NOW)
    [event] = esme.receive(refused, NOW)
    assert isinstance(event, ResponseReceived)
    assert event.pdu.command_status == CommandStatus.ESME_RINVSYSID
    assert esme.state is smsc.state is SessionState.OPEN
    exchange(esme, smsc, request_class(system_id=b"somebody"), system_id=b"smsc")
    assert esme.state is smsc.state in BOUND_STATES


def test_a_second_bind_leaves_the_first_one_valid() -> None:
    _, smsc = pair(SessionState.BOUND_TX)
    event = refusal(smsc, encode(BindTransceiver(8, system_id=b"esme")))
    assert event.reply == header(CommandId.BIND_TRANSCEIVER_RESP, 8, CommandStatus.ESME_RALYBND)
    assert smsc.state is SessionState.BOUND_TX
    assert smsc.receive(encode(SubmitSm(9)), NOW) == [SubmitSm(9)]


def test_an_unasked_bind_resp_binds_nobody() -> None:
    esme = Session(Role.ESME)
    assert refusal(esme, encode(BindTransceiverResp(1, system_id=b"smsc"))).kind == "unexpected_response"
    assert esme.state is SessionState.OPEN


def test_what_comes_in_one_piece_with_the_bind_resp_or_the_unbind_resp() -> None:
    """Some SMSCs write the first deliver_sm into the segment of the bind_resp; after the unbind_resp none is due."""
    esme = Session(Role.ESME)
    esme.send_request(BindReceiver(system_id=b"esme"), "bind", NOW)
    bound, deliver = esme.receive(encode(BindReceiverResp(1, system_id=b"smsc")) + encode(DeliverSm(1)), NOW)
    assert isinstance(bound, ResponseReceived)
    assert deliver == DeliverSm(1)
    esme.send_request(Unbind(), "unbind", NOW)
    unbound, refused = esme.receive(encode(UnbindResp(2)) + encode(DeliverSm(2)), NOW)
    assert isinstance(unbound, ResponseReceived)
    assert isinstance(refused, Refused)
    assert refused.reply == header(CommandId.DELIVER_SM_RESP, 2, CommandStatus.ESME_RINVBNDSTS)


def test_a_bind_after_an_outbind() -> None:
    esme, smsc = pair(SessionState.OUTBOUND)
    exchange(esme, smsc, BindReceiver(system_id=b"esme"), system_id=b"smsc")
    assert esme.state is smsc.state is SessionState.BOUND_RX


def test_an_outbind_waits_for_no_response() -> None:
    _, smsc = pair(SessionState.OUTBOUND)
    assert len(smsc.window) == 0


@pytest.mark.parametrize("starts", Role)
def test_either_side_unbinds_and_the_esme_may_bind_again(starts: Role) -> None:
    esme, smsc = pair()
    here, there = (esme, smsc) if starts is Role.ESME else (smsc, esme)
    exchange(here, there, Unbind())
    assert here.state is there.state is SessionState.UNBOUND
    assert refusal(smsc, encode(SubmitSm(5))).reply == header(
        CommandId.SUBMIT_SM_RESP, 5, CommandStatus.ESME_RINVBNDSTS
    )
    exchange(esme, smsc, BindTransmitter(system_id=b"again"), system_id=b"smsc")
    assert esme.state is smsc.state is SessionState.BOUND_TX


def test_a_refused_unbind_leaves_the_session_bound() -> None:
    esme, smsc = pair()
    exchange(esme, smsc, Unbind(), command_status=CommandStatus.ESME_RSYSERR)
    assert esme.state is smsc.state is SessionState.BOUND_TRX
    assert not smsc.paused


def test_unbinds_that_cross_on_the_wire() -> None:
    esme, smsc = pair()
    from_esme, from_smsc = Unbind(), Unbind()
    to_smsc = esme.send_request(from_esme, "esme", NOW)
    to_esme = smsc.send_request(from_smsc, "smsc", NOW)
    assert smsc.receive(to_smsc, NOW) == [from_esme]
    assert esme.receive(to_esme, NOW) == [from_smsc]
    to_esme = smsc.respond(from_esme, UnbindResp(), NOW)
    assert esme.receive(to_esme, NOW) == [], "paused: it has to answer first"
    with_answer = esme.respond(from_smsc, UnbindResp(), NOW)
    assert smsc.receive(with_answer, NOW)[0] == Refused(
        None,
        "unexpected_response",
        CommandId.UNBIND_RESP,
        from_smsc.sequence_number,
        0,
        None,
        "no request waits for it",
    )
    esme.resume(NOW)
    assert esme.state is smsc.state is SessionState.UNBOUND


# -- pausing: what follows a bind or an unbind waits for its answer ---------------------------------------------------


def serve(smsc: Session, data: bytes) -> list[Event]:
    """An SMSC that accepts every bind and unbind at once; the events of all that was in `data`, in order."""
    seen: list[Event] = []
    events = smsc.receive(data, NOW)
    while events:
        seen += events
        last = events[-1]
        if smsc.paused:
            assert isinstance(last, Pdu)
            smsc.respond(last, answer_to(last), NOW)
        events = smsc.resume(NOW)
    return seen


PIPELINED = [
    SubmitSm(1, short_message=b"too early"),
    BindTransmitter(2, system_id=b"esme"),
    SubmitSm(3, short_message=b"in time"),
    BindReceiver(4, system_id=b"esme"),
    Unbind(5),
    SubmitSm(6, short_message=b"too late"),
    BindTransceiver(7, system_id=b"esme"),
    SubmitSm(8, short_message=b"in time again"),
    EnquireLink(9),
]


@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(min_value=0, max_value=sum(len(encode(pdu)) for pdu in PIPELINED)), max_size=8))
def test_the_cut_of_the_stream_makes_no_difference(cuts: list[int]) -> None:
    stream = b"".join(map(encode, PIPELINED))
    edges = [0, *sorted(cuts), len(stream)]
    smsc = Session(Role.SMSC)
    events = [event for start, end in itertools.pairwise(edges) for event in serve(smsc, stream[start:end])]
    assert [event.status if isinstance(event, Refused) else type(event).__name__ for event in events] == [
        CommandStatus.ESME_RINVBNDSTS,
        "BindTransmitter",
        "SubmitSm",
        CommandStatus.ESME_RALYBND,
        "Unbind",
        CommandStatus.ESME_RINVBNDSTS,
        "BindTransceiver",
        "SubmitSm",
        "EnquireLink",
    ]
    assert smsc.state is SessionState.BOUND_TRX


def test_a_slow_bind_holds_back_what_follows_in_later_reads_too() -> None:
    smsc = Session(Role.SMSC)
    bind = BindTransceiver(1, system_id=b"esme")
    assert smsc.receive(encode(bind), NOW) == [bind]
    assert smsc.paused
    assert smsc.receive(encode(SubmitSm(2)), NOW) == []
    assert smsc.receive(encode(EnquireLink(3)), NOW) == []
    assert smsc.resume(NOW) == [], "not answered yet"
    smsc.respond(bind, BindTransceiverResp(system_id=b"smsc"), NOW)
    assert not smsc.paused
    assert smsc.resume(NOW) == [SubmitSm(2), EnquireLink(3)]
    assert smsc.resume(NOW) == []


def test_the_next_read_resumes_a_forgotten_pause() -> None:
    smsc = Session(Role.SMSC)
    bind = BindTransceiver(1, system_id=b"esme")
    smsc.receive(encode(bind) + encode(SubmitSm(2)), NOW)
    smsc.respond(bind, BindTransceiverResp(system_id=b"smsc"), NOW)
    assert smsc.receive(encode(SubmitSm(3)), NOW) == [SubmitSm(2), SubmitSm(3)]


def test_an_unanswered_bind_can_be_abandoned() -> None:
    """An SMSC that does not answer on purpose still hears what comes next."""
    smsc = Session(Role.SMSC)
    bind = BindTransceiver(1, system_id=b"esme")
    smsc.receive(encode(bind) + encode(EnquireLink(2)), NOW)
    smsc.abandon(bind)
    assert smsc.inbound_outstanding == 0
    assert smsc.resume(NOW) == [EnquireLink(2)]
    assert smsc.state is SessionState.OPEN


def test_lost_framing_behind_a_bind_is_reported_in_its_place() -> None:
    smsc = Session(Role.SMSC)
    bind = BindTransceiver(1, system_id=b"esme")
    assert smsc.receive(encode(bind) + encode(SubmitSm(2)) + header(4, 3, length=7), NOW) == [bind]
    smsc.respond(bind, BindTransceiverResp(system_id=b"smsc"), NOW)
    submit, lost = smsc.resume(NOW)
    assert submit == SubmitSm(2)
    assert isinstance(lost, FramingLost)


def test_a_closed_session_forgets_what_waited() -> None:
    smsc = Session(Role.SMSC)
    bind = BindTransceiver(1, system_id=b"esme")
    smsc.receive(encode(bind) + encode(SubmitSm(2)), NOW)
    smsc.close()
    assert smsc.resume(NOW) == []
    assert not smsc.paused


# -- the peer's mistakes (facts 12, contract "Default answers") -------------------------------------------------------


def test_an_enquire_link_before_the_bind_is_an_ordinary_request() -> None:
    smsc = Session(Role.SMSC)
    assert smsc.receive(encode(EnquireLink(1)), NOW) == [EnquireLink(1)]
    assert smsc.respond(EnquireLink(1), EnquireLinkResp(), NOW) == header(CommandId.ENQUIRE_LINK_RESP, 1)


@pytest.mark.parametrize("sequence_number", [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_any_sequence_number_is_echoed(sequence_number: int) -> None:
    _, smsc = pair()
    [request] = smsc.receive(encode(SubmitSm(sequence_number)), NOW)
    assert isinstance(request, SubmitSm)
    answer = smsc.respond(request, SubmitSmResp(message_id=b"1"), NOW)
    assert decode(answer).sequence_number == sequence_number
    assert refusal(smsc, header(0x33, sequence_number)).reply == header(
        CommandId.GENERIC_NACK, sequence_number, CommandStatus.ESME_RINVCMDID
    )


def test_the_same_sequence_number_twice_is_two_requests() -> None:
    _, smsc = pair()
    assert smsc.receive(encode(SubmitSm(1)) + encode(EnquireLink(1)) + encode(SubmitSm(1)), NOW) == [
        SubmitSm(1),
        EnquireLink(1),
        SubmitSm(1),
    ]
    assert smsc.inbound_outstanding == 3


def test_a_status_in_a_request_is_ignored() -> None:
    _, smsc = pair()
    request = SubmitSm(1, command_status=CommandStatus.ESME_RSYSERR)
    assert smsc.receive(encode(request), NOW) == [request]


@pytest.mark.parametrize("state", CONNECTED)
@pytest.mark.parametrize("command_id", [0x00000000, 0x0000000A, 0x00000022, 0x00010200, 0x7FFFFFFF])
def test_an_unknown_command_is_nacked_and_skipped(state: SessionState, command_id: int) -> None:
    _, smsc = pair(state)
    events = smsc.receive(pdu_with(command_id, b"whatever it means", 5) + encode(EnquireLink(6)), NOW)
    refused, following = events
    assert isinstance(refused, Refused)
    assert refused.kind == "unknown_command"
    assert refused.reply == header(CommandId.GENERIC_NACK, 5, CommandStatus.ESME_RINVCMDID)
    assert following == EnquireLink(6)
    assert smsc.state is state


@pytest.mark.parametrize("command_id", [0x80000022, 0x80000102, 0x8000000B, 0xFFFFFFFF])
def test_an_unknown_response_is_ignored(command_id: int) -> None:
    _, smsc = pair()
    refused = refusal(smsc, header(command_id, 5))
    assert refused.kind == "unknown_command"
    assert refused.reply is None
    assert refused.status == 0


def test_broadcasts_are_unknown_to_a_session_of_3_4() -> None:
    esme, smsc = pair(interface_version=0x34)
    with pytest.raises(StateError):
        esme.send_request(BroadcastSm(), None, NOW)
    broadcast = encode(BroadcastSm(5))
    assert refusal(smsc, broadcast).reply == header(CommandId.GENERIC_NACK, 5, CommandStatus.ESME_RINVCMDID)
    assert refusal(smsc, header(CommandId.BROADCAST_SM_RESP, 5)).kind == "unknown_command"
    smsc.interface_version = 0x50
    assert smsc.interface_version == 0x50
    assert smsc.receive(broadcast, NOW) == [BroadcastSm(5)]
    assert smsc.state is SessionState.BOUND_TRX


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"", CommandStatus.ESME_RINVCMDLEN, "service_type"),
        (b"\0\1", CommandStatus.ESME_RINVCMDLEN, "source_addr_npi"),
        (b"\0\1\1" + b"4" * 10, CommandStatus.ESME_RINVCMDLEN, "source_addr"),
    ],
)
def test_a_broken_body_is_answered_with_its_response(body: bytes, status: int, field: str) -> None:
    _, smsc = pair()
    refused, following = smsc.receive(pdu_with(CommandId.SUBMIT_SM, body) + encode(SubmitSm(10)), NOW)
    assert isinstance(refused, Refused)
    assert refused.kind == "malformed"
    assert (refused.status, refused.field) == (status, field)
    assert refused.reply == header(CommandId.SUBMIT_SM_RESP, 9, status)
    assert following == SubmitSm(10)
    assert smsc.inbound_outstanding == 1


def test_a_broken_bind_is_answered_and_does_not_pause() -> None:
    smsc = Session(Role.SMSC)
    refused = refusal(smsc, pdu_with(CommandId.BIND_TRANSCEIVER, b"esme"))
    assert refused.kind == "malformed"
    assert refused.reply == header(CommandId.BIND_TRANSCEIVER_RESP, 9, refused.status)
    assert refused.status != 0
    assert not smsc.paused


def test_a_broken_alert_notification_is_nacked() -> None:
    """It has no response of its own; a sound one is never answered."""
    esme, smsc = pair(SessionState.BOUND_RX)
    refused = refusal(esme, pdu_with(CommandId.ALERT_NOTIFICATION, b""))
    assert refused.reply == header(CommandId.GENERIC_NACK, 9, refused.status)
    alert = AlertNotification(source_addr=b"44", esme_addr=b"1")
    assert esme.receive(smsc.send_request(alert, None, NOW), NOW) == [alert]
    assert len(smsc.window) == 0
    assert esme.inbound_outstanding == 0


def test_the_header_is_judged_before_the_body() -> None:
    """A broken submit_sm before the bind: wrong state, because the header comes first."""
    smsc = Session(Role.SMSC)
    refused = refusal(smsc, pdu_with(CommandId.SUBMIT_SM, b""))
    assert (refused.kind, refused.status) == ("wrong_state", CommandStatus.ESME_RINVBNDSTS)


@pytest.mark.parametrize("length", [0, 4, 15, 131_073, 0x80000010, 0xF0000011])
def test_a_length_that_cannot_be_true_ends_the_stream(length: int) -> None:
    _, smsc = pair()
    first, lost = smsc.receive(encode(SubmitSm(1)) + header(CommandId.SUBMIT_SM, 2, length=length), NOW)
    assert first == SubmitSm(1)
    assert isinstance(lost, FramingLost)
    assert lost.kind == "framing"
    assert lost.reply == header(CommandId.GENERIC_NACK, lost.sequence_number, CommandStatus.ESME_RINVCMDLEN)
    assert lost.status == CommandStatus.ESME_RINVCMDLEN
    assert smsc.receive(encode(SubmitSm(3)), NOW) == []
    assert smsc.receive(b"", NOW) == []


def test_the_maximum_is_a_setting() -> None:
    smsc = Session(Role.SMSC, max_pdu_length=64)
    [lost] = smsc.receive(header(CommandId.SUBMIT_SM, 2, length=65), NOW)
    assert isinstance(lost, FramingLost)
    assert lost.sequence_number == 2


# -- responses to our requests ----------------------------------------------------------------------------------------


def deliveries(smsc: Session, count: int) -> list[bytes]:
    return [smsc.send_request(DeliverSm(short_message=b"%d" % n), f"receipt {n}", NOW + n) for n in range(count)]


def test_consecutive_deliver_sm_resp_come_as_one_event() -> None:
    _, smsc = pair()
    deliveries(smsc, 4)
    data = (
        encode(DeliverSmResp(3))
        + encode(DeliverSmResp(1, command_status=CommandStatus.ESME_RX_T_APPN))
        + encode(SubmitSm(50))
        + encode(DeliverSmResp(4))
        + header(CommandId.DELIVER_SM_RESP, 2, CommandStatus.ESME_RX_P_APPN)
    )
    assert smsc.receive(data, NOW) == [
        Acknowledged([("receipt 2", 0), ("receipt 0", CommandStatus.ESME_RX_T_APPN)]),
        SubmitSm(50),
        Acknowledged([("receipt 3", 0), ("receipt 1", CommandStatus.ESME_RX_P_APPN)]),
    ]
    assert len(smsc.window) == 0


@pytest.mark.parametrize("body", [b"", b"\0", b"id\0", b"id", b"\0\0\0", b"\x04\x27\x00\x01\x02"])
def test_a_deliver_sm_resp_may_have_any_body(body: bytes) -> None:
    _, smsc = pair()
    deliveries(smsc, 1)
    assert smsc.receive(pdu_with(CommandId.DELIVER_SM_RESP, body, 1), NOW) == [Acknowledged([("receipt 0", 0)])]


def test_an_unexpected_acknowledgement_counts_once_and_for_nothing() -> None:
    _, smsc = pair()
    deliveries(smsc, 2)
    one, again, two = smsc.receive(encode(DeliverSmResp(1)) * 2 + encode(DeliverSmResp(2)), NOW)
    assert one == Acknowledged([("receipt 0", 0)])
    assert isinstance(again, Refused)
    assert (again.kind, again.reply) == ("unexpected_response", None)
    assert two == Acknowledged([("receipt 1", 0)])


def test_a_deliver_sm_resp_to_a_data_sm_completes_nothing() -> None:
    _, smsc = pair()
    smsc.send_request(DataSm(destination_addr=b"1"), "data", NOW)
    assert refusal(smsc, encode(DeliverSmResp(1))).kind == "unexpected_response"
    assert smsc.receive(encode(DataSmResp(1, message_id=b"x")), NOW) == [
        ResponseReceived("data", DataSmResp(1, message_id=b"x"), NOW)
    ]


def test_an_esme_learns_the_message_id() -> None:
    esme, smsc = pair()
    request = SubmitSm(short_message=b"hello")
    [received] = smsc.receive(esme.send_request(request, "hello", NOW), NOW)
    assert isinstance(received, SubmitSm)
    [event] = esme.receive(smsc.respond(received, SubmitSmResp(message_id=b"42"), NOW + 1), NOW + 1)
    assert event == ResponseReceived("hello", SubmitSmResp(request.sequence_number, message_id=b"42"), NOW)


def test_responses_out_of_order_and_late() -> None:
    esme, _ = pair()
    requests = [SubmitSm() for _ in range(3)]
    for index, request in enumerate(requests):
        esme.send_request(request, index, NOW)
    answers = [encode(SubmitSmResp(request.sequence_number, message_id=b"x")) for request in requests]
    events = esme.receive(answers[2] + answers[0] + answers[2] + answers[1], NOW)
    assert [e.request if isinstance(e, ResponseReceived) else type(e).__name__ for e in events] == [2, 0, "Refused", 1]


def test_a_generic_nack_completes_the_request_of_its_number() -> None:
    _, smsc = pair()
    deliveries(smsc, 2)
    nack = GenericNack(2, command_status=CommandStatus.ESME_RTHROTTLED)
    assert smsc.receive(encode(nack), NOW) == [ResponseReceived("receipt 1", nack, NOW + 1)]
    assert refusal(smsc, encode(nack)).kind == "unexpected_response"
    assert len(smsc.window) == 1


def test_a_broken_response_is_no_response() -> None:
    """submit_sm_resp with status 0 and no end of its message_id: the request waits on, for its timer."""
    esme, _ = pair()
    esme.send_request(SubmitSm(), "waiting", NOW)
    sequence_number = esme.next_sequence_number - 1
    refused = refusal(esme, pdu_with(CommandId.SUBMIT_SM_RESP, b"no end", sequence_number))
    assert (refused.kind, refused.reply, refused.status) == ("malformed", None, 0)
    assert esme.window.get(sequence_number) is not None


# -- our requests -----------------------------------------------------------------------------------------------------


def test_sequence_numbers_begin_at_1_and_wrap_to_1() -> None:
    smsc = pair()[1]
    assert smsc.register(CommandId.DELIVER_SM, "a", NOW) == 1
    smsc.next_sequence_number = MAX_SEQUENCE_NUMBER
    assert smsc.register(CommandId.DELIVER_SM, "b", NOW) == MAX_SEQUENCE_NUMBER
    assert smsc.register(CommandId.DELIVER_SM, "c", NOW) == 2, "1 is outstanding still"


def test_many_sequence_numbers_at_once() -> None:
    smsc = pair()[1]
    assert smsc.register_many(CommandId.DELIVER_SM, "abc", NOW) == range(1, 4)
    assert smsc.register_many(CommandId.DELIVER_SM, "", NOW) == range(4, 4)
    assert smsc.register_many(CommandId.DELIVER_SM, "d", NOW) == range(4, 5)
    assert smsc.receive(b"".join(encode(DeliverSmResp(n)) for n in (4, 3, 2, 1)), NOW) == [
        Acknowledged([("d", 0), ("c", 0), ("b", 0), ("a", 0)])
    ]


def test_many_sequence_numbers_across_the_wrap_and_around_the_outstanding() -> None:
    smsc = pair()[1]
    smsc.next_sequence_number = 2
    smsc.register(CommandId.DELIVER_SM, "old", NOW)
    smsc.next_sequence_number = MAX_SEQUENCE_NUMBER - 1
    numbers = smsc.register_many(CommandId.DELIVER_SM, "abcd", NOW)
    assert list(numbers) == [MAX_SEQUENCE_NUMBER - 1, MAX_SEQUENCE_NUMBER, 1, 3]
    smsc.next_sequence_number = MAX_SEQUENCE_NUMBER - 3
    assert list(smsc.register_many(CommandId.DELIVER_SM, "ef", NOW)) == [
        MAX_SEQUENCE_NUMBER - 3,
        MAX_SEQUENCE_NUMBER - 2,
    ]
    assert smsc.register(CommandId.DELIVER_SM, "g", NOW) == 4
    assert smsc.close() == ["old", "a", "b", "c", "d", "e", "f", "g"]


def test_a_batch_that_wraps_after_its_first_number() -> None:
    smsc = pair()[1]
    smsc.next_sequence_number = MAX_SEQUENCE_NUMBER
    assert list(smsc.register_many(CommandId.DELIVER_SM, "ab", NOW)) == [MAX_SEQUENCE_NUMBER, 1]


def test_a_batch_skips_the_numbers_that_are_still_outstanding() -> None:
    smsc = pair()[1]
    smsc.next_sequence_number = 2
    smsc.register(CommandId.DELIVER_SM, "old", NOW)
    smsc.next_sequence_number = 1
    assert list(smsc.register_many(CommandId.DELIVER_SM, "ab", NOW)) == [1, 3]


def test_the_last_number_of_a_batch_may_be_the_largest() -> None:
    smsc = pair()[1]
    smsc.next_sequence_number = MAX_SEQUENCE_NUMBER
    assert list(smsc.register_many(CommandId.DELIVER_SM, "a", NOW)) == [MAX_SEQUENCE_NUMBER]
    assert smsc.next_sequence_number == 1


def test_a_request_that_does_not_encode_has_not_happened() -> None:
    esme, _ = pair()
    before = esme.next_sequence_number
    with pytest.raises(EncodeError):
        esme.send_request(SubmitSm(short_message=b"x" * 256), None, NOW)
    assert len(esme.window) == 0
    assert esme.next_sequence_number == before


def test_register_minds_the_state_and_the_kind() -> None:
    _, smsc = pair(SessionState.BOUND_TX)
    with pytest.raises(StateError, match="deliver_sm may not be sent by the SMSC in BOUND_TX"):
        smsc.register_many(CommandId.DELIVER_SM, "a", NOW)
    with pytest.raises(StateError):
        smsc.register(CommandId.SUBMIT_SM, "a", NOW)
    with pytest.raises(ValueError, match="generic_nack has no response"):
        smsc.send_request(GenericNack(), "a", NOW)
    assert len(smsc.window) == 0


def test_the_window_tells_its_room_and_lets_control_pdus_pass() -> None:
    smsc = Session(Role.SMSC, window_limit=1)
    [bind] = smsc.receive(encode(BindReceiver(1, system_id=b"esme")), NOW)
    assert isinstance(bind, BindReceiver)
    smsc.respond(bind, BindReceiverResp(system_id=b"smsc"), NOW)
    smsc.register(CommandId.DELIVER_SM, "a", NOW)
    assert smsc.window.room == 0
    smsc.send_request(EnquireLink(), "alive?", NOW)
    assert len(smsc.window) == 2


# -- our responses ----------------------------------------------------------------------------------------------------


def test_requests_are_outstanding_until_answered() -> None:
    _, smsc = pair()
    first, *_ = smsc.receive(
        encode(SubmitSm(1)) + encode(SubmitSm(2)) + encode(QuerySm(3)) + encode(EnquireLink(4)), NOW
    )
    assert isinstance(first, SubmitSm)
    assert smsc.inbound_outstanding == 4
    smsc.respond(first, SubmitSmResp(message_id=b"1"), NOW)
    assert smsc.inbound_outstanding == 3
    smsc.answered(2)
    assert smsc.inbound_outstanding == 1
    smsc.close()
    smsc.answered(1)
    assert smsc.inbound_outstanding == 0, "an answer too late for the wire is still the end of its request"


def test_refused_requests_are_not_outstanding() -> None:
    _, smsc = pair()
    smsc.receive(encode(DeliverSm(1)) + header(0x99, 2) + pdu_with(CommandId.SUBMIT_SM, b""), NOW)
    assert smsc.inbound_outstanding == 0


def test_a_response_answers_its_own_request() -> None:
    _, smsc = pair()
    with pytest.raises(ValueError, match="query_sm_resp does not answer submit_sm"):
        smsc.respond(SubmitSm(1), PDU_CLASSES[CommandId.QUERY_SM_RESP](), NOW)
    nack = smsc.respond(SubmitSm(5), GenericNack(command_status=CommandStatus.ESME_RTHROTTLED), NOW)
    assert nack == header(CommandId.GENERIC_NACK, 5, CommandStatus.ESME_RTHROTTLED)


def test_an_answer_after_the_unbind_is_refused() -> None:
    esme, smsc = pair()
    [submit] = smsc.receive(esme.send_request(SubmitSm(), None, NOW), NOW)
    assert isinstance(submit, SubmitSm)
    exchange(esme, smsc, Unbind())
    with pytest.raises(StateError):
        smsc.respond(submit, SubmitSmResp(message_id=b"1"), NOW)


# -- time -------------------------------------------------------------------------------------------------------------


def test_the_timers_follow_the_session() -> None:
    smsc = Session(
        Role.SMSC, now=0.0, timers=SessionTimers(session_init=10, enquire_link=30, inactivity=300, response=5)
    )
    assert smsc.next_due() == 10.0
    bind = BindTransceiver(1, system_id=b"esme")
    smsc.receive(encode(bind), 4.0)
    smsc.respond(bind, BindTransceiverResp(system_id=b"smsc"), 6.0)
    assert smsc.next_due() == 36.0, "session_init has ended, enquire_link runs"
    smsc.receive(encode(EnquireLink(2))[:9], 20.0)
    assert smsc.next_due() == 36.0, "half a PDU is no sign of life"
    smsc.receive(encode(EnquireLink(2))[9:], 21.0)
    assert smsc.next_due() == 51.0
    assert smsc.timers.tick(51.0) is TimerAction.SEND_ENQUIRE_LINK
    smsc.send_request(EnquireLink(), "alive?", 51.0)
    assert smsc.next_due() == 56.0
    assert smsc.expired(55.0) == []
    assert smsc.expired(56.0) == ["alive?"]
    unbind = Unbind(3)
    smsc.receive(encode(unbind), 57.0)
    smsc.respond(unbind, UnbindResp(), 57.0)
    assert smsc.next_due() == 67.0, "time for another bind"
    smsc.close()
    assert smsc.next_due() is None


def test_even_a_refused_pdu_is_a_sign_of_life() -> None:
    smsc = Session(Role.SMSC, now=0.0, timers=SessionTimers(inactivity=10))
    smsc.receive(encode(SubmitSm(1)), 8.0)
    assert smsc.next_due() == 18.0


def test_the_end_of_the_session_gives_back_what_waits() -> None:
    _, smsc = pair()
    deliveries(smsc, 3)
    smsc.receive(encode(DeliverSmResp(2)), NOW)
    assert smsc.close() == ["receipt 0", "receipt 2"]
    assert smsc.state is SessionState.CLOSED
    assert smsc.close() == []


# -- two sessions on a wire that cuts as it likes ---------------------------------------------------------------------


class Wire:
    """Octets on their way in one direction, read in pieces of random size."""

    def __init__(self, chance: random.Random) -> None:
        self.octets = b""
        self.chance = chance

    def read(self) -> bytes:
        size = self.chance.randint(0, min(len(self.octets), 200))
        piece, self.octets = self.octets[:size], self.octets[size:]
        return piece


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(min_value=0, max_value=2**32), count=st.integers(min_value=1, max_value=15))
def test_a_conversation_over_a_wire_that_cuts_anywhere(seed: int, count: int) -> None:
    """Submits one way and deliveries the other, answered in random order: each once, with its own context."""
    chance = random.Random(seed)
    esme, smsc = pair()
    to_smsc, to_esme = Wire(chance), Wire(chance)
    to_do: dict[Role, list[Pdu]] = {Role.ESME: [], Role.SMSC: []}
    submits, delivers = {f"submit {n}" for n in range(count)}, {f"deliver {n}" for n in range(count)}
    for n in range(count):
        to_smsc.octets += esme.send_request(SubmitSm(short_message=b"submit %d" % n), f"submit {n}", NOW)
        to_esme.octets += smsc.send_request(DeliverSm(short_message=b"deliver %d" % n), f"deliver {n}", NOW)

    while submits or delivers:
        for session, incoming, outgoing in ((esme, to_esme, to_smsc), (smsc, to_smsc, to_esme)):
            for event in session.receive(incoming.read(), NOW):
                if isinstance(event, SubmitSm | DeliverSm):
                    to_do[session.role].append(event)
                elif isinstance(event, ResponseReceived):
                    assert isinstance(event.pdu, SubmitSmResp)
                    assert event.pdu.message_id == str(event.request).encode()
                    submits.remove(str(event.request))
                else:
                    assert isinstance(event, Acknowledged)
                    delivers -= {str(context) for context, _ in event.responses}
            chance.shuffle(to_do[session.role])
            for request in to_do[session.role][: chance.randint(0, 2)]:
                assert isinstance(request, SubmitSm | DeliverSm)
                outgoing.octets += session.respond(request, answer_to(request, message_id=request.short_message), NOW)
                to_do[session.role].remove(request)
    assert len(esme.window) == len(smsc.window) == esme.inbound_outstanding == smsc.inbound_outstanding == 0


# -- nothing a peer sends raises --------------------------------------------------------------------------------------


def check_events(session: Session, data: bytes) -> None:
    """Feed octets, answering pauses, and check the shape of what comes out."""
    events = session.receive(data, NOW)
    while events:
        for event in events:
            if isinstance(event, Refused) and event.reply is not None:
                reply = decode(event.reply)
                assert (reply.sequence_number, reply.command_status) == (event.sequence_number, event.status)
                assert reply.command_status != 0
                assert not event.command_id & RESPONSE_BIT
            else:
                assert isinstance(event, Pdu | ResponseReceived | Acknowledged | Refused | FramingLost)
        if session.paused:
            assert isinstance(events[-1], Pdu)
            session.respond(events[-1], answer_to(events[-1]), NOW)
        events = session.resume(NOW)


@settings(max_examples=150, deadline=None)
@given(
    role=st.sampled_from(Role), state=st.sampled_from(CONNECTED), chunks=st.lists(st.binary(max_size=80), max_size=6)
)
def test_random_octets_never_raise(role: Role, state: SessionState, chunks: list[bytes]) -> None:
    esme, smsc = pair(state)
    session = esme if role is Role.ESME else smsc
    for chunk in chunks:
        check_events(session, chunk)


SAMPLES = [encode(pdu_class(1)) for pdu_class in PDU_CLASSES.values()]


@settings(max_examples=300, deadline=None)
@given(data=st.data(), role=st.sampled_from(Role), state=st.sampled_from(CONNECTED))
def test_mutated_pdus_never_raise(data: st.DataObject, role: Role, state: SessionState) -> None:
    """Sound frames with broken insides: some octets changed, the body cut or extended, the length put right again."""
    esme, smsc = pair(state, interface_version=0x50)
    session = esme if role is Role.ESME else smsc
    for sender in (esme, smsc):
        if (sender.role, CommandId.DATA_SM) in TRANSITIONS[state]:
            sender.send_request(DataSm(), "outstanding", NOW)
    for _ in range(data.draw(st.integers(min_value=1, max_value=4))):
        octets = bytearray(data.draw(st.sampled_from(SAMPLES)))
        for _ in range(data.draw(st.integers(min_value=0, max_value=3))):
            octets[data.draw(st.integers(min_value=8, max_value=len(octets) - 1))] = data.draw(st.integers(0, 255))
        body = octets[16 : data.draw(st.integers(min_value=16, max_value=len(octets)))] + data.draw(
            st.binary(max_size=9)
        )
        check_events(session, struct.pack(">I", 16 + len(body)) + bytes(octets[4:16]) + bytes(body))
    check_events(session, encode(EnquireLink(99)))


def test_whoever_is_sent_beyond_the_largest_number_counts_all_32_bits() -> None:
    smsc = pair()[1]
    smsc.next_sequence_number = 0x80000000
    assert list(smsc.register_many(CommandId.DELIVER_SM, "ab", NOW)) == [0x80000000, 0x80000001]
    smsc.next_sequence_number = 0xFFFFFFFF
    assert list(smsc.register_many(CommandId.DELIVER_SM, "cd", NOW)) == [0xFFFFFFFF, 0]
    assert smsc.next_sequence_number == 1
    answers = b"".join(encode(DeliverSmResp(n)) for n in (0x80000000, 0, 0xFFFFFFFF))
    assert smsc.receive(answers, NOW) == [Acknowledged([("a", 0), ("d", 0), ("c", 0)])]


def test_the_longest_pdu_can_be_changed_between_reads() -> None:
    smsc = pair()[1]
    smsc.max_pdu_length = 100
    assert smsc.max_pdu_length == 100
    (event,) = smsc.receive(encode(SubmitSm(1, destination_addr=b"1", short_message=b"x" * 100)), NOW)
    assert isinstance(event, FramingLost)
