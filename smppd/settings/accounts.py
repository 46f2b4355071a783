"""``[[account]]`` and ``[[distribution_list]]``: who may bind, and whom they reach by a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from msgspec import Meta, field

from smppd.settings.types import (
    BIND_TYPES,
    MAX_COUNT,
    MAX_PASSWORD_LENGTH,
    QUEUE,
    SMPP_PASSWORD_LENGTH,
    BindType,
    Count,
    DlName,
    MemberAddress,
    Name,
    OptionalHostPort,
    OutbindPassword,
    Over,
    Password,
    PasswordHash,
    Range,
    SystemId,
    Table,
    WindowOver,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smppd import strict
    from smppd.strict import StrictReader

MAX_MEMBERS: Final = 100_000
"""Members of one distribution list: a city's subscribers to an alert."""


class Throughput(Table, frozen=True):
    """``throughput`` of an account or a route: a rate, enforced by the generic cell rate algorithm.

    limit: messages per ``per`` seconds, sustained; 0 = unlimited. burst: at most this many at once; 0 = one.
    count: messages, or the parts of concatenated ones. over: the answer to what exceeds it; on routes also "queue".
    """

    limit: Annotated[float, Meta(ge=0, le=MAX_COUNT)] = 0.0
    per: Annotated[float, Meta(gt=0, le=86_400)] = 1.0
    burst: Count = 0
    count: Literal["messages", "parts"] = "messages"
    over: Over = "ESME_RTHROTTLED"


class DistributionList(Table, frozen=True):
    """``[[distribution_list]]``: addresses that submit_multi reaches under one name.

    * name: its dl_name. members: addresses, international.
    * accounts: the system_ids that may use it; [] = all.
    """

    name: DlName
    members: Annotated[list[MemberAddress], Meta(min_length=1, max_length=MAX_MEMBERS)]
    accounts: list[SystemId] = field(default_factory=list)


class Account(Table, frozen=True):
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
    dialect: Name = "default"
    address_range: Range = ""
    multipart_receipts: Literal["each", "first", "last"] = "each"
    outbind: OptionalHostPort = ""
    outbind_password: OutbindPassword = ""
    strict: bool | None = None
    enabled: bool = True

    def __repr__(self) -> str:
        """Without the password: representations end in logs."""
        return f"Account(system_id={self.system_id!r})"


def check_account(reader: StrictReader, account: Account, table: Mapping[str, Any], path: strict.Path) -> None:
    """One way to prove oneself, each bind type once, and nothing that only routes can do."""
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
