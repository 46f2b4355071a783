"""query_sm, cancel_sm, replace_sm and data_sm, answered from the same record as everything else.

Who may: the account that submitted, naming the source address of the original. Without a source address the account's
word is enough. A TON or NPI of 0 is one that the ESME does not know (SMPP 3.4 section 4.8.1), others must be the same.
Each function returns the response PDU, its command_status included, or DEFERRED.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from smppd.engine.message import (
    ENROUTE,
    MESSAGE_PAYLOAD,
    QOS_TIME_TO_LIVE,
    SCHEDULED,
    Message,
    from_data_sm,
    lifetime_of,
)
from smppd.engine.ports import DEFERRED
from smppd.engine.slices import SLICE
from smppwire.constants import CommandStatus
from smppwire.pdus import (
    CancelSmResp,
    DataSmResp,
    QuerySmResp,
    ReplaceSmResp,
)
from smppwire.smpp_time import format_absolute
from smppwire.validation import first_violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smppd.engine.core import Engine
    from smppd.engine.esmes import Bind
    from smppd.engine.ports import Fate
    from smppwire.pdus import CancelSm, DataSm, QuerySm, ReplaceSm, SubmitSm

ESME_RINVEXPIRY: Final = int(CommandStatus.ESME_RINVEXPIRY)
ESME_RINVMSGID: Final = int(CommandStatus.ESME_RINVMSGID)
ESME_RINVSERTYP: Final = int(CommandStatus.ESME_RINVSERTYP)
ESME_RINVDSTADR: Final = int(CommandStatus.ESME_RINVDSTADR)
ESME_RCANCELFAIL: Final = int(CommandStatus.ESME_RCANCELFAIL)
ESME_RREPLACEFAIL: Final = int(CommandStatus.ESME_RREPLACEFAIL)
ESME_RQUERYFAIL: Final = int(CommandStatus.ESME_RQUERYFAIL)
ESME_RTHROTTLED: Final = int(CommandStatus.ESME_RTHROTTLED)


LARGEST_ERROR_CODE: Final = 255
"""query_sm_resp has one octet for the error code; receipts show the whole of a longer one."""


def _keys(engine: Engine, bind: Bind, message_id: bytes) -> list[bytes]:
    """Under which ids the message may be known that an ESME names so: as its dialect says, or as it once was."""
    keys = bind.esme.dialect.keys(message_id)
    return [message_id, *keys] if message_id in engine.messages else keys


def _first_violation(engine: Engine, bind: Bind, pdu: QuerySm | CancelSm | ReplaceSm) -> int:
    """Status of the first violation in wire order, 0 without one. Only service_type stands before message_id."""
    status = first_violation(pdu, bind.policy)
    if status == ESME_RINVSERTYP or _keys(engine, bind, pdu.message_id):
        return status
    return ESME_RINVMSGID


def _own_message(engine: Engine, bind: Bind, pdu: QuerySm | CancelSm | ReplaceSm) -> Message | None:
    """The message of this id, when this account submitted it from this source address."""
    for key in _keys(engine, bind, pdu.message_id):
        message = engine.messages.get(key)
        if message is not None and message.esme is bind.esme:
            return message if not pdu.source_addr or _is_from(message.pdu, pdu) else None
    return None


def _is_from(record: SubmitSm, pdu: QuerySm | CancelSm | ReplaceSm) -> bool:
    """Whether a message has the source address of a request."""
    return (
        record.source_addr == pdu.source_addr
        and _may_be(record.source_addr_ton, pdu.source_addr_ton)
        and _may_be(record.source_addr_npi, pdu.source_addr_npi)
    )


def _is_to(record: SubmitSm, pdu: CancelSm) -> bool:
    """Whether a message has the destination address of a request."""
    return (
        record.destination_addr == pdu.destination_addr
        and _may_be(record.dest_addr_ton, pdu.dest_addr_ton)
        and _may_be(record.dest_addr_npi, pdu.dest_addr_npi)
    )


def _may_be(submitted: int, asked: int) -> bool:
    """Whether a TON or NPI may be the same as another: 0 is unknown, and may be any."""
    return submitted == asked or not submitted or not asked


def _members(message: Message) -> list[Message]:
    """The messages under one message_id: one, or one per destination of a submit_multi that is not forgotten."""
    return [message] if message.group is None else list(message.group.members)


def query(engine: Engine, bind: Bind, pdu: QuerySm) -> QuerySmResp:
    """Answer a query_sm (SMPP 3.4 section 4.8): state, error_code, and final_date once the state is final.

    Of a submit_multi the first destination that is not final yet answers for all, else the first one.
    """
    status = _first_violation(engine, bind, pdu)
    message = None if status else _own_message(engine, bind, pdu)
    if message is None:
        return QuerySmResp(pdu.sequence_number, status or ESME_RQUERYFAIL)
    members = _members(message)
    message = next((member for member in members if not member.is_final), members[0])
    final_date = format_absolute(datetime.fromtimestamp(message.final_wall, UTC)) if message.is_final else b""
    state = message.state
    if state == SCHEDULED and bind.policy.interface_version < 0x50:
        state = ENROUTE  # SCHEDULED is a word of 5.0
    return QuerySmResp(
        pdu.sequence_number,
        message_id=pdu.message_id,
        final_date=final_date,
        message_state=state,
        error_code=min(message.error_code, LARGEST_ERROR_CODE),
    )


def cancel(engine: Engine, bind: Bind, pdu: CancelSm) -> CancelSmResp | int:
    """Answer a cancel_sm (SMPP 3.4 section 4.9): one message by its id, or all pending ones of an address pair.

    With a message_id, a destination_addr chooses among the messages of a submit_multi; a service_type says nothing.
    """
    status = _first_violation(engine, bind, pdu) if pdu.message_id else first_violation(pdu, bind.policy)
    if not status and engine.slices.is_full:
        status = ESME_RTHROTTLED
    if status:
        return CancelSmResp(pdu.sequence_number, status)
    return engine.slices.start(bind, pdu, _cancelling(engine, bind, pdu))


def _cancelling(engine: Engine, bind: Bind, pdu: CancelSm) -> Iterator[CancelSmResp | None]:
    cancelled = 0
    for count, message in enumerate(_doomed(engine, bind, pdu)):
        if count and count % SLICE == 0:
            yield None
        cancelled += engine.delete(message)
    yield CancelSmResp(pdu.sequence_number, 0 if cancelled else ESME_RCANCELFAIL)


def _doomed(engine: Engine, bind: Bind, pdu: CancelSm) -> list[Message]:
    """The messages that a cancel_sm means, those that are final among them."""
    if pdu.message_id:
        message = _own_message(engine, bind, pdu)
        members = [] if message is None else _members(message)
        return [member for member in members if not pdu.destination_addr or _is_to(member.pdu, pdu)]
    return [
        member
        for member in engine.pending_towards(bind.esme, pdu.destination_addr)
        if _is_from(member.pdu, pdu)
        and _is_to(member.pdu, pdu)
        and (not pdu.service_type or member.pdu.service_type == pdu.service_type)
    ]


def replace(engine: Engine, bind: Bind, pdu: ReplaceSm) -> ReplaceSmResp | int:
    """Answer a replace_sm (SMPP 3.4 section 4.10): new text, times and registered_delivery of a pending message.

    Times that are not given stay as they are. Of a submit_multi all messages that are not final are replaced.
    """
    status = _first_violation(engine, bind, pdu)
    if not status and engine.slices.is_full:
        status = ESME_RTHROTTLED
    if status:
        return ReplaceSmResp(pdu.sequence_number, status)
    return engine.slices.start(bind, pdu, _replacing(engine, bind, pdu))


def _replacing(engine: Engine, bind: Bind, pdu: ReplaceSm) -> Iterator[ReplaceSmResp | None]:
    """Judge the new times of all messages, then replace all."""
    message = _own_message(engine, bind, pdu)
    pending = [] if message is None else [member for member in _members(message) if not member.is_final]
    if not pending:
        yield ReplaceSmResp(pdu.sequence_number, ESME_RREPLACEFAIL)
        return
    now, wall = engine.clock.now(), engine.clock.wall()
    times = engine.times_of(pdu.schedule_delivery_time, pdu.validity_period, now, wall)
    if isinstance(times, int):
        yield ReplaceSmResp(pdu.sequence_number, times)
        return
    for count, member in enumerate(pending, 1):
        if count % SLICE == 0:
            yield None
        start_at, expires_at = _new_times(member, pdu, *times)
        if start_at > expires_at and (pdu.schedule_delivery_time or member.state == SCHEDULED):
            yield ReplaceSmResp(pdu.sequence_number, ESME_RINVEXPIRY)
            return
    takes_payload = bind.policy.is_50 or not bind.policy.strict
    for count, member in enumerate(pending, 1):
        if count % SLICE == 0:
            yield None
        if member.is_final:
            continue
        start_at, expires_at = _new_times(member, pdu, *times)
        _replace_fields(member, pdu, takes_payload=takes_payload)
        engine.replaced(member, now)
        if pdu.schedule_delivery_time or pdu.validity_period:
            engine.reschedule(member, start_at, expires_at)
    yield ReplaceSmResp(pdu.sequence_number)


def _new_times(message: Message, pdu: ReplaceSm, start_at: float, expires_at: float) -> tuple[float, float]:
    """When the replaced message may start and when it ends; the arguments are what the replace_sm alone would mean.

    For one that awaits another attempt, a start is when that attempt is made.
    """
    if message.state != SCHEDULED and not message.awaits_retry:
        start_at = message.accepted_at
    elif not pdu.schedule_delivery_time:
        start_at = message.next_at
    elif message.state == SCHEDULED and not _has_own_validity(message):
        # It has the default validity, which counts from the start.
        return start_at, expires_at
    return start_at, expires_at if pdu.validity_period else message.expires_at


def _has_own_validity(message: Message) -> bool:
    """Whether its ESME has said how long a message lives."""
    pdu, bind = message.pdu, message.bind
    return bool(pdu.validity_period) or (bind is not None and lifetime_of(bind, pdu) is not None)


def _replace_fields(message: Message, pdu: ReplaceSm, *, takes_payload: bool) -> None:
    """Put the new user data in place of the old; the record's other fields are what was submitted.

    replace_sm has a message_payload in 5.0 only; 3.4 has what is not expected ignored (section 3.3).
    """
    record = message.pdu
    record.short_message = pdu.short_message
    payload = pdu.tlv(MESSAGE_PAYLOAD) if takes_payload else None
    tlvs = tuple(tlv for tlv in record.tlvs if tlv.tag != MESSAGE_PAYLOAD)
    if payload is not None:
        tlvs += tuple(tlv for tlv in pdu.tlvs if tlv.tag == MESSAGE_PAYLOAD)
    record.tlvs = tlvs
    record.registered_delivery = pdu.registered_delivery
    record.sm_default_msg_id = pdu.sm_default_msg_id
    if pdu.validity_period:
        record.validity_period = pdu.validity_period


def data(engine: Engine, bind: Bind, pdu: DataSm, fate: Fate | None = None) -> DataSmResp | int:
    """Answer a data_sm (SMPP 3.4 section 4.7); DEFERRED when its outcome is its answer."""
    response = _take_data(engine, bind, pdu, fate)
    if engine.witness is not None and isinstance(response, DataSmResp) and response.command_status:
        engine.witness.refused(bind, (pdu,), (response.command_status,))
    return response


def _take_data(engine: Engine, bind: Bind, pdu: DataSm, fate: Fate | None) -> DataSmResp | int:
    """Take a data_sm (SMPP 3.4 section 4.7): routed, stored and delivered like a submit_sm.

    Its validity is in qos_time_to_live, in seconds (section 5.3.2.9). DEFERRED when its outcome is its answer. `fate`
    is what is decided about it beforehand.
    """
    record = from_data_sm(pdu)
    status = first_violation(pdu, bind.policy) or engine.admit_to_account(bind, record)
    if status:
        return DataSmResp(pdu.sequence_number, status)
    route = engine.route_of(bind, record)
    if route is None:
        return DataSmResp(pdu.sequence_number, ESME_RINVDSTADR)
    now, wall = engine.clock.now(), engine.clock.wall()
    lifetime = pdu.tlv(QOS_TIME_TO_LIVE)
    expires_at = now + engine.validity(None if lifetime is None else int.from_bytes(lifetime, "big"))
    message = engine.accept(bind, record, route, now=now, wall=wall, start_at=now, expires_at=expires_at, fate=fate)
    if isinstance(message, int):
        return DataSmResp(pdu.sequence_number, message)
    if engine.answer_with_outcome(message, bind, pdu):
        return DEFERRED
    return DataSmResp(pdu.sequence_number, message_id=message.message_id)
