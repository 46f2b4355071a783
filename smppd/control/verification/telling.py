"""Why a verification does not hold, as a text that stands in a failed assertion: what was expected, what came near,
and what was said between both sides. It is kept below MAX_LINES lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smppd.control.verification.dialogue import dialogue, summary
from smppd.control.verification.wording import expected_of, what_is_meant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from smppd.control.pdus import PduView
    from smppd.control.verification.matching import Matcher
    from smppd.control.verification.views import NearMiss

MAX_LINES: Final = 39
"""Lines of an explanation: it shall be read, and a terminal has forty."""

MAX_CONDITIONS: Final = 8
"""Conditions that are listed; who writes more than that knows them."""

MAX_ASKED: Final = 16
"""Lines of what was asked for: there must be room for what there was."""

MAX_WIDTH: Final = 100
"""Characters of what was expected or found that a line shows."""

MAX_DIFFERENCES: Final = 4
"""Fields of a near miss that are compared: with three misses and what was asked for there is room for a dialogue."""

MAX_MISSES: Final = 3
"""Near misses that are told in detail."""


def question(matcher: Matcher, *, whole: bool = False) -> list[str]:
    """What was asked for: the PDUs, and below them the conditions."""
    meant = what_is_meant(matcher.when) + (", whole messages" if whole else "")
    if matcher.namespace:
        meant += f", of account {matcher.namespace}"
    conditions = matcher.conditions[:MAX_CONDITIONS]
    width = max((len(one.name) for one in conditions), default=0)
    lines = [meant, *(f"  {one.name:<{width}}  {_clipped(expected_of(one))}" for one in conditions)]
    more = len(matcher.conditions) - len(conditions)
    return [*lines, f"  ... and {more} more conditions"] if more > 0 else lines


def misses(nearest: Sequence[NearMiss]) -> Iterator[str]:
    """Near misses: the PDU, and below it what does not hold."""
    for miss in nearest[:MAX_MISSES]:
        yield f"#{miss.pdu.number} {miss.pdu.command}  {summary(miss.pdu)}"
        wrong = [one for one in miss.conditions if not one.holds]
        width = max((len(one.field) for one in wrong), default=0)
        for one in wrong[:MAX_DIFFERENCES]:
            hint = f" ({one.hint})" if one.hint else ""
            found = "nothing" if one.found is None else _clipped(one.found)
            yield f"    {one.field:<{width}}  is {found}, expected {_clipped(one.expected)}{hint}"
        if more := wrong[MAX_DIFFERENCES:]:
            yield f"    and {len(more)} more: {_clipped(', '.join(one.field for one in more))}"


def _clipped(text: str) -> str:
    return text if len(text) <= MAX_WIDTH else text[: MAX_WIDTH - 1] + "…"


def explanation(
    headline: str,
    asked: Sequence[str],
    *,
    nearest: Sequence[NearMiss] = (),
    said: Sequence[PduView] = (),
    marked: Sequence[int] = (),
    missed: int = 0,
) -> str:
    """The whole text.

    Args:
        headline: what was expected and what there was, in a line.
        asked: what was asked for, from `question`.
        nearest: near misses.
        said: the last PDUs, in their order.
        marked: the numbers of those among them that matter.
        missed: PDUs that were forgotten before they were looked at.
    """
    if len(asked) > MAX_ASKED:
        asked = [*asked[: MAX_ASKED - 1], f"... and {len(asked) - MAX_ASKED + 1} more lines"]
    lines = [headline, *(f"  {line}" for line in asked)]
    if nearest:
        lines += ["nearest:", *(f"  {line}" for line in misses(nearest))]
    if missed:
        lines.append(f"{missed} PDUs were forgotten before they could be looked at: see [journal] pdus")
    room = MAX_LINES - len(lines) - 1
    if room > 1:
        what = "recorded:" if said else "recorded: nothing"
        lines += [what, *(f"  {line}" for line in dialogue(said, marked=marked, limit=room).splitlines() if said)]
    return "\n".join(lines[:MAX_LINES])
