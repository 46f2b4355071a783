"""query_sm, cancel_sm, replace_sm, data_sm and submit_multi, answered from the same record as everything else.

Who may: the account that submitted, naming the source address of the original. Without a source address the account's
word is enough. Each function returns the response PDU, its command_status included.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from smppd.engine.message import (
    ENROUTE,
    MESSAGE_PAYLOAD,
    SCHEDULED,
    Group,
    Message,
    from_data_sm,
    from_submit_multi,
)
from smppwire.constants import CommandStatus, TlvTag
from smppwire.pdus import (
    CancelSmResp,
    DataSmResp,
    QuerySmResp,
    ReplaceSmResp,
    SmeAddress,
    SubmitMultiResp,
    UnsuccessSme,
)
from smppwire.smpp_time import format_absolute
from smppwire.validation import first_violation

if TYPE_CHECKING:
    from smppd.engine.core import Engine
    from smppd.engine.esmes import Bind
    from smppwire.pdus import CancelSm, DataSm, QuerySm, ReplaceSm, SubmitMulti

ESME_RINVEXPIRY: Final = int(CommandStatus.ESME_RINVEXPIRY)
ESME_RINVMSGID: Final = int(CommandStatus.ESME_RINVMSGID)
ESME_RINVSERTYP: Final = int(CommandStatus.ESME_RINVSERTYP)
ESME_RINVDSTADR: Final = int(CommandStatus.ESME_RINVDSTADR)
ESME_RCANCELFAIL: Final = int(CommandStatus.ESME_RCANCELFAIL)
ESME_RREPLACEFAIL: Final = int(CommandStatus.ESME_RREPLACEFAIL)
ESME_RQUERYFAIL: Final = int(CommandStatus.ESME_RQUERYFAIL)
ESME_RCNTSUBDL: Final = int(CommandStatus.ESME_RCNTSUBDL)

QOS_TIME_TO_LIVE: Final = int(TlvTag.QOS_TIME_TO_LIVE)

LARGEST_ERROR_CODE: Final = 255
"""query_sm_resp has one octet for the error code; receipts show the whole of a longer one."""

LONGEST_ID: Final = 10
"""Digits of the longest message_id this server gives out; anything longer was never one of its own."""


HEX_DIGITS: Final = b"0123456789ABCDEFabcdef"


def is_well_formed(message_id: bytes) -> bool:
    """Whether this could be a message_id of the default dialect: hexadecimal digits, as many as it ever gives out."""
    return 0 < len(message_id) <= LONGEST_ID and not message_id.translate(None, HEX_DIGITS)


def _first_violation(bind: Bind, pdu: QuerySm | CancelSm | ReplaceSm) -> int:
    """Status of the first violation in wire order, 0 without one. Only service_type stands before message_id."""
    status = first_violation(pdu, bind.policy)
    if status == ESME_RINVSERTYP or is_well_formed(pdu.message_id):
        return status
    return ESME_RINVMSGID


def _own_message(engine: Engine, bind: Bind, message_id: bytes, source_addr: bytes) -> Message | None:
    """The message of this id, when this account submitted it from this source address."""
    message = engine.messages.get(message_id.upper())
    if message is None or message.esme is not bind.esme:
        return None
    if source_addr and source_addr != message.pdu.source_addr:
        return None
    return message


def _members(message: Message) -> list[Message]:
    """The messages under one message_id: one, or one per destination of a submit_multi."""
    return [message] if message.group is None else message.group.members


def query(engine: Engine, bind: Bind, pdu: QuerySm) -> QuerySmResp:
    """Answer a query_sm (SMPP 3.4 section 4.8): state, error_code, and final_date once the state is final.

    Of a submit_multi the first destination that is not final yet answers for all, else the first one.
    """
    status = _first_violation(bind, pdu)
    message = None if status else _own_message(engine, bind, pdu.message_id, pdu.source_addr)
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


def cancel(engine: Engine, bind: Bind, pdu: CancelSm) -> CancelSmResp:
    """Answer a cancel_sm (SMPP 3.4 section 4.9): one message by its id, or all pending ones of an address pair."""
    status = _first_violation(bind, pdu) if pdu.message_id else first_violation(pdu, bind.policy)
    if status:
        return CancelSmResp(pdu.sequence_number, status)
    if pdu.message_id:
        message = _own_message(engine, bind, pdu.message_id, pdu.source_addr)
        doomed = [] if message is None else _members(message)
        if pdu.destination_addr:
            doomed = [member for member in doomed if member.pdu.destination_addr == pdu.destination_addr]
    else:
        doomed = [
            member
            for member in engine.pending_towards(bind.esme, pdu.destination_addr)
            if member.pdu.source_addr == pdu.source_addr
            and (not pdu.service_type or member.pdu.service_type == pdu.service_type)
        ]
    doomed = [member for member in doomed if not member.is_final]
    for member in doomed:
        engine.delete(member)
    return CancelSmResp(pdu.sequence_number, 0 if doomed else ESME_RCANCELFAIL)


def replace(engine: Engine, bind: Bind, pdu: ReplaceSm) -> ReplaceSmResp:
    """Answer a replace_sm (SMPP 3.4 section 4.10): new text, times and registered_delivery of a pending message.

    Times that are not given stay as they are. Of a submit_multi all messages that are not final are replaced.
    """
    status = _first_violation(bind, pdu)
    if status:
        return ReplaceSmResp(pdu.sequence_number, status)
    message = _own_message(engine, bind, pdu.message_id, pdu.source_addr)
    pending = [] if message is None else [member for member in _members(message) if not member.is_final]
    if not pending:
        return ReplaceSmResp(pdu.sequence_number, ESME_RREPLACEFAIL)
    now, wall = engine.clock.now(), engine.clock.wall()
    times = engine.times_of(pdu.schedule_delivery_time, pdu.validity_period, now, wall)
    if isinstance(times, int):
        return ReplaceSmResp(pdu.sequence_number, times)
    lives = [_new_times(member, pdu, *times) for member in pending]
    if any(start_at > expires_at for start_at, expires_at in lives):
        return ReplaceSmResp(pdu.sequence_number, ESME_RINVEXPIRY)
    for member, (start_at, expires_at) in zip(pending, lives, strict=True):
        _replace_fields(member, pdu)
        if pdu.schedule_delivery_time or pdu.validity_period:
            engine.reschedule(member, start_at, expires_at)
    return ReplaceSmResp(pdu.sequence_number)


def _new_times(message: Message, pdu: ReplaceSm, start_at: float, expires_at: float) -> tuple[float, float]:
    """When the replaced message may start and when it ends; the arguments are what the replace_sm alone would mean."""
    if message.state != SCHEDULED:
        start_at = message.accepted_at
    elif not pdu.schedule_delivery_time:
        start_at = message.next_at
    elif not message.pdu.validity_period:
        # It has the default validity, which counts from the start.
        return start_at, expires_at
    return start_at, expires_at if pdu.validity_period else message.expires_at


def _replace_fields(message: Message, pdu: ReplaceSm) -> None:
    """Put the new user data in place of the old; the record's other fields are what was submitted."""
    record = message.pdu
    record.short_message = pdu.short_message
    payload = pdu.tlv(MESSAGE_PAYLOAD)
    tlvs = tuple(tlv for tlv in record.tlvs if tlv.tag != MESSAGE_PAYLOAD)
    if payload is not None:
        tlvs += tuple(tlv for tlv in pdu.tlvs if tlv.tag == MESSAGE_PAYLOAD)
    record.tlvs = tlvs
    record.registered_delivery = pdu.registered_delivery
    record.sm_default_msg_id = pdu.sm_default_msg_id
    if pdu.validity_period:
        record.validity_period = pdu.validity_period


