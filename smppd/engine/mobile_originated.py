"""Messages from subscribers that somebody has made: written for whichever bind of the ESME they leave by."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from smppd.engine.esmes import DELIVER_SM, Delivery
from smppwire.codec import encode
from smppwire.constants import HEADER_LENGTH, TlvTag

if TYPE_CHECKING:
    from smppd.engine.esmes import EsmeState
    from smppd.engine.ports import Dialect
    from smppwire.pdus import DeliverSm

LONGEST_TEXT: Final = 254
"""Octets of a short_message (SMPP 3.4 section 5.2.21)."""


class MobileOriginated(Delivery):
    """A deliver_sm from a subscriber. Whoever made it may ask for its `session`, `status` and how it `ended`."""

    __slots__ = ("pdu",)

    def __init__(self, pdu: DeliverSm, esme: EsmeState, accepted_at: float, expires_at: float) -> None:
        """Make one for an account. Raises EncodeError when a value does not fit its field."""
        super().__init__("mo", encode(pdu)[HEADER_LENGTH:], esme, None, accepted_at, expires_at)
        self.pdu = pdu

    def address(self) -> bytes:
        """The destination_addr: the ESME's address that this is for."""
        return self.pdu.destination_addr

    def render(self, dialect: Dialect, *, tlvs: bool) -> tuple[int, bytes] | None:
        """(command_id, body) for a bind of this dialect.

        ESMEs below 3.4 know no TLVs: they get the text of message_payload as short_message, if it fits, else None.
        """
        if tlvs or not self.pdu.tlvs:
            return super().render(dialect, tlvs=tlvs)
        text = self.pdu.tlv(TlvTag.MESSAGE_PAYLOAD) or self.pdu.short_message
        if len(text) > LONGEST_TEXT:
            return None
        return DELIVER_SM, encode(replace(self.pdu, short_message=text, tlvs=()))[HEADER_LENGTH:]
