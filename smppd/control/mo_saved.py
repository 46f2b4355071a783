"""What the desk of subscribers keeps, as rows of a snapshot: beside the deliver_sm, which are the engine's."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from smppd.control.mo_messages import MAX_TEXT
from smppd.engine.state.rows import MAX_PARTS
from smppd.settings.types import MAX_ADDRESS

Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]
Address: TypeAlias = Annotated[str, Meta(max_length=MAX_ADDRESS)]


class Row(Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """What all rows have in common."""


class SubscribersRow(Row, frozen=True):
    """The desk as a whole: how many messages there have been, and how many of them had several parts."""

    messages: Count
    references: Count


class InjectionRow(Row, frozen=True):
    """One message from a subscriber. made: Unix time. due: when its delay is over, on the engine's clock.

    is_remembered: whether it can be asked for still; else it is only to be sent. parts: numbers of their rows.
    """

    number: Count
    is_remembered: bool
    source_addr: Address
    destination_addr: Address
    text: Annotated[str, Meta(max_length=MAX_TEXT)] | None
    delay: float
    made: float
    state_before: Literal["scheduled", "dropped"] | None
    due: float
    parts: Annotated[list[Count], Meta(min_length=1, max_length=MAX_PARTS)]
