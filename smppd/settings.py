"""The settings of smppd: what can be configured, read strictly from TOML, the environment and the command line.

The structs below are the reference: one field per key, with its default, unit and range. ``docs/configuration.md`` says
the same in prose and a test holds the two together. :func:`load_settings` reads them and reports every mistake at once;
:func:`diff` tells what a reload changes and what has to wait for a restart.
"""

from __future__ import annotations

import re
import tomllib
import zoneinfo
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from smppd import strict
from smppd.errors import UserError
from smppd.passwords import ScryptHash
from smppd.patterns import AddressRange, check_glob
from smppd.strict import Overlay, Problem, Rule, StrictReader
from smppwire.constants import CommandStatus
from smppwire.smpp_time import YEAR_PIVOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ENVIRONMENT_PREFIX: Final = "SMPPD_"
"""Every environment variable that begins like this is a setting."""

ENVIRONMENT_SEPARATOR: Final = "__"
"""Between the names of nested keys, because single underscores are part of names."""

MAX_FILE_SIZE: Final = 64 * 1024 * 1024
"""Octets of a configuration file: room for 100,000 accounts, while ``-c /dev/zero`` ends soon."""

MAX_COUNT: Final = 1_000_000_000
"""Largest number of anything: a billion never fits in memory, and counts stay small integers."""

MAX_SECONDS: Final = 315_360_000
"""Largest duration: ten years; anything longer is a unit mistaken for milliseconds."""

MAX_VALIDITY: Final = 38_102_400.0
"""63 weeks in seconds: the longest relative validity period GSM knows (3GPP TS 23.040, 9.2.3.12.1)."""

MAX_LIFE: Final = 1_000_000.0
"""Largest simulated delay in seconds, about eleven days."""

SMPP_PASSWORD_LENGTH: Final = 8
"""Characters of a password in the specification (SMPP 3.4, 5.2.2: at most 9 octets with the NUL)."""

MAX_PASSWORD_LENGTH: Final = 255
"""Characters of a password that ``password_max`` may allow; the longest seen in the field is 100."""

MAX_ADDRESS: Final = 20
"""Characters of an address in submit_sm and submit_multi (SMPP 3.4, 5.2.9)."""

MAX_RETRIES: Final = 100
"""Steps of a retry schedule: the last one repeats, so nobody needs more."""

DEFAULT_RETRY: Final = (30.0, 60.0, 300.0, 900.0, 3600.0)
"""Seconds between attempts while a subscriber is absent: soon at first, hourly in the end."""

MAX_MEMBERS: Final = 100_000
"""Members of one distribution list: a city's subscribers to an alert."""

WINDOW_ACTIONS: Final = ("stop_reading", "close")
"""What may happen to an ESME over its window beside an answer with a command_status."""

DIALECTS: Final = ("default",)
"""Names of the dialects an account may speak."""

REFUSALS: Final = tuple(name for name in CommandStatus.__members__ if name != "ESME_ROK")
"""What a refusal may be answered with: every command_status the specification names but the one for success."""

OUTCOMES: Final = ("DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD")
"""How a message may end, spelled as in receipts (SMPP 3.4, appendix B)."""

QUEUE: Final = "queue"
"""The ``over`` of a route that paces messages instead of refusing them."""


# Leaf types: what a value must be beyond its TOML type.


def parse_address(text: str) -> tuple[str, int]:
    """Split ``host:port`` (IPv6 as ``[::1]:2775``) into its parts; raises ValueError with the reason.

    Port 0 asks the system for a free one.
    """
    host, colon, port = text.rpartition(":")
    if not colon:
        raise ValueError("the port is missing")
    if not (port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 65535):
        raise ValueError("the port is not a number from 0 to 65535")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError("an IPv6 address stands in brackets")
    if not re.fullmatch(r"[A-Za-z0-9_.:%-]+", host):
        raise ValueError("the host is missing" if not host else "the host holds characters no host name has")
    return host, int(port)


def _check_http(text: str) -> None:
    if text:
        parse_address(text)


def time_zone(name: str) -> tzinfo:
    """The time zone of a name from the IANA database (``Europe/Paris``); raises ValueError for an unknown one."""
    if name == "UTC":
        return UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = strict.suggestion(name, zoneinfo.available_timezones())
        raise ValueError(near or "not in the time zone database") from None


