"""The counters as Prometheus sees them.

A thousand series take several milliseconds to render, and the event loop must not wait for that. So a page comes in
pieces (`Exposition.page()`), and whoever asks for it lets others have their turn between two of them. A thread would
be no way out: it holds Python's lock for five milliseconds at a time.

At most `MAX_SERIES` series are exported. A series that was exported once keeps its place for good, so that no counter
ever seems to jump back; when the places are taken, newcomers are added to their family's `other` series. Labels with a
small closed vocabulary (direction, state, bind_type, the command of `smppd_pdus_total`) are never folded.

Importing this module imports prometheus_client (about 60 ms): leave it out of the way to an open SMPP listener.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from smppd.observe.counters import (
    OTHER,
    OTHER_ID,
    RECEIPT_DELAY_BUCKETS,
    SUBMIT_RESPONSE_BUCKETS,
    Counters,
    LatencyHistogram,
    fold_command,
    fold_command_status,
    fold_kind,
)
from smppwire.constants import CommandId, MessageState, command_name, status_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from prometheus_client.metrics_core import Metric

MAX_SERIES: Final = 1000
"""Series one smppd exports, everything included: what a Prometheus scrapes from a small target without a thought."""

PROCESS_SERIES: Final = 32
"""Places kept for the client library's process, garbage collector and platform series (16 on CPython 3.11)."""

HISTOGRAM_SERIES: Final = len(SUBMIT_RESPONSE_BUCKETS) + len(RECEIPT_DELAY_BUCKETS) + 2 * 3
"""Places of the two histograms: a series per bucket, and +Inf, sum and count each."""

UNLABELLED_SERIES: Final = 2
"""smppd_messages_in_flight and smppd_build_info."""

BIND_TYPES: Final = 3
STATES: Final = len(MessageState)
STATE_NAMES: Final = {int(state): state.name for state in MessageState}
DIRECTIONS: Final = 2

SLICE: Final = 100
"""Series of one piece of the page: about half a millisecond."""

OPENMETRICS: Final = "application/openmetrics-text"
END_OF_OPENMETRICS: Final = b"# EOF\n"
"""What a page of OpenMetrics ends with; the Prometheus text format has no end mark."""

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """One labelled metric: its name, meaning and labels, and which of the labels have a closed vocabulary."""

    kind: type[CounterMetricFamily | GaugeMetricFamily]
    name: str
    help: str
    labels: Labels
    closed: frozenset[str]
    """Labels that are never folded."""
    reserved: int
    """Series that exist when all other labels are folded: the product of the closed vocabularies."""

    def fold(self, labels: Labels) -> Labels:
        """The labels of the series that stands in for this one when there are no places left."""
        return tuple(value if name in self.closed else OTHER for name, value in zip(self.labels, labels, strict=True))


