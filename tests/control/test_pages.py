"""Pages of lists, and cursors that only their own list takes."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest

from smppd.control.failures import InvalidError
from smppd.control.pages import Page, cursor_for, page_of, position_in


def walk(entries: list[int], limit: int) -> list[list[str]]:
    pages, cursor = [], ""
    while True:
        page: Page[str] = page_of(entries, str, kind="numbers", limit=limit, cursor=cursor)
        pages.append(page.items)
        if page.next is None:
            return pages
        cursor = page.next


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 1000])
def test_every_entry_comes_once(limit: int) -> None:
    pages = walk(list(range(7)), limit)
    assert [item for page in pages for item in page] == list("0123456")
    assert all(len(page) == limit for page in pages[:-1])
    assert len(pages[-1]) > 0


def test_an_empty_list_has_one_page() -> None:
    assert walk([], 10) == [[]]


def test_only_what_is_shown_is_looked_at() -> None:
    seen: list[int] = []
    page_of(list(range(100)), seen.append, kind="numbers", limit=3)
    assert seen == [0, 1, 2]


def test_a_cursor_beyond_the_end_shows_nothing() -> None:
    assert page_of([1, 2], str, kind="numbers", limit=3, cursor=cursor_for("numbers", 9)) == Page(items=[])
    assert page_of([1, 2], str, kind="numbers", limit=1, cursor=cursor_for("numbers", -5)).items == ["1"]


def test_positions_of_several_values() -> None:
    cursor = cursor_for("messages", 17, "ÿ/€")
    assert cursor.isascii()
    assert "=" not in cursor
    assert position_in("messages", cursor, int, str) == (17, "ÿ/€")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "nonsense",
        "\u20ac",
        "A",
        cursor_for("others", 1),
        cursor_for("numbers"),
        cursor_for("numbers", 1, 2),
        cursor_for("numbers", "1"),
        urlsafe_b64encode(b"[" * 300).decode(),
        urlsafe_b64encode(b"{}").decode(),
        urlsafe_b64encode(b'["numbers",true]').decode(),
        urlsafe_b64encode(b'["numbers",1.5]').decode(),
        urlsafe_b64encode(b'["numbers",99999999999999999999999999]').decode(),
    ],
)
def test_cursors_that_are_not_ours(cursor: str) -> None:
    with pytest.raises(InvalidError, match="not the `next`"):
        position_in("numbers", cursor, int)
