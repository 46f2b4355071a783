"""Searches as they are written in JSON."""

from __future__ import annotations

import pytest

from smppd.control.failures import InvalidError
from smppd.control.messages.search import Moments, read_search, state_of
from smppd.settings.rules import SUBMITS


def test_an_empty_search_is_about_all_messages() -> None:
    search = read_search({})
    assert search.when.commands == SUBMITS
    assert (search.unit, search.order, search.limit) == ("part", "newest", 100)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(InvalidError) as raised:
        read_search(
            {
                "when": {"text": {"regex": "("}, "nothing": 1},
                "message_state": "GONE",
                "accepted": {"from": "yesterday"},
                "limit": 0,
                "wher": {},
            }
        )
    told = dict(raised.value.problems)
    assert told.keys() == {"when.text.regex", "when.nothing", "message_state", "accepted.from", "limit", "wher"}


def test_moments() -> None:
    assert (Moments().least, Moments().most) == (float("-inf"), float("inf"))
    assert Moments(from_="1970-01-01T00:00:07Z", to="1970-01-01T00:00:08").least == 7.0
    assert Moments(to="1970-01-01T01:00:08+01:00").most == 8.0
    assert state_of("DELIVERED") == 2