PDUS: Final = Family(
    CounterMetricFamily,
    "smppd_pdus",
    "PDUs by direction (in: received, out: sent) and command.",
    ("direction", "command"),
    frozenset({"direction", "command"}),
    DIRECTIONS * (len(CommandId) + 1),
)
COMMAND_STATUS: Final = Family(
    CounterMetricFamily,
    "smppd_command_status",
    "Response PDUs by direction, command and command_status.",
    ("direction", "command", "status"),
    frozenset({"direction"}),
    DIRECTIONS,
)
SESSIONS: Final = Family(
    GaugeMetricFamily,
    "smppd_sessions",
    "Bound sessions by account and bind type.",
    ("system_id", "bind_type"),
    frozenset({"bind_type"}),
    BIND_TYPES,
)
BIND_ATTEMPTS: Final = Family(
    CounterMetricFamily,
    "smppd_bind_attempts",
    "Bind requests by account and the command_status of the answer.",
    ("system_id", "result"),
    frozenset(),
    1,
)
MESSAGES: Final = Family(
    CounterMetricFamily,
    "smppd_messages",
    "Messages of an account that entered a state.",
    ("system_id", "state"),
    frozenset({"state"}),
    STATES,
)
ROUTE_MESSAGES: Final = Family(
    CounterMetricFamily,
    "smppd_route_messages",
    "Messages on a route that entered a state.",
    ("route", "state"),
    frozenset({"state"}),
    STATES,
)
ROUTE_QUEUE_DEPTH: Final = Family(
    GaugeMetricFamily,
    "smppd_route_queue_depth",
    "Messages waiting for their turn on a route.",
    ("route",),
    frozenset(),
    1,
)
THROTTLED: Final = Family(
    CounterMetricFamily,
    "smppd_throttled",
    "Submits refused because a window, a rate, a queue or a limit (the scope) was full.",
    ("system_id", "scope"),
    frozenset(),
    1,
)
RECEIPTS_PENDING: Final = Family(
    GaugeMetricFamily,
    "smppd_receipts_pending",
    "Receipts due to an account and not acknowledged yet.",
    ("system_id",),
    frozenset(),
    1,
)
RULE_HITS: Final = Family(
    CounterMetricFamily,
    "smppd_rule_hits",
    "How often each rule has fired.",
    ("rule",),
    frozenset(),
    1,
)
HOOK_FAILURES: Final = Family(
    CounterMetricFamily,
    "smppd_hook_failures",
    "How often the hook of a rule could not be asked.",
    ("rule",),
    frozenset(),
    1,
)
PROTOCOL_ERRORS: Final = Family(
    CounterMetricFamily,
    "smppd_protocol_errors",
    "Mistakes of peers by kind.",
    ("kind",),
    frozenset(),
    1,
)
FAULT_HITS: Final = Family(
    CounterMetricFamily,
    "smppd_fault_hits",
    "How often a fault was at work.",
    ("fault",),
    frozenset(),
    1,
)
FAMILIES: Final = (
    PDUS,
    COMMAND_STATUS,
    SESSIONS,
    BIND_ATTEMPTS,
    MESSAGES,
    ROUTE_MESSAGES,
    ROUTE_QUEUE_DEPTH,
    THROTTLED,
    RECEIPTS_PENDING,
    RULE_HITS,
    HOOK_FAILURES,
    PROTOCOL_ERRORS,
    FAULT_HITS,
)

FREE_PLACES: Final = (
    MAX_SERIES - PROCESS_SERIES - HISTOGRAM_SERIES - UNLABELLED_SERIES - sum(family.reserved for family in FAMILIES)
)
"""Series that may have labels of their own; first come, first served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the figures come from that somebody else keeps; each is called on the event loop, once per scrape.

    Each gives a dict of its own, which does not change while the page is made.
    """

    sessions: Callable[[], Mapping[tuple[str, str], int]] = dict
    """Bound sessions by (system_id, bind_type)."""
    in_flight: Callable[[], int] = int
    """Messages accepted and not final."""
    route_queue_depth: Callable[[], Mapping[str, int]] = dict
    """Messages waiting, by route name."""
    receipts_pending: Callable[[], Mapping[str, int]] = dict
    """Receipts not acknowledged yet, by system_id."""
    messages: Callable[[], Mapping[str, Sequence[int]]] = dict
    """How many messages entered each state, by system_id; the sequence is indexed by message_state."""
    route_messages: Callable[[], Mapping[str, Sequence[int]]] = dict
    """How many messages entered each state, by route name; the sequence is indexed by message_state."""
    rule_hits: Callable[[], Mapping[str, int]] = dict
    """How often rules have fired, by their names; those that never did are left out."""
    hook_failures: Callable[[], Mapping[str, int]] = dict
    """How often the hooks of rules could not be asked, by the names of the rules."""
    fault_hits: Callable[[], Mapping[str, int]] = dict
    """How often faults were at work, by name; only those that were."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All figures of one moment; nothing in it changes size. The counts by state alone go on."""

    pdus: Mapping[str, Mapping[int, int]]
    statuses: Mapping[str, Mapping[tuple[int, int], int]]
    bind_attempts: Mapping[tuple[str, str], int]
    throttled: Mapping[tuple[str, str], int]
    protocol_errors: Mapping[str, int]
    submit_response: LatencyHistogram
    receipt_delay: LatencyHistogram
    sessions: Mapping[tuple[str, str], int]
    in_flight: int
    route_queue_depth: Mapping[str, int]
    receipts_pending: Mapping[str, int]
    messages: Mapping[str, Sequence[int]]
    route_messages: Mapping[str, Sequence[int]]
    rule_hits: Mapping[str, int]
    hook_failures: Mapping[str, int]
    fault_hits: Mapping[str, int]


