"""Text on the wire: alphabets, and which data_coding stands for which.

``decode_text`` and ``encode_text`` are what most callers need. ``gsm7`` has the GSM 7 bit alphabet with septet
packing and national language tables, ``ucs2`` the 16-bit one, ``data_coding`` the choice between them.
"""

from __future__ import annotations

from smppwire.text.data_coding import (
    DEFAULT_ALPHABETS,
    Alphabet,
    alphabet_of,
    decode_text,
    detect_alphabet,
    encode_text,
    is_text,
)

__all__ = [
    "DEFAULT_ALPHABETS",
    "Alphabet",
    "alphabet_of",
    "decode_text",
    "detect_alphabet",
    "encode_text",
    "is_text",
]
