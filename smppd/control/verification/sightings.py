"""What conditions are asked of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from smppd.behaviour.facts import Facts
    from smppd.control.records import Record


class Sighting(NamedTuple):
    """A recorded PDU, or the whole message that it has completed."""

    record: Record
    whole: Facts | None = None
    """What is known of a whole message, with the text of all parts; None for a PDU by itself."""
    parts: tuple[int, ...] = ()
    """The numbers of the PDUs that make a whole message, by their place in it; () for a PDU by itself."""
    missing: tuple[int, ...] = ()
    """The places of parts that have not come."""

    @property
    def facts(self) -> Facts:
        """What is known of it; see `Record.facts`."""
        return self.record.facts if self.whole is None else self.whole

    @property
    def text(self) -> str | None:
        """The text that conditions are asked of; None where there is none."""
        pdu = self.record.pdu
        return self.facts.text(pdu) if self.parts and pdu is not None else self.record.text