def _one_of(names: Sequence[str]) -> Rule:
    def check(name: str) -> None:
        if name not in names:
            raise ValueError("")

    return Rule(strict.quoted(names), check, names=names)


def _check_refusal(name: str) -> None:
    if name == "ESME_ROK":
        raise ValueError("a refusal cannot say that all is well")
    if name not in REFUSALS:
        raise ValueError("")


def _check_over(name: str) -> None:
    if name != QUEUE:
        _check_refusal(name)


def _check_window_over(name: str) -> None:
    if name not in WINDOW_ACTIONS:
        _check_refusal(name)


def _check_member(address: str) -> None:
    if not re.fullmatch(r"\+?[0-9]{1,20}", address) or len(address) > MAX_ADDRESS:
        raise ValueError("not an address")


END_OF_CALENDAR: Final = datetime(2000 + YEAR_PIVOT, 1, 1, tzinfo=UTC).timestamp()
"""Unix time from which on SMPP cannot name a year: it has two digits for them, and 38 is 1938."""


def parse_moment(text: str) -> datetime:
    """The aware date and time of an ISO 8601 text; without an offset it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _check_moment(text: str) -> None:
    if text and not 0 <= parse_moment(text).timestamp() < END_OF_CALENDAR:
        raise ValueError("outside of 1970 to 2037")


def _text_rule(expected: str, shortest: int, longest: int, *, secret: bool = False) -> Rule:
    """C-octet strings of SMPP: printable ASCII of bounded length (SMPP 3.4, 3.1)."""

    def check(text: str) -> None:
        if not (text.isascii() and (text.isprintable() or not text)):
            raise ValueError("characters other than printable ASCII")
        if not shortest <= len(text) <= longest:
            raise ValueError(f"{len(text)} characters")

    return Rule(expected, check, secret=secret)


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name):
        raise ValueError("")


Count: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=MAX_SECONDS)]
Interval: TypeAlias = Annotated[float, Meta(gt=0, le=MAX_SECONDS)]
Octet: TypeAlias = Annotated[int, Meta(ge=0, le=255)]
HostPort: TypeAlias = Annotated[str, Rule("host:port", parse_address)]
OptionalHostPort: TypeAlias = Annotated[str, Rule('host:port, or "" for none', _check_http)]
ZoneName: TypeAlias = Annotated[str, Rule("a time zone such as UTC or Europe/Paris", time_zone)]
SystemId: TypeAlias = Annotated[str, _text_rule("1 to 15 characters of printable ASCII", 1, 15)]
Password: TypeAlias = Annotated[
    str, _text_rule(f"printable ASCII of up to {MAX_PASSWORD_LENGTH} characters", 0, MAX_PASSWORD_LENGTH, secret=True)
]
PasswordHash: TypeAlias = Annotated[
    str, Rule("scrypt$n$r$p$salt$hash, as printed by smppd hash-password", ScryptHash.parse, secret=True)
]
ServiceType: TypeAlias = Annotated[str, _text_rule("up to 5 characters of printable ASCII", 0, 5)]
Refusal: TypeAlias = Annotated[
    str, Rule("a command_status other than ESME_ROK, such as ESME_RTHROTTLED", _check_refusal, names=REFUSALS)
]
Over: TypeAlias = Annotated[
    str,
    Rule(
        'a command_status other than ESME_ROK, such as ESME_RTHROTTLED, or (on routes) "queue"',
        _check_over,
        names=(*REFUSALS, QUEUE),
    ),
]
WindowOver: TypeAlias = Annotated[
    str,
    Rule(
        'a command_status other than ESME_ROK, such as ESME_RTHROTTLED, "stop_reading" or "close"',
        _check_window_over,
        names=(*REFUSALS, *WINDOW_ACTIONS),
    ),
]
OutbindPassword: TypeAlias = Annotated[
    str, _text_rule(f"up to {SMPP_PASSWORD_LENGTH} characters of printable ASCII", 0, SMPP_PASSWORD_LENGTH, secret=True)
]
DlName: TypeAlias = Annotated[str, _text_rule("1 to 20 characters of printable ASCII", 1, 20)]
MemberAddress: TypeAlias = Annotated[str, Rule("an address of 1 to 20 digits, perhaps with a plus", _check_member)]
Moment: TypeAlias = Annotated[str, Rule('a date and time such as "2026-01-01T12:00:00Z", or "" for now', _check_moment)]
Glob: TypeAlias = Annotated[str, Rule('a pattern such as "336*", "+4477?" or "44[1-5]*"', check_glob)]
Range: TypeAlias = Annotated[str, Rule('an address_range such as "44*", "^4477" or "4477[0-9]{8}"', AddressRange)]
Dialect: TypeAlias = Annotated[str, _one_of(DIALECTS)]
Name: TypeAlias = Annotated[str, Rule("a name of 1 to 64 letters, digits, dots, dashes or underscores", _check_name)]
OutcomeName: TypeAlias = Annotated[str, _one_of(OUTCOMES)]
Weight: TypeAlias = Annotated[float, Meta(ge=0, le=MAX_COUNT)]
ErrorCode: TypeAlias = Annotated[int, Meta(ge=0, le=999)]
BindType: TypeAlias = Literal["transmitter", "receiver", "transceiver"]

BIND_TYPES: Final[tuple[BindType, ...]] = ("transmitter", "receiver", "transceiver")


class _Table(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all tables have in common: immutable, keys by name, nothing unknown."""


