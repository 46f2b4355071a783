"""What faults of octets do to one direction of one connection.

Their occasions are PDUs, so that nothing depends on how TCP cut the stream: each PDU that a fault takes is delayed, cut
or paced, or ends the connection. Octets never change their order: what is delayed delays all that follows.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from smppd.behaviour.chance import Purpose
from smppd.behaviour.delays import compile_delay
from smppd.behaviour.streams import Cutter, Pacer, Parcel
from smppd.settings import faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from smppd.behaviour.occasions import Draws, Occasions
    from smppd.settings.faults import ByteFault

QUANTUM: Final = 0.02
"""Seconds of a bandwidth limit that leave together: fine enough to look like a line, and fifty timers per second."""


class Ending(Enum):
    """How a fault ends a connection, in place of a PDU."""

    FIN = "fin"
    RESET = "reset"
    RESET_INSIDE_PDU = "reset_inside_pdu"


class Passage:
    """One PDU on its way through the faults of octets, and what they want of it.

    * now: on the clock of the loop. parcel: what will be queued. ending: the connection ends here.
    """

    __slots__ = ("ending", "now", "parcel")

    def __init__(self, octets: bytes, now: float) -> None:
        self.now = now
        self.parcel = Parcel(octets)
        self.ending: Ending | None = None


class Effect:
    """One fault at work on one direction of one connection; it remembers nothing of any other.

    half_opens: whether a PDU that it takes makes the connection half-open.
    """

    __slots__ = ("_touch", "half_opens", "occasions")

    def __init__(self, occasions: Occasions, fault: ByteFault) -> None:
        """Put a fault to work. Raises KeyError for one whose occasions are not PDUs."""
        self.occasions = occasions
        self.half_opens = isinstance(fault, HALF_OPEN)
        self._touch: Callable[[Passage, Draws], None] = _EFFECTS[type(fault)](fault)

    def touch(self, passage: Passage, draws: Draws) -> None:
        """Do to a PDU what the fault does to it."""
        self._touch(passage, draws)
        passage.parcel.by = (*passage.parcel.by, self.occasions)


HALF_OPEN: Final = (faults.StopReading, faults.StopWriting)
"""Faults that make a connection half-open when a PDU comes by, whichever its direction."""

AT_BEGINNINGS: Final = (faults.Silence, faults.Banner)
"""Faults whose occasions are connections, or binds for those of an account."""

AT_ENDS: Final = (faults.SlowClose,)
"""Faults whose occasions are the ends of connections."""


def _slice(fault: faults.Slice) -> Callable[[Passage, Draws], None]:
    cutter = Cutter(fault.size)

    def touch(passage: Passage, _draws: Draws) -> None:
        passage.parcel.cutters = (*passage.parcel.cutters, cutter)

    return touch


def _paced(pacer: Pacer) -> Callable[[Passage, Draws], None]:
    def touch(passage: Passage, _draws: Draws) -> None:
        passage.parcel.pacers = (*passage.parcel.pacers, pacer)

    return touch


def _drip(fault: faults.Drip) -> Callable[[Passage, Draws], None]:
    return _paced(Pacer(fault.octets, fault.interval))


def _bandwidth(fault: faults.Bandwidth) -> Callable[[Passage, Draws], None]:
    octets = max(1, round(fault.octets_per_second * QUANTUM))
    return _paced(Pacer(octets, octets / fault.octets_per_second))


def _latency(fault: faults.Latency) -> Callable[[Passage, Draws], None]:
    delay = compile_delay(fault.delay)

    def touch(passage: Passage, draws: Draws) -> None:
        ready = passage.now + delay(draws.draw(Purpose.DELAY))
        passage.parcel.ready = max(passage.parcel.ready, ready)

    return touch


def _held_for(seconds: float) -> Callable[[Passage, Draws], None]:
    """Hold a PDU for so long, and whatever follows; together they leave."""
    until = float("-inf")

    def touch(passage: Passage, _draws: Draws) -> None:
        nonlocal until
        if passage.now >= until:
            until = passage.now + seconds
        passage.parcel.ready = max(passage.parcel.ready, until)

    return touch


def _coalesce(fault: faults.Coalesce) -> Callable[[Passage, Draws], None]:
    return _held_for(fault.for_)


def _stall(fault: faults.Stall) -> Callable[[Passage, Draws], None]:
    return _held_for(fault.for_)


def _nothing(_fault: faults.StopReading | faults.StopWriting) -> Callable[[Passage, Draws], None]:
    """The connection as a whole changes, see `Effect.half_opens`."""
    return lambda _passage, _draws: None


def _ending(ending: Ending) -> Callable[[Any], Callable[[Passage, Draws], None]]:
    def touch(passage: Passage, _draws: Draws) -> None:
        passage.ending = passage.ending or ending

    return lambda _fault: touch


_EFFECTS: Final[dict[type[ByteFault], Callable[[Any], Callable[[Passage, Draws], None]]]] = {
    faults.Slice: _slice,
    faults.Coalesce: _coalesce,
    faults.Drip: _drip,
    faults.Bandwidth: _bandwidth,
    faults.Latency: _latency,
    faults.Stall: _stall,
    faults.StopReading: _nothing,
    faults.StopWriting: _nothing,
    faults.Fin: _ending(Ending.FIN),
    faults.Reset: _ending(Ending.RESET),
    faults.ResetInsidePdu: _ending(Ending.RESET_INSIDE_PDU),
}
