"""The journal: the last raw PDUs in both directions, refused requests and binds included.

It keeps octets exactly as they were on the wire, because that is what makes it evidence; nothing is decoded until
somebody looks. So the frames of bind requests contain passwords: whoever shows a frame shows it through
`smppwire.codec.describe(frame)` or masks `password` on its own, and hands out raw octets only where the operator asked
for them.

The hot path records a whole chunk with one call and one tuple; frames are told apart by their command_length when the
journal is read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from smppwire.constants import HEADER_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Direction = Literal["in", "out"]

MAX_OCTETS: Final = 64 * 1024 * 1024
"""Octets kept whatever the number of frames: 100,000 frames of the largest size would be more than 12 GiB."""

_LENGTH_OCTETS: Final = 4


class JournalEntry(NamedTuple):
    """One frame that passed by."""

    time: float
    """When, in the seconds of the clock the recorder used."""
    session: str
    direction: Direction
    frame: bytes
    """The octets of the PDU; after a framing error, whatever was received."""


class _Chunk(NamedTuple):
    time: float
    session: str
    direction: Direction
    octets: bytes
    frames: int
    first: int
    """The number of its first frame."""


class Page(NamedTuple):
    """Frames that follow one another, from `Journal.read`."""

    frames: list[tuple[int, JournalEntry]]
    """Each with its number."""
    next: int
    """What to ask for next."""
    missed: int
    """Frames that were asked for and are older than the oldest that is kept."""


class Journal:
    """A ring of at most `capacity` frames and `max_octets` octets; the oldest go first. Capacity 0 turns it off.

    Frames are numbered from 0 in the order in which they were recorded; a number is never used again, whatever is
    forgotten, unless another journal takes the place of this one, and what `forget` takes out leaves a gap. `total` is
    how many have been recorded so far, and so the number of the next one. `is_whole` says whether it has all of them.
    `enabled` is what the hot path asks before it calls; a disabled journal ignores what it is told all the same. `tap`,
    when somebody has set it, is called after each chunk: it must be quick, and leave reading to a later turn of the
    loop.
    """

    __slots__ = (
        "_chunks",
        "_frames",
        "_octets",
        "_skip",
        "capacity",
        "enabled",
        "is_whole",
        "max_octets",
        "tap",
        "total",
    )

    def __init__(self, capacity: int, max_octets: int = MAX_OCTETS) -> None:
        self.capacity = capacity
        self.max_octets = max_octets
        self.enabled = capacity > 0
        self.is_whole = self.enabled
        """Whether there has been no PDU that it does not have."""
        self._chunks: deque[_Chunk] = deque()
        self._frames = 0
        self._octets = 0
        self._skip = 0
        """Frames of the oldest chunk that were evicted already."""
        self.total = 0
        self.tap: Callable[[], None] | None = None

    def record(self, time: float, session: str, direction: Direction, frame: bytes) -> None:
        """Keep one frame; it need not be a well-formed PDU."""
        self.record_chunk(time, session, direction, frame, 1)

    def record_chunk(self, time: float, session: str, direction: Direction, octets: bytes, count: int) -> None:
        """Keep `count` whole frames that follow one another in `octets`, as one read or one joined write has them.

        Each frame's command_length must be right (the framer checked it, or we wrote it). The octets are not copied.
        """
        if not self.enabled or not count:
            return
        self._chunks.append(_Chunk(time, session, direction, octets, count, self.total))
        self.total += count
        self._frames += count
        self._octets += len(octets)
        if self._frames > self.capacity or self._octets > self.max_octets:
            self._evict()
        if self.tap is not None:
            self.tap()

    def _evict(self) -> None:
        self.is_whole = False
        while self._chunks:
            remaining = self._chunks[0].frames - self._skip
            excess = self._frames - self.capacity
            if self._octets <= self.max_octets and excess < remaining:
                if excess > 0:
                    self._skip += excess
                    self._frames -= excess
                return
            self._frames -= remaining
            self._octets -= len(self._chunks.popleft().octets)
            self._skip = 0

    def forget(self, is_gone: Callable[[str, float], bool]) -> int:
        """Forget the frames of which this is said, by session and time; returns how many. Numbers stay as they are.

        A full journal of 100,000 chunks takes about ten milliseconds.
        """
        kept: deque[_Chunk] = deque()
        gone = 0
        for place, chunk in enumerate(self._chunks):
            if not is_gone(chunk.session, chunk.time):
                kept.append(chunk)
                continue
            skipped = 0 if place else self._skip
            gone += chunk.frames - skipped
            self._octets -= len(chunk.octets)
            if not place:
                self._skip = 0
        self._frames -= gone
        self._chunks = kept
        self.is_whole &= not gone
        return gone

    def clear(self) -> None:
        """Forget everything."""
        self.is_whole &= not self._frames
        self._chunks.clear()
        self._frames = self._octets = self._skip = 0

    # -- handing over and taking back ---------------------------------------------------------------------------------

    def put_back(self, number: int, entry: JournalEntry) -> None:
        """Keep a frame of another journal under its number, behind those that are kept; nobody is told of it.

        Raises ValueError when its number has been given already.
        """
        if number < self.total:
            raise ValueError(f"PDU {number} comes twice, or behind a later one")
        self._chunks.append(_Chunk(*entry, 1, number))
        self.total = number + 1
        self._frames += 1
        self._octets += len(entry.frame)
        if self._frames > self.capacity or self._octets > self.max_octets:
            self._evict()

    def take_over(self, other: Journal, since: int, renamed: Mapping[str, str]) -> int:
        """Have the frames of another journal, which nobody uses any more, in the place of one's own.

        They keep their numbers. What was recorded from the number `since` on stays, and is recorded anew behind them,
        sessions under the names that they have now (`renamed`: by those they had). `total` never goes back. Returns the
        number of the first of what stays.
        """
        latest = [chunk for chunk in self._chunks if chunk.first >= since]
        self._chunks, self._skip = other._chunks, other._skip
        self._frames, self._octets = other._frames, other._octets
        self.is_whole = other.is_whole and self.enabled
        first = self.total = max(since, other.total)
        for time, session, direction, octets, frames, _ in latest:
            self.record_chunk(time, renamed.get(session, session), direction, octets, frames)
        return first

    def __len__(self) -> int:
        return self._frames

    @property
    def octets(self) -> int:
        """Octets held; those of partly evicted chunks count until the last of their frames is gone."""
        return self._octets

    def __iter__(self) -> Iterator[JournalEntry]:
        """The frames kept when iteration began, oldest first; recording may go on meanwhile."""
        skip = self._skip
        for chunk in tuple(self._chunks):
            for frame in _frames(chunk, skip):
                yield JournalEntry(chunk.time, chunk.session, chunk.direction, frame)
            skip = 0

    @property
    def oldest(self) -> int:
        """The number of the oldest frame that is kept; `total` when none is."""
        return self._chunks[0].first + self._skip if self._chunks else self.total

    def read(self, start: int, limit: int) -> Page:
        """At most `limit` frames from the number `start` on, oldest first; what is forgotten is left out, and counted.

        To read on, ask for what `Page.next` says.
        """
        first = max(start, self.oldest)
        frames: list[tuple[int, JournalEntry]] = []
        chunks = self._chunks
        place = self._place_of(first)
        while place < len(chunks) and len(frames) < limit:
            chunk = chunks[place]
            time, session, direction = chunk[:3]
            # Behind a gap the number may lie beyond the whole chunk.
            skip = min(max(0, first - chunk.first), chunk.frames)
            for number, frame in enumerate(_frames(chunk, skip, limit - len(frames)), chunk.first + skip):
                frames.append((number, JournalEntry(time, session, direction, frame)))
            place += 1
        return Page(frames, frames[-1][0] + 1 if frames else first, first - start)

    def _place_of(self, number: int) -> int:
        """The place of the chunk that holds a frame, or would. Looked for from the end: whoever reads on is near it,
        and the middle of a long deque is far from both ends."""
        chunks = self._chunks
        count, back = len(chunks), 1
        while back < count and chunks[-back].first > number:
            back *= 2
        return max(0, bisect_right(chunks, number, max(0, count - back), count - back // 2, key=_first) - 1)

    def of_session(self, session: str) -> Iterator[JournalEntry]:
        """The frames of one session, oldest first."""
        return (entry for entry in self if entry.session == session)


def _first(chunk: _Chunk) -> int:
    return chunk.first


def _frames(chunk: _Chunk, skip: int = 0, most: int | None = None) -> Iterator[bytes]:
    """Cut a chunk into its frames, without the first few, and at most so many; a single one is taken as it is."""
    octets = chunk.octets
    if chunk.frames == 1:
        if not skip:
            yield octets
        return
    start = 0
    for _ in range(skip):
        start += _length(octets, start)
    left = chunk.frames - skip
    for _ in range(left if most is None else min(left, most)):
        end = start + _length(octets, start)
        yield octets[start:end]
        start = end


def _length(octets: bytes, start: int) -> int:
    return max(HEADER_LENGTH, int.from_bytes(octets[start : start + _LENGTH_OCTETS], "big"))
