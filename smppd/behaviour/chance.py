"""Chance that repeats: each draw is a function of what it is for, and of nothing that happened before.

A draw is keyed by (seed, name of the rule or fault, account), by the ordinal of the occasion and by its purpose. So a
rule that is added, another account's traffic or another cut of the stream change nothing for anybody else, and the same
seed gives the same draws in another process.
"""

from __future__ import annotations

from enum import IntEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_BITS: Final = 53
"""Bits of a draw: as many as a float has between two powers of two."""

_SCALE: Final = 2.0**-_BITS
_OCTETS: Final = 8


class Purpose(IntEnum):
    """What a draw is for: draws of one occasion must not depend on each other."""

    FIRES = 0
    DELAY = 1
    RECEIPT_DELAY = 2
    REPLY_DELAY = 3
    PARAMETER = 4


class Chance:
    """The draws of one rule or fault for one account."""

    __slots__ = ("_key",)

    def __init__(self, seed: int, name: str, account: str) -> None:
        """Key the draws. The lengths keep ("ab", "c") and ("a", "bc") apart."""
        self._key = blake2b(f"{seed}/{len(name)}/{name}/{account}".encode(), digest_size=_OCTETS)

    def draw(self, ordinal: int, purpose: int = Purpose.FIRES) -> float:
        """A number from 0 up to but not including 1 for the so-manieth occasion (from 1 on)."""
        key = self._key.copy()
        key.update(b"%d/%d" % (ordinal, purpose))
        return (int.from_bytes(key.digest(), "big") >> (8 * _OCTETS - _BITS)) * _SCALE


class Chances:
    """The draws of one rule or fault, for every account; and the ordinals of its occasions."""

    __slots__ = ("_by_account", "_name", "_seed")

    def __init__(self, seed: int, name: str) -> None:
        self._seed = seed
        self._name = name
        self._by_account: dict[str, tuple[Chance, int]] = {}

    def forget(self, account: str) -> None:
        """Have the draws of an account begin with the first again."""
        self._by_account.pop(account, None)

    def next(self, account: str) -> tuple[Chance, int]:
        """The draws for the account's next occasion: its chance, and the occasion's ordinal."""
        entry = self._by_account.get(account)
        chance, ordinal = entry if entry is not None else (Chance(self._seed, self._name, account), 0)
        self._by_account[account] = chance, ordinal + 1
        return chance, ordinal + 1

    @property
    def ordinals(self) -> dict[str, int]:
        """The ordinal of each account's latest occasion."""
        return {account: ordinal for account, (_, ordinal) in self._by_account.items()}

    def go_on_from(self, ordinals: Mapping[str, int]) -> None:
        """The next occasions follow these."""
        self._by_account = {
            account: (Chance(self._seed, self._name, account), ordinal) for account, ordinal in ordinals.items()
        }
