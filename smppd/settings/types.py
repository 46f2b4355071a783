"""What a value must be beyond its TOML type: named limits, and the leaf types that the tables are made of."""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from smppd import strict
from smppd.passwords import ScryptHash
from smppd.patterns import AddressRange, check_glob
from smppd.strict import Rule
from smppwire.constants import CommandStatus
from smppwire.smpp_time import YEAR_PIVOT

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_COUNT: Final = 1_000_000_000
"""Largest number of anything: a billion never fits in memory, and counts stay small integers."""

MAX_SECONDS: Final = 315_360_000
"""Largest duration: ten years; anything longer is a unit mistaken for milliseconds."""

MAX_LIFE: Final = 1_000_000.0
"""Largest simulated delay in seconds, about eleven days."""

SMPP_PASSWORD_LENGTH: Final = 8
"""Characters of a password in the specification (SMPP 3.4, 5.2.2: at most 9 octets with the NUL)."""

MAX_PASSWORD_LENGTH: Final = 255
"""Characters of a password that ``password_max`` may allow; the longest seen in the field is 100."""

MAX_ADDRESS: Final = 20
"""Characters of an address in submit_sm and submit_multi (SMPP 3.4, 5.2.9)."""

WINDOW_ACTIONS: Final = ("stop_reading", "close")
"""What may happen to an ESME over its window beside an answer with a command_status."""

REFUSALS: Final = tuple(name for name in CommandStatus.__members__ if name != "ESME_ROK")
"""What a refusal may be answered with: every command_status the specification names but the one for success."""

OUTCOMES: Final = ("DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD")
"""How a message may end, spelled as in receipts (SMPP 3.4, appendix B)."""

USUAL_ERRORS: Final = {"UNDELIV": 1, "EXPIRED": 27, "REJECTD": 13}
"""The GSM cause that usually stands behind an outcome (3GPP TS 29.002): unknown subscriber, absent subscriber, call
barred. Others report 0."""

MAX_ERR: Final = 999
"""Largest error code of an outcome: the ``err`` of a receipt has three digits (SMPP 3.4, appendix B)."""

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


def _check_zone(name: str) -> None:
    if name:
        time_zone(name)


def one_of(names: Sequence[str]) -> Rule:
    """One of these names."""

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


def text_rule(expected: str, shortest: int, longest: int, *, secret: bool = False) -> Rule:
    """C-octet strings of SMPP: printable ASCII of bounded length (SMPP 3.4, 3.1)."""

    def check(text: str) -> None:
        if not (text.isascii() and (text.isprintable() or not text)):
            raise ValueError("characters other than printable ASCII")
        if not shortest <= len(text) <= longest:
            raise ValueError(f"{len(text)} characters")

    return Rule(expected, check, secret=secret)


def _check_file(name: str) -> None:
    if not name or "\0" in name:
        raise ValueError("not a path")


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
OptionalZone: TypeAlias = Annotated[str, Rule('a time zone such as UTC, or "" for that of the server', _check_zone)]
SystemId: TypeAlias = Annotated[str, text_rule("1 to 15 characters of printable ASCII", 1, 15)]
Password: TypeAlias = Annotated[
    str, text_rule(f"printable ASCII of up to {MAX_PASSWORD_LENGTH} characters", 0, MAX_PASSWORD_LENGTH, secret=True)
]
PasswordHash: TypeAlias = Annotated[
    str, Rule("scrypt$n$r$p$salt$hash, as printed by smppd hash-password", ScryptHash.parse, secret=True)
]
ServiceType: TypeAlias = Annotated[str, text_rule("up to 5 characters of printable ASCII", 0, 5)]
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
    str, text_rule(f"up to {SMPP_PASSWORD_LENGTH} characters of printable ASCII", 0, SMPP_PASSWORD_LENGTH, secret=True)
]
DlName: TypeAlias = Annotated[str, text_rule("1 to 20 characters of printable ASCII", 1, 20)]
MemberAddress: TypeAlias = Annotated[str, Rule("an address of 1 to 20 digits, perhaps with a plus", _check_member)]
FileName: TypeAlias = Annotated[str, Rule("the path of a .toml file, or the name of a shipped one", _check_file)]
Moment: TypeAlias = Annotated[str, Rule('a date and time such as "2026-01-01T12:00:00Z", or "" for now', _check_moment)]
Glob: TypeAlias = Annotated[str, Rule('a pattern such as "336*", "+4477?" or "44[1-5]*"', check_glob)]
Range: TypeAlias = Annotated[str, Rule('an address_range such as "44*", "^4477" or "4477[0-9]{8}"', AddressRange)]
Name: TypeAlias = Annotated[str, Rule("a name of 1 to 64 letters, digits, dots, dashes or underscores", _check_name)]
OutcomeName: TypeAlias = Annotated[str, one_of(OUTCOMES)]
Weight: TypeAlias = Annotated[float, Meta(ge=0, le=MAX_COUNT)]
ErrorCode: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_ERR)]
BindType: TypeAlias = Literal["transmitter", "receiver", "transceiver"]

BIND_TYPES: Final[tuple[BindType, ...]] = ("transmitter", "receiver", "transceiver")


class Table(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all tables have in common: immutable, keys by name, nothing unknown."""


def values_of(struct: Struct) -> dict[str, Any]:
    """The fields of a struct with their values, not entered."""
    return msgspec.structs.asdict(struct)


def sections_of(struct: Struct) -> dict[str, type[Struct]]:
    """The tables of a struct that exist once, by their keys."""
    return {name: type(value) for name, value in values_of(struct).items() if isinstance(value, Struct)}