class Server(_Table, frozen=True):
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
    """

    smpp: Annotated[list[HostPort], Meta(min_length=1)] = field(default_factory=lambda: ["127.0.0.1:2775"])
    http: OptionalHostPort = "127.0.0.1:8775"
    system_id: Annotated[str, _text_rule("up to 15 characters of printable ASCII", 0, 15)] = "smppd"
    interface_version: Literal["3.4", "5.0"] = "3.4"
    timezone: ZoneName = "UTC"
    max_pdu: Annotated[int, Meta(ge=256, le=16_777_216)] = 131_072
    max_connections: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    max_unbound: Annotated[int, Meta(ge=1, le=1_000_000)] = 1_000
    backlog: Annotated[int, Meta(ge=1, le=65_535)] = 2_048
    shutdown_grace: Annotated[float, Meta(ge=0, le=3_600)] = 5.0
    event_loop: Literal["auto", "asyncio", "uvloop"] = "auto"
    seed: Annotated[int, Meta(ge=0, le=9_007_199_254_740_991)] = 0


class Messages(_Table, frozen=True):
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


class Journal(_Table, frozen=True):
    """``[journal]``: the ring of raw frames. pdus: how many it holds; 0 = off."""

    pdus: Annotated[int, Meta(ge=0, le=100_000_000)] = 100_000


class Timers(_Table, frozen=True):
    """``[timers]``: the four timers of SMPP 3.4, 7.2, in seconds; 0 = off.

    session_init: from connection to bind. enquire_link: silence after which we ask. inactivity: without any PDU, after
    which we unbind. response: for the answer to a request of ours.
    """

    session_init: Seconds = 10.0
    enquire_link: Seconds = 30.0
    inactivity: Seconds = 300.0
    response: Seconds = 10.0


class Privacy(_Table, frozen=True):
    """``[privacy]``. log_personal_data: whether logs may hold phone numbers and texts."""

    log_personal_data: bool = False


class Log(_Table, frozen=True):
    """``[log]``.

    level: the least severe that is written. format: auto is human on a terminal, else json. pdus: a line for each PDU.
    """

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "human", "json"] = "auto"
    pdus: bool = False


class Validation(_Table, frozen=True):
    """``[validation]``: how strictly field values of requests are judged.

    strict: false ignores trailing octets and accepts over-long strings and TLVs of wrong size.
    payload_and_short_message: both filled: reject (ESME_RINVMSGLEN) or let the payload win, as SMPP 5.0 does.
    """

    strict: bool = True
    payload_and_short_message: Literal["reject", "payload"] = "reject"


class Throughput(_Table, frozen=True):
    """``throughput`` of an account or a route: a rate, enforced by the generic cell rate algorithm.

    limit: messages per ``per`` seconds, sustained; 0 = unlimited. burst: at most this many at once; 0 = one.
    count: messages, or the parts of concatenated ones. over: the answer to what exceeds it; on routes also "queue".
    """

    limit: Annotated[float, Meta(ge=0, le=MAX_COUNT)] = 0.0
    per: Annotated[float, Meta(gt=0, le=86_400)] = 1.0
    burst: Count = 0
    count: Literal["messages", "parts"] = "messages"
    over: Over = "ESME_RTHROTTLED"


class Queue(_Table, frozen=True):
    """``queue`` of a route: limit: messages that wait for its throughput; over: the answer to more."""

    limit: Count = 100_000
    over: Refusal = "ESME_RMSGQFUL"


class Clock(_Table, frozen=True):
    """``[clock]``: what drives the life of messages, throughput windows and receipts; session timers run on real time.

    * mode: real, or virtual: time stands still until it is told to move.
    * start: virtual: the date and time it begins at, ISO 8601 (``2026-01-01T12:00:00Z``); "" = now.
    """

    mode: Literal["real", "virtual"] = "real"
    start: Moment = ""


class DistributionList(_Table, frozen=True):
    """``[[distribution_list]]``: addresses that submit_multi reaches under one name.

    * name: its dl_name. members: addresses, international.
    * accounts: the system_ids that may use it; [] = all.
    """

    name: DlName
    members: Annotated[list[MemberAddress], Meta(min_length=1, max_length=MAX_MEMBERS)]
    accounts: list[SystemId] = []


class Account(_Table, frozen=True):
    """``[[account]]``: an ESME that may bind.

    * system_id: its name, unique.
    * password: in clear; or password_hash: from ``smppd hash-password``. Exactly one of the two.
    * password_max: longest password accepted, characters; SMPP has 8.
    * bind_types: which binds it may use.
    * max_binds: binds at once; 0 = unlimited.
    * window: requests of the ESME that may be unanswered; 0 = unlimited. window_over: the answer to one more; or
      stop_reading until answers have left; or close the connection.
    * throughput: what it may submit.
    * deliver_window: deliver_sm towards the ESME that may be unanswered; 0 = unlimited.
    * receipt_bind: where receipts go: same (the bind that submitted; without it any), any, round_robin (all in turn).
    * dialect: how this SMSC deviates towards it.
    * address_range: the addresses the ESME serves; "" = not stated. See :class:`smppd.patterns.AddressRange`.
    * multipart_receipts: receipts of a message in parts: one for each part, or one for the whole message with the id
      of its first or its last part.
    * outbind: host:port on which the ESME waits for our outbind when something waits for it; "" = none.
      outbind_password: ours, in the outbind.
    * strict: how strictly values are judged for this account; not given: as ``[validation]`` says.
    * enabled: false refuses its binds.
    """

    system_id: SystemId
    password: Password | None = None
    password_hash: PasswordHash | None = None
    password_max: Annotated[int, Meta(ge=0, le=MAX_PASSWORD_LENGTH)] = SMPP_PASSWORD_LENGTH
    bind_types: Annotated[list[BindType], Meta(min_length=1)] = field(default_factory=lambda: list(BIND_TYPES))
    max_binds: Count = 0
    window: Count = 0
    window_over: WindowOver = "ESME_RTHROTTLED"
    throughput: Throughput = Throughput()
    deliver_window: Count = 100
    receipt_bind: Literal["same", "any", "round_robin"] = "same"
    dialect: Dialect = "default"
    address_range: Range = ""
    multipart_receipts: Literal["each", "first", "last"] = "each"
    outbind: OptionalHostPort = ""
    outbind_password: OutbindPassword = ""
    strict: bool | None = None
    enabled: bool = True

    def __repr__(self) -> str:
        """Without the password: representations end in logs."""
        return f"Account(system_id={self.system_id!r})"


class Match(_Table, frozen=True):
    """``match`` of a route: every key that is set must hold; none: every message.

    account (a system_id), service_type: a name or a list of names. source_addr, destination_addr: a glob pattern or a
    list of them (``*`` any run, ``?`` any one, ``[1-5]``, ``[!1-5]``). The others: the number in the PDU.
    """

    account: SystemId | list[SystemId] | None = None
    service_type: ServiceType | list[ServiceType] | None = None
    source_addr_ton: Octet | None = None
    source_addr_npi: Octet | None = None
    source_addr: Glob | list[Glob] | None = None
    dest_addr_ton: Octet | None = None
    dest_addr_npi: Octet | None = None
    destination_addr: Glob | list[Glob] | None = None
    data_coding: Octet | None = None


class Route(_Table, frozen=True):
    """``[[route]]``: where messages go; the first that matches wins, a message without route gets ESME_RINVDSTADR.

    name: unique, in metrics and logs. match: which messages. throughput, queue: how fast. network: the name of a
    ``[network.NAME]``.
    """

    name: Name
    match: Match = Match()
    throughput: Throughput = Throughput()
    queue: Queue = Queue()
    network: str = "default"


class Delay(_Table, frozen=True):
    """``delay`` of a network: seconds until the outcome of a message is known.

    distribution: fixed (always ``value``) or uniform (between ``min`` and ``max``).
    """

    distribution: Literal["fixed", "uniform"] = "uniform"
    value: Annotated[float, Meta(ge=0, le=MAX_LIFE)] = 0.0
    min: Annotated[float, Meta(ge=0, le=MAX_LIFE)] = 0.2
    max: Annotated[float, Meta(ge=0, le=MAX_LIFE)] = 1.0


class Network(_Table, frozen=True):
    """``[network.NAME]``: a simulated mobile network; "default" always exists.

    delay: until the outcome. outcome: weights of how messages end (they need not add up to 100). error: the three-digit
    ``err`` of receipts per outcome, where it is to differ from the usual one. absent_for: seconds for which each
    subscriber is absent from the first attempt to reach them.
    """

    delay: Delay = Delay()
    outcome: dict[OutcomeName, Weight] = field(default_factory=lambda: {"DELIVRD": 100.0})
    error: dict[OutcomeName, ErrorCode] = {}
    absent_for: Seconds = 0.0


BUILT_IN_SYSTEM_ID: Final = "smppclient1"
"""The account that exists when the configuration defines none."""

BUILT_IN_PASSWORD: Final = "password"  # noqa: S105 - public on purpose: a simulator to start with, on loopback
"""Its password."""

DEFAULT: Final = "default"
"""Name of the route that exists when none is defined, and of the network that always exists."""


def _built_in_account() -> list[Account]:
    return [Account(system_id=BUILT_IN_SYSTEM_ID, password=BUILT_IN_PASSWORD)]


class Settings(_Table, frozen=True):
    """Everything. ``Settings()`` is the built-in configuration, the one without a file."""

    server: Server = Server()
    messages: Messages = Messages()
    journal: Journal = Journal()
    timers: Timers = Timers()
    privacy: Privacy = Privacy()
    log: Log = Log()
    validation: Validation = Validation()
    clock: Clock = Clock()
    account: list[Account] = field(default_factory=_built_in_account)
    distribution_list: list[DistributionList] = []
    route: list[Route] = field(default_factory=lambda: [Route(name=DEFAULT)])
    network: dict[Name, Network] = field(default_factory=lambda: {DEFAULT: Network()})

    @property
    def longest_password(self) -> int:
        """Characters of the longest password any account may have: what a bind must be allowed to carry."""
        return max((account.password_max for account in self.account), default=SMPP_PASSWORD_LENGTH)


class SettingsError(UserError):
    """A configuration that is not accepted; ``problems`` are all that is wrong with it, never none."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        super().__init__("\n  ".join([f"the configuration has {count}:", *map(str, problems)]))
        self.problems = list(problems)


