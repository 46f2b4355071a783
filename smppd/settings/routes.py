"""``[[route]]`` and ``[network.NAME]``: where messages go, how fast, and what becomes of them there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta, field

from smppd.settings.accounts import Throughput
from smppd.settings.types import (
    MAX_LIFE,
    Count,
    ErrorCode,
    Glob,
    Name,
    Octet,
    OutcomeName,
    Refusal,
    Seconds,
    ServiceType,
    SystemId,
    Table,
    Weight,
    values_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smppd import strict
    from smppd.strict import StrictReader


class Queue(Table, frozen=True):
    """``queue`` of a route: limit: messages that wait for its throughput; over: the answer to more."""

    limit: Count = 100_000
    over: Refusal = "ESME_RMSGQFUL"


class Match(Table, frozen=True):
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


class Route(Table, frozen=True):
    """``[[route]]``: where messages go; the first that matches wins, a message without route gets ESME_RINVDSTADR.

    name: unique, in metrics and logs. match: which messages. throughput, queue: how fast. network: the name of a
    ``[network.NAME]``.
    """

    name: Name
    match: Match = Match()
    throughput: Throughput = Throughput()
    queue: Queue = Queue()
    network: str = "default"


class Delay(Table, frozen=True):
    """``delay`` of a network: seconds until the outcome of a message is known.

    distribution: fixed (always ``value``) or uniform (between ``min`` and ``max``).
    """

    distribution: Literal["fixed", "uniform"] = "uniform"
    value: Annotated[float, Meta(ge=0, le=MAX_LIFE)] = 0.0
    min: Annotated[float, Meta(ge=0, le=MAX_LIFE)] = 0.2
    max: Annotated[float, Meta(ge=0, le=MAX_LIFE)] = 1.0


class Network(Table, frozen=True):
    """``[network.NAME]``: a simulated mobile network; "default" always exists.

    delay: until the outcome. outcome: weights of how messages end (they need not add up to 100). error: the three-digit
    ``err`` of receipts per outcome, where it is to differ from the usual one. absent_for: seconds for which each
    subscriber is absent from the first attempt to reach them.
    """

    delay: Delay = Delay()
    outcome: dict[OutcomeName, Weight] = field(default_factory=lambda: {"DELIVRD": 100.0})
    error: dict[OutcomeName, ErrorCode] = field(default_factory=dict)
    absent_for: Seconds = 0.0


def check_match(reader: StrictReader, match: Match, _table: Mapping[str, Any], path: strict.Path) -> None:
    """No empty list: it would match no message."""
    for name in match.__struct_fields__:
        if getattr(match, name) == []:
            reader.reject((*path, name), [], "expected at least one", "an empty list matches no message")


def check_delay(reader: StrictReader, delay: Delay, table: Mapping[str, Any], path: strict.Path) -> None:
    """The keys that go with the distribution, and no others."""
    if not reader.sound(path, "distribution"):
        return
    if delay.distribution == "uniform":
        if "value" in table and delay.value:
            reader.reject((*path, "value"), None, 'expected only with distribution = "fixed"')
        if delay.min > delay.max and reader.sound(path, "min", "max"):
            reader.reject((*path, "min"), delay.min, f"expected at most max ({delay.max:g})")
    elif "value" not in table and ("min" in table or "max" in table):
        reader.reject((*path, "value"), None, 'missing; expected with distribution = "fixed" instead of min and max')


def check_network(reader: StrictReader, network: Network, _table: Mapping[str, Any], path: strict.Path) -> None:
    """At least one outcome that can happen."""
    if not any(network.outcome.values()) and reader.sound(path, "outcome"):
        reader.reject((*path, "outcome"), None, "expected a weight above 0 for at least one outcome")


def matches_everything(match: Match) -> bool:
    """Whether no message can fail to match."""
    wanted = values_of(match).values()
    return all(value in (None, "*") or (isinstance(value, list) and "*" in value) for value in wanted)
