"""Texts with names in braces, filled in from a PDU, its session and what regular expressions have found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smppd.settings.names import template_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from smppd.behaviour.conditions import Finder
    from smppd.behaviour.facts import Facts
    from smppwire.pdus import Pdu

KNOWN: Final[Mapping[str, Callable[[Pdu, Facts], object]]] = {
    "text": lambda pdu, facts: facts.text(pdu),
    "account": lambda _pdu, facts: facts.account,
    "route": lambda pdu, facts: facts.route(pdu),
    "part": lambda pdu, facts: facts.part(pdu).part,
    "parts": lambda pdu, facts: facts.part(pdu).parts,
}
"""What the settings call EXTRA_NAMES."""


def named_groups(finders: Iterable[Finder], pdu: Pdu, facts: Facts) -> dict[str, str]:
    """What the named groups of regular expressions have found; "" for a group that took no part."""
    found: dict[str, str] = {}
    for find in finders:
        match = find(pdu, facts)
        if match is not None:
            found.update(match.groupdict(""))
    return found


class Template:
    """A text with names in braces. Groups of regular expressions hide fields of the same name."""

    __slots__ = ("_names", "_text")

    def __init__(self, text: str) -> None:
        """Read a template; raises ValueError for one that is not understood."""
        self._names = template_names(text)
        self._text = text

    def render(self, pdu: Pdu, facts: Facts, groups: Mapping[str, str]) -> str:
        """The text for one PDU. What the PDU does not have is left empty."""
        if not self._names:
            return self._text.format()
        return self._text.format_map({name: _value(name, pdu, facts, groups) for name in self._names})


def _value(name: str, pdu: Pdu, facts: Facts, groups: Mapping[str, str]) -> str:
    if name in groups:
        return groups[name]
    known = KNOWN.get(name)
    if known is not None:
        return str(known(pdu, facts))
    value = getattr(pdu, name, "")
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
