"""The summary as a pipe gets it, exactly; and what an SMSC says cannot command the terminal."""

import io

from smppd.load.adaptive import Limits, Outcome
from smppd.load.result import Counters, Result, Target
from smppd.load.summary import write_summary
from smppd.load.tables import Check
from tests.load.examples import HOSTILE, steady

PASSED = Check("p99 > 1s", "8.00 ms", violated=False)
FAILED = Check("lost > 0", "2", violated=True)


def written(result: Result, checks: list[Check] | None = None, outcome: Outcome | None = None) -> str:
    stream = io.StringIO()
    write_summary(result, stream, checks=checks or [], outcome=outcome)
    return "\n".join(row.rstrip() for row in stream.getvalue().splitlines())


def small(**changes: object) -> Result:
    counters = Counters(offered=50, sent=50, ok=49, errors=1)
    statuses = {"ESME_ROK": 49, "ESME_RSYSERR": 1}
    return steady(
        5, 10, receipts=False, counters=counters, measured=counters, statuses=statuses, receipt_states={}, **changes
    )


def test_the_summary_of_a_run() -> None:
    text = written(small(), [PASSED, FAILED])
    assert text.startswith("127.0.0.1:2775: smppd, SMPP 3.4; 5.0 s, open loop, rate 10, 4 binds, 2 worker processes\n")
    assert (
        """
Rates
            messages   per second
─────────────────────────────────
offered           50         10/s
submitted         50         10/s
answered          50         10/s
accepted          49        9.8/s
"""
        in text
    )
    assert (
        """
Answers
command_status   messages     share
───────────────────────────────────
ESME_ROK               49   98.00 %
ESME_RSYSERR            1    2.00 %
"""
        in text
    )
    assert (
        """
Offenders
kind        message
─────────────────────────────────────────
timed out   bind 2, sequence number 10442
timed out   bind 3, sequence number 10443
"""
        in text
    )
    assert text.endswith("\nfailed: lost > 0 (measured 2)")


def test_thresholds_that_passed() -> None:
    assert written(small(), [PASSED, PASSED]).endswith("\npassed: 2 of 2 thresholds")


def test_doubtful_figures_come_with_a_warning() -> None:
    assert "\nwarning: The generator was the bottleneck: " in written(small(cpu_seconds=99.0))
    assert "warning" not in written(small())


def test_what_a_search_found() -> None:
    def last_line(rate: float | None, *, confirmed: bool) -> str:
        return written(small(), outcome=Outcome(rate, confirmed, "The note.", Limits(), ())).splitlines()[-1]

    assert last_line(1234.5, confirmed=True) == "highest sustained rate: 1,234/s (confirmed). The note."
    assert last_line(1234.5, confirmed=False) == "highest sustained rate: 1,234/s (not confirmed). The note."
    assert last_line(None, confirmed=False) == "The note."


def test_what_an_smsc_says_is_shown_and_not_obeyed() -> None:
    hostile = small(
        target=Target(HOSTILE, 2775, system_id=HOSTILE),
        offenders={"unknown_receipts": [HOSTILE]},
        errors=[HOSTILE],
    )
    text = written(hostile)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.count("\\u001b[2J\\u202e[bold]") == 4
