"""What sessions have to do later, on the engine's clock: answers that a rule delays, and binds that wait for theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from smppd.engine.scheduler import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_APPOINTMENTS: Final = 100_000
"""Of all sessions together: about 50 MB. Whoever finds the agenda full does at once what was to be done later."""


class Party(Protocol):
    """Who has appointments."""

    def settle(self) -> None:
        """Appointments have been kept: called once after all those of one turn."""


class Appointment(Protocol):
    """Something to do later; `due` and `ticket` belong to the agenda."""

    due: float
    ticket: int

    @property
    def party(self) -> Party:
        """Whose it is."""

    def keep(self) -> None:
        """The time has come. Never raises."""


class Agenda:
    """All appointments, in the order of their times."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """Set up; `wake` is called when there is a new appointment."""
        self._schedule: Schedule[Appointment] = Schedule()
        self._due: set[int] = set()
        """The tickets of those whose turn it is."""
        self._wake = wake
        self.count = 0
        """How many appointments there are."""

    @property
    def is_full(self) -> bool:
        """Whether no further appointment is taken."""
        return self.count >= MAX_APPOINTMENTS

    def add(self, due: float, appointment: Appointment) -> None:
        """Make an appointment; those of the same time are kept in the order in which they were made."""
        appointment.due = due
        appointment.ticket = self._schedule.add(due, appointment)
        self.count += 1
        self._wake()

    def forsake(self, appointment: Appointment) -> None:
        """Give up an appointment that has not been kept yet, perhaps because of one that has been kept a moment ago."""
        if appointment.ticket in self._due:
            self._due.remove(appointment.ticket)
            return
        self._schedule.forsake(appointment.due, appointment.ticket)
        self.count -= 1

    def next_due(self, *, exact: bool = False) -> float | None:
        """When the next appointment is, in seconds of the engine's clock; see `Schedule.next_due`."""
        return self._schedule.next_due(exact=exact)

    def run(self, now: float, limit: int) -> bool:
        """Keep what is due, at most `limit` appointments; True when there may be more."""
        due = self._schedule.pop_due(now, limit)
        self.count -= len(due)
        self._due.update(appointment.ticket for appointment in due)
        for appointment in due:
            if appointment.ticket in self._due:
                self._due.remove(appointment.ticket)
                appointment.keep()
        for party in dict.fromkeys(appointment.party for appointment in due):
            party.settle()
        return len(due) == limit
