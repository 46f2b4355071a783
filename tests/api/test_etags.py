"""Entity tags, and headers that name them."""

from __future__ import annotations

import pytest

from smppd.api.etags import etag_of, is_in


def test_a_tag_stands_for_the_octets() -> None:
    assert etag_of(b"x") == etag_of(b"x") != etag_of(b"y")
    assert etag_of(b"")[0] == etag_of(b"")[-1] == '"'


@pytest.mark.parametrize(
    ("header", "strong", "weak"),
    [
        ('"a"', True, True),
        ('W/"a"', False, True),
        ('"b", "a"', True, True),
        ('"b","a,c"', False, False),
        ('"x,", "a"', True, True),
        ("*", True, True),
        (" * ", True, True),
        ("a", False, False),
        ("", False, False),
        ('"', False, False),
    ],
)
def test_what_a_header_names(header: str, strong: bool, weak: bool) -> None:
    assert is_in('"a"', header, weak=False) == strong
    assert is_in('"a"', header, weak=True) == weak
