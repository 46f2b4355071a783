"""A ``when`` as a question about recorded PDUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smppd.behaviour.conditions import conditions_of, regex_finders
from smppd.control.records import command_id_of
from smppd.control.verification.sightings import Sighting
from smppd.settings.names import ANY, COMMANDS

if TYPE_CHECKING:
    from datetime import tzinfo

    from smppd.behaviour.facts import Facts
    from smppd.control.records import Record
    from smppd.control.verification.wholes import Wholes
    from smppd.observe.journal import JournalEntry
    from smppd.settings.rules import When


class Matcher:
    """Whether recorded PDUs meet a ``when``; of one account alone, if a namespace is given."""

    def __init__(self, when: When, zone: tzinfo, namespace: str = "") -> None:
        """zone: in which ``time`` is meant. namespace: a system_id; "" for PDUs of all accounts."""
        self.when = when
        self.namespace = namespace
        self.conditions = list(conditions_of(when, zone))
        self._tests = [condition.holds for condition in self.conditions]
        self._finders = list(regex_finders(when))
        self.direction = when.direction
        self.command_ids = None if ANY in when.commands else frozenset(int(COMMANDS[name]) for name in when.commands)
        """The command_ids that are meant; None for all."""

    def concerns(self, entry: JournalEntry) -> bool:
        """Whether a frame may be meant, judged by its header alone."""
        return entry.direction == self.direction and self.is_about(command_id_of(entry.frame))

    def is_about(self, command_id: int) -> bool:
        """Whether a command is meant."""
        return self.command_ids is None or command_id in self.command_ids

    def sight(self, record: Record, wholes: Wholes | None = None) -> Sighting | None:
        """What a PDU is, or completes, that meets the conditions; None when that is nothing."""
        if not self.concerns(record.entry):
            return None
        sighting = Sighting(record) if wholes is None else wholes.take(record)
        return sighting if sighting is not None and self.holds(record, sighting.facts) else None

    def meets(self, sighting: Sighting) -> bool:
        """Whether this is meant, and meets all conditions."""
        return self.concerns(sighting.record.entry) and self.holds(sighting.record, sighting.facts)

    def matches(self, record: Record) -> bool:
        """Whether a PDU that is concerned meets all conditions; octets that are no PDU meet none."""
        return self.holds(record, record.facts)

    def holds(self, record: Record, facts: Facts) -> bool:
        """Whether all conditions hold for a PDU of which this is known."""
        pdu = record.pdu
        if pdu is None or (self.namespace and facts.account != self.namespace):
            return False
        return all(test(pdu, facts) for test in self._tests)

    def captures(self, sighting: Sighting) -> tuple[dict[str, str], dict[str, list[str]]]:
        """What the regular expressions have found: named groups by name, and all groups by the key of the condition.

        An expression without groups captures all that it has found. A group that took no part is "".
        """
        named: dict[str, str] = {}
        captured: dict[str, list[str]] = {}
        pdu = sighting.record.pdu
        for key, pattern, find in self._finders:
            found = None if pdu is None else find(pdu, sighting.facts)
            if found is not None:
                named.update(found.groupdict(""))
                captured[key] = list(found.groups("")) if pattern.groups else [found[0]]
        return named, captured
