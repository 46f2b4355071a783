"""Rules, and the scenarios that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta, Struct, field

from smppd.api.endpoint import Endpoint
from smppd.api.endpoints.adjusting import adjusting
from smppd.control.adjusting import Listing
from smppd.control.pages import Page, PageQuery, page_of
from smppd.control.rules import RuleView, ScenarioView
from smppd.settings.rules import Rule
from smppd.settings.types import Table

if TYPE_CHECKING:
    from smppd.api.endpoint import Call


class RuleList(Table, frozen=True):
    """Rules in their order."""

    rules: list[Rule] = field()


class ScenarioState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The state that a scenario is to be in."""

    state: Annotated[str, Meta(max_length=1000, description='"" is the one that it begins in.')]


async def _scenarios(call: Call) -> Page[ScenarioView]:
    query, found = call.query, call.control.rules.scenarios()
    return page_of(found, lambda view: view, kind="scenarios", limit=query.limit, cursor=query.cursor)


async def _scenario(call: Call) -> ScenarioView:
    return call.control.rules.scenario(call.path["name"])


async def _set_scenario(call: Call) -> ScenarioView:
    return call.control.rules.set_scenario(call.path["name"], call.body.state)


async def _reset_scenarios(call: Call) -> None:
    call.control.rules.reset_scenarios()


ENDPOINTS: Final = (
    *adjusting(
        "rule",
        lambda control: control.rules,
        type=Rule,
        entries=RuleList,
        view=RuleView,
        listing=Listing[RuleView],
    ),
    Endpoint(
        method="GET",
        path="/scenarios",
        operation="list_scenarios",
        tag="scenarios",
        summary="The scenarios of rules by name, and their states",
        query=PageQuery,
        result=Page[ScenarioView],
        handle=_scenarios,
    ),
    Endpoint(
        method="POST",
        path="/scenarios/reset",
        operation="reset_scenarios",
        tag="scenarios",
        summary="Take all scenarios back to their first state",
        role="control",
        handle=_reset_scenarios,
    ),
    Endpoint(
        method="GET",
        path="/scenarios/{name}",
        operation="get_scenario",
        tag="scenarios",
        summary="One scenario",
        parameters={"name": "The name of the scenario."},
        result=ScenarioView,
        handle=_scenario,
    ),
    Endpoint(
        method="PUT",
        path="/scenarios/{name}",
        operation="set_scenario",
        tag="scenarios",
        summary="Put a scenario into a state",
        role="control",
        parameters={"name": "The name of the scenario."},
        body=ScenarioState,
        result=ScenarioView,
        handle=_set_scenario,
    ),
)