# Checks of what concerns several keys.


def _check_messages(reader: StrictReader, messages: Messages, _table: Mapping[str, Any], path: strict.Path) -> None:
    if messages.default_validity > messages.max_validity and reader.sound(path, "default_validity", "max_validity"):
        limit = f"expected at most max_validity ({messages.max_validity:g})"
        reader.reject((*path, "default_validity"), messages.default_validity, limit)


def _check_account(reader: StrictReader, account: Account, table: Mapping[str, Any], path: strict.Path) -> None:
    if ("password" in table) == ("password_hash" in table):
        how = "both are given" if "password" in table else "neither is given"
        reader.reject((*path, "password"), None, "expected either password or password_hash", how)
    elif len(account.password or "") > account.password_max and reader.sound(path, "password", "password_max"):
        limit = f"expected at most {account.password_max} characters"
        hint = "SMPP has 8; password_max allows longer ones"
        reader.reject((*path, "password"), None, limit, hint)
    if len(set(account.bind_types)) < len(account.bind_types):
        reader.reject((*path, "bind_types"), None, "expected each bind type once")
    if account.throughput.over == QUEUE:
        place = (*path, "throughput", "over")
        reader.reject(place, QUEUE, "expected a command_status", "only routes can queue")


def _check_match(reader: StrictReader, match: Match, _table: Mapping[str, Any], path: strict.Path) -> None:
    for name in match.__struct_fields__:
        if getattr(match, name) == []:
            reader.reject((*path, name), [], "expected at least one", "an empty list matches no message")


