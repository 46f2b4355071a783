"""Routing: the first matching route wins, and ten thousand prefixes cost no more than a hundred.

Routes are indexed by what their destination pattern begins with. Looking a destination up tries one dict per distinct
prefix length, collects the few routes whose literal beginning fits, adds those that are not about destinations, and
takes the first in configured order whose remaining conditions hold. What was found is remembered for all messages that
agree in what the routes ask about.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from smppwire.pdus import SubmitSm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smppd.settings import Match

R = TypeVar("R")

WILDCARDS: Final = re.compile(r"[*?\[]")

CACHE_LIMIT: Final = 65536
"""Kinds of messages whose route is remembered; then the cache starts anew. A kind is what the conditions of the routes
can tell apart. It bounds memory (about 10 MB) and is large enough for a campaign that returns to the same numbers."""

INTEGER_FIELDS: Final = ("source_addr_ton", "source_addr_npi", "dest_addr_ton", "dest_addr_npi", "data_coding")
PDU_FIELDS: Final = ("service_type", "source_addr", *INTEGER_FIELDS)
"""What a route may ask about, beside the account and the destination: a field of the PDU under the same name."""


def patterns_of(value: str | Sequence[str] | None) -> list[str]:
    """A setting that is one pattern or several, as a list; [] when it is not set."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def literal_prefix(pattern: str) -> str:
    """What every match of a glob pattern begins with."""
    wildcard = WILDCARDS.search(pattern)
    return pattern if wildcard is None else pattern[: wildcard.start()]


def _address_test(patterns: list[str]) -> Callable[[bytes], bool] | None:
    """A test of an address against glob patterns; None when any address passes."""
    if not patterns or "*" in patterns:
        return None
    if all(pattern.endswith("*") and not WILDCARDS.search(pattern[:-1]) for pattern in patterns):
        prefixes = tuple(pattern[:-1].encode("latin-1") for pattern in patterns)
        return lambda address: address.startswith(prefixes)
    if not any(WILDCARDS.search(pattern) for pattern in patterns):
        exact = frozenset(pattern.encode("latin-1") for pattern in patterns)
        return exact.__contains__
    return _GlobTest(patterns)


class _GlobTest:
    """A test of an address against glob patterns that is compiled when it is first asked.

    fnmatch translates to a regular expression without nested repetition: `*` becomes an atomic group, so matching is
    linear in practice for the short addresses of SMPP (at most 64 octets). Compiling takes a tenth of a millisecond
    per pattern: ten thousand patterns would keep the server from starting for a second.
    """

    __slots__ = ("_match", "_patterns")

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = patterns
        self._match: Callable[[bytes], object] | None = None

    def __call__(self, address: bytes) -> bool:
        match = self._match
        if match is None:
            translated = "|".join(fnmatch.translate(pattern) for pattern in self._patterns)
            match = self._match = re.compile(translated.encode("latin-1")).match
        return match(address) is not None


Test = Callable[[str, SubmitSm], bool]
"""Whether a message of this account meets a condition."""


def _compile(match: Match) -> Test | None:
    """One predicate for all conditions of a route but that on the destination; None when there are none."""
    tests: list[Test] = []
    if match.account is not None:
        accounts = frozenset(patterns_of(match.account))
        tests.append(lambda account, _pdu: account in accounts)
    if match.service_type is not None:
        types = frozenset(name.encode("latin-1") for name in patterns_of(match.service_type))
        tests.append(lambda _account, pdu: pdu.service_type in types)
    for name in INTEGER_FIELDS:
        wanted = getattr(match, name)
        if wanted is not None:
            tests.append(_integer_test(name, wanted))
    source = _address_test(patterns_of(match.source_addr))
    if source is not None:
        tests.append(lambda _account, pdu: source(pdu.source_addr))
    if len(tests) < 2:
        return tests[0] if tests else None
    return lambda account, pdu: all(test(account, pdu) for test in tests)


def _with_destination(about_more: Test | None, patterns: list[str]) -> Test | None:
    """A predicate for other conditions and one of these patterns of the destination."""
    destination = _address_test(patterns)
    if destination is None:
        return about_more
    if about_more is None:
        return lambda _account, pdu: destination(pdu.destination_addr)
    return lambda account, pdu: destination(pdu.destination_addr) and about_more(account, pdu)


