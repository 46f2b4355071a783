"""Receipts that say something else than the record of their message: altered copies of it, for the dialect to write."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Final, NamedTuple

from smppd.engine.message import DELIVERED, UNDELIVERABLE
from smppd.engine.multipart import Verdict

if TYPE_CHECKING:
    from smppd.engine.message import Message

EARLIEST: Final = 86_400.0
"""Unix time before which nothing is dated: the first day of 1970 in every time zone."""


class Wording(NamedTuple):
    """What a receipt says that is not so.

    * message_id: None: the right one. age: seconds by which its dates are too old.
    * contradicts: whether it names another final state.
    """

    message_id: bytes | None = None
    age: float = 0.0
    contradicts: bool = False


PLAIN: Final = Wording()
"""What says what is so."""


def restate(message: Message, wording: Wording) -> Message:
    """What a receipt of this wording reports: the message itself, or a copy that nobody else knows."""
    if wording == PLAIN:
        return message
    record = _older(message, wording.age)
    if wording.message_id is not None:
        record.message_id = wording.message_id
    if wording.contradicts:
        record.state, record.error_code = contradiction(record.state, record.error_code)
    assembly = message.assembly
    if assembly is not None and assembly.verdict is not None:
        record.assembly = whole = copy(assembly)
        whole.parts = {seq: _older(part, wording.age) for seq, part in assembly.parts.items()}
        if wording.contradicts:
            state, error_code = contradiction(assembly.verdict.state, assembly.verdict.error_code)
            whole.verdict = Verdict(state, error_code, assembly.total if state == DELIVERED else 0)
    return record


def contradiction(state: int, error_code: int) -> tuple[int, int]:
    """(state, error code) that contradict these: UNDELIVERABLE after DELIVERED, DELIVERED after all others."""
    return (UNDELIVERABLE, error_code) if state == DELIVERED else (DELIVERED, 0)


def _older(message: Message, seconds: float) -> Message:
    """A copy that was accepted, and became final, so many seconds earlier."""
    record = copy(message)
    if seconds:
        record.accepted_wall = max(EARLIEST, message.accepted_wall - seconds)
        record.final_wall = max(EARLIEST, message.final_wall - seconds)
    return record
