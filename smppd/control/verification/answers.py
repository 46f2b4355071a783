"""Which recorded response answers which recorded request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smppd.control.records import command_id_of, sequence_number_of
from smppwire.constants import RESPONSE_BIT, CommandId

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smppd.control.records import Record
    from smppd.control.scan import Pace
    from smppd.observe.journal import Journal, JournalEntry

GENERIC_NACK: Final = int(CommandId.GENERIC_NACK)

STEP: Final = 128
"""Frames that are looked at together: most responses are found among the first few, and those of a chunk come after
all of its requests."""

Key = tuple[str, str, int]
"""Session and direction of a response, and its sequence_number."""


class Answers:
    """Requests whose responses are looked for among the frames that follow them.

    A response has the sequence_number of its request, comes the other way on the same session, and is the response of
    its command or a generic_nack (SMPP 3.4 section 3.2). A request that uses a sequence_number again waits behind the
    one before. What a fault sends under another sequence_number answers nothing.
    """

    def __init__(self) -> None:
        self._open: dict[Key, list[tuple[int, int]]] = {}
        """The command_ids of the responses, and the numbers of the requests."""
        self.found: dict[int, tuple[int, JournalEntry]] = {}
        """By the number of a request, the number and the frame of its response."""

    @property
    def is_complete(self) -> bool:
        """Whether all responses were found."""
        return not self._open

    def ask(self, record: Record) -> None:
        """Look for the response of this PDU, if it is a request."""
        command_id = record.command_id
        if record.pdu is None or command_id & RESPONSE_BIT:
            return
        entry = record.entry
        key = (entry.session, "out" if entry.direction == "in" else "in", record.pdu.sequence_number)
        self._open.setdefault(key, []).append((command_id | RESPONSE_BIT, record.number))

    def offer(self, number: int, entry: JournalEntry) -> None:
        """A frame that was recorded later than some of the requests."""
        command_id = command_id_of(entry.frame)
        if not command_id & RESPONSE_BIT:
            return
        key = (entry.session, entry.direction, sequence_number_of(entry.frame))
        waiting = self._open.get(key, [])
        for place, (wanted, request) in enumerate(waiting):
            if request < number and command_id in (wanted, GENERIC_NACK):
                self.found[request] = number, entry
                del waiting[place]
                break
        if not waiting:
            self._open.pop(key, None)


async def find_answers(journal: Journal, requests: Iterable[Record], pace: Pace) -> Answers:
    """Look for the responses to requests among what has been recorded by now.

    Responses usually follow soon: what lies between them and the next request is not looked at.
    """
    answers, stop = Answers(), journal.total
    ahead = sorted(requests, key=_number, reverse=True)
    place = ahead[-1].number if ahead else stop
    if ahead:
        await pace.begin()
    while place < stop:
        frames = journal.read(place, STEP).frames
        for number, entry in frames:
            while ahead and ahead[-1].number <= number:
                answers.ask(ahead.pop())
            answers.offer(number, entry)
        if not frames or (answers.is_complete and not ahead):
            break
        place = frames[-1][0] + 1
        if answers.is_complete:
            place = max(place, ahead[-1].number)
        await pace.breathe()
    return answers


def _number(record: Record) -> int:
    return record.number
