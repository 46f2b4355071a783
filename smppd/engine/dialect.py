"""The default dialect: the ways of a message centre about which nothing is special.

What a dialect of the configuration does not change is inherited from here (`smppd.behaviour.dialects`).
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import TYPE_CHECKING

from smppd.engine.ids import is_id
from smppd.engine.receipts import PlainReceipts
from smppwire.constants import CommandId
from smppwire.text import Alphabet

if TYPE_CHECKING:
    from collections.abc import Callable

    from smppd.engine.ports import Receipts, Responses
    from smppwire.validation import ValidationPolicy


class PlainDialect:
    """A message centre that does what the specification says, and what most do where it says nothing."""

    def __init__(self, zone: tzinfo = UTC) -> None:
        """Report dates in `zone`."""
        self.receipts: Receipts = PlainReceipts(zone)
        self.responses: Responses | None = None
        self.command_id = int(CommandId.DELIVER_SM)
        self.reports_always = False
        self.accepts_first = False
        self.default_alphabet: str = Alphabet.GSM7
        self.first_sequence_number = 1
        self.max_pdu = 0
        self.strict: bool | None = None

    def speller(self, *, below_34: bool) -> Callable[[int], bytes] | None:  # noqa: ARG002  # both as the engine does
        """Decimal digits, or 8 hexadecimal ones below 3.4: None, the engine does that by itself."""
        return None

    def keys(self, message_id: bytes) -> list[bytes]:
        """The id itself, hexadecimal digits as capitals."""
        return [message_id.upper()] if is_id(message_id) else []

    def keys_of_receipt(self, named: bytes) -> list[bytes]:  # noqa: ARG002  # whatever it is
        """None beside what `keys` has: receipts spell ids as responses do."""
        return []

    def added_tlvs(self, command_id: int) -> bytes:  # noqa: ARG002  # whatever it is
        """None."""
        return b""

    def bind_status(self, reason: str, status: int) -> int:  # noqa: ARG002  # whatever it is
        """The usual one."""
        return status

    def sc_interface_version(self, ours: int) -> int | None:
        """What we speak."""
        return ours

    def policy(self, policy: ValidationPolicy) -> ValidationPolicy:
        """The usual one."""
        return policy
