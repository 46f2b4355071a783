"""Octets to frames, however TCP cuts them."""

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppwire.constants import MAX_PDU_LENGTH, CommandStatus
from smppwire.framing import Frame, FrameHeader, Framer
from tests.protocol.wire import unhurried


def frame(length: int, sequence_number: int = 1, command_id: int = 4, command_status: int = 0) -> bytes:
    return struct.pack(">IIII", length, command_id, command_status, sequence_number) + bytes(length - 16)


def collect(framer: Framer, chunks: list[bytes]) -> list[tuple[bytes, int, int, int]]:
    """Frames as octets and headers, independent of the buffers they lay in."""
    found = []
    for chunk in chunks:
        buffer, frames = framer.feed(chunk)
        for start, end, command_id, command_status, sequence_number in frames:
            found.append((buffer[start:end], command_id, command_status, sequence_number))
    return found


def test_a_whole_chunk_is_not_copied() -> None:
    chunk = frame(16) + frame(20, 2)
    framer = Framer()
    buffer, frames = framer.feed(chunk)
    assert buffer is chunk
    assert frames == [(0, 16, 4, 0, 1), (16, 36, 4, 0, 2)]
    assert [FrameHeader(*entry).end for entry in frames] == [16, 36]
    assert framer.pending == 0


def test_a_chunk_without_rest_before_it_is_not_copied_either() -> None:
    chunk = frame(16) + frame(20)[:7]
    framer = Framer()
    buffer, frames = framer.feed(chunk)
    assert buffer is chunk
    assert len(frames) == 1
    assert framer.pending == 7
    assert framer.beginning == frame(20)[:7]


@pytest.mark.parametrize("length", [16, 17, 255, 256, 511, 4096, 65535, MAX_PDU_LENGTH])
@pytest.mark.parametrize("step", [None, 1000, 15])
def test_lengths(length: int, step: int | None) -> None:
    stream = frame(length, 5) + frame(16, 6)
    step = step or len(stream)
    framer = Framer()
    found = collect(framer, [stream[at : at + step] for at in range(0, len(stream), step)])
    assert found == [(stream[:length], 4, 0, 5), (stream[length:], 4, 0, 6)]
    assert framer.error is None
    assert framer.pending == 0


def test_octet_by_octet() -> None:
    stream = b"".join(frame(length, length) for length in (16, 33, 16, 300))
    framer = Framer()
    assert [len(octets) for octets, *_ in collect(framer, [bytes((octet,)) for octet in stream])] == [16, 33, 16, 300]


@unhurried
@given(
    st.lists(st.tuples(st.integers(16, 90), st.integers(0, 0xFFFFFFFF)), max_size=12),
    st.lists(st.integers(0, 1000), max_size=20),
    st.integers(0, 15),
)
def test_any_cutting_gives_the_same_frames(shapes: list[tuple[int, int]], cuts: list[int], unfinished: int) -> None:
    frames = [frame(length, sequence_number) for length, sequence_number in shapes]
    stream = b"".join(frames) + frame(40)[:unfinished]
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    framer = Framer()
    found = collect(framer, [stream[start:end] for start, end in pairwise(places)])
    assert [octets for octets, *_ in found] == frames
    assert [entry[3] for entry in found] == [sequence_number for _, sequence_number in shapes]
    assert framer.pending == unfinished
    assert framer.error is None


@pytest.mark.parametrize("length", [0, 1, 8, 15, 1001, 0x10000, 0xF0000011, 0xFFFFFFFF])
def test_a_length_that_cannot_be(length: int) -> None:
    framer = Framer(max_pdu_length=1000)
    bad = struct.pack(">IIII", length, 4, 0, 0x1234)
    buffer, frames = framer.feed(frame(16, 1) + frame(20, 2) + bad + frame(16, 3))
    assert [entry[4] for entry in frames] == [1, 2]
    assert buffer[frames[1][0] : frames[1][1]] == frame(20, 2)
    error = framer.error
    assert error is not None
    assert (error.fatal, error.command_status) == (True, CommandStatus.ESME_RINVCMDLEN)
    assert (error.sequence_number, error.command_length) == (0x1234, length)
    assert str(length) in str(error)
    assert framer.feed(frame(16, 4)) == (b"", [])
    assert framer.pending == 0
    assert framer.error is error


@pytest.mark.parametrize("octets", range(4, 16))
def test_a_bad_length_is_known_before_its_header_is_complete(octets: int) -> None:
    framer = Framer()
    framer.feed(frame(16) + struct.pack(">IIII", 15, 4, 0, 77)[:octets])
    assert framer.error is not None
    assert framer.error.sequence_number == 0
    assert framer.pending == 0


def test_less_than_a_length_says_nothing() -> None:
    framer = Framer()
    framer.feed(b"\xff\xff\xff")
    assert framer.error is None
    framer.feed(b"\xff")
    assert framer.error is not None


def test_the_largest_length_is_a_setting() -> None:
    exact = Framer(max_pdu_length=64)
    assert len(exact.feed(frame(64))[1]) == 1
    exact.feed(frame(65))
    assert exact.error is not None
    with pytest.raises(ValueError, match="at least 16"):
        Framer(max_pdu_length=15)


def test_memory_is_bounded_by_the_largest_pdu_and_one_chunk() -> None:
    framer = Framer(max_pdu_length=1000)
    for _ in range(50):
        framer.feed(frame(1000)[:999])
        assert framer.pending < 1000 + 999
        framer.feed(b"\0")
    framer.feed(b"\xff" * 5000)
    assert framer.pending == 0


def test_other_kinds_of_octets_are_taken_too() -> None:
    framer = Framer()
    buffer, frames = framer.feed(memoryview(frame(16)))  # type: ignore[arg-type]
    assert type(buffer) is bytes
    assert len(frames) == 1


def test_an_empty_chunk_changes_nothing() -> None:
    framer = Framer()
    assert framer.feed(b"") == (b"", [])
    framer.feed(frame(16)[:9])
    assert framer.feed(b"")[1] == []
    frames: list[Frame] = framer.feed(frame(16)[9:])[1]
    assert frames == [(0, 16, 4, 0, 1)]


def test_the_two_halves_of_feeding_leave_room_for_another_reader() -> None:
    """Whoever reads the beginning of a chunk himself hands in the rest of it."""
    framer = Framer()
    assert framer.feed(frame(20)[:7]) == (frame(20)[:7], [])
    buffer = framer.gather(frame(20)[7:] + frame(16, 2) + frame(30)[:9])
    assert buffer[:20] == frame(20)
    assert framer.pending == 0
    assert framer.cut(buffer, 20) == [(20, 36, 4, 0, 2)]
    assert framer.pending == 9
    assert framer.gather(b"\0" * 3) == b""
    assert framer.pending == 12