def _check_delay(reader: StrictReader, delay: Delay, table: Mapping[str, Any], path: strict.Path) -> None:
    if not reader.sound(path, "distribution"):
        return
    if delay.distribution == "uniform":
        if "value" in table:
            reader.reject((*path, "value"), None, 'expected only with distribution = "fixed"')
        if delay.min > delay.max and reader.sound(path, "min", "max"):
            reader.reject((*path, "min"), delay.min, f"expected at most max ({delay.max:g})")
    elif "value" not in table and ("min" in table or "max" in table):
        reader.reject((*path, "value"), None, 'missing; expected with distribution = "fixed" instead of min and max')


def _check_network(reader: StrictReader, network: Network, _table: Mapping[str, Any], path: strict.Path) -> None:
    if not any(network.outcome.values()) and reader.sound(path, "outcome"):
        reader.reject((*path, "outcome"), None, "expected a weight above 0 for at least one outcome")


def _check_settings(reader: StrictReader, settings: Settings, _table: Mapping[str, Any], path: strict.Path) -> None:
    _check_listeners(reader, settings.server, (*path, "server"))
    _check_unique(reader, "account", "system_id", [account.system_id for account in settings.account])
    _check_unique(reader, "route", "name", [route.name for route in settings.route])
    _check_unique(reader, "distribution_list", "name", [members.name for members in settings.distribution_list])
    _check_references(reader, settings)
    _check_reachable(reader, settings.route)


