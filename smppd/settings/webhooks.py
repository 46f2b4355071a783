"""Events, as those choose them who look: filters, and the tables about webhooks."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from msgspec import Meta, field

from smppd.settings.names import COMMANDS, check_text_glob
from smppd.settings.types import MAX_COUNT, Count, Glob, Name, Table, one_of
from smppd.strict import Rule

EventKind: TypeAlias = Literal[
    "session", "pdu", "message", "receipt", "rule", "fault", "throttle", "configuration", "clock"
]

EVENT_KINDS: Final[tuple[EventKind, ...]] = get_args(EventKind)
"""The kinds of events that there are."""

EVENTS: Final = (
    *("opened", "bound", "bind_refused", "unbound", "closed"),
    *("received", "sent"),
    *("accepted", "refused", "attempt_failed", "replaced", "cancelled", "final"),
    *("acknowledged", "timed_out"),
    "fired",
    *("changed", "advanced"),
)
"""The events that there are, of all kinds; some names stand for events of several kinds."""

MAX_TEXT_GLOB: Final = 256
"""Characters of a pattern for texts: more than a single SMS has."""

MAX_URL: Final = 2048
"""Characters of a URL: what servers usually take."""

MAX_SECRET: Final = 255
"""Characters of a secret: a key of HMAC-SHA256 that is longer than 64 octets is no better."""

MAX_BATCH: Final = 1000
"""Events of one request: about half a megabyte."""

MAX_QUEUE: Final = 100_000
"""Events waiting for one webhook: about fifty megabytes."""


def _check_session(text: str) -> None:
    if not re.fullmatch(r"[0-9]{1,19}", text):
        raise ValueError("the number of a session is meant, as logs and the API have it")


def _check_text_glob(text: str) -> None:
    if not 1 <= len(text) <= MAX_TEXT_GLOB:
        raise ValueError(f"{len(text)} characters")
    check_text_glob(text)


def _check_url(url: str) -> None:
    if len(url) > MAX_URL or not (url.isascii() and url.isprintable()) or " " in url:
        raise ValueError("")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("")
    if parts.username is not None or parts.password is not None:
        raise ValueError("no name and password in the URL: requests are signed with the secret")


def _check_secret(secret: str) -> None:
    if not (secret.isascii() and (secret.isprintable() or not secret)) or len(secret) > MAX_SECRET:
        raise ValueError("")


Session: TypeAlias = Annotated[str, Rule('the number of a session, such as "7"', _check_session)]
EventName: TypeAlias = Annotated[str, one_of(EVENTS)]
TextGlob: TypeAlias = Annotated[
    str, Rule(f'a pattern such as "*code*", 1 to {MAX_TEXT_GLOB} characters', _check_text_glob)
]
Command: TypeAlias = Annotated[str, one_of(tuple(COMMANDS))]
Url: TypeAlias = Annotated[str, Rule("an http:// or https:// URL", _check_url, secret=True)]
Secret: TypeAlias = Annotated[
    str, Rule(f"up to {MAX_SECRET} characters of printable ASCII", _check_secret, secret=True)
]


class EventFilter(Table, frozen=True):
    """Which events somebody wants: those for which every condition holds that is given.

    An event that has no such field does not meet a condition about it: with a `command`, there are events of PDUs and
    of rules alone.

    * kind, event: what happens, such as kind "session", event "bound". None given: all kinds.
    * account, source_addr, destination_addr: patterns; one of several is enough.
    * session: by their numbers. direction: "in" = from the ESME, "out" = to it.
    * command: names of PDUs. enquire_link: false leaves enquire_link and its responses out.
    * text: a pattern for the whole decoded text.
    * sample: one of so many, of those for which all else holds.
    """

    kind: EventKind | list[EventKind] = field(default_factory=list)
    event: EventName | list[EventName] = field(default_factory=list)
    account: Glob | list[Glob] = field(default_factory=list)
    session: Session | list[Session] = field(default_factory=list)
    direction: Literal["in", "out"] | None = None
    command: Command | list[Command] = field(default_factory=list)
    enquire_link: bool = True
    source_addr: Glob | list[Glob] = field(default_factory=list)
    destination_addr: Glob | list[Glob] = field(default_factory=list)
    text: TextGlob | list[TextGlob] = field(default_factory=list)
    sample: Annotated[int, Meta(ge=1, le=MAX_COUNT)] = 1


class Webhook(EventFilter, frozen=True, kw_only=True):
    """``[[webhook]]``: events are posted to this URL, in batches and in order. Which: the keys of a filter.

    * name: unique. enabled: false keeps it from being called.
    * url: http or https; a redirect is not followed. It is not shown when it is wrong: there may be a token in it.
    * secret: requests are signed with it; "" = they are not.
    * batch: events of one request at most. queue: events that wait at most; then the oldest are dropped.
    * timeout: seconds for one request. attempts: of one batch, before it is dropped.
    * disable_after: batches dropped in a row after which it is not called any more; 0 = never.
    """

    name: Name
    url: Url
    enabled: bool = True
    secret: Secret = ""
    batch: Annotated[int, Meta(ge=1, le=MAX_BATCH)] = 100
    queue: Annotated[int, Meta(ge=1, le=MAX_QUEUE)] = 10_000
    timeout: Annotated[float, Meta(gt=0, le=300)] = 10.0
    attempts: Annotated[int, Meta(ge=1, le=100)] = 8
    disable_after: Count = 10
