"""Message ids of the default dialect: decimal digits, or eight hexadecimal ones for ESMEs below 3.4."""

from __future__ import annotations

from typing import Final

FIRST_ID: Final = 1_000_000_000
"""Ten decimal digits from the first message on, so that no decimal id is ever spelled like one of 8 hex digits."""

END_OF_IDS: Final = 10_000_000_000
"""Here ids begin again with `FIRST_ID`, to stay within ten digits: what is still known of the first message by then is
older than nine thousand million others."""

HEX_IDS: Final = 1 << 32
"""How many ids of 8 hex digits there are, for ESMEs below 3.4."""

HEX_ID_LENGTH: Final = 8
"""Characters of a message_id in SMPP 3.3."""

LONGEST_ID: Final = 10
"""Characters of the longest message_id that is given out; anything longer was never one of ours."""

HEX_DIGITS: Final = b"0123456789ABCDEFabcdef"


def hex_id(number: int) -> bytes:
    """A message_id for an ESME below 3.4."""
    return b"%08X" % (number % HEX_IDS)


def is_id(message_id: bytes) -> bool:
    """Whether this could be a message_id of the default dialect: hexadecimal digits, as many as it ever gives out."""
    return 0 < len(message_id) <= LONGEST_ID and not message_id.translate(None, HEX_DIGITS)
