"""One session's traffic for those who look: every frame to the journal, and a line of the log for each if asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smppwire.codec import describe
from smppwire.constants import CommandId
from smppwire.framing import Framer
from smppwire.session import BINDS

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from smppd.observe.journal import Direction
    from smppd.transport.context import Context

EVIDENCE_OCTETS: Final = 4096
"""Octets kept of a stream that cannot be understood any more, from where it broke: enough to see what speaks there."""

ANY_LENGTH: Final = 0xFFFFFFFF
"""The largest command_length that there can be."""

WITH_PASSWORD: Final = BINDS | {CommandId.OUTBIND}
"""Commands that are described without personal data even where that is allowed: passwords are never logged."""


class Watch:
    """Sees what a session receives and sends, before it is judged and after it is encoded.

    It cuts the received octets into frames on its own, so that a session nobody watches pays nothing.
    """

    def __init__(self, context: Context, session: str, log: FilteringBoundLogger) -> None:
        """Watch the session of this name; `log` is the session's own."""
        self._journal = context.journal
        self._wall = context.wall
        self._session = session
        self._log = log
        self._framer = Framer(context.settings.server.max_pdu)
        self._log_pdus = context.settings.log.pdus
        self._personal = context.privacy.log_personal_data

    @staticmethod
    def wanted(context: Context) -> bool:
        """Whether anybody looks at sessions that begin now."""
        return context.journal.enabled or context.settings.log.pdus

    def rename(self, session: str, log: FilteringBoundLogger) -> None:
        """The session has another name from now on."""
        self._session, self._log = session, log

    def received(self, data: bytes) -> None:
        """Octets arrived: keep the frames they complete, and the beginning of what is no frame."""
        framer = self._framer
        if framer.error is not None:
            return
        buffer, frames = framer.feed(data)
        start, end = (frames[0][0], frames[-1][1]) if frames else (0, 0)
        if frames:
            self._keep("in", buffer[start:end], len(frames))
        if framer.error is not None:
            self._keep("in", buffer[end : end + EVIDENCE_OCTETS], 1)
        if self._log_pdus:
            for first, last, *_ in frames:
                self._tell("in", buffer[first:last])

    def sent(self, data: bytes) -> bytes:
        """PDUs leave, joined; they leave as they are. They are of our own making: there is no length that cannot be."""
        _, frames = Framer(ANY_LENGTH).feed(data)
        self._keep("out", data, len(frames))
        if self._log_pdus:
            for start, end, *_ in frames:
                self._tell("out", data[start:end])
        return data

    def _keep(self, direction: Direction, octets: bytes, count: int) -> None:
        self._journal.record_chunk(self._wall(), self._session, direction, octets, count)

    def _tell(self, direction: Direction, octets: bytes) -> None:
        personal = self._personal and int.from_bytes(octets[4:8], "big") not in WITH_PASSWORD
        self._log.info("pdu", direction=direction, pdu=describe(octets, personal=personal))
