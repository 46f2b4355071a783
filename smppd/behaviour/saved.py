"""What rules and faults keep, as rows: beside the settings, which say what they are.

Times are seconds of the engine's clock; whoever takes rows back has moved them to the clock of then.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from smppd.engine.state.rows import Item  # msgspec reads by it

Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]
Name: TypeAlias = Annotated[str, Meta(max_length=255)]


class Row(Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """What all rows have in common."""


class RuleRow(Row, frozen=True):
    """What a rule has done. throttled: until when each account is refused. ordinals: of each account's draws."""

    name: Name
    matched: Count
    fired: Count
    failures: Count
    throttled: dict[Name, float]
    ordinals: dict[Name, Count]


class FaultRow(Row, frozen=True):
    """What a fault has done. ordinals: of each account's draws."""

    name: Name
    matched: Count
    fired: Count
    ordinals: dict[Name, Count]


class BookRow(Row, frozen=True):
    """Rules and faults as a whole: since when their schedules count, and the states of scenarios."""

    rules_started: float
    faults_started: float
    scenarios: dict[Name, Name]


class StaleRow(Row, frozen=True):
    """A session that lingers because of a fault: until when the account counts as bound."""

    account: Name
    fault: Name
    until: float


class HeldRow(Row, frozen=True):
    """A receipt that a fault holds back.

    until: when it leaves at the latest, if the fault waits for the next receipt of the same session (of the account, if
    bind is -1); None if it waits for the account to bind again.
    """

    account: Count
    bind: Annotated[int, Meta(ge=-1)]
    fault: Name
    until: float | None
    item: Item


class NamedRow(Row, frozen=True):
    """The message_id that the receipts of an account named last."""

    account: Count
    message_id: Annotated[bytes, Meta(max_length=255)]
