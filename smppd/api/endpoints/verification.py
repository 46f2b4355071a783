"""Verification: questions about what was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

from msgspec import Meta, field

from smppd.api.endpoint import Endpoint
from smppd.control.pages import MAX_CURSOR, MAX_LIMIT
from smppd.control.verification.limits import DEFAULT_WITHIN, MAX_STEPS, MAX_WITHIN, NEAREST, SHOWN
from smppd.control.verification.views import Counted, Found, NearMisses, NothingElse, Ordered, Waited
from smppd.settings.rules import When
from smppd.settings.types import MAX_COUNT, Count, Table, text_rule

if TYPE_CHECKING:
    from smppd.api.endpoint import Call

Namespace: TypeAlias = Annotated[str, text_rule("the system_id of an account", 0, 15)]
Since: TypeAlias = Annotated[int, Meta(ge=0)] | Literal["now"]
Limit: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_LIMIT)]
Steps: TypeAlias = Annotated[list[When], Meta(min_length=1, max_length=MAX_STEPS)]


class Question(Table, frozen=True):
    """Which recorded PDUs count.

    * since: those from this number on; "now": those that are recorded from now on.
    * namespace: those of this account; "" = of all.
    * whole: put the parts of concatenated messages together, and count each as one.
    """

    since: Since = 0
    namespace: Namespace = ""
    whole: bool = False


class FindQuestion(Question, frozen=True):
    """when: the conditions, as in rules. limit, cursor: the page."""

    when: When = field(default_factory=When)
    limit: Limit = SHOWN
    cursor: Annotated[str, Meta(max_length=MAX_CURSOR)] = ""


class CountQuestion(Question, frozen=True):
    """when: the conditions, as in rules. exactly, at_least, at_most: how many there should be."""

    when: When = field(default_factory=When)
    exactly: Count | None = None
    at_least: Count | None = None
    at_most: Count | None = None


class WaitQuestion(Question, frozen=True):
    """when: the conditions, as in rules. count: how many there have to be. within: seconds until it is given up.

    limit: how many are shown.
    """

    when: When = field(default_factory=When)
    count: Annotated[int, Meta(ge=1, le=MAX_COUNT)] = 1
    within: Annotated[float, Meta(ge=0, le=MAX_WITHIN)] = DEFAULT_WITHIN
    limit: Limit = SHOWN


class OrderQuestion(Question, frozen=True, kw_only=True):
    """steps: conditions, as in rules, for one PDU after the other.

    * how: "loose" = others do not matter; "strict" = no step twice, or out of its order; "adjacent" = nothing between.
    * scope: conditions on what may not come between; by default any PDU of the commands of the steps.
    """

    steps: Steps
    how: Literal["loose", "strict", "adjacent"] = "loose"
    scope: When | None = None


class ElseQuestion(Question, frozen=True):
    """but: conditions; each PDU of the scope should meet one of these. scope: which PDUs are looked at."""

    but: Annotated[list[When], Meta(max_length=MAX_STEPS)] = field(default_factory=list)
    scope: When = field(default_factory=When)
    limit: Limit = SHOWN


class NearQuestion(Question, frozen=True):
    """when: the conditions, as in rules. limit: how many near misses are shown."""

    when: When = field(default_factory=When)
    limit: Limit = NEAREST


def _asked(call: Call) -> dict[str, Any]:
    """What all questions have in common, as the desk takes it."""
    body: Question = call.body
    since = call.control.verification.next_number if body.since == "now" else body.since
    return {"since": since, "namespace": body.namespace, "whole": body.whole}


async def _find(call: Call) -> Found:
    body: FindQuestion = call.body
    return await call.control.verification.find(body.when, limit=body.limit, cursor=body.cursor, **_asked(call))


async def _count(call: Call) -> Counted:
    body: CountQuestion = call.body
    return await call.control.verification.count(
        body.when, exactly=body.exactly, at_least=body.at_least, at_most=body.at_most, **_asked(call)
    )


async def _wait(call: Call) -> Waited:
    body: WaitQuestion = call.body
    return await call.control.verification.wait(
        body.when, count=body.count, within=body.within, limit=body.limit, **_asked(call)
    )


async def _order(call: Call) -> Ordered:
    body: OrderQuestion = call.body
    return await call.control.verification.order(body.steps, how=body.how, scope=body.scope, **_asked(call))


async def _nothing_else(call: Call) -> NothingElse:
    body: ElseQuestion = call.body
    return await call.control.verification.nothing_else(body.but, scope=body.scope, limit=body.limit, **_asked(call))


async def _near_misses(call: Call) -> NearMisses:
    body: NearQuestion = call.body
    return await call.control.verification.near_misses(body.when, limit=body.limit, **_asked(call))


TAG: Final = "verification"
OFF: Final = "409: nothing is recorded, because the journal is off."

ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/verifications/find",
        operation="find_pdus",
        tag=TAG,
        summary="The recorded PDUs that meet conditions, with their responses and what regular expressions captured",
        description=OFF,
        body=FindQuestion,
        result=Found,
        problems=(409,),
        patient=True,
        handle=_find,
    ),
    Endpoint(
        method="POST",
        path="/verifications/count",
        operation="count_pdus",
        tag=TAG,
        summary="How many recorded PDUs meet conditions, and whether that is as expected",
        description=OFF,
        body=CountQuestion,
        result=Counted,
        problems=(409,),
        patient=True,
        handle=_count,
    ),
    Endpoint(
        method="POST",
        path="/verifications/wait",
        operation="wait_for_pdus",
        tag=TAG,
        summary="Wait until so many PDUs meet conditions",
        description="Answers at once when they do already, else as soon as they do, else when the time is over: with "
        f"`holds` false, and what came nearest. {OFF}",
        body=WaitQuestion,
        result=Waited,
        problems=(409,),
        patient=True,
        handle=_wait,
    ),
    Endpoint(
        method="POST",
        path="/verifications/order",
        operation="verify_order",
        tag=TAG,
        summary="Whether PDUs came one after the other",
        description=OFF,
        body=OrderQuestion,
        result=Ordered,
        problems=(409,),
        patient=True,
        handle=_order,
    ),
    Endpoint(
        method="POST",
        path="/verifications/nothing-else",
        operation="verify_nothing_else",
        tag=TAG,
        summary="Whether there was nothing else",
        description=OFF,
        body=ElseQuestion,
        result=NothingElse,
        problems=(409,),
        patient=True,
        handle=_nothing_else,
    ),
    Endpoint(
        method="POST",
        path="/verifications/near-misses",
        operation="find_near_misses",
        tag=TAG,
        summary="Which recorded PDUs almost met conditions, and what stood in the way",
        description=OFF,
        body=NearQuestion,
        result=NearMisses,
        problems=(409,),
        patient=True,
        handle=_near_misses,
    ),
)
