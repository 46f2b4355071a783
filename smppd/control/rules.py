"""The desk of rules, and of the scenarios that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec
from msgspec import Meta, Struct

from smppd.control.adjusting import Adjustable, AdjustingDesk
from smppd.control.failures import InvalidError, NotFoundError
from smppd.control.judging import HERE, names_of, refuse
from smppd.errors import UserError
from smppd.settings.plain import plain
from smppd.settings.reach import covered_by, unknown_in_rule
from smppd.settings.rules import Pattern, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from smppd.behaviour.rules import Hits


class RuleView(Adjustable, frozen=True, kw_only=True):
    """One rule."""

    hook_failures: Annotated[int, Meta(description="How often its hook could not be asked.")]
    rule: Annotated[dict[str, Any], Meta(description="As the configuration has it, without what is the default.")]


class ScenarioView(Struct, frozen=True, kw_only=True):
    """One scenario."""

    name: str
    state: Annotated[str, Meta(description='Every scenario begins as "".')]
    states: Annotated[list[str], Meta(description="The states that rules name, and the one it is in.")]
    rules: Annotated[list[str], Meta(description="The rules that need it or move it, in their order.")]


class RulesDesk(AdjustingDesk[Rule, RuleView]):
    """The rules of one server."""

    kind: ClassVar[str] = "rule"
    type: ClassVar[Any] = Rule

    def _all(self) -> list[Rule]:
        return list(self._simulation.rules)

    def _configured(self) -> Sequence[Rule]:
        return self._simulation.configured.rule

    def _hits(self) -> Mapping[str, Hits]:
        return self._simulation.rules.hits()

    def _view(self, entry: Rule, common: dict[str, Any], hits: Hits | None) -> RuleView:
        matched, fired, failures = hits or (0, 0, 0)
        return RuleView(**common, matched=matched, fired=fired, hook_failures=failures, rule=plain(entry))

    def _replace(self, entries: list[Rule]) -> None:
        try:
            self._simulation.rules.replace(entries)
        except UserError as error:  # the hook of one of them
            raise InvalidError([("then.hook", str(error))]) from None

    def _restart(self, names: Iterable[str] | None) -> None:
        self._simulation.rules.restart(None if names is None else list(names))

    def _judge(self, entry: Rule, *, hooks: bool) -> None:
        refuse(unknown_in_rule(entry, HERE, names_of(self._simulation.settings)))
        hook = entry.then.hook
        if hook is None or hooks or any(rule.then.hook == hook for rule in self._configured()):
            return
        what = "a hook is code: over HTTP only one that a rule of the configuration files names, unless [api] hooks"
        raise InvalidError([("then.hook", f"{what} = true")])

    def _confined(self, entry: Rule, namespace: str) -> Rule:
        own = Pattern(equals=namespace)
        if entry.when.account is None:
            return msgspec.structs.replace(entry, when=msgspec.structs.replace(entry.when, account=own))
        if entry.when.account in (own, Pattern(glob=namespace)):
            return entry
        raise InvalidError([("when.account", f'expected "{namespace}", the namespace, or nothing')])

    def _warn(self, entry: Rule, before: Sequence[Rule]) -> list[str]:
        wall = covered_by(entry, before) if entry.enabled else None
        return [] if wall is None else [f"{wall.name} comes first and leaves nothing to {entry.name}"]

    # -- scenarios ----------------------------------------------------------------------------------------------------

    def scenarios(self) -> list[ScenarioView]:
        """All scenarios that rules name, or that are in a state, by name."""
        moved = self._simulation.rules.scenarios
        states: dict[str, dict[str, None]] = {name: {state: None} for name, state in moved.items()}
        rules: dict[str, list[str]] = {}
        for rule in self._simulation.rules:
            scenario = rule.scenario
            if scenario is not None:
                known = states.setdefault(scenario.name, {"": None})
                known |= dict.fromkeys(state for state in (scenario.is_, scenario.becomes) if state is not None)
                rules.setdefault(scenario.name, []).append(rule.name)
        return [
            ScenarioView(
                name=name, state=moved.get(name, ""), states=sorted({"", *states[name]}), rules=rules.get(name, [])
            )
            for name in sorted(states)
        ]

    def scenario(self, name: str) -> ScenarioView:
        """One scenario. Raises NotFoundError when no rule names it and it is in no state."""
        for view in self.scenarios():
            if view.name == name:
                return view
        raise NotFoundError("scenario", name)

    def set_scenario(self, name: str, state: str) -> ScenarioView:
        """Put a scenario into a state. Raises NotFoundError for one that no rule names."""
        before = self.scenario(name)
        self._simulation.rules.set_scenario(name, state)
        return msgspec.structs.replace(before, state=state, states=sorted({*before.states, state}))

    def reset_scenarios(self) -> None:
        """Take all scenarios back to their first state."""
        self._simulation.rules.reset_scenarios()
