"""Requests that concern so many messages that they are carried out over several turns of the loop.

A submit_multi to a distribution list of a hundred thousand members takes a second or more; nobody else should wait that
long for an answer. Whoever carries out such a request is an iterator: it gives None where the others may have a turn,
the response once, and may go on after that.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar, cast

from smppd.engine.ports import DEFERRED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from smppd.engine.esmes import Bind, EsmeState
    from smppwire.pdus import Pdu

SLICE: Final = 255
"""Messages handled in one turn: about a millisecond of a submit_multi. One PDU names as many by itself, so that only
distribution lists and what they made take many turns."""

MAX_JOBS: Final = 1000
"""Requests in work at any time: each holds its PDU. The next one that takes several turns is refused, as throttled."""

R = TypeVar("R", bound="Pdu")

OVER: Final = object()
"""What an iterator has to give that has nothing more to do."""


class Job(NamedTuple):
    """A request in work."""

    bind: Bind
    request: Pdu
    steps: Iterator[Pdu | None]


class Slices:
    """The requests in work, those of one account in the order they came in, the accounts in turn."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """Set up; `wake` is called when `run` should be."""
        self._wake = wake
        self._jobs: dict[EsmeState, deque[Job]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def is_full(self) -> bool:
        """Whether no further request may take several turns."""
        return self._count >= MAX_JOBS

    def works_for(self, esmes: Iterable[EsmeState]) -> bool:
        """Whether a request of any of these accounts is in work."""
        return any(esme in self._jobs for esme in esmes)

    def start(self, bind: Bind, request: Pdu, steps: Iterator[R | None]) -> R | int:
        """Carry out a request; returns the response, or DEFERRED when it will be given through the bind.

        The caller has seen that there is room. What is done with the first slice is answered at once, unless earlier
        requests of the account are still in work.
        """
        waiting = self._jobs.get(bind.esme)
        if waiting is not None:
            self._count += 1
            waiting.append(Job(bind, request, steps))
            return DEFERRED
        response = next(steps)
        if response is None or _goes_on(steps):
            self._count += 1
            self._jobs[bind.esme] = deque([Job(bind, request, steps)])
            self._wake()
        return DEFERRED if response is None else response

    def run(self) -> bool:
        """Do one slice of the next account's oldest request; True when there is more to do."""
        jobs = self._jobs
        if not jobs:
            return False
        esme, waiting = next(iter(jobs.items()))
        del jobs[esme]
        job = waiting[0]
        is_over = True
        try:
            response = next(job.steps)
            is_over = False
            if response is not None:
                job.bind.outbound.answer(job.request, response)
        except StopIteration:
            pass
        finally:
            if is_over:
                waiting.popleft()
                self._count -= 1
            if waiting:
                jobs[esme] = waiting
        return bool(jobs)


def _goes_on(steps: Iterator[Pdu | None]) -> bool:
    """Whether there is more to do after the response, another slice of which is done by asking."""
    return next(cast("Iterator[object]", steps), OVER) is not OVER
