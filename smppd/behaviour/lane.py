"""One direction of one connection with faults: octets in, cut into PDUs, damaged, delayed, octets out.

First come the faults of PDUs, then those of octets, each in the order of the configuration. What is no PDU (the stream
was lost) passes behind what came before it, and is nobody's occasion.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from smppd.behaviour.byte_faults import AT_BEGINNINGS, AT_ENDS, Effect, Ending, Passage
from smppd.behaviour.pdu_faults import Pdu, compile_mutation
from smppd.behaviour.streams import Line, Parcel
from smppd.settings.faults import ByteFault, PduFault, Reorder
from smppwire.framing import Framer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from smppd.behaviour.occasions import Draws, Occasions, Party
    from smppd.behaviour.streams import Loop
    from smppd.behaviour.waits import Wait, Waits

NO_PDU: Final = -1
"""Stands for the command_id of octets that are no PDU."""


class Host(Protocol):
    """The connection that a lane is part of."""

    @property
    def party(self) -> Party:
        """Whose connection it is."""

    def halt(self, occasions: Occasions) -> None:
        """A fault makes the connection half-open."""

    def end(self, lane: Lane, ending: Ending) -> None:
        """A fault ends the connection; what was before it in the lane has left."""

    def moved(self) -> None:
        """Octets may have left the lane."""


class _Step:
    """One fault of PDUs at work on one direction."""

    def __init__(self, lane: Lane, occasions: Occasions, fault: PduFault) -> None:
        self.occasions = occasions
        self._lane = lane
        self._mutation = compile_mutation(fault)

    def take(self, pdu: Pdu) -> Sequence[Pdu]:
        """What goes on in the place of a PDU."""
        if not self.occasions.is_about_command(pdu.command_id) or not self._mutation.fits(pdu):
            return (pdu,)
        draws = self._lane.draws(self.occasions)
        return (pdu,) if draws is None else self._mutation.act(pdu, draws)


class _Reorder:
    """The fault that holds a PDU back until the next one has passed, which is no occasion itself."""

    def __init__(self, lane: Lane, occasions: Occasions, fault: Reorder) -> None:
        self.occasions = occasions
        self._lane = lane
        self._patience = fault.for_
        self._held: Pdu | None = None
        self._wait: Wait | None = None

    def take(self, pdu: Pdu) -> Sequence[Pdu]:
        """What goes on when a PDU has come."""
        if self._held is not None:
            return (pdu, *self.let_go())
        if not self.occasions.is_about_command(pdu.command_id) or self._lane.draws(self.occasions) is None:
            return (pdu,)
        waits = self._lane.waits
        self._held = pdu
        self._wait = waits.call_at(waits.now() + self._patience, self._overdue)
        return ()

    @property
    def holds(self) -> bool:
        """Whether a PDU waits."""
        return self._held is not None

    def let_go(self) -> Sequence[Pdu]:
        """Give back what is held."""
        held, self._held = self._held, None
        if self._wait is not None:
            self._lane.waits.cancel(self._wait)
            self._wait = None
        return () if held is None else (held,)

    def _overdue(self) -> None:
        self._wait = None
        self._lane.go_on(self)


class Lane:
    """One direction.

    * line: where octets wait after all faults. held: how many octets wait anywhere in the lane.
    * halted: PDUs that come wait for the time being. muted: PDUs that come are thrown away.
    """

    def __init__(
        self,
        host: Host,
        loop: Loop,
        waits: Waits,
        sink: Callable[[bytes], None],
        *,
        max_pdu: int,
        waits_behind: Collection[int] = (),
        passed: bytes = b"",
    ) -> None:
        """Begin without faults.

        Args:
            host: the connection.
            loop: its event loop, whose clock paces octets.
            waits: the engine's clock, which everything else goes by.
            sink: where the octets go.
            max_pdu: octets of the longest PDU; a longer one means that the stream is lost.
            waits_behind: command_ids of PDUs that must have left before faults are chosen for what is behind them.
            passed: the beginning of a PDU that has gone this way before there was a lane.
        """
        self.line = Line(loop, sink, host.moved)
        self.waits = waits
        self.halted = False
        self.muted = False
        self._host = host
        self._loop = loop
        self._waits_behind = waits_behind
        self._framer = Framer(max_pdu)
        self._framer.feed(passed)
        self._passed = len(passed)
        self._backlog: deque[Pdu] = deque()
        self._backlog_octets = 0
        self._barred = False
        self._ended = False
        self._last: list[Parcel] = []
        """What follows when nothing more will come."""
        self._finished = False
        self._steps: list[_Step | _Reorder] = []
        self._effects: list[Effect] = []

    # -- what is asked of it ------------------------------------------------------------------------------------------

    @property
    def held(self) -> int:
        """Octets that wait for their time."""
        return self.line.held + self._backlog_octets

    @property
    def idle(self) -> bool:
        """Whether nothing waits but the beginning of a PDU."""
        holds = any(isinstance(step, _Reorder) and step.holds for step in self._steps)
        return not (self._backlog or len(self.line) or self._last or self._barred or holds)

    @property
    def beginning(self) -> bytes:
        """The beginning of a PDU that has not come whole, as far as it waits here."""
        return self._framer.beginning[self._passed :]

    def choose(self, occasions: Iterable[Occasions]) -> None:
        """Have these faults from now on, in this order; those that were there before go on as they are.

        What others have held back leaves.
        """
        chosen = list(occasions)
        gone = {one.occasions for one in (*self._steps, *self._effects)}.difference(chosen)
        for step in [step for step in self._steps if step.occasions in gone]:
            self.go_on(step)
        steps = {step.occasions: step for step in self._steps}
        effects = {effect.occasions: effect for effect in self._effects}
        self._steps = []
        self._effects = []
        for one in chosen:
            fault = one.fault
            if isinstance(fault, Reorder):
                self._steps.append(steps.get(one) or _Reorder(self, one, fault))
            elif isinstance(fault, PduFault):
                self._steps.append(steps.get(one) or _Step(self, one, fault))
            elif isinstance(fault, ByteFault) and not isinstance(fault, (*AT_BEGINNINGS, *AT_ENDS)):
                self._effects.append(effects.get(one) or Effect(one, fault))
        self.line.release(gone)

    def draws(self, occasions: Occasions) -> Draws | None:
        """Count an occasion; its draws if the fault takes it."""
        return occasions.take(self._host.party, self.waits.now())

    # -- octets on their way ------------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Octets have come."""
        if self._ended or self._finished or self._last:
            return
        lost = self._framer.error is not None
        buffer, frames = self._framer.feed(data)
        end = 0
        for start, end, command_id, *_ in frames:
            self._append(command_id, buffer[start:end])
        if self._framer.error is not None:
            self._append(NO_PDU, data if lost else buffer[end:])
        self.work()

    def put(self, octets: bytes) -> None:
        """Send octets that are no PDU, and nobody's occasion."""
        if octets and not self.muted:
            self.line.put(Parcel(octets))

    def finish(self, action: Callable[[], None], not_before: float = 0.0) -> None:
        """Nothing more will come: call ``action`` once all that has come has left, but not before this time."""
        if self._ended:
            return
        self._last.append(Parcel(action=action, ready=not_before))
        self.work()

    def drain(self) -> None:
        """Let PDUs pass that wait for the next one."""
        for step in self._steps:
            self.go_on(step)

    def work(self) -> None:
        """Go on with what waits, as far as nothing speaks against it."""
        while self._backlog and not self._barred and not self.halted:
            pdu = self._backlog.popleft()
            self._backlog_octets -= len(pdu.octets)
            if pdu.command_id == NO_PDU:
                self.put(pdu.octets)
                continue
            self._send_all(self._mutated(pdu, 0))
            if pdu.command_id in self._waits_behind:
                self._barred = True
                self.line.put(Parcel(action=self._unbar))
        if self._last and not (self._backlog or self._barred or self.halted):
            self._finish()
        self.line.run()

    def go_on(self, step: _Step | _Reorder) -> None:
        """Pass on what one fault has held."""
        if isinstance(step, _Reorder) and (held := step.let_go()):
            place = self._steps.index(step) + 1
            self._send_all([pdu for one in held for pdu in self._mutated(one, place)])
            self.line.run()

    def stop(self) -> None:
        """The connection is gone: forget everything, and take no more."""
        self._ended = True
        for step in self._steps:
            if isinstance(step, _Reorder):
                step.let_go()
        self._backlog.clear()
        self._backlog_octets = 0
        self._last.clear()
        self.line.clear()

    def _append(self, command_id: int, octets: bytes) -> None:
        if self._passed:
            # The rest of a PDU whose beginning has gone before.
            command_id, octets, self._passed = NO_PDU, octets[self._passed :], 0
        if octets:
            self._backlog.append(Pdu(command_id, octets))
            self._backlog_octets += len(octets)

    def _unbar(self) -> None:
        self._barred = False
        self.work()

    def _finish(self) -> None:
        self.drain()
        if self.beginning and not self._finished:
            self.put(self.beginning)
        for parcel in self._last:
            self.line.put(parcel)
        self._last.clear()
        self._finished = True

    def _mutated(self, pdu: Pdu, first: int) -> Sequence[Pdu]:
        """What the faults of PDUs make of one, from the first of them on that it has not passed yet."""
        pdus: Sequence[Pdu] = (pdu,)
        for step in self._steps[first:]:
            pdus = [out for one in pdus for out in step.take(one)]
        return pdus

    def _send_all(self, pdus: Iterable[Pdu]) -> None:
        for pdu in pdus:
            if self.muted or self._ended:
                return
            self._send(pdu)

    def _send(self, pdu: Pdu) -> None:
        """Take a PDU through the faults of octets."""
        passage = Passage(pdu.octets, self._loop.time())
        for effect in self._effects:
            if not effect.occasions.is_about_command(pdu.command_id):
                continue
            draws = self.draws(effect.occasions)
            if draws is None:
                continue
            effect.touch(passage, draws)
            if effect.half_opens:
                self.line.run()  # what was before it is not held back by that
                self._host.halt(effect.occasions)
            if passage.ending is not None:
                self._end(passage, passage.ending)
                return
        if not self.muted:
            self.line.put(passage.parcel)

    def _end(self, passage: Passage, ending: Ending) -> None:
        """The connection ends in place of a PDU, or in the middle of it."""
        self._ended = True
        self._backlog.clear()
        self._backlog_octets = 0
        if ending is Ending.RESET_INSIDE_PDU:
            passage.parcel.octets = passage.parcel.octets[: len(passage.parcel.octets) // 2]
            self.line.put(passage.parcel)
        self.line.put(Parcel(action=partial(self._host.end, self, ending)))
