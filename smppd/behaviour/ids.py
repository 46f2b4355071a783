"""Message ids as message centres write them: one number, spelled differently in the response, the receipt and its TLV.

An id is spelled once, for the response; what a receipt says is derived from that spelling, so that nothing about it has
to be remembered per message (SMPP 3.4 section 5.2.23; quirks Q01 to Q08).
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Final
from uuid import UUID

from smppd.settings.dialects import BASES, MessageId

if TYPE_CHECKING:
    from collections.abc import Callable

    from smppd.settings.dialects import IdForm

UUID_OCTETS: Final = 16

DIGITS: Final = {"decimal": re.compile("[0-9]+"), "hex": re.compile("[0-9a-f]+"), "uuid": re.compile("[0-9a-f]{32}")}
"""What is left of an id, in small letters and without dashes, when its prefix is gone."""


def uuid_of(number: int) -> int:
    """The 128 bits that stand for a number where ids are UUIDs: they look random, and are always the same."""
    digest = blake2b(number.to_bytes(UUID_OCTETS, "big"), digest_size=UUID_OCTETS).digest()
    return UUID(bytes=digest, version=4).int


def spell(value: int, form: IdForm) -> bytes:
    """Write a value (a number, or the 128 bits of a UUID) in this form."""
    if form.base == "decimal":
        digits = f"{value:0{form.width}d}"
    elif form.base == "hex":
        digits = f"{value:0{form.width}x}"
    else:
        digits = str(UUID(int=value)) if form.dashes else f"{value:032x}"
    if form.case == "upper":
        digits = digits.upper()
    return (form.prefix + digits).encode("ascii")


def read(text: bytes, form: IdForm) -> int:
    """The value that was written in this form; letter case, zeros in front and dashes of a UUID do not matter.

    Raises ValueError when the text is no such thing.
    """
    written, prefix = text.decode("ascii").lower(), form.prefix.lower()
    digits = written.removeprefix(prefix)
    if form.base == "uuid":
        digits = digits.replace("-", "")
    if not written.startswith(prefix) or not DIGITS[form.base].fullmatch(digits):
        raise ValueError(f"no id of the form {form}: {text!r}")
    return int(digits, BASES[form.base])


class IdSpelling:
    """The ids of one dialect."""

    __slots__ = ("_below_34", "_response", "_text", "_tlv")

    def __init__(self, settings: MessageId) -> None:
        """Spell as these settings say."""
        self._response = settings.response
        self._below_34 = settings.below_34
        self._text = settings.receipt_text
        self._tlv = settings.receipt_tlv

    def speller(self, *, below_34: bool) -> Callable[[int], bytes] | None:
        """How numbers become ids on a session; None: as without any dialect."""
        if below_34:
            return None if _habits(self._below_34) == _habits(MessageId().below_34) else self._spell_below_34
        return None if _habits(self._response) == _habits(MessageId().response) else self._spell

    def _spell(self, number: int) -> bytes:
        return _write(number, self._response)

    def _spell_below_34(self, number: int) -> bytes:
        form = self._below_34
        if form.width and form.base != "uuid":
            # SMPP 3.3 has room for few characters: the last digits count.
            number %= BASES[form.base] ** form.width
        return _write(number, form)

    def keys(self, message_id: bytes) -> list[bytes]:
        """Under which ids the message that somebody names so may be known; [] when this is none of our ids."""
        keys = []
        for form in (self._response, self._below_34):
            try:
                keys.append(spell(read(message_id, form), form))
            except ValueError:
                continue
        return keys

    def keys_of_receipt(self, named: bytes) -> list[bytes]:
        """Under which ids the message may be known that a receipt names so; a UUID made of a number says nothing."""
        keys = []
        for form in (self._text, self._tlv):
            for source in (self._response, self._below_34):
                try:
                    keys.append(spell(read(named, form), source))
                except ValueError:
                    continue
        return keys

    def in_text(self, message_id: bytes, *, below_34: bool) -> bytes:
        """What the text of a receipt calls the message of this id."""
        return self._other(message_id, self._text, below_34=below_34)

    def in_tlv(self, message_id: bytes, *, below_34: bool) -> bytes:
        """The value of receipted_message_id, with its NUL where it has one (SMPP 3.4 section 5.3.2.12)."""
        octets = self._other(message_id, self._tlv, below_34=below_34)
        return octets + b"\0" if self._tlv.terminated else octets

    def _other(self, message_id: bytes, form: IdForm, *, below_34: bool) -> bytes:
        """An id in another form. What has that of responses is spelled like the response, whatever that one was."""
        if form.empty:
            return b""
        if _habits(form) == _habits(self._response):
            return message_id
        source = self._below_34 if below_34 else self._response
        try:
            value = read(message_id, source)
        except ValueError:
            return message_id  # given out before the dialect was this one
        if form.base == "uuid" and source.base != "uuid":
            value = uuid_of(value)
        return spell(value, form)


def _habits(form: IdForm) -> tuple[object, ...]:
    """What makes ids of this form look as they do; whether a NUL follows them is another matter."""
    if form.base == "decimal":
        return form.base, form.prefix, form.width
    if form.base == "hex":
        return form.base, form.prefix, form.width, form.case
    return form.base, form.prefix, form.dashes, form.case


def _write(number: int, form: IdForm) -> bytes:
    return spell(uuid_of(number) if form.base == "uuid" else number, form)
