"""The tables about the server itself: where it listens, how long things take, what it writes down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from msgspec import Meta, field

from smppd import strict
from smppd.settings.types import (
    MAX_COUNT,
    MAX_SECONDS,
    Count,
    FileName,
    HostPort,
    Interval,
    Moment,
    OptionalHostPort,
    Seconds,
    Table,
    ZoneName,
    parse_address,
    text_rule,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smppd.strict import StrictReader

MAX_VALIDITY: Final = 38_102_400.0
"""63 weeks in seconds: the longest relative validity period GSM knows (3GPP TS 23.040, 9.2.3.12.1)."""

MAX_RETRIES: Final = 100
"""Steps of a retry schedule: the last one repeats, so nobody needs more."""

DEFAULT_RETRY: Final = (30.0, 60.0, 300.0, 900.0, 3600.0)
"""Seconds between attempts while a subscriber is absent: soon at first, hourly in the end."""


class Server(Table, frozen=True):
    """``[server]``: where to listen and what to say there.

    * smpp: SMPP listeners, host:port; port 0 takes any free one.
    * http: listener of API, metrics and web UI; "" = off.
    * system_id: ours, in bind responses.
    * interface_version: the highest SMPP version spoken; a session speaks the lower of both sides.
    * timezone: of the dates in receipts.
    * max_pdu: longest PDU accepted, octets.
    * max_connections: TCP connections at once; further ones are closed.
    * max_unbound: how many of these may be without a bind.
    * backlog: connections the system queues for us.
    * shutdown_grace: seconds that sessions get to finish on shutdown.
    * event_loop: auto takes uvloop when it is installed.
    * seed: of all random draws; the same seed draws the same.
    * rules, dialects: files of rules and of dialects: a path relative to the configuration, or the name of a shipped
      one.
    """

    smpp: Annotated[list[HostPort], Meta(min_length=1)] = field(default_factory=lambda: ["127.0.0.1:2775"])
    http: OptionalHostPort = "127.0.0.1:8775"
    system_id: Annotated[str, text_rule("up to 15 characters of printable ASCII", 0, 15)] = "smppd"
    interface_version: Literal["3.4", "5.0"] = "3.4"
    timezone: ZoneName = "UTC"
    max_pdu: Annotated[int, Meta(ge=256, le=16_777_216)] = 131_072
    max_connections: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    max_unbound: Annotated[int, Meta(ge=1, le=1_000_000)] = 1_000
    backlog: Annotated[int, Meta(ge=1, le=65_535)] = 2_048
    shutdown_grace: Annotated[float, Meta(ge=0, le=3_600)] = 5.0
    event_loop: Literal["auto", "asyncio", "uvloop"] = "auto"
    seed: Annotated[int, Meta(ge=0, le=9_007_199_254_740_991)] = 0
    rules: list[FileName] = field(default_factory=list)
    dialects: list[FileName] = field(default_factory=list)


class Messages(Table, frozen=True):
    """``[messages]``: how many messages are kept and for how long they may try.

    limit: accepted and not final; above it ESME_RMSGQFUL. retain: final ones kept for query_sm and the API.
    default_validity: seconds a message without validity_period lives. max_validity: seconds no message outlives.
    retry: seconds between attempts to reach an absent subscriber; the last one repeats. transaction_timeout: seconds
    after which a message in transaction mode has failed. multipart_timeout: seconds the parts of a message wait for the
    missing ones.
    """

    limit: Annotated[int, Meta(ge=1, le=MAX_COUNT)] = 1_000_000
    retain: Count = 100_000
    default_validity: Annotated[float, Meta(gt=0, le=MAX_SECONDS)] = 86_400.0
    max_validity: Annotated[float, Meta(gt=0, le=MAX_SECONDS)] = MAX_VALIDITY
    retry: Annotated[list[Interval], Meta(min_length=1, max_length=MAX_RETRIES)] = field(
        default_factory=lambda: list(DEFAULT_RETRY)
    )
    transaction_timeout: Interval = 30.0
    multipart_timeout: Interval = 600.0


class Journal(Table, frozen=True):
    """``[journal]``: the ring of raw frames. pdus: how many it holds; 0 = off."""

    pdus: Annotated[int, Meta(ge=0, le=100_000_000)] = 100_000


class Timers(Table, frozen=True):
    """``[timers]``: the four timers of SMPP 3.4, 7.2, in seconds; 0 = off.

    session_init: from connection to bind. enquire_link: silence after which we ask. inactivity: without any PDU, after
    which we unbind. response: for the answer to a request of ours.
    """

    session_init: Seconds = 10.0
    enquire_link: Seconds = 30.0
    inactivity: Seconds = 300.0
    response: Seconds = 10.0


class Privacy(Table, frozen=True):
    """``[privacy]``. log_personal_data: whether logs may hold phone numbers and texts."""

    log_personal_data: bool = False


class Log(Table, frozen=True):
    """``[log]``.

    level: the least severe that is written. format: auto is human on a terminal, else json. pdus: a line for each PDU.
    """

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "human", "json"] = "auto"
    pdus: bool = False


class Validation(Table, frozen=True):
    """``[validation]``: how strictly field values of requests are judged.

    strict: false ignores trailing octets and accepts over-long strings and TLVs of wrong size.
    payload_and_short_message: both filled: reject (ESME_RINVMSGLEN) or let the payload win, as SMPP 5.0 does.
    """

    strict: bool = True
    payload_and_short_message: Literal["reject", "payload"] = "reject"


class Clock(Table, frozen=True):
    """``[clock]``: what drives the life of messages, throughput windows and receipts; session timers run on real time.

    * mode: real, or virtual: time stands still until it is told to move.
    * start: virtual: the date and time it begins at, ISO 8601 (``2026-01-01T12:00:00Z``); "" = now.
    """

    mode: Literal["real", "virtual"] = "real"
    start: Moment = ""


def check_messages(reader: StrictReader, messages: Messages, _table: Mapping[str, Any], path: strict.Path) -> None:
    """The usual validity is one that a message may have."""
    if messages.default_validity > messages.max_validity and reader.sound(path, "default_validity", "max_validity"):
        limit = f"expected at most max_validity ({messages.max_validity:g})"
        reader.reject((*path, "default_validity"), messages.default_validity, limit)


def check_listeners(reader: StrictReader, server: Server, path: strict.Path) -> None:
    """Report an address that is to be listened on twice (port 0 is a new one each time)."""
    if not reader.sound(path, "smpp", "http"):
        return
    listeners: list[tuple[strict.Path, str]] = [((*path, "smpp", n), text) for n, text in enumerate(server.smpp)]
    if server.http:
        listeners.append(((*path, "http"), server.http))
    first: dict[tuple[str, int], strict.Path] = {}
    for place, text in listeners:
        address = parse_address(text)
        before = first.setdefault(address, place)
        if address[1] and before != place:
            hint = f"{strict.key_of(before)} has it already"
            reader.reject(place, text, "expected an address of its own", hint)
