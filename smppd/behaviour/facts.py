"""What rules know of a PDU beyond its fields: the session it came by, its text, its place among parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from smppwire.constants import EsmClassFeature, TlvTag
from smppwire.text import decode_text
from smppwire.udh import Udh, UdhError, parse_udh

if TYPE_CHECKING:
    from collections.abc import Callable

    from smppwire.pdus import Pdu

UDHI: Final = int(EsmClassFeature.UDHI)
MESSAGE_PAYLOAD: Final = int(TlvTag.MESSAGE_PAYLOAD)
SAR_TOTAL_SEGMENTS: Final = int(TlvTag.SAR_TOTAL_SEGMENTS)
SAR_SEGMENT_SEQNUM: Final = int(TlvTag.SAR_SEGMENT_SEQNUM)
NO_HEADER: Final = Udh()


class Part(NamedTuple):
    """A message's place among those that make one text."""

    part: int
    parts: int


WHOLE: Final = Part(1, 1)


class Facts:
    """One session, as rules see it; there is one per session, and whoever owns it keeps ``now`` and ``wall`` fresh.

    * account: its system_id, "" before the bind. bind_type: "" before the bind. interface_version: of the session.
    * bound_at, now: of the engine's clock, seconds. wall: Unix time.
    * default_alphabet: what data_coding 0 stands for in this account's dialect.
    * route_of: finds the name of a message's route, "" for none; asked only by rules about routes.
    * violation_of: the command_status that a PDU gets for its own mistakes, 0 for none; asked when a rule matches.

    The text of a PDU is decoded when a rule first asks for it, and once.
    """

    __slots__ = (
        *("_octets", "_pdu", "_text", "account", "bind_type", "bound_at", "default_alphabet", "header"),
        *("interface_version", "now", "route_of", "violation_of", "wall"),
    )

    def __init__(
        self,
        account: str = "",
        bind_type: str = "",
        interface_version: int = 0,
        *,
        bound_at: float = 0.0,
        now: float = 0.0,
        wall: float = 0.0,
        default_alphabet: str = "gsm7",
        route_of: Callable[[Pdu], str] | None = None,
        violation_of: Callable[[Pdu], int] | None = None,
    ) -> None:
        self.account = account
        self.bind_type = bind_type
        self.interface_version = interface_version
        self.bound_at = bound_at
        self.now = now
        self.wall = wall
        self.default_alphabet = default_alphabet
        self.route_of = route_of
        self.violation_of = violation_of
        self._pdu: Pdu | None = None
        self._text: str | None = None
        self._octets = b""
        self.header = NO_HEADER

    def text(self, pdu: Pdu) -> str:
        """The text of a PDU without its user data header; "" for a PDU that has none. Never raises."""
        if self._pdu is not pdu or self._text is None:
            self._open(pdu)
            data_coding = getattr(pdu, "data_coding", 0)
            # Where there is no header, packed septets are not aligned behind one either.
            udh = None if self.header is NO_HEADER else self.header
            self._text = decode_text(self._octets, data_coding, default_alphabet=self.default_alphabet, udh=udh)
        return self._text

    def part(self, pdu: Pdu) -> Part:
        """Which part of how many a PDU is; (1, 1) for a message that is whole."""
        self._open(pdu)
        concat = self.header.concat
        if concat is not None:
            return Part(concat.seq, concat.total)
        total, seq = pdu.tlv(SAR_TOTAL_SEGMENTS), pdu.tlv(SAR_SEGMENT_SEQNUM)
        if total is None or seq is None:
            return WHOLE
        return Part(int.from_bytes(seq, "big"), int.from_bytes(total, "big"))

    def route(self, pdu: Pdu) -> str:
        """The name of the route that a PDU takes; "" for none."""
        return "" if self.route_of is None else self.route_of(pdu)

    def is_sound(self, pdu: Pdu) -> bool:
        """Whether nothing is wrong with a PDU's values: what is wrong is answered for that, and no rule fires on it."""
        return self.violation_of is None or not self.violation_of(pdu)

    def _open(self, pdu: Pdu) -> None:
        """Tell the user data header from the octets of the text, unless this PDU is open."""
        if self._pdu is pdu:
            return
        self._pdu, self._text = pdu, None
        self.header, self._octets = NO_HEADER, pdu.tlv(MESSAGE_PAYLOAD) or getattr(pdu, "short_message", b"") or b""
        if getattr(pdu, "esm_class", 0) & UDHI:
            try:
                self.header, self._octets = parse_udh(self._octets)
            except UdhError:
                pass  # a header that runs over its end is none (3GPP TS 23.040, 9.2.3.24)