class SmppdCollector(Collector):
    """Turns counters and sources into metric families, under the names of the public contract."""

    def __init__(self, counters: Counters, sources: Sources, version: str) -> None:
        self._counters = counters
        self._sources = sources
        self._version = version
        self._places: set[tuple[str, Labels]] = set()

    def snapshot(self) -> Snapshot:
        """Copy what changes; it takes microseconds."""
        counters, sources = self._counters, self._sources
        return Snapshot(
            pdus={"in": dict(counters.pdus_in), "out": dict(counters.pdus_out)},
            statuses={"in": dict(counters.statuses_in), "out": dict(counters.statuses_out)},
            bind_attempts=dict(counters.bind_attempts),
            throttled=dict(counters.throttled_by_scope),
            protocol_errors=dict(counters.protocol_errors),
            submit_response=counters.submit_response.copy(),
            receipt_delay=counters.receipt_delay.copy(),
            sessions=sources.sessions(),
            in_flight=sources.in_flight(),
            route_queue_depth=sources.route_queue_depth(),
            receipts_pending=sources.receipts_pending(),
            messages=sources.messages(),
            route_messages=sources.route_messages(),
            rule_hits=sources.rule_hits(),
            hook_failures=sources.hook_failures(),
            fault_hits=sources.fault_hits(),
        )

    def collect(self) -> Iterator[Metric]:
        """Metric families of this moment, each in one piece, for code that speaks prometheus_client."""
        for metric in self.portions(self.snapshot(), size=MAX_SERIES):
            if metric is not None:
                yield metric

    def portions(self, snapshot: Snapshot, size: int) -> Iterator[Metric | None]:
        """Metric families of a snapshot, as several of the same name where there are more than `size` samples.

        None stands for a portion of work that brought no sample.
        """
        account = self._counters.fold_account
        yield from self._family(PDUS, _pdu_rows(snapshot.pdus), size)
        yield from self._family(COMMAND_STATUS, _status_rows(snapshot.statuses), size)
        yield from self._family(SESSIONS, _pair_rows(snapshot.sessions, account), size)
        yield from self._family(BIND_ATTEMPTS, _pair_rows(snapshot.bind_attempts, account), size)
        yield from self._family(MESSAGES, _state_rows(snapshot.messages, account), size)
        yield from self._family(ROUTE_MESSAGES, _state_rows(snapshot.route_messages, str), size)
        yield GaugeMetricFamily("smppd_messages_in_flight", "Messages accepted and not final yet.", snapshot.in_flight)
        yield from self._family(ROUTE_QUEUE_DEPTH, _single_rows(snapshot.route_queue_depth, str), size)
        yield from self._family(THROTTLED, _pair_rows(snapshot.throttled, account), size)
        yield from self._family(RECEIPTS_PENDING, _single_rows(snapshot.receipts_pending, account), size)
        yield _histogram(
            "smppd_submit_response_seconds",
            "Time from the arrival of a submit request to its response.",
            snapshot.submit_response,
        )
        yield _histogram(
            "smppd_receipt_delay_seconds",
            "Time from the acceptance of a message to its delivery receipt leaving.",
            snapshot.receipt_delay,
        )
        yield from self._family(PROTOCOL_ERRORS, _single_rows(snapshot.protocol_errors, fold_kind), size)
        yield from self._family(RULE_HITS, _single_rows(snapshot.rule_hits, str), size)
        yield from self._family(HOOK_FAILURES, _single_rows(snapshot.hook_failures, str), size)
        yield from self._family(FAULT_HITS, _single_rows(snapshot.fault_hits, str), size)
        yield self._build_info()

    def _family(self, family: Family, rows: Iterable[tuple[Labels, int]], size: int) -> Iterator[Metric | None]:
        totals: dict[Labels, int] = {}
        for number, (labels, value) in enumerate(rows, 1):
            admitted = self._admit(family, labels)
            totals[admitted] = totals.get(admitted, 0) + value
            if number % size == 0:
                yield None
        samples = iter(totals.items())
        portion = tuple(islice(samples, size))
        while True:
            metric = family.kind(family.name, family.help, labels=family.labels)
            for labels, value in portion:
                metric.add_metric(labels, value)
            yield metric
            portion = tuple(islice(samples, size))
            if not portion:
                return

    def _admit(self, family: Family, labels: Labels) -> Labels:
        """The labels to export: these, while there is a place for them, else the family's stand-in."""
        place = (family.name, labels)
        if place in self._places:
            return labels
        folded = family.fold(labels)
        if labels == folded or len(self._places) >= FREE_PLACES:
            return folded
        self._places.add(place)
        return labels

    def _build_info(self) -> Metric:
        metric = GaugeMetricFamily("smppd_build_info", "Always 1; the version is in the label.", labels=("version",))
        metric.add_metric((self._version,), 1)
        return metric


