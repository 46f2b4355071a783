"""Which rules may concern a PDU: found by its destination, so that a thousand rules cost no more than ten.

Rules whose condition on destination_addr says what it begins with stand in dicts, by whole address and by beginning.
Most destinations are none of theirs: one look at the first few characters tells. For the others the candidates are
collected once and remembered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from smppd.behaviour.conditions import listed
from smppd.patterns import WILDCARDS, literal_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smppd.settings.rules import Pattern

CACHE_LIMIT: Final = 65_536
"""Destinations whose candidates are remembered; then all are forgotten. It bounds memory to about 10 MB, and is large
enough for a campaign that returns to the same numbers."""

ACCOUNTS_LIMIT: Final = 10_000
"""Accounts for which the rules that are not about destinations are remembered."""


class Placed(Protocol):
    """An entry of the index: its place in the order of precedence, and which accounts it is for (None: all)."""

    position: int
    account_test: Callable[[str], bool] | None


E = TypeVar("E", bound=Placed)


class Destinations:
    """What a condition on destination_addr says of the address, as far as an index can use it.

    whole: addresses. beginnings: what others begin with. exact: whether nothing is left to test once one of these is
    found. Without any, the condition says nothing that an index could use.
    """

    __slots__ = ("beginnings", "exact", "usable", "whole")

    def __init__(self, test: Pattern | None) -> None:
        self.whole: list[bytes] = []
        self.beginnings: list[bytes] = []
        self.exact = True
        self.usable = False
        """Whether an index can use it: every address that passes is known by its beginning."""
        if test is not None:
            self._take(test)

    def _take(self, test: Pattern) -> None:
        given = [name for name in ("glob", "equals", "prefix") if getattr(test, name) is not None]
        self.exact = len(given) == 1 and not any(
            getattr(test, name) is not None for name in test.__struct_fields__ if name not in given
        )
        for value in listed(getattr(test, given[0])) if given else ():
            self._add(given[0], str(value))
        self.usable = bool(self.whole or self.beginnings) and b"" not in self.beginnings

    def _add(self, kind: str, text: str) -> None:
        beginning = literal_prefix(text) if kind == "glob" else text
        octets = beginning.encode("latin-1", "replace")
        if kind == "equals" or (kind == "glob" and beginning == text):
            self.whole.append(octets)
            return
        self.beginnings.append(octets)
        if kind == "glob" and (not text.endswith("*") or WILDCARDS.search(text[:-1])):
            self.exact = False


class Index(Generic[E]):
    """The rules of one command, in their order of precedence."""

    __slots__ = ("_by_account", "_by_beginning", "_by_whole", "_cache", "_head", "_heads", "_others")

    def __init__(self) -> None:
        self._by_whole: dict[bytes, list[E]] = {}
        self._by_beginning: dict[int, dict[bytes, list[E]]] = {}
        self._others: list[E] = []
        self._by_account: dict[str, list[E]] | None = None
        """Which of the others concern an account; None when they concern all."""
        self._heads: frozenset[bytes] = frozenset()
        self._head = 0
        self._cache: dict[bytes, list[E]] = {}

    def add(self, entry: E, destinations: Destinations) -> None:
        """Add a rule after those that were added before; call `finish` after the last."""
        if not destinations.usable:
            self._others.append(entry)
            if entry.account_test is not None:
                self._by_account = {}
            return
        for address in dict.fromkeys(destinations.whole):
            self._by_whole.setdefault(address, []).append(entry)
        for beginning in dict.fromkeys(destinations.beginnings):
            self._by_beginning.setdefault(len(beginning), {}).setdefault(beginning, []).append(entry)

    def finish(self) -> None:
        """Make the index ready: find out how many characters tell that no rule is concerned."""
        known = [*self._by_whole, *(beginning for group in self._by_beginning.values() for beginning in group)]
        self._head = min(map(len, known), default=0)
        self._heads = frozenset(one[: self._head] for one in known)

    @property
    def is_about_destinations(self) -> bool:
        """Whether any rule is about certain destinations."""
        return bool(self._heads)

    def __bool__(self) -> bool:
        """Whether there is any rule."""
        return bool(self._heads or self._others)

    def others(self, account: str) -> Sequence[E]:
        """The rules that are not about certain destinations and may concern an account."""
        if self._by_account is None:
            return self._others
        found = self._by_account.get(account)
        if found is None:
            if len(self._by_account) >= ACCOUNTS_LIMIT:
                self._by_account.clear()
            found = self._by_account[account] = [
                entry for entry in self._others if entry.account_test is None or entry.account_test(account)
            ]
        return found

    def candidates(self, destination: bytes, account: str) -> Sequence[E]:
        """The rules that may concern a message of an account to a destination, in their order."""
        others = self._others if self._by_account is None else self.others(account)
        if destination[: self._head] not in self._heads:
            return others
        found = self._cache.get(destination)
        if found is None:
            found = self._look_up(destination)
        if not (found and others):
            return found or others
        return sorted((*found, *others), key=_position)

    def next_concerned(self, pdus: Sequence[Any], start: int, end: int) -> int:
        """The place of the first of ``pdus[start:end]`` that rules may concern; ``end`` when there is none.

        Where all rules are about certain destinations this costs half of what `candidates` does.
        """
        if self._others or not self._heads:
            return start
        heads, head = self._heads, self._head
        for place in range(start, end):
            if pdus[place].destination_addr[:head] in heads:
                return place
        return end

    def _look_up(self, destination: bytes) -> list[E]:
        entries = {entry.position: entry for entry in self._by_whole.get(destination, ())}
        for length, group in self._by_beginning.items():
            entries.update((entry.position, entry) for entry in group.get(destination[:length], ()))
        if len(self._cache) >= CACHE_LIMIT:
            self._cache.clear()
        found = self._cache[destination] = [entries[position] for position in sorted(entries)]
        return found


def _position(entry: Placed) -> int:
    return entry.position
