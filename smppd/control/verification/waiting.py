"""Waits for PDUs that are still to come: one reader of the journal for all of them.

The journal tells when something was recorded. In a later turn of the loop the reader takes what is new, in slices of a
few milliseconds, and offers each frame to the waits that may be about its command: it is decoded once, however many
look at it, and not at all when none does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from smppd.control.records import command_id_of
from smppd.control.scan import READ

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smppd.control.pdus import PduDesk
    from smppd.control.records import Record
    from smppd.control.simulation import Simulation
    from smppd.control.verification.collecting import Collector
    from smppd.observe.journal import JournalEntry

MAX_COMMANDS: Final = 256
"""Commands for which it is remembered who waits: more than the specification has, and peers may invent others."""


class Wait:
    """Somebody who waits until enough was collected. `done` says whether it was, or the server is about to stop."""

    def __init__(self, collector: Collector, start: int, count: int) -> None:
        """Have `collector` offered the frames from number `start` on, until it has `count` of them.

        `start` is not below the number of the frame that will be recorded next.
        """
        self.collector = collector
        self.start = start
        self.count = count
        self.done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def look(self) -> None:
        """See whether there is enough by now."""
        if self.collector.count >= self.count and not self.done.done():
            self.done.set_result(True)

    def end(self) -> None:
        """There is no use in waiting any longer."""
        if not self.done.done():
            self.done.set_result(False)


class Reader:
    """Reads on in the journal while anybody waits."""

    def __init__(self, simulation: Simulation, pdus: PduDesk) -> None:
        self._simulation = simulation
        self._pdus = pdus
        self._waits: list[Wait] = []
        self._by_command: dict[int, list[Wait]] = {}
        self._ahead: Iterator[tuple[int, JournalEntry]] = iter(())
        """Frames that were taken from the journal, and not looked at yet."""
        self._is_over = False
        self._cursor = 0
        """The number of the next frame to read."""
        self._is_asked = False
        """Whether reading is due in a later turn."""
        self._deaf: Callable[[], None] | None = None

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waits)

    def add(self, wait: Wait) -> None:
        """Offer frames to this wait that are recorded from now on."""
        if not self._waits:
            self._cursor = self._simulation.journal.total
            self._deaf = self._simulation.context.events.on_pdus(self._stir)
        self._waits.append(wait)
        self._by_command.clear()
        if self._is_over:
            wait.end()

    def remove(self, wait: Wait) -> int:
        """Nobody waits for this any more; returns the number of the first frame that it was not offered."""
        self._waits.remove(wait)
        self._by_command.clear()
        if not self._waits:
            self._rest()
        return max(self._cursor, wait.start)

    def _rest(self) -> None:
        """There is nothing to read for."""
        self._ahead = iter(())
        if self._deaf is not None:
            self._deaf()
            self._deaf = None

    def end(self) -> None:
        """Let all go who wait: the server is about to stop."""
        self._is_over = True
        for wait in self._waits:
            wait.end()

    def go_on_from(self, number: int) -> None:
        """The journal has begun anew: what stands in it before this number was not recorded now."""
        self._ahead = iter(())
        self._cursor = number

    def _stir(self) -> None:
        """Something was recorded: read in a turn of the loop to come."""
        if not self._is_asked:
            self._is_asked = True
            self._pdus.ask(self._read)

    def _read(self) -> None:
        """Read what is new, for one slice."""
        self._is_asked = False
        journal, pace = self._simulation.journal, self._pdus.pace()
        while self._waits:
            for number, entry in self._ahead:
                self._cursor = number + 1
                waits = self._concerned(command_id_of(entry.frame))
                if waits:
                    self._offer(self._pdus.records.of(number, entry), waits)
                    if pace.is_over:
                        self._stir()
                        return
            if self._cursor >= journal.total:
                return
            page = journal.read(self._cursor, READ)
            self._miss(page.missed)
            self._ahead = iter(page.frames)
            if not page.frames:
                self._cursor = journal.total

    def _concerned(self, command_id: int) -> list[Wait]:
        waits = self._by_command.get(command_id)
        if waits is None:
            if len(self._by_command) >= MAX_COMMANDS:
                self._by_command.clear()
            waits = [wait for wait in self._waits if wait.collector.matcher.is_about(command_id)]
            self._by_command[command_id] = waits
        return waits

    def _offer(self, record: Record, waits: list[Wait]) -> None:
        for wait in waits:
            if record.number >= wait.start:
                wait.collector.offer(record)
                wait.look()

    def _miss(self, missed: int) -> None:
        if missed:
            for wait in self._waits:
                wait.collector.missed += max(0, min(missed, self._cursor + missed - wait.start))
