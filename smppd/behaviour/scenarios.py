"""States that rules share: a rule may need one, and lead to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smppd.settings.rules import Scenario


class Scenarios:
    """The state of every scenario, by its name. Each begins as ""."""

    __slots__ = ("_states",)

    def __init__(self) -> None:
        self._states: dict[str, str] = {}

    @property
    def states(self) -> Mapping[str, str]:
        """The scenarios that have left their first state."""
        return self._states

    def allows(self, scenario: Scenario) -> bool:
        """Whether it is in the state that a rule needs."""
        return scenario.is_ is None or self._states.get(scenario.name, "") == scenario.is_

    def move(self, scenario: Scenario) -> None:
        """A rule has fired: take it to the state that the rule leads to, if it leads anywhere."""
        if scenario.becomes is not None:
            self.set(scenario.name, scenario.becomes)

    def set(self, name: str, state: str) -> None:
        """Put a scenario into a state."""
        if state:
            self._states[name] = state
        else:
            self._states.pop(name, None)

    def reset(self) -> None:
        """Begin all of them again."""
        self._states.clear()
