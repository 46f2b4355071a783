"""Occasions of a fault: which of them it takes.

Every occasion (a PDU, a connection, the end of one: each kind of fault says what its occasions are) is counted while
the fault is awake. ``after`` leaves the first ones alone, ``every`` takes each so-manieth of the others,
``probability`` draws for each of these, and ``count`` ends it. Draws are keyed by (seed, name of the fault, account,
ordinal of the occasion), so that neither other accounts nor the way TCP cut the stream change them.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from smppd.behaviour.chance import Chances, Purpose
from smppd.behaviour.conditions import listed
from smppd.behaviour.saved import FaultRow
from smppd.behaviour.schedules import is_awake, next_change, next_start
from smppd.settings.names import ANY, command_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from smppd.behaviour.chance import Chance
    from smppd.settings.faults import Fault


class FaultHits(NamedTuple):
    """What a fault has done. matched: its occasions while it was awake. fired: those of them that it took."""

    matched: int
    fired: int


class Draws(NamedTuple):
    """The draws of one occasion."""

    chance: Chance
    ordinal: int

    def draw(self, purpose: Purpose, index: int = 0) -> float:
        """A number from 0 up to but not including 1; ``index`` for purposes that need several (PARAMETER only)."""
        return self.chance.draw(self.ordinal, purpose + index)


class Party(NamedTuple):
    """Whose occasion it is.

    * session: the number of the session, 0 while it has none. account: its system_id, "" while it is not bound.
    * bound_at: when it was bound, on the engine's clock.
    """

    session: int = 0
    account: str = ""
    bound_at: float | None = None


class Occasions:
    """The occasions of one fault, on all sessions: its counts are all that sessions share."""

    __slots__ = ("_chances", "_commands", "_started", "_tell", "fault", "fired", "matched")

    def __init__(
        self, fault: Fault, *, seed: int, started: float, tell: Callable[[str, Party], None] | None = None
    ) -> None:
        """Count for a fault.

        seed: of all draws. started: when the server began, on the engine's clock. tell: called with the fault's name
        when it takes an occasion.
        """
        self.fault = fault
        self.matched = 0
        self.fired = 0
        self._chances = Chances(seed, fault.name)
        self._commands = None if ANY in fault.commands else frozenset(map(command_id, fault.commands))
        self._started = started
        self._tell = tell

    def row(self) -> FaultRow:
        """What the fault has done, with its draws."""
        return FaultRow(self.fault.name, self.matched, self.fired, self._chances.ordinals)

    def put_back(self, row: FaultRow) -> None:
        """Have done that."""
        self.matched, self.fired = row.matched, row.fired
        self._chances.go_on_from(row.ordinals)

    @property
    def hits(self) -> FaultHits:
        """What the fault has done so far."""
        return FaultHits(self.matched, self.fired)

    def concerns(self, party: Party) -> bool:
        """Whether the fault is about a session; one of an account never is about a session that is not bound."""
        accounts = self.fault.account
        if not self._is_about(party.session):
            return False
        return accounts is None or any(party.account and fnmatchcase(party.account, glob) for glob in listed(accounts))

    def may_concern(self, party: Party) -> bool:
        """Whether the fault may be about a session that is not bound once it is."""
        return not party.account and self._is_about(party.session)

    def _is_about(self, session: int) -> bool:
        return self.fault.session is None or self.fault.session == session

    def is_about_command(self, command: int) -> bool:
        """Whether the fault is about PDUs of this command_id."""
        return self._commands is None or command in self._commands

    def take(self, party: Party, now: float) -> Draws | None:
        """Count an occasion at ``now`` (the engine's clock); its draws if the fault takes it, else None."""
        fault = self.fault
        if not self.is_awake(party, now):
            return None
        self.matched += 1
        chance, ordinal = self._chances.next(party.account)
        place = self.matched - fault.after
        if place <= 0 or place % fault.every or (fault.count and self.fired >= fault.count):
            return None
        draws = Draws(chance, ordinal)
        if fault.probability < 1 and draws.draw(Purpose.FIRES) >= fault.probability:
            return None
        self.fired += 1
        if self._tell is not None:
            self._tell(fault.name, party)
        return draws

    def asleep_at(self, party: Party, now: float) -> float | None:
        """When a fault that is awake falls asleep, on the engine's clock; None: never."""
        elapsed = self._elapsed(party, now)
        change = None if elapsed is None else next_change(self.fault.schedule, elapsed)
        return None if elapsed is None or change is None else now - elapsed + change

    def begins_at(self, party: Party, now: float) -> float | None:
        """When the schedule of the fault next begins, perhaps just now, on the engine's clock; None: never again."""
        elapsed = self._elapsed(party, now)
        start = None if elapsed is None else next_start(self.fault.schedule, elapsed)
        return None if elapsed is None or start is None else now - elapsed + start

    def is_awake(self, party: Party, now: float) -> bool:
        """Whether the fault is awake for a session at this time."""
        elapsed = self._elapsed(party, now)
        return elapsed is not None and is_awake(self.fault.schedule, elapsed)

    def _elapsed(self, party: Party, now: float) -> float | None:
        """Seconds since what the schedule counts from; None when that has not happened."""
        schedule = self.fault.schedule
        if schedule is None or schedule.since == "server":
            return now - self._started
        return None if party.bound_at is None else now - party.bound_at