def _integer_test(name: str, wanted: int) -> Test:
    return lambda _account, pdu: getattr(pdu, name) == wanted


class _Entry(Generic[R]):
    """One route as the index holds it: its place in the configured order and what is left to test."""

    __slots__ = ("position", "route", "test")

    def __init__(self, position: int, route: R, test: Test | None) -> None:
        self.position = position
        self.route = route
        self.test = test


class Router(Generic[R]):
    """Finds the route of a message."""

    def __init__(self, routes: Sequence[tuple[Match, R]]) -> None:
        """Index the routes; their order is their precedence."""
        self._by_prefix: dict[int, dict[bytes, list[_Entry[R]]]] = {}
        self._by_address: dict[bytes, list[_Entry[R]]] = {}
        self._by_account: dict[str, list[_Entry[R]]] = {}
        self._others: list[_Entry[R]] = []
        self.only: R | None = None
        """The route that every message takes, where there is one route without conditions."""
        self._cache: dict[object, R | None] = {}
        for position, (match, route) in enumerate(routes):
            self._add(position, match, route)
        self._lengths = sorted(self._by_prefix)
        matches = [match for match, _ in routes]
        self._asks_for_account = any(match.account is not None for match in matches)
        fields = [name for name in PDU_FIELDS if any(getattr(match, name) is not None for match in matches)]
        self._fields = attrgetter("destination_addr", *fields)
        if len(routes) == 1 and self._others and self._others[0].test is None:
            self.only = routes[0][1]

    def _add(self, position: int, match: Match, route: R) -> None:
        about_more = _compile(match)
        destinations = patterns_of(match.destination_addr)
        if match.account is not None and not destinations:
            entry = _Entry(position, route, about_more)
            for account in patterns_of(match.account):
                self._by_account.setdefault(account, []).append(entry)
            return
        anywhere: list[str] = []
        for pattern in destinations:
            if prefix := literal_prefix(pattern):
                self._add_destination(position, route, pattern, prefix, about_more)
            else:
                anywhere.append(pattern)
        if anywhere or not destinations:
            self._others.append(_Entry(position, route, _with_destination(about_more, anywhere)))

    def _add_destination(self, position: int, route: R, pattern: str, prefix: str, about_more: Test | None) -> None:
        key = prefix.encode("latin-1")
        if prefix == pattern:
            self._by_address.setdefault(key, []).append(_Entry(position, route, about_more))
            return
        # The index has tested the literal beginning; only a pattern with more than a final `*` needs its test.
        test = about_more if pattern == prefix + "*" else _with_destination(about_more, [pattern])
        self._by_prefix.setdefault(len(key), {}).setdefault(key, []).append(_Entry(position, route, test))

    def find(self, account: str, pdu: SubmitSm) -> R | None:
        """The first route in configured order that matches, or None."""
        if self.only is not None:
            return self.only
        kind: object = self._fields(pdu)
        if self._asks_for_account:
            kind = account, kind
        cache = self._cache
        if kind in cache:
            return cache[kind]
        if len(cache) >= CACHE_LIMIT:
            cache.clear()
        found = cache[kind] = self._search(account, pdu)
        return found

    def _search(self, account: str, pdu: SubmitSm) -> R | None:
        destination = pdu.destination_addr
        best: _Entry[R] | None = _first(self._others, None, account, pdu)
        for length in self._lengths:
            entries = self._by_prefix[length].get(destination[:length])
            if entries is not None:
                best = _first(entries, best, account, pdu)
        for entries in (self._by_address.get(destination), self._by_account.get(account)):
            if entries is not None:
                best = _first(entries, best, account, pdu)
        return None if best is None else best.route


def _first(entries: list[_Entry[R]], best: _Entry[R] | None, account: str, pdu: SubmitSm) -> _Entry[R] | None:
    """The first of `entries` that matches and comes before `best`, else `best`."""
    for entry in entries:
        if best is not None and entry.position > best.position:
            break
        if entry.test is None or entry.test(account, pdu):
            return entry
    return best
