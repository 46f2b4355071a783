"""Whether rules and faults can ever happen: names that must exist, names that must differ, rules behind others.

What is found are problems with the place where each thing was written, so that the same judgement serves a file and
rules that come while the server runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar

from smppd import strict
from smppd.patterns import WILDCARDS, literal_prefix
from smppd.settings.faults import Fault, RouteDown
from smppd.settings.names import ANY
from smppd.settings.rules import Pattern, Rule, Test, When

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from smppd.settings.includes import Place
    from smppd.strict import Problem

ACCOUNT: Final = "the system_id of an account"
ROUTE: Final = "the name of a route"

MAX_COVERS: Final = 100
"""Rules with something in common that each later rule is compared with: ten thousand are judged in two seconds."""

_SORTED_OUT: Final = ("command", "direction", "tlv", "fields")

E = TypeVar("E", Rule, Fault)

Alternative: TypeAlias = tuple[str, int | str]
"""One of the values that a test allows: "equals", "prefix" or "glob", and what it is about."""

Token: TypeAlias = tuple[str, int | str]
"""Something that a rule must have in common with one that covers it: what a condition is about, and a value."""


class Names(NamedTuple):
    """The names that conditions may refer to; None where they could not be read, and nothing is judged."""

    accounts: Sequence[str] | None
    routes: Sequence[str] | None


def mistakes_in_rules(rules: Sequence[tuple[Rule, Place]], names: Names) -> Iterator[Problem]:
    """What is wrong with rules beside each other and beside accounts and routes."""
    yield from _same_names(rules)
    for rule, place in rules:
        if place.sound:
            yield from unknown_in_rule(rule, place, names)
    by_file: dict[str, list[tuple[Rule, Place]]] = {}
    for rule, place in rules:
        by_file.setdefault(place.file, []).append((rule, place))
    for those in by_file.values():
        yield from unreachable(those)


def unknown_in_rule(rule: Rule, place: Place, names: Names) -> Iterator[Problem]:
    """Accounts and routes that a rule names and that do not exist."""
    yield from _unknown(rule.when.account, names.accounts, place, ("when", "account"), ACCOUNT)
    yield from _unknown(rule.when.route, names.routes, place, ("when", "route"), ROUTE)


def mistakes_in_faults(faults: Sequence[tuple[Fault, Place]], names: Names) -> Iterator[Problem]:
    """What is wrong with faults beside each other and beside accounts and routes."""
    yield from _same_names(faults)
    for fault, place in faults:
        if place.sound:
            yield from unknown_in_fault(fault, place, names)


def unknown_in_fault(fault: Fault, place: Place, names: Names) -> Iterator[Problem]:
    """Accounts and routes that a fault names and that do not exist."""
    if fault.account is not None:
        yield from _unknown(Pattern(glob=fault.account), names.accounts, place, ("account",), ACCOUNT)
    if isinstance(fault, RouteDown):
        yield from _unknown(Pattern(glob=fault.route), names.routes, place, ("route",), ROUTE)


def _same_names(entries: Sequence[tuple[E, Place]]) -> Iterator[Problem]:
    first: dict[str, Place] = {}
    for entry, place in entries:
        before = first.setdefault(entry.name, place)
        if before is not place and place.sound:
            where = strict.key_of(before.path) + (f" in {before.file}" if before.file != place.file else "")
            hint = f"{where} has it already"
            yield place.problem(("name",), strict.shown(entry.name), "expected a name of its own", hint)


def _unknown(
    test: Test | None, known: Sequence[str] | None, place: Place, keys: strict.Path, what: str
) -> Iterator[Problem]:
    """Literal names in a test that do not exist. Patterns may match what comes later."""
    if test is None or known is None:
        return
    for name in (*_texts(test.equals), *(one for one in _texts(test.glob) if not WILDCARDS.search(one))):
        if name not in known:
            yield place.problem(keys, strict.shown(name), f"expected {what}", strict.suggestion(name, known))


def _texts(values: object) -> list[str]:
    listed = values if isinstance(values, list) else [values]
    return [value for value in listed if isinstance(value, str)]


# What can never be reached.


def unreachable(rules: Sequence[tuple[Rule, Place]]) -> Iterator[Problem]:
    """Rules for which a rule before them leaves nothing. Only rules that always fire leave nothing to others."""
    known = _Covers()
    for rule, place in rules:
        if not place.sound or not rule.enabled:
            continue
        entry = _Entry(rule, place)
        before = known.first_of(entry)
        if before is not None:
            how = "has the same conditions" if before.rule.when == rule.when else "takes all that this one could match"
            hint = f"{strict.key_of(before.place.path)} ({before.rule.name}) comes first and {how}"
            yield place.problem((), strict.shown(rule.name), "this rule can never be reached", hint)
        elif always_fires(rule):
            known.add(entry)


def covered_by(rule: Rule, before: Iterable[Rule]) -> Rule | None:
    """The first of the rules before this one that leaves nothing to it; None: it can be reached."""
    narrow, conditions = rule.when, conditions_of(rule.when)
    for one in before:
        if one.enabled and always_fires(one) and _covers(one.when, conditions_of(one.when), narrow, conditions):
            return one
    return None


def always_fires(rule: Rule) -> bool:
    """Whether a rule fires whenever its conditions hold."""
    counted = (rule.after, rule.every, rule.times, rule.probability) != (0, 1, 0, 1.0)
    return not counted and rule.schedule is None and rule.scenario is None


def covers(wide: When, narrow: When) -> bool:
    """Whether every PDU that meets ``narrow`` surely meets ``wide``."""
    return _covers(wide, conditions_of(wide), narrow, conditions_of(narrow))


def conditions_of(when: When) -> dict[str, object]:
    """The conditions of a ``when`` but those on command and direction, by what they are about."""
    found = {name: getattr(when, name) for name in when.__struct_fields__ if name not in _SORTED_OUT}
    found = {name: condition for name, condition in found.items() if condition is not None}
    found.update((f"tlv {name}", test) for name, test in when.tlv.items())
    found.update((f"field {name}", test) for name, test in when.fields.items())
    return found


def _covers(wide: When, conditions: dict[str, object], narrow: When, others: dict[str, object]) -> bool:
    if wide.direction != narrow.direction:
        return False
    if ANY not in wide.commands and not set(narrow.commands) <= set(wide.commands):
        return False
    return all(_implied(condition, others.get(about)) for about, condition in conditions.items())


class _Entry(NamedTuple):
    """A rule with the place where it stands."""

    rule: Rule
    place: Place

    def covers(self, other: _Entry) -> bool:
        wide, narrow = self.rule.when, other.rule.when
        return _covers(wide, conditions_of(wide), narrow, conditions_of(narrow))


class _Covers:
    """Rules that leave nothing to others, found by what those others must have in common with them.

    A rule stands under what its destination begins with, or under the values that one of its conditions accepts, or
    (when its conditions accept more than a list of values) among those that everybody is compared with.
    """

    def __init__(self) -> None:
        self._general: list[_Entry] = []
        self._by_token: dict[Token, list[_Entry]] = {}
        self._by_destination: dict[str, list[_Entry]] = {}

    def add(self, entry: _Entry) -> None:
        """Take a rule. A list that has become too long takes no more: some mistakes are not seen then."""
        beginnings = _beginnings(entry.rule.when.destination_addr)
        if beginnings is not None:
            lists = [self._by_destination.setdefault(beginning, []) for beginning in beginnings]
        else:
            choices = [
                [self._by_token.setdefault(token, []) for token in tokens]
                for about, condition in conditions_of(entry.rule.when).items()
                if (tokens := _tokens(about, condition))
            ]
            lists = min(choices, key=lambda lists: max(map(len, lists)), default=[self._general])
        for one in lists:
            if len(one) < MAX_COVERS:
                one.append(entry)

    def first_of(self, entry: _Entry) -> _Entry | None:
        """A rule that covers this one, or None."""
        when = entry.rule.when
        lists = [self._general]
        for about, condition in conditions_of(when).items():
            lists += [self._by_token.get(token, []) for token in _tokens_of_narrow(about, condition)]
        shortest = min(_beginnings(when.destination_addr) or [""], key=len)
        lists += [self._by_destination.get(shortest[:length], []) for length in range(len(shortest) + 1)]
        return next((one for entries in lists for one in entries if one.covers(entry)), None)


def _tokens(about: str, condition: object) -> list[Token]:
    """What one must have in common with a condition to be covered by it; [] when it accepts more than can be listed."""
    accepted = _alternatives(condition, exact=True) if isinstance(condition, Test) else []
    if not accepted:
        return [(about, repr(condition))]
    return [(about, value) for _, value in accepted] if all(kind == "equals" for kind, _ in accepted) else []


def _tokens_of_narrow(about: str, condition: object) -> list[Token]:
    """What a condition may have in common with one that covers it."""
    wanted = _alternatives(condition, exact=False) if isinstance(condition, Test) else []
    return [(about, repr(condition)), *((about, value) for kind, value in wanted[:1] if kind == "equals")]


def _beginnings(test: Pattern | None) -> list[str] | None:
    """What each destination that passes a test begins with, one for each alternative; None when nothing says so."""
    if test is None or (test.glob is None and test.equals is None and test.prefix is None):
        return None
    return [*map(literal_prefix, _texts(test.glob)), *_texts(test.equals), *_texts(test.prefix)]


def _implied(wide: object, narrow: object) -> bool:
    """Whether what passes ``narrow`` (None: anything) surely passes ``wide``; False when that is not easy to say."""
    if wide == narrow:
        return True
    if not isinstance(wide, Test):
        return False
    accepted = _alternatives(wide, exact=True)
    if ("prefix", "") in accepted and isinstance(wide, Pattern):
        return True
    wanted = _alternatives(narrow, exact=False) if isinstance(narrow, Test) else []
    return bool(wanted) and all(any(_alternative_covers(one, other) for one in accepted) for other in wanted)


def _alternatives(test: Test, *, exact: bool) -> list[Alternative]:
    """What a value may be to pass a test; [] when that cannot be listed.

    exact: whatever is listed passes. Otherwise nothing else passes, but further tests may make it fewer.
    """
    given = [name for name in ("equals", "glob", "prefix") if getattr(test, name) is not None]
    more = (test.hex, test.regex, test.min, test.max, test.present, test.not_)
    if not given or (exact and (len(given) > 1 or any(one is not None for one in more))):
        return []
    values = getattr(test, given[0])
    return [_alternative(given[0], value) for value in (values if isinstance(values, list) else [values])]


def _alternative(kind: str, value: int | str) -> Alternative:
    if kind == "glob" and isinstance(value, str):
        if not WILDCARDS.search(value):
            return "equals", value
        if value.endswith("*") and not WILDCARDS.search(value[:-1]):
            return "prefix", value[:-1]
    return kind, value


def _alternative_covers(wide: Alternative, narrow: Alternative) -> bool:
    """Whether every value of one alternative is one of the other's."""
    if wide == narrow:
        return True
    (kind, beginning), (other, value) = wide, narrow
    if kind != "prefix" or not isinstance(value, str):
        return False
    return (literal_prefix(value) if other == "glob" else value).startswith(str(beginning))