def _check_listeners(reader: StrictReader, server: Server, path: strict.Path) -> None:
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


def _check_unique(reader: StrictReader, table: str, key: str, names: list[str]) -> None:
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        before = first.setdefault(name, index)
        if before != index and reader.sound((table, index), key):
            reader.reject(
                (table, index, key), name, f"expected a {key} of its own", f"{table}[{before}] has it already"
            )


def _check_references(reader: StrictReader, settings: Settings) -> None:
    """Report routes that name a network or an account that does not exist; silent where those could not be read."""
    accounts = [account.system_id for account in settings.account]
    accounts_known = not reader.rejected(("account",)) and all(accounts)
    for index, route in enumerate(settings.route):
        place = ("route", index)
        if (
            route.network not in settings.network
            and reader.sound(place, "network")
            and not reader.rejected(("network",))
        ):
            known = f"expected the name of a [network.NAME]: {strict.quoted(settings.network)}"
            hint = strict.suggestion(route.network, settings.network)
            reader.reject((*place, "network"), route.network, known, hint)
        named = [route.match.account] if isinstance(route.match.account, str) else route.match.account or []
        if accounts_known:
            _check_accounts(reader, named, accounts, (*place, "match", "account"))
    for index, distribution_list in enumerate(settings.distribution_list):
        if accounts_known:
            _check_accounts(reader, distribution_list.accounts, accounts, ("distribution_list", index, "accounts"))


def _check_accounts(reader: StrictReader, named: Sequence[str], accounts: Sequence[str], path: strict.Path) -> None:
    for name in named:
        if name not in accounts:
            reader.reject(path, name, "expected the system_id of an account", strict.suggestion(name, accounts))


def _check_reachable(reader: StrictReader, routes: list[Route]) -> None:
    """Report the first route that leaves nothing to those after it."""
    for index, route in enumerate(routes[:-1]):
        place = ("route", index)
        if _matches_everything(route.match) and reader.sound(place, "match"):
            following = ", ".join(after.name for after in routes[index + 1 :] if after.name)
            hint = f"it takes every message, so these are never reached: {following}"
            reader.reject((*place, "match"), None, "expected a match on every route but the last", hint)
            return


def _matches_everything(match: Match) -> bool:
    return all(value in (None, "*") or (isinstance(value, list) and "*" in value) for value in _values(match).values())


_CHECKS: Final[Mapping[type, strict.Check]] = {
    Messages: _check_messages,
    Account: _check_account,
    Match: _check_match,
    Delay: _check_delay,
    Network: _check_network,
    Settings: _check_settings,
}


# Reading.


