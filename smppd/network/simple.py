"""A network of two dice: how long an attempt takes, and how it ends; and of subscribers who are absent at first.

Draws are keyed by (seed, network, account): each account has a generator of its own, advanced once per attempt, so the
fate of an account's n-th message depends neither on other accounts nor on how TCP cut the stream.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from random import Random
from struct import Struct
from typing import TYPE_CHECKING, Final

from smppd.engine.ports import Attempt, Outcome
from smppd.settings.types import USUAL_ERRORS
from smppwire.constants import MessageState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from smppd.engine.message import Message
    from smppd.settings import Delay
    from smppd.settings import Network as NetworkSettings

STATES: Final = {
    "DELIVRD": MessageState.DELIVERED,
    "EXPIRED": MessageState.EXPIRED,
    "DELETED": MessageState.DELETED,
    "UNDELIV": MessageState.UNDELIVERABLE,
    "ACCEPTD": MessageState.ACCEPTED,
    "UNKNOWN": MessageState.UNKNOWN,
    "REJECTD": MessageState.REJECTED,
}
"""Receipt spelling of each final state (SMPP 3.4 appendix B)."""

ABSENT: Final = Outcome(int(MessageState.ENROUTE), 27)
"""The subscriber is absent (3GPP TS 29.002): another attempt may find them."""

MAX_SUBSCRIBERS: Final = 1_000_000
"""Subscribers whose first attempt is remembered while subscribers are absent at first: as many as messages may be on
their way by default, in about 150 MB. Whoever is the longest known is forgotten, and would be absent once more."""

_STATE_VERSION: Final = 3
"""Of the state of `random.Random`, the same since Python 3.2."""

_WORDS: Final = 624
"""Words of a Mersenne Twister, which the place of the next follows."""

_STATE: Final = Struct(f">{_WORDS + 1}I")


def delay_drawer(delay: Delay) -> Callable[[Random], float] | float:
    """How long an attempt takes: a constant in seconds, or a function that draws it."""
    if delay.distribution == "fixed":
        return delay.value
    low, span = delay.min, delay.max - delay.min
    if span <= 0:
        return low
    return lambda random: low + span * random.random()


class SimulatedNetwork:
    """The network of one `[network.NAME]` section."""

    def __init__(self, name: str, settings: NetworkSettings, seed: int) -> None:
        """Set up a network whose draws repeat for the same seed."""
        self.settings = settings
        self._name = name
        self._seed = seed
        self._generators: dict[str, Random] = {}
        self._delay = delay_drawer(settings.delay)
        self._absent_for = settings.absent_for
        self._first_tried: dict[bytes, float] = {}
        """When the first attempt was made to reach each subscriber, the longest known first."""
        outcomes = [(spelling, weight) for spelling, weight in settings.outcome.items() if weight > 0]
        errors = USUAL_ERRORS | settings.error
        self._outcomes = [Outcome(int(STATES[spelling]), errors.get(spelling, 0)) for spelling, _ in outcomes]
        self._bounds = list(accumulate(weight for _, weight in outcomes))
        self._constant = (
            Attempt(self._delay, self._outcomes[0])
            if isinstance(self._delay, (int, float)) and len(self._outcomes) == 1
            else None
        )

    def always(self) -> Attempt | None:
        """What becomes of every attempt: known when neither dice are thrown nor subscribers are absent."""
        return None if self._absent_for else self._constant

    def attempt(self, messages: Sequence[Message], now: float) -> Sequence[Attempt]:
        """Try to deliver each message."""
        attempts: list[Attempt]
        if self._constant is not None:
            attempts = [self._constant] * len(messages)
        else:
            attempts = [self._draw(self._generator_of(message.esme.system_id)) for message in messages]
        if self._absent_for:
            # The dice are thrown all the same: who is absent does not change the fate of the messages after theirs.
            for place, message in enumerate(messages):
                if self._is_absent(message.pdu.destination_addr, now):
                    attempts[place] = Attempt(attempts[place].delay, ABSENT)
        return attempts

    def back_at(self, message: Message, now: float) -> float | None:  # noqa: ARG002  # others may have to look now
        """When the message's subscriber is back; None for those who have not been absent."""
        first_tried = self._first_tried.get(message.pdu.destination_addr)
        return None if first_tried is None else first_tried + self._absent_for

    # -- handing over and taking back ---------------------------------------------------------------------------------

    def draws(self) -> Iterator[tuple[str, bytes]]:
        """Where the draws of each account stand."""
        for system_id, generator in self._generators.items():
            yield system_id, _octets_of(generator)

    def put_back_draws(self, system_id: str, octets: bytes) -> None:
        """Go on drawing for an account where another network stood. Raises ValueError."""
        generator = Random()  # what follows comes from the seed
        generator.setstate(_state_of(octets))
        self._generators[system_id] = generator

    def first_tried(self) -> Iterator[tuple[bytes, float]]:
        """When the first attempt was made to reach each subscriber who may be absent, the longest known first."""
        return iter(self._first_tried.items())

    def put_back_first_tried(self, destination: bytes, moment: float) -> None:
        """Take back one of `first_tried`, in its order."""
        self._first_tried[destination] = moment

    def forget_account(self, system_id: str) -> None:
        """Have the draws of an account begin with the first again."""
        self._generators.pop(system_id, None)

    def _is_absent(self, destination: bytes, now: float) -> bool:
        first_tried = self._first_tried
        since = first_tried.get(destination)
        if since is None:
            if len(first_tried) >= MAX_SUBSCRIBERS:
                del first_tried[next(iter(first_tried))]
            since = first_tried[destination] = now
        return now < since + self._absent_for

    def _generator_of(self, system_id: str) -> Random:
        generator = self._generators.get(system_id)
        if generator is None:
            generator = self._generators[system_id] = Random(f"{self._seed}/{self._name}/{system_id}")
        return generator

    def _draw(self, random: Random) -> Attempt:
        delay = self._delay if isinstance(self._delay, (int, float)) else self._delay(random)
        outcomes = self._outcomes
        if len(outcomes) == 1:
            return Attempt(delay, outcomes[0])
        bounds = self._bounds
        place = bisect_right(bounds, random.random() * bounds[-1], hi=len(bounds) - 1)
        return Attempt(delay, outcomes[place])


def _octets_of(generator: Random) -> bytes:
    """The state of a generator of which nothing but `random` was asked."""
    _, numbers, _ = generator.getstate()
    return _STATE.pack(*numbers)


def _state_of(octets: bytes) -> tuple[int, tuple[int, ...], None]:
    """The state that octets stand for. Raises ValueError when they are none."""
    if len(octets) != _STATE.size:
        raise ValueError(f"the state of a generator has {_STATE.size} octets, not {len(octets)}")
    numbers = _STATE.unpack(octets)
    if not 0 < numbers[-1] <= _WORDS or not any(numbers[:-1]):
        raise ValueError("the state of a generator cannot be that")
    return _STATE_VERSION, numbers, None
