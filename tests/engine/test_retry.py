"""When a deliver_sm is sent again, and when the network is tried again."""

import pytest

from smppd.engine.retry import FIRST_DELAY, LONGEST_DELAY, delay_before, is_retryable, pause_after
from smppwire.constants import CommandStatus


@pytest.mark.parametrize("name", ["ESME_RX_T_APPN", "ESME_RMSGQFUL", "ESME_RTHROTTLED", "ESME_RSYSERR"])
def test_what_asks_for_a_repetition(name: str) -> None:
    assert is_retryable(CommandStatus[name])


@pytest.mark.parametrize(
    "name", ["ESME_ROK", "ESME_RX_P_APPN", "ESME_RX_R_APPN", "ESME_RINVDSTADR", "ESME_RUNKNOWNERR"]
)
def test_what_does_not(name: str) -> None:
    assert not is_retryable(CommandStatus[name])


def test_unknown_statuses_are_final() -> None:
    assert not is_retryable(0x00000400)


def test_the_delay_doubles_up_to_a_bound() -> None:
    delays = [delay_before(attempt) for attempt in range(1, 40)]
    assert delays[:4] == [FIRST_DELAY, 2 * FIRST_DELAY, 4 * FIRST_DELAY, 8 * FIRST_DELAY]
    assert delays == sorted(delays)
    assert delays[-1] == LONGEST_DELAY
    assert delay_before(10**9) == LONGEST_DELAY


def test_the_last_step_of_a_schedule_repeats() -> None:
    assert [pause_after(failures, (30.0, 60.0, 300.0)) for failures in (1, 2, 3, 4, 1000)] == [30, 60, 300, 300, 300]
    assert pause_after(5, (7.0,)) == 7.0
