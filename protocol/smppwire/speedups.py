"""Whether what comes in numbers is done in C: decided once, when this module is imported.

The C code is a distribution of its own, ``smppwire-speedups`` (the directory ``speedups/`` of the repository). It knows
the sound and usual cases only and hands everything else back, so that errors and statuses are described in one place.
Without it, everything works the same, in Python. ``SMPPWIRE_NO_SPEEDUPS=1`` in the environment leaves it aside.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from smppwire.pdus import SubmitSm, Tlv

if TYPE_CHECKING:
    from smppwire_speedups import Codec

SWITCH: Final = "SMPPWIRE_NO_SPEEDUPS"
"""The environment variable; unset, empty or 0: use the C code if it is there."""

API: Final = 1
"""The version of the interface that this library calls; a module of another one is left aside."""


def find_codec() -> tuple[Codec | None, str]:
    """The C code for our classes, or None and why."""
    if os.environ.get(SWITCH, "") not in {"", "0"}:
        return None, f"{SWITCH} is set"
    try:
        import smppwire_speedups
    except ModuleNotFoundError:
        return None, "smppwire-speedups is not installed"
    except ImportError as error:
        return None, f"smppwire-speedups cannot be loaded: {error}"
    if smppwire_speedups.API != API:
        return None, f"smppwire-speedups has interface {smppwire_speedups.API}, {API} is wanted"
    try:
        return smppwire_speedups.Codec(SubmitSm, Tlv), ""
    except TypeError as error:
        return None, f"smppwire-speedups does not know this Python: {error}"


CODEC, REASON = find_codec()
"""What the library calls, and when it is None, why: a few words for people."""

ACTIVE: Final = CODEC is not None
"""Whether the C code is in use."""
