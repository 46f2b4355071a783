import pytest

from smppd.behaviour import index as module
from smppd.behaviour.index import Destinations, Index
from smppd.settings import Pattern


class Entry:
    def __init__(self, position: int, account: str = "") -> None:
        self.position = position
        self.account_test = (lambda name: name == account) if account else None

    def __repr__(self) -> str:
        return f"<{self.position}>"


@pytest.mark.parametrize(
    ("test", "whole", "beginnings", "exact"),
    [
        (None, [], [], True),
        (Pattern(glob="336"), [b"336"], [], True),
        (Pattern(glob=["336*", "44"]), [b"44"], [b"336"], True),
        (Pattern(glob="33?6*"), [], [b"33"], False),
        (Pattern(equals=["33*"]), [b"33*"], [], True),
        (Pattern(prefix="33"), [], [b"33"], True),
        (Pattern(glob="33*", not_=Pattern(glob="336*")), [], [b"33"], False),
        (Pattern(glob="33*", prefix="3"), [], [b"33"], False),
        (Pattern(regex="^33"), [], [], False),
    ],
)
def test_what_a_condition_says_of_a_destination(
    test: Pattern | None, whole: list[bytes], beginnings: list[bytes], exact: bool
) -> None:
    found = Destinations(test)
    assert (found.whole, found.beginnings, found.exact) == (whole, beginnings, exact)
    assert found.usable is bool(whole or beginnings)


def test_what_begins_with_anything_is_not_indexed() -> None:
    assert not Destinations(Pattern(glob="*")).usable
    assert not Destinations(Pattern(glob=["336", "?6"])).usable
    assert not Destinations(Pattern(prefix="")).usable


def index_of(*entries: tuple[Entry, Pattern | None]) -> Index[Entry]:
    index: Index[Entry] = Index()
    for entry, test in entries:
        index.add(entry, Destinations(test))
    index.finish()
    return index


def positions(index: Index[Entry], destination: bytes, account: str = "") -> list[int]:
    return [entry.position for entry in index.candidates(destination, account)]


def test_candidates_come_in_their_order() -> None:
    index = index_of(
        (Entry(0), Pattern(glob="3361*")),
        (Entry(1), None),
        (Entry(2), Pattern(glob=["33*", "336*", "336123"])),
        (Entry(3), Pattern(glob="336123")),
        (Entry(4, "esme"), None),
    )
    assert positions(index, b"336123", "esme") == [0, 1, 2, 3, 4]
    assert positions(index, b"336123") == [0, 1, 2, 3]
    assert positions(index, b"3399") == [1, 2]
    assert positions(index, b"44") == [1]
    assert positions(index, b"") == [1]
    assert [entry.position for entry in index.others("esme")] == [1, 4]


def test_an_empty_index() -> None:
    assert not index_of()
    assert index_of((Entry(0), None))
    assert index_of((Entry(0), Pattern(glob="1"))).is_about_destinations
    assert not index_of((Entry(0), None)).is_about_destinations


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CACHE_LIMIT", 10)
    monkeypatch.setattr(module, "ACCOUNTS_LIMIT", 10)
    index = index_of((Entry(0), Pattern(glob="3*")), (Entry(1, "esme5"), None))
    for number in range(100):
        found = positions(index, b"3%d" % number, f"esme{number}")
        assert found == ([0, 1] if number == 5 else [0])
    assert len(index._cache) <= 10
    assert index._by_account is not None
    assert len(index._by_account) <= 10
