"""The sections of a snapshot, beside those of the engine: what stands in the rows of each."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import Meta, Struct

from smppd.behaviour.saved import BookRow, FaultRow, HeldRow, NamedRow, RuleRow, StaleRow
from smppd.control.mo_saved import InjectionRow, SubscribersRow
from smppd.engine.state.rows import ROWS as ENGINE_ROWS

Name: TypeAlias = Annotated[str, Meta(max_length=255)]


class Row(Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """What all rows have in common."""


class ClockRow(Row, frozen=True):
    """The engine's clock. real: whether it was exactly that of the machine."""

    now: float
    wall: float
    running: bool
    speed: float
    real: bool


class SettingsRow(Row, frozen=True):
    """The settings as plain data, with those accounts, routes and networks that are named as gone."""

    settings: Any
    gone_accounts: list[Name]
    gone_routes: list[Name]
    gone_networks: list[Name]


class ServerRow(Row, frozen=True):
    """Other figures. connections: how many there have been, so that the next has a new number."""

    connections: Annotated[int, Meta(ge=0, le=2**53)]


class DrawRow(Row, frozen=True):
    """Where the draws of an account in a network stand."""

    network: Name
    account: Name
    generator: Annotated[bytes, Meta(max_length=4096)]


class AbsenceRow(Row, frozen=True):
    """When the first attempt was made to reach a subscriber who may be absent."""

    network: Name
    destination_addr: Annotated[bytes, Meta(max_length=255)]
    first_tried: float


class TenureRow(Row, frozen=True):
    """For which account a rule or fault is there, and until when: one that came while the server ran."""

    kind: Literal["rule", "fault"]
    name: Name
    namespace: Name | None
    expires_at: float | None


ROWS: Final[dict[str, Any]] = {
    **ENGINE_ROWS,
    "clock": ClockRow,
    "settings": SettingsRow,
    "server": ServerRow,
    "draws": DrawRow,
    "absences": AbsenceRow,
    "book": BookRow,
    "rules": RuleRow,
    "faults": FaultRow,
    "stale": StaleRow,
    "held": HeldRow,
    "named": NamedRow,
    "tenures": TenureRow,
    "subscribers": SubscribersRow,
    "injections": InjectionRow,
}
"""What stands in each section."""
