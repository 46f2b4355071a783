"""The clock desk: what time it is for the messages of a server, and how that goes on.

Timers of sessions, HTTP deadlines and the journal go by the real time of the machine; everything else by this clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta, Struct

from smppd.control.failures import ConflictError, InvalidError
from smppd.control.times import iso, unix
from smppd.engine.clock import LATEST_WALL, EngineClock

if TYPE_CHECKING:
    from smppd.control.simulation import Simulation
    from smppd.transport.timelapse import TimeLapse


class ClockView(Struct, frozen=True, kw_only=True):
    """What time it is."""

    mode: Annotated[Literal["real", "virtual"], Meta(description="`[clock] mode`: how the clock began.")]
    running: Annotated[bool, Meta(description="Whether time passes by itself.")]
    speed: Annotated[float, Meta(description="Seconds that pass in a second of real time, while it runs.")]
    real: Annotated[bool, Meta(description="Whether this is exactly the machine's time: nobody has touched the clock.")]
    seconds: Annotated[float, Meta(description="The clock that delays are measured by; it never goes back.")]
    clock_time: Annotated[str, Meta(description="The calendar of messages and receipts.")]
    real_time: Annotated[str, Meta(description="The time of the machine, by which sessions go.")]
    next_due_in: Annotated[
        float | None, Meta(description="Seconds of this clock until something is due; null: nothing is planned.")
    ]
    next_due_time: Annotated[str | None, Meta(description="The same on the calendar.")]
    end_time: Annotated[str, Meta(description="Where the calendar of SMPP ends: no clock goes beyond it.")]


class LapseView(Struct, frozen=True, kw_only=True):
    """What came of an advance."""

    seconds: Annotated[float, Meta(description="How much time has passed.")]
    steps: Annotated[int, Meta(description="At how many moments something was due.")]
    owing: Annotated[
        int, Meta(description="Sessions that were not waited for any longer: they have not acknowledged what left.")
    ]
    clock: ClockView


class ClockDesk:
    """The clock of one server."""

    def __init__(self, simulation: Simulation) -> None:
        """Look at this server's clock, and move it."""
        self._simulation = simulation

    def _parts(self) -> tuple[EngineClock, TimeLapse]:
        """The clock and what moves it."""
        clock, lapse = self._simulation.engine.clock, self._simulation.lapse
        if not isinstance(clock, EngineClock) or lapse is None:
            raise ConflictError("this server goes by a clock that it was given, and cannot move it")
        return clock, lapse

    def read(self) -> ClockView:
        """What time it is."""
        clock, lapse = self._parts()
        now, wall = clock.now(), clock.wall()
        due = self._simulation.next_due()
        wait = None if due is None else max(0.0, due - now)
        return ClockView(
            mode=self._simulation.settings.clock.mode,
            running=lapse.is_running,
            speed=clock.speed,
            real=clock.is_real,
            seconds=now,
            clock_time=iso(wall),
            real_time=iso(self._simulation.context.wall()),
            next_due_in=wait,
            next_due_time=None if wait is None else iso(min(wall + wait, LATEST_WALL)),
            end_time=iso(LATEST_WALL),
        )

    async def advance(self, seconds: float | None = None, *, to: str | None = None) -> LapseView:
        """Let time pass at once: so many seconds, or until a date and time (ISO 8601). Exactly one of the two.

        What is due on the way happens, each thing at its time. Who asks while time leaps already waits for their turn.
        Raises InvalidError when neither or both are given, and for a moment in the past or after 2037.
        """
        self._parts()
        simulation = self._simulation
        if (seconds is None) == (to is None):
            raise InvalidError([("seconds", "expected either seconds or to")])
        try:
            if seconds is not None:
                lapse = await simulation.advance(seconds)
            else:
                lapse = await simulation.advance_to(unix(to or ""))
        except ValueError as error:
            raise InvalidError([("seconds" if to is None else "to", str(error))]) from None
        return LapseView(seconds=lapse.seconds, steps=lapse.steps, owing=lapse.owing, clock=self.read())

    def freeze(self) -> ClockView:
        """Let time stand still."""
        return self.change(running=False)

    def resume(self) -> ClockView:
        """Let time pass by itself."""
        return self.change(running=True)

    def change(self, *, running: bool | None = None, speed: float | None = None) -> ClockView:
        """Change what is given: whether time passes, and how fast. Raises InvalidError for a speed out of bounds."""
        clock, lapse = self._parts()
        before = (lapse.is_running, clock.speed)
        if speed is not None:
            try:
                clock.set_speed(speed)
            except ValueError as error:
                raise InvalidError([("speed", str(error))]) from None
        if running is not None:
            lapse.set_running(running)
        self._simulation.wake()
        if (lapse.is_running, clock.speed) != before:
            self.tell_change()
        return self.read()

    def tell_change(self) -> None:
        """Tell those who look how time passes from now on."""
        clock, lapse = self._parts()
        self._simulation.context.events.tell(
            "clock", "changed", running=lapse.is_running, speed=clock.speed, clock_time=clock.wall()
        )
