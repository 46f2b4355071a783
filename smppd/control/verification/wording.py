"""Conditions in words: what was expected, what was there, and what the difference may be."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from smppd.behaviour.conditions import compile_test, listed
from smppd.regexes import MAX_SEARCHED
from smppd.settings.names import ANY
from smppd.settings.rules import Between, Hours, Test

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import tzinfo

    from smppd.behaviour.conditions import Condition
    from smppd.settings.rules import When

MAX_SHOWN: Final = 160
"""Characters of a value that are shown: a line of a terminal or two."""

CONTEXT: Final = 10
"""Characters that are shown on either side of the first difference between two texts."""


def quoted(text: str, limit: int = MAX_SHOWN) -> str:
    """A text in quotes and on one line, clipped."""
    clipped = text if len(text) <= limit else text[: limit - 1] + "…"
    printable = "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in clipped)
    return f'"{printable}"'


def what_is_meant(when: When) -> str:
    """The PDUs that a ``when`` is about, without its conditions: "submit_sm or data_sm from the ESME"."""
    commands = "any PDU" if ANY in when.commands else " or ".join(when.commands)
    return f"{commands} {'from' if when.direction == 'in' else 'to'} the ESME"


def expected_of(condition: Condition) -> str:
    """What a condition wants: 'beginning with "336"'."""
    test = condition.test
    if isinstance(test, Test):
        return " and ".join(_words(test))
    if isinstance(test, Between):
        return f"{test.min:g} s or more" if test.max is None else f"{test.min:g} to {test.max:g} s"
    if isinstance(test, Hours):
        return f"from {test.from_} to {test.to}"
    return _one_of(listed(test))


def found_of(condition: Condition, value: Any, zone: tzinfo) -> str | None:
    """What was there, as `expected_of` would write it; None for nothing."""
    if value is None:
        return None
    if isinstance(condition.test, Between):
        return f"{value:.3f} s"
    if isinstance(condition.test, Hours):
        return datetime.fromtimestamp(value, zone).strftime("%H:%M")
    return quoted(value) if isinstance(value, str) else str(value)


def _words(test: Test) -> Iterator[str]:
    if test.equals is not None:
        yield _one_of(listed(test.equals))
    if test.prefix is not None:
        yield f"beginning with {_one_of(listed(test.prefix))}"
    if test.glob is not None:
        yield f"like {_one_of(listed(test.glob))}"
    if test.hex is not None:
        yield f"the octets {_one_of(listed(test.hex))}"
    if test.regex is not None:
        yield f"matching /{test.regex}/"
    if test.min is not None and test.max is not None:
        yield f"{test.min:g} to {test.max:g}"
    elif test.min is not None:
        yield f"{test.min:g} or more"
    elif test.max is not None:
        yield f"{test.max:g} or less"
    if test.present is not None:
        yield "some value" if test.present else "none at all"
    if test.not_ is not None:
        yield f"not {' and '.join(_words(test.not_))}"


def _one_of(values: list[Any]) -> str:
    return " or ".join(quoted(one) if isinstance(one, str) else str(one) for one in values)


# What the difference may be.


def hint_of(condition: Condition, value: Any) -> str:
    """What the difference may be between a text and the condition that it does not meet; "" for no idea."""
    test = condition.test
    if not isinstance(test, Test) or not isinstance(value, str) or condition.name.startswith("tlv."):
        return ""
    holds = compile_test(test)
    for changed, hint in _changes(value):
        if changed != value and holds(changed):
            return hint
    if _holds_in_any_case(test, value):
        return "only the case of letters differs"
    wanted = [one for one in listed(test.equals) if isinstance(one, str)]
    if any(one and one in value for one in wanted):
        return "it is a part of what was found: ask for it with glob or regex"
    if len(wanted) == 1 and test.regex is None:
        return _first_difference(wanted[0], value)
    if test.regex is not None and len(value) > MAX_SEARCHED:
        return f"a regular expression is looked for in the first {MAX_SEARCHED} characters"
    return ""


def _changes(value: str) -> Iterator[tuple[str, str]]:
    """What a text would be without what is easily overlooked, and how to say that."""
    yield value.strip(), "there is white space around it"
    yield f"+{value}", "it has no + in front"
    yield value.removeprefix("+"), "it has a + in front"
    yield value.removeprefix("00"), "it has 00 in front"
    yield value.replace("\xa0", " ").replace("\u202f", " "), "it has a no-break space in it"
    yield value.replace("\u2019", "'").replace("\u2018", "'"), "it has a typographic apostrophe in it"
    yield value.replace("\r\n", "\n").replace("\r", "\n"), "its lines end in other characters"


def _holds_in_any_case(test: Test, value: str) -> bool:
    """Whether a test would hold if letters had no case."""
    folded = value.casefold()
    if test.regex is not None:
        return re.search(test.regex, value[:MAX_SEARCHED], re.IGNORECASE) is not None
    given: dict[str, Callable[[str], bool]] = {
        "equals": lambda one: one == folded,
        "prefix": folded.startswith,
        "glob": lambda one: compile_test(Test(glob=one))(folded),
    }
    return any(
        isinstance(one, str) and holds(one.casefold())
        for name, holds in given.items()
        for one in listed(getattr(test, name))
    )


def _first_difference(wanted: str, found: str) -> str:
    place = next((at for at, (a, b) in enumerate(zip(wanted, found, strict=False)) if a != b), None)
    if place is None:
        longer = "more" if len(found) > len(wanted) else "less"
        return (
            f"what was found goes on with {quoted(found[len(wanted) :], 20)}"
            if longer == "more"
            else (f"what was found ends before {quoted(wanted[len(found) :], 20)}")
        )
    if place < 2:
        return ""
    near = slice(max(0, place - CONTEXT), place + CONTEXT)
    return f"they differ from character {place + 1} on: {quoted(wanted[near])} and {quoted(found[near])}"
