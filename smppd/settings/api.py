"""``[api]``: who may use the HTTP API, and how much of it."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

from msgspec import Meta, field

from smppd.settings.types import Name, Table
from smppd.strict import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smppd import strict
    from smppd.strict import StrictReader

MAX_BODY: Final = 64 * 1024 * 1024
"""Octets that ``max_body`` may allow: a body is read into memory as a whole."""

MAX_SNAPSHOT: Final = 16 * 1024 * 1024 * 1024
"""Octets that ``max_snapshot`` may allow: more than a million messages with all their PDUs."""

MAX_RATE: Final = 1_000_000
"""Requests per second that may be allowed: far more than one server answers."""

MAX_STREAMS: Final = 10_000
"""Requests that wait or stream at once: each holds a connection."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+-]{16,255}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_HOST: Final = re.compile(r"[A-Za-z0-9_.:-]{1,253}")


def _check_token(text: str) -> None:
    if text and not _TOKEN.fullmatch(text):
        raise ValueError(f"{len(text)} characters" if len(text) < 16 else "other characters, or too many")


def _check_digest(text: str) -> None:
    if text and not _DIGEST.fullmatch(text):
        raise ValueError("not 64 digits of lower-case hexadecimal")


def _check_host(text: str) -> None:
    if not _HOST.fullmatch(text):
        raise ValueError("a name or address without scheme and port")


def _check_directory(text: str) -> None:
    if "\0" in text:
        raise ValueError("not a path")


Token: TypeAlias = Annotated[
    str, Rule("16 to 255 letters, digits or any of . _ ~ + -", _check_token, secret=True), Meta(max_length=255)
]
TokenHash: TypeAlias = Annotated[
    str, Rule("the SHA-256 of a token in hexadecimal, as printed by sha256sum", _check_digest, secret=True)
]
HostName: TypeAlias = Annotated[str, Rule('a host name such as "smppd.test"', _check_host)]
Directory: TypeAlias = Annotated[str, Rule('a directory, or "" for none', _check_directory)]


class ApiToken(Table, frozen=True):
    """``[[api.token]]``: a secret that opens the API.

    * name: in logs. role: read may look, control may change things too.
    * token, token_hash: one of the two; the hash is the SHA-256 of a token that is long and random.
    """

    name: Name
    token: Token = ""
    token_hash: TokenHash = ""
    role: Literal["read", "control"] = "control"

    def __repr__(self) -> str:
        """Without the token: representations end in logs."""
        return f"ApiToken(name={self.name!r})"

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the token."""
        return bytes.fromhex(self.token_hash) if self.token_hash else hashlib.sha256(self.token.encode()).digest()


class Api(Table, frozen=True):
    """``[api]``: the HTTP API below ``/api/v1``. ``/metrics``, ``/healthz`` and ``/readyz`` are always there.

    * enabled: false turns it off.
    * token: who may use it; none: everybody who reaches a loopback address, and nobody on any other.
    * hosts: names that Host and Origin may have beside those of this machine.
    * max_body: octets of a request's body.
    * rate, burst: requests per second of each token (of all together, where there is none), and how many at once after
      a pause; 0 = unlimited.
    * max_streams: requests at once that wait for something or stream.
    * snapshots: the directory that snapshots may be written to and read from; "" = they only travel in bodies.
    * max_snapshot: octets of a snapshot that is sent to be restored.
    * hooks: whether rules that come over the API may name any hook, which is code; else only those that the rules of
      the configuration files name.
    """

    enabled: bool = True
    token: list[ApiToken] = field(default_factory=list)
    hosts: list[HostName] = field(default_factory=list)
    max_body: Annotated[int, Meta(ge=1024, le=MAX_BODY)] = 1_048_576
    rate: Annotated[float, Meta(ge=0, le=MAX_RATE)] = 1000.0
    burst: Annotated[int, Meta(ge=1, le=MAX_RATE)] = 1000
    max_streams: Annotated[int, Meta(ge=1, le=MAX_STREAMS)] = 100
    snapshots: Directory = ""
    max_snapshot: Annotated[int, Meta(ge=1024, le=MAX_SNAPSHOT)] = 268_435_456
    hooks: bool = False


def check_token(reader: StrictReader, _token: ApiToken, table: Mapping[str, Any], path: strict.Path) -> None:
    """One secret, given in one way."""
    given = [key for key in ("token", "token_hash") if table.get(key)]
    if len(given) != 1 and reader.sound(path, "token", "token_hash"):
        how = "both are given" if given else "neither is given"
        reader.reject((*path, "token"), None, "expected either token or token_hash", how)


def check_api(reader: StrictReader, api: Api, _table: Mapping[str, Any], path: strict.Path) -> None:
    """Names of their own, and secrets of their own."""
    names: dict[str, int] = {}
    digests: dict[bytes, int] = {}
    for index, token in enumerate(api.token):
        place = (*path, "token", index)
        if not reader.sound(path, "token"):
            return
        before = names.setdefault(token.name, index)
        if before != index:
            reader.reject((*place, "name"), token.name, "expected a name of its own", f"token[{before}] has it already")
        elif (before := digests.setdefault(token.digest, index)) != index:
            reader.reject((*place, "token"), None, "expected a token of its own", f"token[{before}] has it already")
