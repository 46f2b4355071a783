"""Who was connected: found while the connection stands and afterwards, within bounds."""

from __future__ import annotations

from smppd.observe.roster import MAX_BINDS, BindRecord, ConnectionRecord, RefusedBind, Roster
from smppd.observe.session_counters import SessionCounters


def bind(system_id: str = "smppclient1", at: float = 10.0) -> BindRecord:
    return BindRecord(
        system_id=system_id,
        bind_type="transceiver",
        interface_version=0x34,
        version=0x34,
        system_type="",
        address_range="",
        default_alphabet="gsm7",
        bound_at=at,
    )


def test_an_open_connection_is_found_with_what_it_counts() -> None:
    roster, counters = Roster(), SessionCounters()
    roster.opened("1", "192.0.2.1:40000", 5.0, counters)
    record = roster.find("1")
    assert record is not None
    assert (record.session, record.peer, record.opened_at, record.closed_at) == ("1", "192.0.2.1:40000", 5.0, None)
    assert record.counters is counters
    assert record.bind is None
    assert roster.find("2") is None
    assert len(roster) == 1


def test_binds_are_told_apart_by_their_moments() -> None:
    roster = Roster()
    roster.opened("1", "", 0.0)
    roster.bound("1", bind("first", 10.0))
    roster.unbound("1", 15.0)
    roster.bound("1", bind("second", 20.0))
    record = roster.find("1")
    assert record is not None
    assert record.bind_at(9.0) is None
    assert [record.bind_at(moment).system_id for moment in (10.0, 17.0, 20.0, 99.0)] == [  # type: ignore[union-attr]
        "first",
        "first",
        "second",
        "second",
    ]
    assert [each.unbound_at for each in record.binds] == [15.0, None]


def test_the_end_of_a_bind_is_told_once() -> None:
    roster = Roster()
    roster.opened("1", "", 0.0)
    roster.unbound("1", 5.0)  # nobody was bound
    roster.bound("1", bind())
    roster.unbound("1", 15.0)
    roster.unbound("1", 16.0)
    assert roster.find("1").bind.unbound_at == 15.0  # type: ignore[union-attr]


def test_what_has_ended_is_remembered_with_the_reason() -> None:
    roster = Roster()
    roster.opened("1", "", 0.0)
    roster.closed("1", 9.0, "esme_unbind")
    record = roster.find("1")
    assert record is not None
    assert (record.closed_at, record.reason) == (9.0, "esme_unbind")
    assert len(roster) == 0
    roster.closed("1", 10.0, "again")
    assert record.closed_at == 9.0
    roster.bound("1", bind())
    assert record.binds == [], "nobody binds on a connection that has ended"


def test_the_oldest_are_forgotten() -> None:
    roster = Roster(max_ended=2)
    for session in "123":
        roster.opened(session, "", 0.0)
    for session in "312":
        roster.closed(session, 1.0)
    assert roster.find("3") is None
    assert [record.session for record in roster.ended()] == ["2", "1"]
    assert [record.session for record in roster] == []


def test_sessions_that_are_open_or_have_ended_or_both() -> None:
    roster = Roster()
    for session in "123":
        roster.opened(session, "", 0.0)
    roster.closed("2", 1.0)
    assert roster.sessions(still_open=True, ended=False) == ["1", "3"]
    assert roster.sessions(still_open=False, ended=True) == ["2"]
    assert roster.sessions(still_open=True, ended=True) == ["1", "3", "2"]
    assert [record.session for record in roster] == ["1", "3"]


def test_binds_of_one_connection_are_bounded() -> None:
    roster = Roster()
    roster.opened("1", "", 0.0)
    for number in range(MAX_BINDS + 3):
        roster.bound("1", bind(f"esme{number}"))
        roster.refused("1", RefusedBind(f"esme{number}", "receiver", 5, 1.0))
    record = roster.find("1")
    assert record is not None
    assert [len(record.binds), len(record.refused)] == [MAX_BINDS, MAX_BINDS]
    assert record.binds[-1].system_id == f"esme{MAX_BINDS + 2}", "of binds the latest are kept"
    assert record.refused[0].system_id == "esme0", "of refusals the first: they say how it began"


def test_another_name() -> None:
    roster, counters = Roster(), SessionCounters()
    roster.opened("1", "a", 5.0, counters)
    roster.rename("1", "7")
    roster.rename("2", "8")
    record = roster.find("7")
    assert record is not None
    assert (record.session, record.counters, roster.find("1"), len(roster)) == ("7", counters, None, 1)


def test_those_that_have_ended_elsewhere() -> None:
    roster = Roster(max_ended=2)
    roster.opened("1", "a", 5.0)
    roster.opened("9", "a", 5.0)
    roster.closed("9", 6.0)
    brought = [ConnectionRecord(name, "b", 1.0, 2.0) for name in ("1", "2", "3", "4")]
    roster.take_over(brought)
    assert roster.sessions(still_open=True, ended=True) == ["1", "3", "4"]
    assert [record.peer for name in ("1", "3") if (record := roster.find(name))] == ["a", "b"]
    roster.closed("1", 7.0)
    assert [record.session for record in roster.ended()] == ["1", "4"]
