"""Figures of what is gone."""

from smppd.behaviour.bygone import MOST_BYGONE, Bygone


def test_what_never_did_anything_is_not_remembered() -> None:
    bygone = Bygone()
    bygone.add("a", 0)
    assert bygone == {}


def test_figures_add_up() -> None:
    bygone = Bygone()
    bygone.add("a", 2, 1)
    bygone.add("a", 0, 4)
    assert bygone == {"a": (2, 5)}


def test_what_was_not_heard_of_for_the_longest_time_is_forgotten() -> None:
    bygone = Bygone()
    for number in range(MOST_BYGONE):
        bygone.add(str(number), 1)
    bygone.add("0", 1)
    bygone.add("new", 1)
    assert len(bygone) == MOST_BYGONE
    assert "1" not in bygone
    assert bygone["0"] == (2, 0)