def data(engine: Engine, bind: Bind, pdu: DataSm) -> DataSmResp:
    """Take a data_sm (SMPP 3.4 section 4.7): routed, stored and delivered like a submit_sm.

    Its validity is in qos_time_to_live, in seconds (section 5.3.2.9).
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
    message = engine.accept(bind, record, route, now=now, wall=wall, start_at=now, expires_at=expires_at)
    if isinstance(message, int):
        return DataSmResp(pdu.sequence_number, message)
    return DataSmResp(pdu.sequence_number, message_id=message.message_id)


def submit_multi(engine: Engine, bind: Bind, pdu: SubmitMulti) -> SubmitMultiResp:
    """Take a submit_multi (SMPP 3.4 section 4.5): one message_id, one message and one receipt per destination.

    Destinations that cannot be accepted are listed with their own status; the response is an error only when none
    could (with the status of the first).
    """
    status = first_violation(pdu, bind.policy)
    if status:
        return SubmitMultiResp(pdu.sequence_number, status)
    now, wall = engine.clock.now(), engine.clock.wall()
    times = engine.times_of(pdu.schedule_delivery_time, pdu.validity_period, now, wall)
    if isinstance(times, int):
        return SubmitMultiResp(pdu.sequence_number, times)
    group = Group()
    message_id: bytes | None = None
    failed: list[UnsuccessSme] = []
    for destination in pdu.dest_address:
        if not isinstance(destination, SmeAddress):
            failed.append(UnsuccessSme(0, 0, destination.dl_name, ESME_RCNTSUBDL))
            continue
        record = from_submit_multi(pdu, destination)
        status = engine.admit_to_account(bind, record)
        route = None if status else engine.route_of(bind, record)
        if route is None:
            failed.append(UnsuccessSme(*destination, status or ESME_RINVDSTADR))
            continue
        message = engine.accept(
            bind,
            record,
            route,
            now=now,
            wall=wall,
            start_at=times[0],
            expires_at=times[1],
            message_id=message_id,
            group=group,
        )
        if isinstance(message, int):
            failed.append(UnsuccessSme(*destination, message))
        else:
            message_id = message.message_id
    if message_id is None:
        return SubmitMultiResp(pdu.sequence_number, failed[0].error_status_code)
    return SubmitMultiResp(pdu.sequence_number, message_id=message_id, unsuccess_sme=tuple(failed))
