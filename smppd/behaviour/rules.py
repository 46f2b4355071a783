"""Rules at work: the first one that matches a PDU says what is to be done with it.

A :class:`RuleBook` holds the rules in their order. Asking it costs one look into a dict for a PDU that no rule is
about (see `smppd.behaviour.index`). A rule that matches is counted; whether it fires then depends on its ``after``,
``every``, ``times``, ``probability``, ``schedule`` and ``scenario``, and if it does not, the rules after it are asked.

Counting is by rule, draws are keyed by the rule, the account and how many matches that account has made: neither
depends on how TCP cut the stream. Rules can be replaced while running; those that stay as they are keep their counts.
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Final, NamedTuple

from smppd.behaviour.bygone import Bygone
from smppd.behaviour.chance import Chances
from smppd.behaviour.conditions import compile_account, compile_finders, compile_when
from smppd.behaviour.firing import Actions, Firing
from smppd.behaviour.hooks import Event, call, load_hook
from smppd.behaviour.index import Destinations, Index
from smppd.behaviour.saved import RuleRow
from smppd.behaviour.scenarios import Scenarios
from smppd.behaviour.schedules import is_awake
from smppd.settings.names import ANY, COMMANDS, FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from smppd.behaviour.facts import Facts
    from smppd.behaviour.hooks import Hook
    from smppd.settings.rules import Rule
    from smppwire.pdus import Pdu

WITH_DESTINATION: Final = frozenset(COMMANDS[name] for name, fields in FIELDS.items() if "destination_addr" in fields)
"""The command_ids of PDUs that have a destination_addr."""


class Hits(NamedTuple):
    """What a rule has done. hook_failures: how often its hook could not be asked."""

    matched: int
    fired: int
    hook_failures: int


NOTHING: Final = Hits(0, 0, 0)


class _Entry:
    """One rule at work."""

    __slots__ = (
        *("_actions", "_chances", "_hook", "_rule", "_throttled"),
        *("account_test", "command_ids", "destinations", "failures", "fired", "is_about_any", "matched", "position"),
        "test",
    )

    def __init__(self, rule: Rule, seed: int, zone: tzinfo, hook: Hook | None) -> None:
        self.destinations = Destinations(rule.when.destination_addr)
        self.is_about_any = ANY in rule.when.commands
        self.command_ids = frozenset(COMMANDS[name] for name in rule.when.commands if name != ANY)
        indexed = self.destinations.usable and self.destinations.exact
        self.test = compile_when(rule.when, zone, destination=not indexed)
        self.account_test = compile_account(rule.when)
        self.position = 0
        self.matched = 0
        self.fired = 0
        self.failures = 0
        self._rule = rule
        self._hook = hook
        self._actions = Actions(rule.name, rule.then, compile_finders(rule.when))
        draws = self._actions.draws or rule.probability < 1
        self._chances = Chances(seed, rule.name) if draws else None
        self._throttled: dict[str, float] = {}
        """Until when each account is refused, on the engine's clock."""

    @property
    def rule(self) -> Rule:
        return self._rule

    @property
    def hook(self) -> Hook | None:
        return self._hook

    def forget_account(self, account: str) -> None:
        self._throttled.pop(account, None)
        if self._chances is not None:
            self._chances.forget(account)

    def fire(self, pdu: Pdu, facts: Facts, book: RuleBook) -> Firing | None:
        """Count a match, and say what is to be done if the rule fires."""
        rule = self._rule
        if self._throttled and facts.now < self._throttled.get(facts.account, facts.now):
            return self._actions.refusal
        if rule.schedule is not None:
            since = facts.bound_at if rule.schedule.since == "session" else book.started
            if not is_awake(rule.schedule, facts.now - since):
                return None
        if rule.scenario is not None and not book.scenarios.allows(rule.scenario):
            return None
        self.matched += 1
        chance, ordinal = (None, 0) if self._chances is None else self._chances.next(facts.account)
        place = self.matched - rule.after
        if place <= 0 or place % rule.every or (rule.times and self.fired >= rule.times):
            return None
        if rule.probability < 1 and chance is not None and chance.draw(ordinal) >= rule.probability:
            return None
        self.fired += 1
        if book.tell_fired is not None:
            book.tell_fired(rule.name, pdu, facts)
        if rule.scenario is not None:
            book.scenarios.move(rule.scenario)
        if rule.then.throttle:
            self._throttled[facts.account] = facts.now + rule.then.throttle
        firing = self._actions.fire(pdu, facts, chance, ordinal)
        return firing if self._hook is None else self._ask(self._hook, pdu, facts, firing, book)

    def row(self) -> RuleRow:
        """What it has done."""
        ordinals = {} if self._chances is None else self._chances.ordinals
        return RuleRow(self._rule.name, self.matched, self.fired, self.failures, dict(self._throttled), ordinals)

    def put_back(self, row: RuleRow) -> None:
        """Have done that."""
        self.matched, self.fired, self.failures = row.matched, row.fired, row.failures
        self._throttled = dict(row.throttled)
        if self._chances is not None:
            self._chances.go_on_from(row.ordinals)

    def _ask(self, hook: Hook, pdu: Pdu, facts: Facts, firing: Firing, book: RuleBook) -> Firing:
        """What the hook makes of it; a hook that fails changes nothing."""
        try:
            return call(hook, Event(pdu, firing, self._actions.groups(pdu, facts), facts))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever somebody's function does, cancelling included
            self.failures += 1
            if book.on_hook_failure is not None:
                book.on_hook_failure(self._rule.name, error)
            return firing


