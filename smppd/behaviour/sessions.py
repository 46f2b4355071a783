"""The rules of a server while it runs, and as each of its sessions meets them.

There is one `Rules` for a server, which can be asked and changed at any time, and one `SessionRules` for each of its
sessions: the transport tells it who is bound, and hands in PDUs. Both have the shapes that the transport knows them by
(`smppd.engine.ports`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smppd.behaviour.facts import Facts
from smppd.behaviour.rules import RuleBook

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import tzinfo

    from smppd.behaviour.firing import Firing
    from smppd.behaviour.rules import Hits
    from smppd.behaviour.saved import RuleRow
    from smppd.engine.ports import Clock
    from smppd.settings.rules import Rule
    from smppwire.pdus import Pdu


class Rules:
    """The rules of a server. Everything belongs to the thread of the event loop."""

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        clock: Clock,
        seed: int,
        zone: tzinfo,
        on_hook_failure: Callable[[str, BaseException], None],
        changed: Callable[[], None],
    ) -> None:
        """Begin with these rules.

        Args:
            rules: in their order.
            clock: the engine's.
            seed: of all draws.
            zone: in which times of day are meant.
            on_hook_failure: told of the rule and the exception when a hook fails.
            changed: called when there are other rules than before.

        Raises UserError for a hook that cannot be imported, and ValueError for two rules of one name.
        """
        self._clock = clock
        self._changed = changed
        self._all = list(rules)
        self._book = RuleBook(rules, seed=seed, started=clock.now(), zone=zone, on_hook_failure=on_hook_failure)

    # -- what one asks a running server -------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Rule]:
        """The rules in their order, those among them that are not enabled."""
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def hits(self) -> dict[str, Hits]:
        """What each rule that is enabled has done, by its name, in the order of the rules."""
        return self._book.hits()

    @property
    def scenarios(self) -> dict[str, str]:
        """The states of the scenarios that have left their first one, by name."""
        return dict(self._book.scenarios.states)

    def fired(self) -> dict[str, int]:
        """How often rules have fired since the server began; those that never did are left out."""
        return {name: hits.fired for name, hits in self._book.totals().items() if hits.fired}

    def hook_failures(self) -> dict[str, int]:
        """How often the hooks of rules have failed since the server began; those that never did are left out."""
        return {name: hits.hook_failures for name, hits in self._book.totals().items() if hits.hook_failures}

    def tell_fired(self, tell: Callable[[str, Pdu, Facts], None] | None) -> None:
        """Have `tell` called with the name of each rule that fires, on which PDU, of whom; None: no more."""
        self._book.tell_fired = tell

    # -- changes while running ----------------------------------------------------------------------------------------

    def replace(self, rules: Sequence[Rule]) -> None:
        """Take other rules; those that are the same as before keep their counts. Scenarios stay in their states.

        Raises UserError for a hook that cannot be imported, and ValueError for two rules of one name; then nothing has
        changed.
        """
        names = [rule.name for rule in rules]
        twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
        if twice is not None:
            raise ValueError(f"two rules are called {twice!r}")
        self._book.replace(rules)
        self._all = list(rules)
        self._changed()

    def add(self, rule: Rule, *, before: str | None = None) -> None:
        """Add a rule, in front of the one called `before` or at the end. Raises as `replace`, KeyError for `before`."""
        place = len(self._all) if before is None else self._place(before)
        self.replace([*self._all[:place], rule, *self._all[place:]])

    def remove(self, name: str) -> None:
        """Take a rule out. Raises KeyError when there is none of this name."""
        place = self._place(name)
        self.replace([*self._all[:place], *self._all[place + 1 :]])

    def reset(self) -> None:
        """Begin anew: counts, draws, throttling and scenarios, as after a start."""
        self._book.reset()

    def restart(self, names: Collection[str] | None = None) -> None:
        """Have rules begin anew, as after a start: counts, draws and throttling; None: all, and their schedules too."""
        if names is None:
            self._book.started = self._clock.now()
        self._book.restart(names)

    def forget_account(self, account: str) -> None:
        """Have an account begin anew with all rules: nobody is throttled, and draws begin with the first."""
        self._book.forget_account(account)

    def reset_scenarios(self) -> None:
        """Take all scenarios back to their first state."""
        self._book.scenarios.reset()

    def set_scenario(self, name: str, state: str) -> None:
        """Put a scenario into a state; "" is the one it begins in."""
        self._book.scenarios.set(name, state)

    @property
    def started(self) -> float:
        """Since when schedules count, on the engine's clock."""
        return self._book.started

    def rows(self) -> list[RuleRow]:
        """What each rule that is enabled has done, with its draws."""
        return self._book.rows()

    def put_back(
        self, rows: Iterable[RuleRow], *, started: float, scenarios: Mapping[str, str], seed: int, zone: tzinfo
    ) -> None:
        """Go on where others stood: what `rows` and `scenarios` have handed out, and `started`."""
        self._book.started = started
        self._book.put_back(rows, seed=seed, zone=zone)
        self._book.scenarios.reset()
        for name, state in scenarios.items():
            self._book.scenarios.set(name, state)

    def _place(self, name: str) -> int:
        for place, rule in enumerate(self._all):
            if rule.name == name:
                return place
        raise KeyError(name)

    # -- what sessions ask --------------------------------------------------------------------------------------------

    def session(self) -> SessionRules:
        """The rules for a session that begins now."""
        return SessionRules(self._book, self._clock)


