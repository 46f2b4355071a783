"""What one session counts: plain integers, as few as will do, that are added to once per chunk.

At the pace of a busy session each of them is felt. So what nearly always follows from another figure is not counted:
what was refused is, and the rest was accepted.
"""

from __future__ import annotations

from typing import Final

from smppwire.constants import CommandStatus

ESME_RTHROTTLED: Final = int(CommandStatus.ESME_RTHROTTLED)


class SessionCounters:
    """Everything that happened on one connection since it stands, over all its binds."""

    __slots__ = (
        "deliveries_answered",
        "deliveries_refused",
        "deliveries_sent",
        "other_in",
        "other_out",
        "others_acknowledged",
        "others_sent",
        "refusals",
        "submitted",
        "unaccepted",
    )

    def __init__(self) -> None:
        self.submitted = 0
        """submit_sm received."""
        self.unaccepted = 0
        """submit_sm that were not answered without an error: refused, not answered yet, or never."""
        self.refusals: dict[int, int] = {}
        """Responses with an error, whatever the request was: by their command_status."""
        self.deliveries_sent = 0
        """deliver_sm sent, and data_sm in their place: receipts, mobile originated messages and notifications."""
        self.deliveries_answered = 0
        """Of these, how many the ESME has answered."""
        self.deliveries_refused = 0
        """Of these, how many the ESME has answered with an error."""
        self.others_sent = 0
        """What was delivered and is no receipt."""
        self.others_acknowledged = 0
        """What was answered without an error and is no receipt."""
        self.other_in = 0
        """PDUs received other than submit_sm and the responses to what was delivered."""
        self.other_out = 0
        """PDUs sent other than submit_sm_resp without an error and what was delivered."""

    @property
    def pdus_in(self) -> int:
        """PDUs received."""
        return self.submitted + self.deliveries_answered + self.other_in

    @property
    def pdus_out(self) -> int:
        """PDUs sent."""
        return self.accepted + self.deliveries_sent + self.other_out

    @property
    def accepted(self) -> int:
        """submit_sm answered without an error."""
        return self.submitted - self.unaccepted

    @property
    def refused(self) -> int:
        """Requests answered with an error."""
        return sum(self.refusals.values())

    @property
    def throttled(self) -> int:
        """Requests answered with ESME_RTHROTTLED."""
        return self.refusals.get(ESME_RTHROTTLED, 0)

    @property
    def deliveries_acknowledged(self) -> int:
        """What was delivered and answered without an error."""
        return self.deliveries_answered - self.deliveries_refused

    @property
    def receipts_sent(self) -> int:
        """Receipts sent."""
        return self.deliveries_sent - self.others_sent

    @property
    def receipts_acknowledged(self) -> int:
        """Receipts answered without an error."""
        return self.deliveries_acknowledged - self.others_acknowledged

    def refuse(self, status: int, count: int) -> None:
        """So many responses leave with this error (a negative count: they do not leave after all)."""
        self.other_out += count
        self.refusals[status] = self.refusals.get(status, 0) + count
