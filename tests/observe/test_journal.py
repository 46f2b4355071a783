"""The ring of raw PDUs."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.observe.journal import MAX_OCTETS, Journal, JournalEntry


def frame(sequence_number: int, body: bytes = b"") -> bytes:
    return struct.pack(">IIII", 16 + len(body), 0x15, 0, sequence_number) + body


def numbers(journal: Journal) -> list[int]:
    return [struct.unpack_from(">I", entry.frame, 12)[0] for entry in journal]


def test_entries_come_back_as_they_went_in_oldest_first() -> None:
    journal = Journal(10)
    journal.record(1.5, "1", "in", frame(1))
    journal.record(2.5, "2", "out", frame(2, b"body"))
    assert list(journal) == [
        JournalEntry(1.5, "1", "in", frame(1)),
        JournalEntry(2.5, "2", "out", frame(2, b"body")),
    ]
    assert len(journal) == 2


def test_a_chunk_is_told_apart_when_read() -> None:
    journal = Journal(10)
    frames = [frame(1), frame(2, b"x" * 5), frame(3)]
    journal.record_chunk(1.0, "1", "in", b"".join(frames), 3)
    assert [entry.frame for entry in journal] == frames
    assert {(entry.time, entry.session, entry.direction) for entry in journal} == {(1.0, "1", "in")}
    assert len(journal) == 3


def test_octets_that_are_no_pdu_are_kept_as_they_are() -> None:
    journal = Journal(10)
    journal.record(1.0, "1", "in", b"GET / HTTP/1.1\r\n\r\n")
    assert [entry.frame for entry in journal] == [b"GET / HTTP/1.1\r\n\r\n"]


def test_the_oldest_go_first() -> None:
    journal = Journal(3)
    for number in range(5):
        journal.record(0.0, "1", "in", frame(number))
    assert numbers(journal) == [2, 3, 4]
    assert len(journal) == 3


@pytest.mark.parametrize("capacity", range(1, 13))
def test_chunks_are_evicted_frame_by_frame(capacity: int) -> None:
    journal = Journal(capacity)
    number = 0
    for size in (4, 1, 3, 2, 2):
        journal.record_chunk(0.0, "1", "in", b"".join(frame(number + n) for n in range(size)), size)
        number += size
        expected = list(range(number))[-capacity:]
        assert numbers(journal) == expected
        assert len(journal) == len(expected)


def test_octets_are_bounded_too() -> None:
    journal = Journal(1000, max_octets=100)
    for number in range(10):
        journal.record(0.0, "1", "in", frame(number, b"x" * 24))
        assert journal.octets <= 100
    assert numbers(journal) == [8, 9]
    assert journal.octets == 80


def test_what_is_larger_than_the_bound_is_not_kept() -> None:
    journal = Journal(1000, max_octets=30)
    journal.record(0.0, "1", "in", frame(1))
    journal.record(0.0, "1", "in", frame(2, b"x" * 20))
    assert len(journal) == 0
    assert journal.octets == 0
    journal.record(0.0, "1", "in", frame(3))
    assert numbers(journal) == [3]


def test_the_default_bound_is_64_mebioctets() -> None:
    assert Journal(1).max_octets == MAX_OCTETS == 67_108_864


def test_capacity_zero_turns_it_off() -> None:
    journal = Journal(0)
    assert not journal.enabled
    journal.record(0.0, "1", "in", frame(1))
    assert list(journal) == []
    assert len(journal) == 0


def test_it_can_be_turned_off_and_on() -> None:
    journal = Journal(5)
    assert journal.enabled
    journal.enabled = False
    journal.record(0.0, "1", "in", frame(1))
    journal.enabled = True
    journal.record(0.0, "1", "in", frame(2))
    assert numbers(journal) == [2]


def test_frames_of_one_session() -> None:
    journal = Journal(10)
    for number, session in enumerate("abab"):
        journal.record(0.0, session, "in", frame(number))
    assert [entry.frame for entry in journal.of_session("b")] == [frame(1), frame(3)]
    assert list(journal.of_session("c")) == []


def test_recording_goes_on_while_it_is_read() -> None:
    journal = Journal(3)
    for number in range(3):
        journal.record(0.0, "1", "in", frame(number))
    seen = []
    for entry in journal:
        seen.append(entry.frame)
        journal.record(0.0, "1", "out", frame(9))
    assert seen == [frame(0), frame(1), frame(2)]
    assert numbers(journal) == [9, 9, 9]


def test_clear() -> None:
    journal = Journal(3)
    journal.record_chunk(0.0, "1", "in", frame(1) + frame(2) + frame(3) + frame(4), 4)
    journal.clear()
    assert (len(journal), journal.octets, list(journal)) == (0, 0, [])
    journal.record_chunk(0.0, "1", "in", frame(5) + frame(6), 2)
    assert numbers(journal) == [5, 6]


def test_an_empty_chunk_is_nothing() -> None:
    journal = Journal(3)
    journal.record_chunk(0.0, "1", "in", b"", 0)
    assert list(journal) == []


# Numbers: reading on, and being told.


def read_numbers(journal: Journal, start: int, limit: int) -> tuple[list[int], int, int]:
    page = journal.read(start, limit)
    assert [entry.frame for _, entry in page.frames] == [frame(number) for number, _ in page.frames]
    return [number for number, _ in page.frames], page.next, page.missed


def test_frames_are_numbered_from_0_and_read_page_by_page() -> None:
    journal = Journal(10)
    journal.record(0.0, "1", "in", frame(0))
    journal.record_chunk(0.0, "1", "in", frame(1) + frame(2) + frame(3), 3)
    assert (journal.oldest, journal.total) == (0, 4)
    assert read_numbers(journal, 0, 2) == ([0, 1], 2, 0)
    assert read_numbers(journal, 2, 2) == ([2, 3], 4, 0)
    assert read_numbers(journal, 4, 2) == ([], 4, 0)
    assert read_numbers(journal, 9, 2) == ([], 9, 0)


def test_what_is_forgotten_is_missed_and_no_number_is_used_twice() -> None:
    journal = Journal(3)
    journal.record_chunk(0.0, "1", "in", frame(0) + frame(1), 2)
    journal.record_chunk(0.0, "1", "in", frame(2) + frame(3), 2)
    assert (journal.oldest, journal.total) == (1, 4)
    assert read_numbers(journal, 0, 9) == ([1, 2, 3], 4, 1)
    journal.clear()
    assert (journal.oldest, journal.total) == (4, 4)
    assert read_numbers(journal, 2, 9) == ([], 4, 2)
    journal.record(0.0, "1", "in", frame(4))
    assert read_numbers(journal, 4, 9) == ([4], 5, 0)


def test_the_tap_is_called_after_each_chunk() -> None:
    journal, totals = Journal(3), list[int]()
    journal.tap = lambda: totals.append(journal.total)
    journal.record_chunk(0.0, "1", "in", frame(0) + frame(1), 2)
    journal.record_chunk(0.0, "1", "in", b"", 0)
    journal.record(0.0, "1", "in", frame(2))
    journal.tap = None
    journal.record(0.0, "1", "in", frame(3))
    assert totals == [2, 3]


def test_sessions_are_forgotten_and_leave_gaps() -> None:
    journal = Journal(5)
    journal.record_chunk(0.0, "a", "in", frame(0) + frame(1) + frame(2), 3)
    journal.record(0.0, "b", "in", frame(3))
    journal.record_chunk(0.0, "a", "in", frame(4) + frame(5), 2)
    journal.record(0.0, "c", "in", frame(6))
    assert journal.oldest == 2  # the ring has dropped two frames of the first chunk
    assert journal.forget(lambda session, _time: session in {"a", "x"}) == 3
    assert numbers(journal) == [3, 6]
    assert (len(journal), journal.oldest, journal.total) == (2, 3, 7)
    assert journal.octets == 2 * len(frame(0))
    assert read_numbers(journal, 4, 9) == ([6], 7, 0)
    assert journal.forget(lambda session, _time: session in {"b", "c"}) == 2
    assert (len(journal), journal.octets, journal.oldest) == (0, 0, 7)
    assert journal.forget(lambda session, _time: session == "a") == 0


CHUNKS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 6)), max_size=12)


@given(CHUNKS, st.sets(st.sampled_from("abc")), CHUNKS, st.integers(1, 12), st.integers(0, 40), st.integers(1, 20))
def test_it_reads_like_a_list(
    before: list[tuple[str, int]],
    forgotten: set[str],
    after: list[tuple[str, int]],
    capacity: int,
    start: int,
    limit: int,
) -> None:
    journal, model, total = Journal(capacity), list[tuple[int, str]](), 0

    def record(chunks: list[tuple[str, int]]) -> None:
        nonlocal model, total
        for session, count in chunks:
            journal.record_chunk(0.0, session, "in", b"".join(map(frame, range(total, total + count))), count)
            model += [(number, session) for number in range(total, total + count)]
            model, total = model[-capacity:], total + count

    record(before)
    assert journal.forget(lambda session, _time: session in forgotten) == sum(
        session in forgotten for _, session in model
    )
    model = [one for one in model if one[1] not in forgotten]
    record(after)
    page = journal.read(start, limit)
    assert [(number, entry.session) for number, entry in page.frames] == [one for one in model if one[0] >= start][
        :limit
    ]
    assert len(journal) == len(model)
    assert journal.oldest == (model[0][0] if model else total)
    assert page.missed == max(0, journal.oldest - start)


def test_frames_of_some_sessions_are_forgotten() -> None:
    journal = Journal(5)
    for number in range(6):
        journal.record_chunk(float(number), "ab"[number % 2], "in", frame(number) + frame(number), 2)
    # Five frames are left: half of the chunk of time 3, and those of 4 and 5.
    assert journal.forget(lambda session, moment: session == "b" and moment < 5.0) == 1
    assert [entry.time for entry in journal] == [4.0, 4.0, 5.0, 5.0]
    assert (len(journal), journal.total, journal.oldest) == (4, 12, 8)
    assert journal.forget(lambda session, _: session == "a") == 2
    page = journal.read(0, 10)
    assert [number for number, _ in page.frames] == [10, 11]
    assert journal.forget(lambda *_: True) == 2
    assert (len(journal), journal.octets, journal.oldest) == (0, 0, 12)
    journal.record(9.0, "a", "in", frame(1))
    assert [number for number, _ in journal.read(0, 10).frames] == [12]


def test_it_is_whole_until_something_is_missing() -> None:
    journal = Journal(2)
    assert journal.is_whole
    journal.clear()
    assert journal.is_whole, "there was nothing to forget"
    for number in range(2):
        journal.record(1.0, "1", "in", frame(number))
    assert journal.forget(lambda *_: False) == 0
    assert journal.is_whole
    journal.record(1.0, "1", "in", frame(3))
    assert not journal.is_whole
    assert not Journal(0).is_whole
    for lose in (Journal.clear, lambda other: other.forget(lambda *_: True)):
        other = Journal(5)
        other.record(1.0, "1", "in", frame(0))
        lose(other)
        assert not other.is_whole


def test_frames_of_another_journal_keep_their_numbers() -> None:
    journal, other = Journal(10), Journal(3)
    calls: list[int] = []
    journal.tap = lambda: calls.append(journal.total)
    journal.record_chunk(1.0, "1", "in", frame(1) + frame(2), 2)
    for number in (3, 5, 6, 9):
        other.put_back(number, JournalEntry(float(number), "7", "out", frame(number)))
    assert [number for number, _ in other.read(0, 10).frames] == [5, 6, 9], "its capacity counts"
    with pytest.raises(ValueError, match="PDU 9 comes twice"):
        other.put_back(9, JournalEntry(1.0, "7", "out", frame(9)))
    since = journal.total
    journal.record(2.0, "1", "out", frame(20))
    journal.record(2.0, "2", "out", frame(21))
    calls.clear()
    assert journal.take_over(other, since, {"1": "8"}) == 10
    assert [(number, entry.session) for number, entry in journal.read(0, 10).frames] == [
        (5, "7"),
        (6, "7"),
        (9, "7"),
        (10, "8"),
        (11, "2"),
    ]
    assert (journal.total, len(journal), journal.octets) == (12, 5, 5 * 16)
    assert calls == [11, 12], "of what is recorded anew somebody may want to know"
    assert not journal.is_whole


def test_numbers_never_go_back() -> None:
    journal, other = Journal(10), Journal(10)
    for number in range(5):
        journal.record(1.0, "1", "in", frame(number))
    other.put_back(0, JournalEntry(1.0, "1", "in", frame(0)))
    assert journal.take_over(other, journal.total, {}) == 5
    assert (journal.total, len(journal), journal.is_whole) == (5, 1, True)
