"""UCS-2, data_coding 8: two octets for each character, most significant first (SMPP 3.4, 5.2.19).

Characters beyond the first 65,536 are sent as surrogate pairs, that is, as UTF-16: every handset in use reads them, and
emoji depend on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smppwire.errors import TextError

if TYPE_CHECKING:
    from smppwire.text.gsm7 import Errors


def encode(text: str, *, errors: Errors = "strict") -> bytes:
    """The octets of ``text``. A lone surrogate raises ``TextError``, or becomes ``?`` with ``errors="replace"``."""
    try:
        return text.encode("utf-16-be", errors)
    except UnicodeEncodeError as error:
        raise TextError(f"{text[error.start]!r} at index {error.start} is half of a surrogate pair") from error


def decode(octets: bytes, *, errors: Errors = "replace") -> str:
    """The text of ``octets``.

    A lone surrogate and an odd octet at the end become U+FFFD each, or raise ``TextError`` with ``errors="strict"``.
    """
    try:
        return octets.decode("utf-16-be", errors)
    except UnicodeDecodeError as error:
        raise TextError(f"octet {error.start} of the UCS-2 text: {error.reason}") from error


def splits_pair(octets: bytes, index: int) -> bool:
    """Whether a cut before the octet ``index`` (even) would part the halves of a surrogate pair."""
    return 0 < index < len(octets) and 0xD8 <= octets[index - 2] <= 0xDB and 0xDC <= octets[index] <= 0xDF
