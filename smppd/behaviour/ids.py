"""Message ids as carriers write them: one number, spelled differently in the response, the receipt and its TLV.

An id is spelled once, for the response; what a receipt says is derived from that spelling, so that nothing about it has
to be remembered per message (SMPP 3.4 section 5.2.23; quirks Q01 to Q08).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable

    from smppd.settings.dialects import IdForm, MessageId

UUID_OCTETS: Final = 16


def uuid_of(number: int) -> int:
    """The 128 bits that stand for a number where ids are UUIDs: they look random, and are always the same."""
    digest = blake2b(number.to_bytes(UUID_OCTETS, "big"), digest_size=UUID_OCTETS).digest()
    return UUID(bytes=digest, version=4).int


def spell(value: int, form: IdForm) -> bytes:
    """Write a value (a number, or the 128 bits of a UUID) in this form."""
    if form.base == "decimal":
        digits = f"{value:0{form.width}d}" if form.width else str(value)
    elif form.base == "hex":
        digits = f"{value:0{form.width}x}" if form.width else f"{value:x}"
    else:
        digits = str(UUID(int=value)) if form.dashes else f"{value:032x}"
    if form.case == "upper":
        digits = digits.upper()
    return (form.prefix + digits).encode("ascii")


def read(text: bytes, form: IdForm) -> int:
    """The value that was written in this form. Raises ValueError when it was not."""
    digits = text.decode("ascii").removeprefix(form.prefix)
    if form.base == "decimal":
        return int(digits)
    return int(digits.replace("-", ""), 16)


class IdSpelling:
    """The ids of one dialect."""

    __slots__ = ("_below_34", "_response", "_settings", "_text", "_tlv")

    def __init__(self, settings: MessageId) -> None:
        """Spell as these settings say."""
        self._settings = settings
        self._response = settings.response
        self._below_34 = settings.below_34
        self._text = settings.receipt_text
        self._tlv = settings.receipt_tlv

    @property
    def is_plain(self) -> bool:
        """Whether responses hold the number in decimal digits, as without any dialect."""
        return self._is_decimal(self._response)

    @staticmethod
    def _is_decimal(form: IdForm) -> bool:
        return form.base == "decimal" and not form.width and not form.prefix

    def response(self, number: int) -> bytes:
        """The id under which a message is accepted."""
        return self._write(number, self._response)

    def below_34(self, number: int) -> bytes:
        """The same for sessions below 3.4; what does not fit into the width is cut, the last digits count."""
        form = self._below_34
        if form.base == "hex" and form.width:
            number %= 1 << (4 * form.width)
        return self._write(number, form)

    @staticmethod
    def _write(number: int, form: IdForm) -> bytes:
        return spell(uuid_of(number) if form.base == "uuid" else number, form)

    def speller(self, *, below_34: bool) -> Callable[[int], bytes] | None:
        """How numbers become ids on such a session; None: as without any dialect."""
        if below_34:
            form = self._below_34
            is_default = form.base == "hex" and form.width == 8 and form.case == "upper" and not form.prefix
            return None if is_default else self.below_34
        return None if self.is_plain else self.response

    def in_text(self, message_id: bytes, *, below_34: bool) -> bytes:
        """What the text of a receipt calls the message of this id."""
        return self._other(message_id, self._text, below_34=below_34)

    def in_tlv(self, message_id: bytes, *, below_34: bool) -> bytes:
        """The value of receipted_message_id, with its NUL where it has one (SMPP 3.4 section 5.3.2.12)."""
        octets = self._other(message_id, self._tlv, below_34=below_34)
        return octets + b"\0" if self._tlv.terminated else octets

    def _other(self, message_id: bytes, form: IdForm, *, below_34: bool) -> bytes:
        if form.empty:
            return b""
        source = self._below_34 if below_34 else self._response
        if form is source or form == source:
            return message_id
        try:
            value = read(message_id, source)
        except ValueError:
            return message_id  # given out before the dialect was this one
        if form.base == "uuid" and source.base != "uuid":
            value = uuid_of(value)
        return spell(value, form)
