"""The error tree: who erred, how bad it is, and what to answer.

::

    SmppError
    ├── ProtocolError      the peer erred: carries the command_status to answer
    │   ├── FramingError   the octet stream is lost: answer, then close (fatal)
    │   ├── DecodeError    one PDU is broken, its frame was sound: answer and go on
    │   └── StateError     a sound PDU that this side may not send, or not now: answer and go on
    ├── EncodeError        we erred: a value does not fit the wire
    └── TextError          text, user data header, time or receipt helpers (also a ValueError)

Nothing else escapes from this library for octets that a peer sent.
"""

from __future__ import annotations

from smppwire.constants import CommandStatus, status_name


class SmppError(Exception):
    """Base of everything this library raises on purpose."""


class ProtocolError(SmppError):
    """The peer broke the protocol.

    ``command_status`` is what to answer, ``fatal`` whether the stream is lost afterwards, ``offset`` where the fault
    lies (octets from the start of the PDU, header included), ``field`` the parameter in the specification's spelling,
    ``rule`` what was broken, in a few words.
    """

    def __init__(
        self,
        command_status: int,
        rule: str,
        *,
        fatal: bool = False,
        offset: int | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(command_status, rule)
        self.command_status = command_status
        self.fatal = fatal
        self.offset = offset
        self.field = field
        self.rule = rule

    def __str__(self) -> str:
        place = f"{self.field}: " if self.field else ""
        where = f" at octet {self.offset}" if self.offset is not None else ""
        return f"{place}{self.rule}{where} ({status_name(self.command_status)})"


class FramingError(ProtocolError):
    """command_length cannot be trusted: answer a generic_nack with ESME_RINVCMDLEN and close.

    ``sequence_number`` is the one of the broken header, or 0 when the header is incomplete; ``command_length`` the
    length that was announced.
    """

    def __init__(self, rule: str, *, command_length: int, sequence_number: int = 0) -> None:
        super().__init__(CommandStatus.ESME_RINVCMDLEN, rule, fatal=True, offset=0, field="command_length")
        self.command_length = command_length
        self.sequence_number = sequence_number


class DecodeError(ProtocolError):
    """The mandatory part of one PDU is broken; its neighbours are not. Answer its response with ``command_status``."""

    def __init__(
        self, command_status: int, rule: str, *, command_id: int, sequence_number: int, offset: int, field: str
    ) -> None:
        super().__init__(command_status, rule, offset=offset, field=field)
        self.command_id = command_id
        self.sequence_number = sequence_number


class StateError(ProtocolError):
    """A PDU that the session's state or the sender's role does not allow (RINVBNDSTS, RALYBND, RINVCMDID)."""


class EncodeError(SmppError):
    """A PDU of ours holds a value that does not fit the wire; nothing was produced."""


class TextError(SmppError, ValueError):
    """Base of the errors of the text, user data header, time and receipt helpers."""
