"""When a deliver_sm that the ESME did not take is sent again, and which answers mean never."""

from __future__ import annotations

from typing import Final

from smppwire.constants import CommandStatus

RETRYABLE: Final = frozenset(
    int(status)
    for status in (
        CommandStatus.ESME_RX_T_APPN,
        CommandStatus.ESME_RMSGQFUL,
        CommandStatus.ESME_RTHROTTLED,
        CommandStatus.ESME_RSYSERR,
    )
)
"""The ESME may take it later: the specification names RX_T_APPN, the others are what ESMEs answer under load."""

FIRST_DELAY: Final = 1.0
"""Seconds before the first repetition: long enough for a busy ESME to recover, short enough for a test."""

LONGEST_DELAY: Final = 300.0
"""Seconds between later repetitions at most: an ESME that recovers waits no longer than five minutes."""


def is_retryable(status: int) -> bool:
    """Whether a deliver_sm_resp with this command_status asks for the same deliver_sm again, later."""
    return status in RETRYABLE


def delay_before(attempt: int) -> float:
    """Seconds to wait before repetition number `attempt` (1 is the first): doubling, within the bounds."""
    return min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(attempt - 1, 16))
