"""What the hot path counts: plain integers in plain dicts, read by the Prometheus collector when it is scraped.

A batch adds its n at once: `counters.pdus_in[command_id] += n`. Nothing here imports prometheus_client, and nothing
takes a lock: everything is touched from the event loop alone.

Keys come partly from the wire (command_id, command_status, the system_id of a bind), so a hostile peer chooses them.
`FoldingCounts` keeps that harmless: keys it does not know are kept apart only while they are few, then added to
`other`. Sums stay exact, memory stays bounded, and known keys cost what a dict costs.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, TypeVar

from smppwire.constants import CommandId, CommandStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

OTHER: Final = "other"
"""Label of whatever is not known by name: accounts, commands, statuses."""

OTHER_ID: Final = -1
"""Stands for `other` where the key is a number; no command_id or command_status is negative."""

MAX_STRANGERS: Final = 64
"""Unknown keys one counter keeps apart before it folds them: a few kilobytes, and folding stays rare in a flood."""

MAX_KIND_LENGTH: Final = 40
"""Longest name of a protocol error kind. Ours are shorter; anything longer did not come from our code."""

SUBMIT_RESPONSE_BUCKETS: Final = (
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
"""Upper bounds in seconds: from an idle server (tens of microseconds) to the response timer of most ESMEs (10 s)."""

RECEIPT_DELAY_BUCKETS: Final = (
    0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0, 21600.0, 86400.0,
)  # fmt: skip
"""Upper bounds in seconds: from receipts at once to a message that expires after the default validity (a day)."""

_KNOWN_COMMANDS: Final = frozenset(int(command) for command in CommandId)
_KNOWN_STATUSES: Final = frozenset(int(status) for status in CommandStatus)

_SUBMIT_SM: Final = int(CommandId.SUBMIT_SM)
_SUBMIT_SM_RESP: Final = int(CommandId.SUBMIT_SM_RESP)

K = TypeVar("K")


class FoldingCounts(dict[K, int]):
    """Counts per key; keys the `fold` function does not leave as they are end up in what it makes of them.

    Count with `counts[key] += n` (a missing key starts at 0); `get` and `setdefault` would go round the fold.
    `fold` must be idempotent: `fold(fold(key)) == fold(key)`.
    """

    __slots__ = ("_fold", "_strangers")

    def __init__(self, fold: Callable[[K], K]) -> None:
        super().__init__()
        self._fold = fold
        self._strangers: list[K] = []

    def __missing__(self, key: K) -> int:
        if self._fold(key) != key:
            if len(self._strangers) >= MAX_STRANGERS:
                self.fold_strangers()
            self._strangers.append(key)
        return 0

    def fold_strangers(self) -> None:
        """Add the unknown keys kept apart so far to what they fold into, and forget them."""
        strangers, self._strangers = self._strangers, []
        for key in strangers:
            count = self.pop(key, 0)
            if count:
                self[self._fold(key)] += count


def fold_command(command_id: int) -> int:
    """The command_id itself when it has a name, else OTHER_ID."""
    return command_id if command_id in _KNOWN_COMMANDS else OTHER_ID


def fold_command_status(key: tuple[int, int]) -> tuple[int, int]:
    """(command_id, command_status) with OTHER_ID in place of what has no name."""
    command_id, status = key
    return fold_command(command_id), status if status in _KNOWN_STATUSES else OTHER_ID


def fold_kind(kind: str) -> str:
    """The kind itself when it looks like one of our names ("framing", "unknown_command"), else OTHER."""
    return kind if len(kind) <= MAX_KIND_LENGTH and kind.isidentifier() else OTHER


class LatencyHistogram:
    """Counts durations in fixed buckets; about 0.1 microseconds per observation.

    `bounds` are inclusive upper bounds in seconds, ascending; `counts` has one entry more, for what lies above.
    """

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.sum += seconds

    def observe_many(self, seconds: float, n: int) -> None:
        """Count the same duration n times: a chunk of requests that were answered together."""
        self.counts[bisect_left(self.bounds, seconds)] += n
        self.sum += seconds * n

    def observe_each(self, durations: Iterable[float]) -> None:
        """Count several durations."""
        counts, bounds, total = self.counts, self.bounds, 0.0
        for seconds in durations:
            counts[bisect_left(bounds, seconds)] += 1
            total += seconds
        self.sum += total

    def copy(self) -> LatencyHistogram:
        """An independent copy, to be read elsewhere while this one goes on counting."""
        twin = LatencyHistogram(self.bounds)
        twin.counts = self.counts.copy()
        twin.sum = self.sum
        return twin


class Counters:
    """Everything one server counts. The engine may call it as its `Observer` (smppd.engine.ports).

    `accounts` are the system_ids that get labels of their own; all others count as `other`, because what a stranger
    sends as system_id may well be a password or a phone number.
    """

    __slots__ = (
        "_accounts",
        "_pdus_in",
        "_pdus_out",
        "_statuses_out",
        "accepted",
        "bind_attempts",
        "protocol_errors",
        "receipt_delay",
        "statuses_in",
        "submit_response",
        "submitted",
        "tell_throttled",
        "throttled_by_scope",
    )

    def __init__(self, accounts: Iterable[str] = ()) -> None:
        self._accounts = set(accounts)
        self.submitted = 0
        """submit_sm received since anybody has read or written `pdus_in`: a plain number, because half of the reads of
        a busy server hold one or two submit_sm, and each dict costs them as much as ten lines of code."""
        self.accepted = 0
        """submit_sm_resp without an error sent since anybody has read or written `pdus_out` or `statuses_out`."""
        self._pdus_in: FoldingCounts[int] = FoldingCounts(fold_command)
        self._pdus_out: FoldingCounts[int] = FoldingCounts(fold_command)
        self._statuses_out: FoldingCounts[tuple[int, int]] = FoldingCounts(fold_command_status)
        self.statuses_in: FoldingCounts[tuple[int, int]] = FoldingCounts(fold_command_status)
        """Responses received, by (command_id, command_status)."""
        self.bind_attempts: FoldingCounts[tuple[str, str]] = FoldingCounts(self._fold_account_pair)
        """Binds, by (system_id, result); the result is the name of the command_status of the answer."""
        self.throttled_by_scope: FoldingCounts[tuple[str, str]] = FoldingCounts(self._fold_account_pair)
        """Submits refused because something was full, by (system_id, scope)."""
        self.protocol_errors: FoldingCounts[str] = FoldingCounts(fold_kind)
        """Mistakes of peers, by kind: short lower-case names, never anything from the wire."""
        self.submit_response = LatencyHistogram(SUBMIT_RESPONSE_BUCKETS)
        """Seconds from a submit's arrival to its response."""
        self.receipt_delay = LatencyHistogram(RECEIPT_DELAY_BUCKETS)
        """Seconds from a submit's acceptance to its receipt leaving."""
        self.tell_throttled: Callable[[str, str, int], None] | None = None
        """Called with what `throttled` is told; None while nobody looks."""

    @property
    def pdus_in(self) -> FoldingCounts[int]:
        """PDUs received, by command_id."""
        if self.submitted:
            self._pdus_in[_SUBMIT_SM] += self.submitted
            self.submitted = 0
        return self._pdus_in

    @property
    def pdus_out(self) -> FoldingCounts[int]:
        """PDUs sent, by command_id."""
        if self.accepted:
            self._add_accepted()
        return self._pdus_out

    @property
    def statuses_out(self) -> FoldingCounts[tuple[int, int]]:
        """Responses sent, by (command_id, command_status)."""
        if self.accepted:
            self._add_accepted()
        return self._statuses_out

    def _add_accepted(self) -> None:
        self._pdus_out[_SUBMIT_SM_RESP] += self.accepted
        self._statuses_out[_SUBMIT_SM_RESP, 0] += self.accepted
        self.accepted = 0

    def fold_account(self, system_id: str) -> str:
        """The system_id itself when it is an account's, else OTHER."""
        return system_id if system_id in self._accounts else OTHER

    def _fold_account_pair(self, key: tuple[str, str]) -> tuple[str, str]:
        system_id, what = key
        return self.fold_account(system_id), what

    def know_accounts(self, accounts: Iterable[str]) -> None:
        """Give more accounts labels of their own, after the configuration changed.

        Accounts are never forgotten: their counts must not drop to zero while Prometheus watches. For the same reason
        what strangers of that name did before stays with `other`.
        """
        self.bind_attempts.fold_strangers()
        self.throttled_by_scope.fold_strangers()
        self._accounts.update(accounts)

    def receipts_sent(self, delays: Sequence[float]) -> None:
        """Receipts left; each figure is the time since the submit was accepted, in seconds."""
        self.receipt_delay.observe_each(delays)

    def throttled(self, system_id: str, scope: str, count: int) -> None:
        """Submits were refused because a window, a rate, a queue or a limit (the scope) was full."""
        self.throttled_by_scope[system_id, scope] += count
        if self.tell_throttled is not None:
            self.tell_throttled(system_id, scope, count)
