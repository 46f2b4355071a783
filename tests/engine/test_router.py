"""Routing: the first match wins, at the price of a few look-ups, whatever the cache remembers."""

import fnmatch
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.engine import router
from smppd.engine.router import INTEGER_FIELDS, Router, literal_prefix, patterns_of
from smppd.settings import Match
from smppwire.pdus import SubmitSm
from tests.engine.world import sms

GLOBS = ["*", "33*", "336*", "3361*", "33612", "+336*", "3?6*", "33[1-5]*", "33[!1-5]*", "*12", "4*", "44", "?", "33?"]
ADDRESSES = [b"", b"3", b"33", b"336", b"3361", b"33612", b"33912", b"+3361", b"44", b"4412", b"5", b"366"]
NAMES = ["alice", "bob", "carol"]


def one_or_several(values: list[str]) -> st.SearchStrategy[Any]:
    single = st.sampled_from(values)
    return st.one_of(st.none(), single, st.lists(single, min_size=1, max_size=3))


MATCHES = st.builds(
    Match,
    account=one_or_several(NAMES),
    service_type=one_or_several(["", "CMT", "WAP"]),
    source_addr=one_or_several(GLOBS),
    destination_addr=one_or_several(GLOBS),
    source_addr_ton=st.none() | st.integers(0, 2),
    source_addr_npi=st.none() | st.integers(0, 1),
    dest_addr_ton=st.none() | st.integers(0, 2),
    dest_addr_npi=st.none() | st.integers(0, 1),
    data_coding=st.none() | st.sampled_from([0, 8]),
)
DESTINATION_MATCHES = st.builds(Match, destination_addr=one_or_several(GLOBS))
MESSAGES = st.builds(
    SubmitSm,
    service_type=st.sampled_from([b"", b"CMT", b"WAP", b"X"]),
    source_addr=st.sampled_from(ADDRESSES),
    source_addr_ton=st.integers(0, 2),
    source_addr_npi=st.integers(0, 1),
    dest_addr_ton=st.integers(0, 2),
    dest_addr_npi=st.integers(0, 1),
    destination_addr=st.sampled_from(ADDRESSES),
    data_coding=st.sampled_from([0, 8]),
)


def naive_find(matches: list[Match], account: str, pdu: SubmitSm) -> int | None:
    """The reference: look at every route, in order, at every condition."""
    for place, match in enumerate(matches):
        if naive_matches(match, account, pdu):
            return place
    return None


def naive_matches(match: Match, account: str, pdu: SubmitSm) -> bool:
    return (
        (match.account is None or account in patterns_of(match.account))
        and (match.service_type is None or pdu.service_type.decode() in patterns_of(match.service_type))
        and glob_matches(match.source_addr, pdu.source_addr)
        and glob_matches(match.destination_addr, pdu.destination_addr)
        and all(getattr(match, name) in (None, getattr(pdu, name)) for name in INTEGER_FIELDS)
    )


def glob_matches(wanted: str | list[str] | None, address: bytes) -> bool:
    return wanted is None or any(fnmatch.fnmatchcase(address.decode(), pattern) for pattern in patterns_of(wanted))


def router_of(*matches: Match) -> Router[int]:
    return Router([(match, place) for place, match in enumerate(matches)])


@given(
    matches=st.lists(MATCHES, max_size=8),
    messages=st.lists(st.tuples(st.sampled_from([*NAMES, "dave"]), MESSAGES), max_size=20),
)
def test_the_first_match_wins(matches: list[Match], messages: list[tuple[str, SubmitSm]]) -> None:
    finder = router_of(*matches)
    for account, pdu in messages:
        assert finder.find(account, pdu) == naive_find(matches, account, pdu)


@given(
    matches=st.lists(st.one_of(DESTINATION_MATCHES, DESTINATION_MATCHES, MATCHES), max_size=6),
    messages=st.lists(st.tuples(st.sampled_from(NAMES), MESSAGES), max_size=30),
)
def test_the_cache_is_never_wrong(matches: list[Match], messages: list[tuple[str, SubmitSm]]) -> None:
    """Routes about destinations alone are remembered by destination; one route about anything else ends that."""
    finder = router_of(*matches)
    for account, pdu in messages * 2:
        assert finder.find(account, pdu) == naive_find(matches, account, pdu)


