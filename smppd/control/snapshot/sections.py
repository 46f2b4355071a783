"""The sections of a snapshot, beside those of the engine: what stands in the rows of each."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import Meta, Struct

from smppd.behaviour.saved import BookRow, FaultRow, HeldRow, NamedRow, RuleRow, StaleRow
from smppd.control.mo_saved import InjectionRow, SubscribersRow
from smppd.engine.state.rows import ROWS as ENGINE_ROWS
from smppd.observe.roster import MAX_BINDS
from smppd.settings import BindType

Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]
Figure: TypeAlias = Annotated[int, Meta(ge=-(2**53), le=2**53)]
Word: TypeAlias = Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]
Session: TypeAlias = Annotated[str, Meta(pattern="^[0-9]{1,16}$")]
Alphabet: TypeAlias = Literal["gsm7", "gsm7-packed", "latin-1", "ascii", "utf-8"]
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


class JournalRow(Row, frozen=True):
    """The journal as a whole. total: PDUs recorded so far; written_at: Unix time in seconds, real."""

    total: Count
    is_whole: bool
    written_at: float


class FrameRow(Row, frozen=True, gc=False):
    """One frame of the journal."""

    number: Count
    time: float
    session: Session
    direction: Literal["in", "out"]
    frame: bytes


class BindRecordRow(Row, frozen=True):
    """One bind of a connection (`smppd.observe.roster.BindRecord`)."""

    system_id: Name
    bind_type: BindType
    interface_version: Annotated[int, Meta(ge=0, le=255)]
    version: Literal[0x33, 0x34, 0x50]
    system_type: Name
    address_range: Name
    default_alphabet: Alphabet
    bound_at: float
    unbound_at: float | None


class RefusedBindRow(Row, frozen=True):
    """One bind that was refused."""

    system_id: Name
    bind_type: BindType
    command_status: Word
    at: float


class ConnectionRow(Row, frozen=True):
    """One connection that frames name; times are real. counters: the plain figures, refusals: by command_status."""

    session: Session
    peer: Name
    opened_at: float
    closed_at: float | None
    reason: Name
    binds: Annotated[list[BindRecordRow], Meta(max_length=MAX_BINDS)]
    refused: Annotated[list[RefusedBindRow], Meta(max_length=MAX_BINDS)]
    counters: Annotated[list[Figure], Meta(min_length=9, max_length=9)]
    refusals: Annotated[list[tuple[Word, Figure]], Meta(max_length=100_000)]


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
    "journal": JournalRow,
    "frames": FrameRow,
    "connections": ConnectionRow,
    "subscribers": SubscribersRow,
    "injections": InjectionRow,
}
"""What stands in each section."""