class RuleBook:
    """The rules of a server, in their order. Everything belongs to the thread of the event loop.

    Ask it with `find` for each PDU that comes in, and with `find_out` for each that leaves. `concerns` and
    `concerns_out` tell beforehand whether a command can concern any rule at all.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        seed: int = 0,
        started: float = 0.0,
        zone: tzinfo = UTC,
        load: Callable[[str], Hook] = load_hook,
        on_hook_failure: Callable[[str, BaseException], None] | None = None,
    ) -> None:
        """Take rules in their order; those that are not enabled are left out.

        seed: of all draws. started: when the server began, on the engine's clock. zone: in which times of day are
        meant. load: imports the hooks. on_hook_failure: told of the rule and the exception when a hook fails.
        Raises UserError for a hook that cannot be imported.
        """
        self.started = started
        self.scenarios = Scenarios()
        self.on_hook_failure = on_hook_failure
        self.tell_fired: Callable[[str, Pdu, Facts], None] | None = None
        """Called with the name of a rule that fires, on which PDU, of whom; None while nobody looks."""
        self._seed = seed
        self._zone = zone
        self._load = load
        self._entries: dict[str, _Entry] = {}
        self._before = Bygone()
        """What rules did that are gone or begin anew."""
        self._in: dict[int, Index[_Entry]] = {}
        self._out: dict[int, Index[_Entry]] = {}
        self._any_in: Index[_Entry] | None = None
        self._any_out: Index[_Entry] | None = None
        self.replace(rules)

    def replace(self, rules: Sequence[Rule]) -> None:
        """Take other rules. Those that are the same as before keep their counts, wherever they stand now.

        Raises UserError for a hook that cannot be imported, and ValueError for two rules of one name; then nothing has
        changed.
        """
        entries: dict[str, _Entry] = {}
        for rule in rules:
            if not rule.enabled:
                continue
            if rule.name in entries:
                raise ValueError(f"two rules are called {rule.name!r}")
            entry = self._entries.get(rule.name)
            if entry is None or entry.rule != rule:
                hook = None if rule.then.hook is None else self._load(rule.then.hook)
                entry = _Entry(rule, self._seed, self._zone, hook)
            entries[rule.name] = entry
        for position, entry in enumerate(entries.values()):
            entry.position = position
        for name, entry in self._entries.items():
            if entries.get(name) is not entry:
                self._before.add(name, entry.fired, entry.failures)
        self._entries = entries
        self._in, self._any_in = _indexes([entry for entry in entries.values() if entry.rule.when.direction == "in"])
        self._out, self._any_out = _indexes([entry for entry in entries.values() if entry.rule.when.direction == "out"])

    @property
    def rules(self) -> list[Rule]:
        """The rules in use, in their order."""
        return [entry.rule for entry in self._entries.values()]

    def concerns(self, command_id: int) -> bool:
        """Whether a command that comes in can concern any rule."""
        return self._any_in is not None or command_id in self._in

    def concerns_out(self, command_id: int) -> bool:
        """Whether a command that leaves can concern any rule."""
        return self._any_out is not None or command_id in self._out

    def find(self, pdu: Pdu, facts: Facts) -> Firing | None:
        """What is to be done with a PDU from the ESME; None: nothing out of the ordinary."""
        index = self._in.get(pdu.command_id, self._any_in)
        return None if index is None else self._search(index, pdu, facts)

    def find_out(self, pdu: Pdu, facts: Facts) -> Firing | None:
        """What is to be done with a PDU to the ESME; None: nothing out of the ordinary."""
        index = self._out.get(pdu.command_id, self._any_out)
        return None if index is None else self._search(index, pdu, facts)

    def find_next(self, pdus: Sequence[Pdu], start: int, end: int, facts: Facts) -> tuple[int, Firing | None]:
        """The first of ``pdus[start:end]``, all of one command, on which a rule fires: its place, and what to do.

        (end, None) when there is none. Whoever asks goes on behind that place once the firing has been carried out.
        """
        index = self._in.get(pdus[start].command_id, self._any_in)
        if index is None:
            return end, None
        search = self._search
        place = start - 1
        while (place := index.next_concerned(pdus, place + 1, end)) < end:
            firing = search(index, pdus[place], facts)
            if firing is not None:
                return place, firing
        return end, None

    @property
    def has_outward(self) -> bool:
        """Whether any rule is about PDUs that leave."""
        return bool(self._out) or self._any_out is not None

    def hits(self) -> dict[str, Hits]:
        """What each rule has done, by its name, in the order of the rules."""
        return {name: Hits(entry.matched, entry.fired, entry.failures) for name, entry in self._entries.items()}

    def totals(self) -> dict[str, Hits]:
        """What rules have done since the server began, by their names: those that are gone or began anew too."""
        totals = {name: Hits(0, *counts) for name, counts in self._before.items()}
        for name, entry in self._entries.items():
            before = totals.get(name, NOTHING)
            totals[name] = Hits(entry.matched, before.fired + entry.fired, before.hook_failures + entry.failures)
        return totals

    def restart(self, names: Collection[str] | None = None) -> None:
        """Have rules begin anew, as after a start: counts, draws and throttling. None: all of them."""
        rules = self.rules
        for name in self._entries if names is None else names:
            entry = self._entries.get(name)
            if entry is not None:
                self._entries[name] = _Entry(entry.rule, self._seed, self._zone, entry.hook)
                self._before.add(name, entry.fired, entry.failures)
        self.replace(rules)

    def forget_account(self, account: str) -> None:
        """Have an account begin anew with all rules: nobody is throttled, and draws begin with the first."""
        for entry in self._entries.values():
            entry.forget_account(account)

    def reset(self) -> None:
        """Begin anew: counts, draws, throttling and scenarios, as after a start."""
        self.restart()
        self.scenarios.reset()

    def rows(self) -> list[RuleRow]:
        """What each rule has done."""
        return [entry.row() for entry in self._entries.values()]

    def put_back(self, rows: Iterable[RuleRow], *, seed: int, zone: tzinfo) -> None:
        """Have rules begin anew, with these draws and times of day, and have done that; others are left out.

        What is told as `totals` stays as it is: others have done it.
        """
        self._seed, self._zone = seed, zone
        self.restart()
        for row in rows:
            entry = self._entries.get(row.name)
            if entry is not None:
                entry.put_back(row)
                self._before.add(row.name, -row.fired, -row.failures)

    def _search(self, index: Index[_Entry], pdu: Pdu, facts: Facts) -> Firing | None:
        if index.is_about_destinations:
            # Only PDUs that have this field stand in such an index.
            entries = index.candidates(pdu.destination_addr, facts.account)  # type: ignore[attr-defined]
        else:
            entries = index.others(facts.account)
        sound = False
        for entry in entries:
            test = entry.test
            if test is None or test(pdu, facts):
                if not sound:
                    if not facts.is_sound(pdu):
                        return None
                    sound = True
                firing = entry.fire(pdu, facts, self)
                if firing is not None:
                    return firing
        return None


def _indexes(entries: Sequence[_Entry]) -> tuple[dict[int, Index[_Entry]], Index[_Entry] | None]:
    """An index for each command that rules name, and one for all others when there are rules about any command."""
    named = set().union(*(entry.command_ids for entry in entries))
    if any(entry.is_about_any for entry in entries):
        named |= WITH_DESTINATION
    indexes: dict[int, Index[_Entry]] = {command_id: Index() for command_id in named}
    rest: Index[_Entry] = Index()
    for entry in entries:
        destinations = entry.destinations
        usable = destinations.usable
        for command_id in indexes if entry.is_about_any else entry.command_ids:
            # What has no destination meets no condition on it, and is not to be asked for one.
            if command_id in WITH_DESTINATION or not usable:
                indexes[command_id].add(entry, destinations)
        if entry.is_about_any and not usable:
            rest.add(entry, destinations)
    for index in (*indexes.values(), rest):
        index.finish()
    return {command_id: index for command_id, index in indexes.items() if index}, rest or None