@pytest.mark.parametrize(
    ("field", "value", "matching", "other"),
    [
        ("service_type", "WAP", {"service_type": b"WAP"}, {"service_type": b""}),
        ("source_addr", "AC*", {"source_addr": b"ACME"}, {"source_addr": b"Acme"}),
        ("source_addr_ton", 5, {"source_addr_ton": 5}, {"source_addr_ton": 1}),
        ("source_addr_npi", 1, {"source_addr_npi": 1}, {"source_addr_npi": 0}),
        ("destination_addr", ["1*", "336*"], {"destination_addr": b"336"}, {"destination_addr": b"33"}),
        ("dest_addr_ton", 1, {"dest_addr_ton": 1}, {"dest_addr_ton": 0}),
        ("dest_addr_npi", 1, {"dest_addr_npi": 1}, {"dest_addr_npi": 8}),
        ("data_coding", 8, {"data_coding": 8}, {"data_coding": 0}),
        ("data_coding", 0, {"data_coding": 0}, {"data_coding": 8}),
    ],
)
def test_each_condition(field: str, value: Any, matching: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    finder = router_of(Match(**{field: value}), Match())
    assert finder.find("alice", SubmitSm(**matching)) == 0
    assert finder.find("alice", SubmitSm(**other)) == 1


def test_the_account_is_a_condition_too() -> None:
    finder = router_of(Match(account=["alice", "bob"]), Match(account="carol", destination_addr="33*"))
    assert [finder.find(name, sms(b"336")) for name in ("alice", "bob", "carol", "dave")] == [0, 0, 1, None]
    assert finder.find("carol", sms(b"44")) is None


def test_the_first_route_wins_over_the_longest_prefix() -> None:
    assert router_of(Match(destination_addr="33*"), Match(destination_addr="3361*")).find("alice", sms(b"33612")) == 0


def test_the_same_destination_takes_different_routes_by_what_else_counts() -> None:
    """A cache by destination would give the second message the route of the first."""
    finder = router_of(Match(destination_addr="33*", data_coding=8), Match(destination_addr="33*"))
    for _ in range(2):
        assert finder.find("alice", sms(b"336", data_coding=8)) == 0
        assert finder.find("alice", sms(b"336", data_coding=0)) == 1


@pytest.mark.parametrize("match", [Match(source_addr="33*"), Match(account="alice"), Match(dest_addr_npi=1)], ids=str)
def test_what_no_route_asks_about_is_not_told_apart(match: Match) -> None:
    """One kind of message takes one place, however many messages there are."""
    finder = router_of(match, Match(service_type="CMT"))
    for n in range(50):
        finder.find("alice", sms(b"1", b"%d" % n, registered_delivery=n % 2))
    assert len(finder._cache) == 1


def test_no_route_is_remembered_like_any_other_answer() -> None:
    finder = router_of(Match(destination_addr="33*"), Match(destination_addr="44*"))
    assert [finder.find("alice", sms(b"55")) for _ in range(2)] == [None, None]


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(router, "CACHE_LIMIT", 10)
    finder = router_of(Match(destination_addr="33*"), Match(destination_addr="44*"))
    for n in range(100):
        assert finder.find("alice", sms(b"33%d" % n)) == 0
        assert len(finder._cache) <= 10


def test_a_route_for_everything_is_found_without_looking() -> None:
    for match in (Match(), Match(destination_addr="*"), Match(destination_addr=["33*", "*"], source_addr="*")):
        assert router_of(match).find("anyone", sms(b"1")) == 0
    assert router_of().find("anyone", sms(b"1")) is None


@pytest.mark.parametrize("count", [100, 10_000])
def test_ten_thousand_prefixes_cost_no_more_than_a_hundred(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a look-up does is counted, not timed: at most two routes are considered, whatever the number of routes."""
    finder = router_of(*(Match(destination_addr=f"{n}*") for n in range(count, 2 * count)), Match())
    considered = 0
    first = router._first

    def counting(entries: list[Any], *rest: Any) -> Any:
        nonlocal considered
        considered += len(entries)
        return first(entries, *rest)

    monkeypatch.setattr(router, "_first", counting)
    assert finder.find("alice", sms(b"%d" % (2 * count - 1))) == count - 1
    assert finder.find("alice", sms(b"%d55" % (count + 17))) == 17
    assert finder.find("alice", sms(b"0")) == count
    assert considered <= 2 * 3
    assert len(finder._lengths) == 1


def test_ten_thousand_patterns_of_one_route_cost_no_more_than_a_hundred(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pattern is compiled alone, and when a number is near it; one without a beginning leaves the others be."""
    translated: list[str] = []
    translate = fnmatch.translate
    monkeypatch.setattr(fnmatch, "translate", lambda pattern: translated.append(pattern) or translate(pattern))
    finder = router_of(Match(destination_addr=["*99", *(f"{n}[1-5]*" for n in range(10_000, 20_000))]), Match())
    assert translated == []
    assert finder.find("alice", sms(b"123453")) == 0
    assert finder.find("alice", sms(b"123456")) == 1
    assert finder.find("alice", sms(b"12345699")) == 0
    assert translated == ["*99", "12345[1-5]*"]


def test_literal_addresses_and_accounts_are_looked_up_too(monkeypatch: pytest.MonkeyPatch) -> None:
    literals = [Match(destination_addr=f"336{n:05}") for n in range(5000)]
    accounts = [Match(account=f"user{n}") for n in range(5000)]
    finder = router_of(*literals, *accounts)
    considered: list[Any] = []
    first = router._first
    monkeypatch.setattr(router, "_first", lambda entries, *rest: considered.extend(entries) or first(entries, *rest))
    assert finder.find("user4321", sms(b"33604321")) == 4321
    assert finder.find("user4321", sms(b"44")) == 9321
    assert len(considered) <= 3


def test_prefixes_of_patterns() -> None:
    assert [literal_prefix(glob) for glob in ("336*", "33612", "3?6", "[12]3", "*")] == ["336", "33612", "3", "", ""]


def test_patterns_of_settings() -> None:
    assert [patterns_of(value) for value in (None, "33*", ["33*", "44*"])] == [[], ["33*"], ["33*", "44*"]]
