"""What one session counts: plain integers that are added to once per chunk, and read when somebody looks."""

from __future__ import annotations

from typing import Final

from smppwire.constants import CommandStatus

ESME_RTHROTTLED: Final = int(CommandStatus.ESME_RTHROTTLED)


class SessionCounters:
    """Everything that happened on one connection since it stands, over all its binds."""

    __slots__ = (
        "accepted",
        "deliveries_acknowledged",
        "deliveries_refused",
        "deliveries_sent",
        "octets_in",
        "octets_out",
        "other_in",
        "other_out",
        "receipts_acknowledged",
        "receipts_sent",
        "refusals",
        "submitted",
    )

    def __init__(self) -> None:
        self.octets_in = 0
        """Octets read."""
        self.octets_out = 0
        """Octets written."""
        self.submitted = 0
        """submit_sm received."""
        self.accepted = 0
        """submit_sm answered without an error."""
        self.refusals: dict[int, int] = {}
        """Responses with an error, whatever the request was: by their command_status."""
        self.deliveries_sent = 0
        """deliver_sm sent, and data_sm in their place: receipts, mobile originated messages and notifications."""
        self.deliveries_acknowledged = 0
        """Of these, how many the ESME has answered without an error."""
        self.deliveries_refused = 0
        """Of these, how many the ESME has answered with an error."""
        self.receipts_sent = 0
        """Receipts among what was sent."""
        self.receipts_acknowledged = 0
        """Receipts among what was acknowledged."""
        self.other_in = 0
        """PDUs received other than submit_sm and the responses to what was delivered."""
        self.other_out = 0
        """PDUs sent other than submit_sm_resp without an error and what was delivered."""

    @property
    def pdus_in(self) -> int:
        """PDUs received."""
        return self.submitted + self.deliveries_acknowledged + self.deliveries_refused + self.other_in

    @property
    def pdus_out(self) -> int:
        """PDUs sent."""
        return self.accepted + self.deliveries_sent + self.other_out

    @property
    def refused(self) -> int:
        """Requests answered with an error."""
        return sum(self.refusals.values())

    @property
    def throttled(self) -> int:
        """Requests answered with ESME_RTHROTTLED."""
        return self.refusals.get(ESME_RTHROTTLED, 0)

    def refuse(self, status: int, count: int) -> None:
        """So many responses leave with this error (a negative count: they do not leave after all)."""
        self.other_out += count
        self.refusals[status] = self.refusals.get(status, 0) + count
