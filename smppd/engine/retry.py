"""When what failed is tried again: a deliver_sm that the ESME did not take, and an attempt to reach a subscriber."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smppwire.constants import CommandStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

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

REFUSED_FOR_GOOD: Final = int(CommandStatus.ESME_RX_P_APPN)
"""The ESME's application for this address is gone: neither this deliver_sm nor what else waits for the address."""


def is_retryable(status: int) -> bool:
    """Whether a deliver_sm_resp with this command_status asks for the same deliver_sm again, later."""
    return status in RETRYABLE


def delay_before(attempt: int) -> float:
    """Seconds to wait before repetition number `attempt` (1 is the first): doubling, within the bounds."""
    return min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(attempt - 1, 16))


def pause_after(failures: int, steps: Sequence[float]) -> float:
    """Seconds from failed delivery attempt number `failures` (1 is the first) to the next; the last step repeats."""
    return steps[min(failures, len(steps)) - 1]