def load_settings(path: Path | None, environ: Mapping[str, str], overrides: Sequence[str] = ()) -> Settings:
    """Read the settings: the file (None: the built-in configuration), over it the environment, over that ``--set``.

    environ: variables named ``SMPPD_SERVER__HTTP``, letter case aside; others are ignored. overrides: texts of the form
    ``server.http=127.0.0.1:0`` or ``account.0.password=x``. Raises SettingsError with every problem found.
    """
    label = "defaults" if path is None else str(path)
    problems: list[Problem] = []
    tree: dict[str, Any] = {}
    if path is not None:
        try:
            tree = read_toml(path)
        except SettingsError as error:
            problems += error.problems
    _add_built_ins(tree)
    overlay = Overlay(Settings, tree)
    problems += _put_environment(overlay, environ)
    problems += _put_overrides(overlay, overrides)
    reader = StrictReader(lambda place: overlay.origin(place) or label, _CHECKS)
    settings = reader.read(Settings, overlay.tree)
    problems += reader.problems
    if problems:
        raise SettingsError(problems)
    return settings


def _add_built_ins(tree: dict[str, Any]) -> None:
    """What exists when the file says nothing of it; explicit here so that overrides find it."""
    tree.setdefault("account", [{"system_id": BUILT_IN_SYSTEM_ID, "password": BUILT_IN_PASSWORD}])
    tree.setdefault("route", [{"name": DEFAULT}])
    networks = tree.setdefault("network", {})
    if isinstance(networks, dict):
        networks.setdefault(DEFAULT, {})


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file; raises SettingsError with the one problem that keeps it from being read."""

    def failure(expected: str, hint: str = "", place: str = "") -> SettingsError:
        return SettingsError([Problem(f"{path}{place}", "", "", expected, hint)])

    try:
        with path.open("rb") as file:
            octets = file.read(MAX_FILE_SIZE + 1)
    except FileNotFoundError:
        raise failure("there is no such file", "smppd init DIR writes one to start from") from None
    except IsADirectoryError:
        raise failure("this is a directory, expected a file") from None
    except (OSError, ValueError) as error:
        raise failure(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(octets) > MAX_FILE_SIZE:
        raise failure(f"longer than {MAX_FILE_SIZE // 1024 // 1024} MiB")
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        column = error.start - octets.rfind(b"\n", 0, error.start)
        raise failure("not UTF-8", f"octet 0x{octets[error.start]:02x}", f":{line}:{column}") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, place = _toml_place(str(error), text)
        raise failure(f"not TOML: {what}", place=place) from None
    except RecursionError:
        raise failure("not accepted: nested too deeply") from None


def _toml_place(message: str, text: str) -> tuple[str, str]:
    """A message of tomllib without its place, and the place as ``:line:column``."""
    at = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    if at is None:
        return message, ""
    line, column = at.groups()
    if line is None:
        lines = text.splitlines() or [""]
        line, column = str(len(lines)), str(len(lines[-1]) + 1)
    return message[: at.start()], f":{line}:{column}"


_INJECTED: Final = re.compile(r"SMPPD_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?)")
"""Variables that Kubernetes and Docker links put into every container beside a service called smppd."""


def _put_environment(overlay: Overlay, environ: Mapping[str, str]) -> list[Problem]:
    """Apply the variables that are ours, whole tables before their keys and lists in the order of their indices."""
    ours = [name for name in environ if name.startswith(ENVIRONMENT_PREFIX) and not _INJECTED.fullmatch(name)]
    split = {name: name.removeprefix(ENVIRONMENT_PREFIX).split(ENVIRONMENT_SEPARATOR) for name in ours}
    problems = []
    for name in sorted(ours, key=lambda name: [(part.isdecimal(), part.zfill(9), part) for part in split[name]]):
        try:
            overlay.put(split[name], environ[name], name)
        except strict.UnknownKeyError as error:
            problems.append(Problem(name, "", "", "no such setting", _environment_hint(name) or error.hint))
    return problems


def _environment_hint(name: str) -> str:
    """The nearest variable that exists."""
    known = [
        f"{ENVIRONMENT_PREFIX}{table}{ENVIRONMENT_SEPARATOR}{key}".upper()
        for table, kind in _sections().items()
        for key in kind.__struct_fields__
    ]
    return strict.suggestion(name, known)


def _sections() -> dict[str, type[Struct]]:
    """The tables at the top that exist once, with their structs."""
    return {name: type(value) for name, value in _values(Settings()).items() if isinstance(value, Struct)}


def _put_overrides(overlay: Overlay, overrides: Sequence[str]) -> list[Problem]:
    problems = []
    for override in overrides:
        key, equals, text = override.partition("=")
        names = key.strip().replace("[", ".").replace("]", "").split(".")
        if not equals:
            problems.append(Problem("--set", key, "", "expected key=value"))
            continue
        try:
            overlay.put(names, text.strip(), "--set")
        except strict.UnknownKeyError as error:
            problems.append(Problem("--set", key.strip(), "", "unknown key", error.hint))
    return problems


# Reloading.

RESTART_KEYS: Final = (
    ("server", "smpp"),
    ("server", "http"),
    ("server", "backlog"),
    ("server", "event_loop"),
    ("server", "seed"),
    ("server", "timezone"),
    ("clock", "mode"),
    ("clock", "start"),
    ("journal", "pdus"),
    ("log", "level"),
    ("log", "format"),
)
"""What is built once at start: sockets, event loop, random draws, dialect with its time zone, journal, logger."""


class NameChanges(NamedTuple):
    """Named things (accounts by system_id, routes by name, networks) of two configurations, in their order."""

    added: list[str]
    removed: list[str]
    changed: list[str]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


class Changes(NamedTuple):
    """What differs between two settings.

    live: key paths that take effect at once (``account[smppclient1].window``; ``route`` alone: their order).
    restart: key paths that wait for a restart. accounts, routes, networks: the same by name.
    """

    live: list[str]
    restart: list[str]
    accounts: NameChanges
    routes: NameChanges
    networks: NameChanges

    def __bool__(self) -> bool:
        return bool(self.live or self.restart)


def diff(old: Settings, new: Settings) -> Changes:
    """What a reload from ``old`` to ``new`` changes. Values are left out: they may be passwords."""
    restart = {".".join(path) for path in RESTART_KEYS}
    keys = [
        key for name, kind in _sections().items() for key in _differing(getattr(old, name), getattr(new, name), name)
    ]
    live = [key for key in keys if key not in restart]
    by_id = [{account.system_id: account for account in settings.account} for settings in (old, new)]
    by_name = [{route.name: route for route in settings.route} for settings in (old, new)]
    accounts = _name_changes(live, "account[{}]", *by_id)
    routes = _name_changes(live, "route[{}]", *by_name)
    kept = [[name for name in names if name in by_name[0] and name in by_name[1]] for names in by_name]
    if kept[0] != kept[1]:
        live.append("route")
    if old.distribution_list != new.distribution_list:
        live.append("distribution_list")
    networks = _name_changes(live, "network.{}", old.network, new.network)
    return Changes(live, [key for key in keys if key in restart], accounts, routes, networks)


def without_restart(old: Settings, new: Settings) -> Settings:
    """``new`` with the keys that wait for a restart as they are in ``old``: what runs after a reload."""
    for name, key in RESTART_KEYS:
        section = msgspec.structs.replace(getattr(new, name), **{key: getattr(getattr(old, name), key)})
        new = msgspec.structs.replace(new, **{name: section})
    return new


T = TypeVar("T", bound=Struct)


def _name_changes(live: list[str], form: str, old: Mapping[str, T], new: Mapping[str, T]) -> NameChanges:
    """Compare two sets of named tables; adds the key paths that differ to ``live``."""
    changes = NameChanges(
        [name for name in new if name not in old],
        [name for name in old if name not in new],
        [name for name in new if name in old and old[name] != new[name]],
    )
    live += [form.format(name) for name in (*changes.added, *changes.removed)]
    for name in changes.changed:
        live += _differing(old[name], new[name], form.format(name))
    return changes


def _differing(old: Struct, new: Struct, path: str) -> list[str]:
    """Paths of the keys whose values differ, tables entered."""
    found = []
    after = _values(new)
    for name, value in _values(old).items():
        if isinstance(value, Struct):
            found += _differing(value, after[name], f"{path}.{name}")
        elif value != after[name]:
            found.append(f"{path}.{name}")
    return found


def _values(struct: Struct) -> dict[str, Any]:
    """The fields of a struct with their values, not entered."""
    return msgspec.structs.asdict(struct)
