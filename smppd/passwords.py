"""Password hashes: ``scrypt$n$r$p$salt$hash``, salt and hash in base64 (RFC 7914 for the parameters).

scrypt is slow on purpose: :meth:`ScryptHash.verify` takes tens of milliseconds and belongs in a thread.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Final

COST: Final = 16_384
"""n of new hashes: about 50 ms and 16 MiB per verification, paid once per account and process."""

BLOCK_SIZE: Final = 8
"""r of new hashes; RFC 7914 recommends 8."""

PARALLELISM: Final = 1
"""p of new hashes."""

SALT_LENGTH: Final = 16
"""Octets of salt in new hashes."""

MAX_MEMORY: Final = 64 * 1024 * 1024
"""Octets that one verification may take (128 * n * r): a configuration must not be able to exhaust the machine."""

MAX_WORK: Final = 1 << 21
"""Bound of n * r * p: sixteen times the work of a new hash, about a second."""

MAX_PARALLELISM: Final = 16
"""Bound of p, whose blocks take memory of their own (128 * r * p)."""

_SALT_LENGTHS: Final = range(8, 65)
_HASH_LENGTHS: Final = range(16, 65)
_PARTS: Final = 6


@dataclass(frozen=True, slots=True)
class ScryptHash:
    """A parsed ``password_hash``."""

    n: int
    r: int
    p: int
    salt: bytes
    digest: bytes

    @classmethod
    def parse(cls, text: str) -> ScryptHash:
        """Read ``scrypt$n$r$p$salt$hash``; raises ValueError that says what is wrong and never quotes the text."""
        parts = text.split("$")
        if len(parts) != _PARTS or parts[0] != "scrypt":
            raise ValueError("it is not of the form scrypt$n$r$p$salt$hash")
        numbers = parts[1:4]
        if not all(number.isascii() and number.isdecimal() and len(number) < 10 for number in numbers):
            raise ValueError("n, r and p are not whole numbers")
        n, r, p = map(int, numbers)
        _check_parameters(n, r, p)
        try:
            salt, digest = (b64decode(part, validate=True) for part in parts[4:])
        except (binascii.Error, ValueError):
            raise ValueError("salt or hash is not base64") from None
        if len(salt) not in _SALT_LENGTHS or len(digest) not in _HASH_LENGTHS:
            raise ValueError("salt is not 8 to 64 octets or hash is not 16 to 64 octets")
        return cls(n, r, p, salt, digest)

    @classmethod
    def create(cls, password: bytes, salt: bytes) -> ScryptHash:
        """Hash ``password`` with the parameters of new hashes; ``salt`` are SALT_LENGTH random octets."""
        return cls(COST, BLOCK_SIZE, PARALLELISM, salt, _scrypt(password, salt, COST, BLOCK_SIZE, PARALLELISM, 32))

    def verify(self, password: bytes) -> bool:
        """Whether ``password`` has this hash. Slow (see COST): call it in a thread."""
        found = _scrypt(password, self.salt, self.n, self.r, self.p, len(self.digest))
        return hmac.compare_digest(found, self.digest)

    def __str__(self) -> str:
        salt, digest = b64encode(self.salt).decode(), b64encode(self.digest).decode()
        return f"scrypt${self.n}${self.r}${self.p}${salt}${digest}"


def _check_parameters(n: int, r: int, p: int) -> None:
    if n < 2 or n & (n - 1):
        raise ValueError("n is not a power of two above 1")
    if not 1 <= p <= MAX_PARALLELISM:
        raise ValueError(f"p is not from 1 to {MAX_PARALLELISM}")
    if r < 1 or 128 * n * r > MAX_MEMORY:
        raise ValueError(f"it would take more than {MAX_MEMORY // 1024 // 1024} MiB of memory (128 * n * r)")
    if n * r * p > MAX_WORK:
        raise ValueError(f"it would take too long (n * r * p above {MAX_WORK})")


def _scrypt(password: bytes, salt: bytes, n: int, r: int, p: int, length: int) -> bytes:
    # OpenSSL counts its working blocks too, hence the allowance on top of our own bound.
    return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=2 * MAX_MEMORY, dklen=length)
