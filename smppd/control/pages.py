"""Long lists, page by page. A cursor says where the next page begins; only who made it can read it."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Annotated, Any, Final, Generic, TypeVar

import msgspec

from smppd.control.failures import InvalidError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEFAULT_LIMIT: Final = 100
"""Items of a page when nobody says how many."""

MAX_LIMIT: Final = 1000
"""Items of the largest page: about a megabyte of JSON, encoded in a few milliseconds."""

MAX_CURSOR: Final = 512
"""Characters of a cursor; those that are handed out have fewer than 200."""

LARGEST: Final = 1 << 63
"""No number of a cursor reaches this: they count things in memory."""

T = TypeVar("T")
E = TypeVar("E")


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Some items of a list, and where it goes on."""

    items: list[T]
    next: Annotated[
        str | None, msgspec.Meta(description="The `cursor` of the next page; null: this one is the last for now.")
    ] = None


class PageQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which page: what all queries of lists begin with."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_LIMIT, description="Items of the page, at most.")] = DEFAULT_LIMIT
    cursor: Annotated[
        str, msgspec.Meta(max_length=MAX_CURSOR, description='`next` of the page before; "" begins with the first.')
    ] = ""


def cursor_for(kind: str, *position: int | str) -> str:
    """The cursor of a position; `kind` names the list, so that no other takes it."""
    return urlsafe_b64encode(msgspec.json.encode((kind, *position))).decode().rstrip("=")


def position_in(kind: str, cursor: str, *types: type[int | str]) -> tuple[Any, ...]:
    """The position of a cursor: values of these types. Raises InvalidError for one that is not of this list."""
    try:
        octets = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        name, *position = msgspec.json.decode(octets, type=list[int | str])
    except (binascii.Error, msgspec.MsgspecError, ValueError, RecursionError):
        name, position = "", []
    sound = all(isinstance(value, str) or abs(value) < LARGEST for value in position)
    if name != kind or not sound or [type(value) for value in position] != list(types):
        raise InvalidError([("cursor", f"it is not the `next` of a page of {kind}")])
    return tuple(position)


def page_of(entries: Sequence[E], view: Callable[[E], T], *, kind: str, limit: int, cursor: str = "") -> Page[T]:
    """A page of a short list that is at hand as a whole; `view` is called for what the page shows alone.

    Positions count from the beginning of the list: when it changes between two pages, an entry may be missed or come
    twice. Raises InvalidError for a cursor of something else.
    """
    (start,) = position_in(kind, cursor, int) if cursor else (0,)
    end = max(start, 0) + limit
    return Page(
        items=[view(entry) for entry in entries[max(start, 0) : end]],
        next=cursor_for(kind, end) if end < len(entries) else None,
    )
