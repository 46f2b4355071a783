"""Recorded PDUs as tests look at them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smppd.control.pdus import PduView
    from smppd.control.verification.views import MatchView


@dataclass(frozen=True)
class Response:
    """How a request was answered; all is "" and 0 while it is not, and False as a condition."""

    command: str = ""
    command_status: str = ""
    message_id: str = ""
    number: int = 0

    def __bool__(self) -> bool:
        return bool(self.command)


@dataclass(frozen=True)
class Recorded:
    """A PDU that was recorded, or a whole message of several.

    Its fields have the names of the specification; those that have no attribute here stand in `fields`. Octets are
    hexadecimal there.
    """

    command: str
    destination_addr: str
    source_addr: str
    text: str
    """Decoded, without its user data header; of a message in parts the text of all of them. "" where there is none."""
    groups: dict[str, str]
    """What the named groups of a regular expression found."""
    response: Response
    """How it was answered when it was looked at."""
    command_status: str
    account: str
    """system_id of who was bound."""
    session: str
    """Number of the session."""
    direction: str
    """"in": from the ESME; "out": to it."""
    sequence_number: int
    number: int
    """Its place among all PDUs that were recorded."""
    time: str = field(repr=False)
    """When it passed, real time in UTC."""
    parts: tuple[int, ...] = field(default=(), repr=False)
    """The numbers of the PDUs that make a whole message; () for one that is whole by itself."""
    message_id: str = ""
    """Of a request, the id that the response gave it; of other PDUs, their own."""
    fields: dict[str, Any] = field(default_factory=dict, repr=False)
    """The mandatory fields."""
    tlvs: dict[str, int | str] = field(default_factory=dict, repr=False)
    """The TLVs by name: numbers and texts where the specification says so, else octets in hexadecimal."""

    @property
    def data_coding(self) -> int:
        """data_coding; 0 where there is none."""
        return int(self.fields.get("data_coding") or 0)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The places of all its PDUs."""
        return self.parts or (self.number,)


def recorded(view: PduView, match: MatchView | None = None) -> Recorded:
    """A PDU as tests see it; `match`: with what was found in it."""
    answer = view.response
    response = Response()
    if answer is not None:
        response = Response(answer.command, answer.command_status, answer.message_id, answer.number)
    text = view.text if match is None else match.text
    return Recorded(
        command=view.command,
        destination_addr=view.destination_addr,
        source_addr=view.source_addr,
        text=text or "",
        groups={} if match is None else match.groups,
        response=response,
        command_status=view.command_status,
        account=view.account,
        session=view.session,
        direction=view.direction,
        sequence_number=view.sequence_number,
        number=view.number,
        time=view.time,
        parts=() if match is None else tuple(match.parts),
        message_id=view.message_id or response.message_id,
        fields=view.fields,
        tlvs={tlv.name: tlv.value for tlv in view.tlvs},
    )
