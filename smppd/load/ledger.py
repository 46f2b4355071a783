"""The account of every message of one worker. (Signatures; the bodies follow within minutes.)

The driver makes one ``Ledger`` per worker and one ``Lane`` per connection (a new one after a reconnect). Sequence
numbers are per lane: whatever the session counts, ascending, gaps allowed (enquire_link), wrapping allowed.
All times are seconds of ONE monotonic clock (loop.time()). Nothing reads a clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from smppd.load.result import Counters, Interval, WorkerReport


class ReceiptSeen(NamedTuple):
    """A receipt as it was read. state: a message_state (1 to 9) or the word behind stat: as str."""

    tlv_id: bytes | None
    text_id: bytes | None
    state: int | str


class Ledger:
    counters: Counters          # live; read it, copy() it for Progress
    awaited_receipts: int       # property: for the drain

    def __init__(self, *, response_timeout: float = 10.0) -> None: ...
    def lane(self, name: str) -> Lane: """A new connection's account; name: "bind 3", for the offenders' list."""
    def offered(self, n: int) -> None: """n more arrivals were intended (closed loop: do not call; sent counts)."""
    def receipts(self, seen: Iterable[ReceiptSeen | tuple], now: float) -> None: """Final receipts of one read."""
    def intermediate(self, n: int = 1) -> None: """Intermediate notifications / receipts with a state that is not final."""
    def expect_answer(self, address: bytes, intended: float) -> None: """An MO from this subscriber would answer that."""
    def mo(self, address: bytes, now: float) -> bool: """An MO message came from the subscriber; True: it was an answer."""
    def settle(self, now: float) -> dict[Lane, int]: """Call 1-4x a second: times out (returns slots freed per lane), judges waiting receipts."""
    def start_measuring(self, now: float) -> None: """End of warm-up: what was intended earlier stays out of histograms."""
    def stop_measuring(self, now: float) -> None: """End of sending: report.seconds, report.measured."""
    def roll(self, now: float, *, behind: int = 0) -> Interval: """Once a second: closes the current interval, returns it (with its HistogramState)."""
    def finish(self, now: float) -> None: """After the drain: what is outstanding is timed out, what is awaited is missing."""
    def report(self) -> WorkerReport: """counters, statuses, histograms, intervals, offenders; driver fills binds, cpu_seconds, errors..."""


class Lane:
    in_flight: int              # property

    # --- sending
    def sent_run(self, first: int, n: int, now: float, *, wants_receipt: bool) -> None:
        """Closed loop: n submit_sm with sequence numbers first, first+1, ...; intended and sent now."""
    def sent(self, first: int, intended: Sequence[float], now: float, wants_receipt: bool | bytes = False) -> None:
        """Open loop or mixed: message i has sequence number first+i and intended time intended[i]; all written now.
        wants_receipt: one bool for all, or one octet (0, 1) for each message."""

    # --- responses (submit_sm_resp, or generic_nack with a sequence number of ours); all return nothing
    def answered_run(self, first: int, n: int, now: float) -> None:
        """n ESME_ROK responses with consecutive sequence numbers, of messages that want no receipt. ~0.03 us each."""
    def answered(self, sequences: Sequence[int], now: float, ids: Sequence[bytes] | None = None) -> None:
        """ESME_ROK responses of one read, in any order; ids: message_id of each (without NUL), needed with receipts."""
    def refused(self, sequence: int, status: int, now: float) -> bool:
        """A response with another status. True when the sequence number was in flight."""
    # answered_run/answered return int = how many were really in flight (slots of the window that are free again)

    def lost(self) -> int:
        """The connection ended: everything in flight counts as connection_lost. Returns how many. Lane is done."""