class SessionRules:
    """The rules for one session."""

    __slots__ = ("_book", "_clock", "_facts")

    def __init__(self, book: RuleBook, clock: Clock) -> None:
        self._book = book
        self._clock = clock
        self._facts = Facts(bound_at=clock.now())

    # -- who the session is -------------------------------------------------------------------------------------------

    def bound(
        self,
        account: str,
        bind_type: str,
        interface_version: int,
        *,
        bound_at: float,
        default_alphabet: str,
        route_of: Callable[[Pdu], str],
        violation_of: Callable[[Pdu], int],
    ) -> None:
        """The session is bound as this account; see `smppd.behaviour.facts.Facts`."""
        self._facts = Facts(
            account,
            bind_type,
            interface_version,
            bound_at=bound_at,
            default_alphabet=default_alphabet,
            route_of=route_of,
            violation_of=violation_of,
        )
        self.refresh()

    def unbound(self) -> None:
        """The session is not bound any more."""
        self._facts = Facts(bound_at=self._clock.now())
        self.refresh()

    def refresh(self) -> None:
        """Look at the clock; to be called before PDUs are handed in."""
        self._facts.now = self._clock.now()
        self._facts.wall = self._clock.wall()

    # -- what is to be done -------------------------------------------------------------------------------------------

    @property
    def has_outward(self) -> bool:
        """Whether any rule is about PDUs that leave."""
        return self._book.has_outward

    def concerns(self, command_id: int) -> bool:
        """Whether a command that comes in can concern any rule."""
        return self._book.concerns(command_id)

    def concerns_out(self, command_id: int) -> bool:
        """Whether a command that leaves can concern any rule."""
        return self._book.concerns_out(command_id)

    def find(self, pdu: Pdu) -> Firing | None:
        """What is to be done with a PDU from the ESME; None: nothing out of the ordinary."""
        return self._book.find(pdu, self._facts)

    def find_next(self, pdus: Sequence[Pdu], start: int, end: int) -> tuple[int, Firing | None]:
        """The same for a run of PDUs of one command: the place of the first that a rule fires on, else (end, None)."""
        return self._book.find_next(pdus, start, end, self._facts)

    def find_bind(self, pdu: Pdu, account: str, bind_type: str, interface_version: int) -> Firing | None:
        """What is to be done with a bind. `account` is the one it names, "" when there is no such account."""
        facts = self._facts
        asking = Facts(account, bind_type, interface_version, bound_at=facts.bound_at, now=facts.now, wall=facts.wall)
        return self._book.find(pdu, asking)

    def find_out(self, pdu: Pdu) -> Firing | None:
        """What is to be done with a PDU to the ESME; None: nothing out of the ordinary."""
        return self._book.find_out(pdu, self._facts)
