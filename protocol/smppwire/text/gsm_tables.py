"""The character tables of 3GPP TS 23.038: the GSM 7 bit default alphabet and three national languages.

A basic or locking shift table is a string of 128 characters: the character of code point ``c`` is ``table[c]``, and
``table[0x1B]`` is the escape, which stands for no character. An extension or single shift table maps the code point
that follows an escape to its character.

Code point 0x09 of the default alphabet is the capital C with cedilla, as the standard prints it (6.2.1); the mapping
file of unicode.org has the small letter there, which some libraries copied.
"""

from __future__ import annotations

from typing import Final

DEFAULT: Final = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
"""GSM 7 bit default alphabet (6.2.1)."""

DEFAULT_EXTENSION: Final = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
"""GSM 7 bit default alphabet extension table (6.2.1.1)."""

TURKISH_LOCKING: Final = (
    "@£$¥€éùıòÇ\nĞğ\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bŞşßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "İABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "çabcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
"""Turkish national language locking shift table (A.3.1)."""

PORTUGUESE_LOCKING: Final = (
    "@£$¥êéúíóç\nÔô\rÁá"
    "Δ_ªÇÀ∞^\\€Ó|\x1bÂâÊÉ"
    " !\"#º%&'()*+,-./"
    "0123456789:;<=>?"
    "ÍABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÃÕÚÜ§"
    "~abcdefghijklmno"
    "pqrstuvwxyzãõ`üà"
)
"""Portuguese national language locking shift table (A.3.3)."""

# Each national single shift table repeats the default extension table and adds its own letters.
TURKISH_SINGLE: Final = {
    **DEFAULT_EXTENSION,
    0x47: "Ğ",
    0x49: "İ",
    0x53: "Ş",
    0x63: "ç",
    0x67: "ğ",
    0x69: "ı",  # noqa: RUF001 - the dotless letter is the point
    0x73: "ş",
}
"""Turkish national language single shift table (A.2.1)."""

SPANISH_SINGLE: Final = {
    **DEFAULT_EXTENSION,
    0x09: "ç",
    0x41: "Á",
    0x49: "Í",
    0x4F: "Ó",
    0x55: "Ú",
    0x61: "á",
    0x69: "í",
    0x6F: "ó",
    0x75: "ú",
}
"""Spanish national language single shift table (A.2.2)."""

PORTUGUESE_SINGLE: Final = {
    **DEFAULT_EXTENSION,
    0x05: "ê",
    0x09: "ç",
    0x0B: "Ô",
    0x0C: "ô",
    0x0E: "Á",
    0x0F: "á",
    0x12: "Φ",
    0x13: "Γ",
    0x15: "Ω",
    0x16: "Π",
    0x17: "Ψ",
    0x18: "Σ",
    0x19: "Θ",
    0x1F: "Ê",
    0x41: "À",
    0x49: "Í",
    0x4F: "Ó",
    0x55: "Ú",
    0x5B: "Ã",
    0x5C: "Õ",
    0x61: "Â",
    0x69: "í",
    0x6F: "ó",
    0x75: "ú",
    0x7B: "ã",
    0x7C: "õ",
    0x7F: "â",
}
"""Portuguese national language single shift table (A.2.3)."""

LOCKING: Final = {0: DEFAULT, 1: TURKISH_LOCKING, 3: PORTUGUESE_LOCKING}
"""Locking shift tables by national language identifier (3GPP TS 23.038, 6.2.1.2.4); 0 is the default alphabet."""

SINGLE: Final = {0: DEFAULT_EXTENSION, 1: TURKISH_SINGLE, 2: SPANISH_SINGLE, 3: PORTUGUESE_SINGLE}
"""Single shift tables by national language identifier; 0 is the default extension table."""
