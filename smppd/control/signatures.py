"""Signatures of webhook requests: whoever knows the secret can tell who sent a request, what, and when.

The header is `Smppd-Signature: t=<Unix time>,v1=<HMAC-SHA256 in hexadecimal>`; what is signed is the time, a dot, and
the octets of the body.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

HEADER: Final = "Smppd-Signature"

TOLERANCE: Final = 300.0
"""Seconds between the times of sender and receiver that are usually allowed for; what is older may be a replay."""

_SIGNATURE: Final = re.compile(r"t=([0-9]{1,15}),v1=([0-9a-f]{64})")


def sign(secret: str, body: bytes, now: float) -> str:
    """The value of the header for a body that leaves at `now`, Unix time in seconds."""
    moment = str(int(now))
    return f"t={moment},v1={_digest(secret, moment, body)}"


def is_genuine(secret: str, body: bytes, header: str, now: float, tolerance: float = TOLERANCE) -> bool:
    """Whether the value of a header belongs to this body, and is not from long before or after `now`."""
    found = _SIGNATURE.fullmatch(header)
    if found is None or abs(now - int(found[1])) > tolerance:
        return False
    return hmac.compare_digest(_digest(secret, found[1], body), found[2])


def _digest(secret: str, moment: str, body: bytes) -> str:
    return hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
