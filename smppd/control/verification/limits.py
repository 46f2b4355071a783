"""How much may be asked at once."""

from __future__ import annotations

from typing import Final

SHOWN: Final = 100
"""Matches that are shown when nobody says how many."""

NEAREST: Final = 3
"""Near misses that are told with a failure."""

MARKED: Final = 50
"""Matches that are pointed at in the dialogue of an explanation: more than it has lines."""

DEFAULT_WITHIN: Final = 5.0
"""Seconds that a wait takes when nobody says how long: PDUs on a loopback take milliseconds, and receipts a second."""

MAX_WITHIN: Final = 600.0
"""Seconds that a wait may take: longer than any test waits for a receipt in real time."""

MAX_WAITS: Final = 1_000
"""Waits at a time: each costs every PDU of its command some microseconds, and a thousand are more than a test suite has
workers."""

MAX_STEPS: Final = 20
"""Conditions of one question: each PDU is asked about all of them."""