def _pdu_rows(pdus: Mapping[str, Mapping[int, int]]) -> Iterator[tuple[Labels, int]]:
    for direction, counts in pdus.items():
        for command_id, count in counts.items():
            yield (direction, _command_label(command_id)), count


def _status_rows(statuses: Mapping[str, Mapping[tuple[int, int], int]]) -> Iterator[tuple[Labels, int]]:
    for direction, counts in statuses.items():
        for key, count in counts.items():
            command_id, status = fold_command_status(key)
            yield (direction, _command_label(command_id), OTHER if status == OTHER_ID else status_name(status)), count


def _pair_rows(counts: Mapping[tuple[str, str], int], fold: Callable[[str], str]) -> Iterator[tuple[Labels, int]]:
    for (name, what), count in counts.items():
        yield (fold(name), what), count


def _single_rows(counts: Mapping[str, int], fold: Callable[[str], str]) -> Iterator[tuple[Labels, int]]:
    for name, count in counts.items():
        yield (fold(name),), count


def _state_rows(counts: Mapping[str, Sequence[int]], fold: Callable[[str], str]) -> Iterator[tuple[Labels, int]]:
    """Rows of the states that were entered at all; state by its name in SMPP 3.4 section 5.2.28."""
    for name, states in counts.items():
        for state, count in enumerate(states):
            if count:
                yield (fold(name), STATE_NAMES[state]), count


def _command_label(command_id: int) -> str:
    return OTHER if fold_command(command_id) == OTHER_ID else command_name(command_id)


def _histogram(name: str, text: str, histogram: LatencyHistogram) -> Metric:
    bounds = [*map(repr, histogram.bounds), "+Inf"]
    buckets = list(zip(bounds, accumulate(histogram.counts), strict=True))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=histogram.sum)


class Exposition:
    """One server's metrics page. Its registry is its own: two servers in one process do not meet."""

    def __init__(self, collector: SmppdCollector) -> None:
        self.registry = CollectorRegistry()
        """Everything this server exports, for code that speaks prometheus_client."""
        self._process = (
            ProcessCollector(registry=self.registry),
            PlatformCollector(registry=self.registry),
            GCCollector(registry=self.registry),
        )
        self._collector = collector
        self.registry.register(collector)

    def page(self, accept: str = "") -> tuple[Iterator[bytes], str]:
        """The page as a sequence of pieces, and its content type.

        `accept` is the HTTP header: OpenMetrics for those who ask for it, else the Prometheus text format. The figures
        are of the moment the first piece is asked for. Making a piece takes about half a millisecond: others may have
        their turn before the next. (In a thread the whole page would be no better: it would hold Python's lock.)
        """
        encode, content_type = choose_encoder(accept)
        end = END_OF_OPENMETRICS if content_type.startswith(OPENMETRICS) else b""
        return self._pieces(encode, end), content_type

    def _pieces(self, encode: Callable[[Any], bytes], end: bytes) -> Iterator[bytes]:
        snapshot = self._collector.snapshot()
        for process in self._process:
            yield from (_encoded(encode, metric) for metric in process.collect())
        name = ""
        for metric in self._collector.portions(snapshot, SLICE):
            if metric is None:
                yield b""
                continue
            text = _encoded(encode, metric)
            # What goes on is without the two lines that introduce a family.
            yield text if metric.name != name else text.split(b"\n", 2)[2]
            name = metric.name
        yield end


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the client library's encoders ask for families."""

    families: Sequence[Metric]

    def collect(self) -> Sequence[Metric]:
        return self.families


def _encoded(encode: Callable[[Any], bytes], metric: Metric) -> bytes:
    """The lines of one family, without the end mark of OpenMetrics."""
    return encode(_Reading((metric,))).removesuffix(END_OF_OPENMETRICS)
