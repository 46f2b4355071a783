"""Delivery pending flags: whom to tell that a subscriber is back (alert_notification, SMPP 3.4 section 4.12).

An ESME asks with set_dpf (5.3.2.29). When its message fails because the subscriber is absent, the flag is set: the
engine remembers both addresses, and once the subscriber is back the account gets one alert_notification, however many
of its messages had failed. It has no response, so it is done with when it has left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from smppd.engine.message import DELETED, SUCCESSES
from smppd.engine.scheduler import Schedule
from smppwire.constants import TlvTag
from smppwire.pdus import AlertNotification, Tlv

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from smppd.engine.esmes import EsmeState
    from smppd.engine.message import Message
    from smppwire.pdus import SubmitSm

MAX_ALERTS: Final = 100_000
"""Flags that are set at once, about 50 MB; then the oldest is forgotten, as a subscriber's home register would."""

SET_DPF: Final = int(TlvTag.SET_DPF)
REQUESTED: Final = b"\x01"

AVAILABLE: Final = (Tlv(TlvTag.MS_AVAILABILITY_STATUS, b"\x00"),)


class Alert(NamedTuple):
    """One flag: who waits for whom. The names are those of alert_notification."""

    esme: EsmeState
    source_addr_ton: int
    source_addr_npi: int
    source_addr: bytes
    """The subscriber."""
    esme_addr_ton: int
    esme_addr_npi: int
    esme_addr: bytes

    def pdu(self) -> AlertNotification:
        """The alert_notification that says: the subscriber is available."""
        return AlertNotification(
            source_addr_ton=self.source_addr_ton,
            source_addr_npi=self.source_addr_npi,
            source_addr=self.source_addr,
            esme_addr_ton=self.esme_addr_ton,
            esme_addr_npi=self.esme_addr_npi,
            esme_addr=self.esme_addr,
            tlvs=AVAILABLE,
        )


class Standing(NamedTuple):
    """A flag and its times, in seconds of the engine's clock: nobody cares after the first, at the second it is due."""

    alert: Alert
    expires_at: float
    back_at: float
    ticket: int


class _Flag:
    """How long an alert is of interest, and where it stands in the schedule."""

    __slots__ = ("back_at", "expires_at", "ticket")

    def __init__(self, expires_at: float, back_at: float, ticket: int) -> None:
        self.expires_at = expires_at
        self.back_at = back_at
        self.ticket = ticket


def asks_for_dpf(pdu: SubmitSm) -> bool:
    """Whether the message asks for a delivery pending flag: by set_dpf 1. Without that TLV nobody asked."""
    return bool(pdu.tlvs) and pdu.tlv(SET_DPF) == REQUESTED


class Alerts:
    """The delivery pending flags of all accounts."""

    def __init__(self) -> None:
        self._flags: dict[Alert, _Flag] = {}
        """What is remembered, in the order of its end of life."""
        self._schedule: Schedule[Alert] = Schedule()
        self._due: dict[EsmeState, dict[Alert, None]] = {}
        """By account, those whose subscriber is back."""

    def __len__(self) -> int:
        return len(self._flags)

    def flag(self, message: Message, now: float, validity: float) -> bool:
        """Set a flag if the message, final now, failed because its subscriber is absent; whether it is set."""
        if not message.failures or message.state in SUCCESSES or message.state == DELETED:
            return False
        back_at = message.route.network.back_at(message, now)
        if back_at is None:
            return False
        self.remember(message, max(now, back_at), now + validity)
        return True

    def remember(self, message: Message, back_at: float, expires_at: float) -> None:
        """Set a flag: the message failed, its subscriber is back at `back_at`, and nobody cares after `expires_at`."""
        pdu = message.pdu
        alert = Alert(
            message.esme,
            pdu.dest_addr_ton,
            pdu.dest_addr_npi,
            pdu.destination_addr,
            pdu.source_addr_ton,
            pdu.source_addr_npi,
            pdu.source_addr,
        )
        flag = self._flags.pop(alert, None)
        if flag is None:
            if len(self._flags) >= MAX_ALERTS:
                self._forget(next(iter(self._flags)))
            flag = _Flag(expires_at, back_at, self._schedule.add(back_at, alert))
        flag.expires_at = expires_at
        self._flags[alert] = flag

    def run(self, now: float, limit: int) -> bool:
        """Send what is due, at most `limit` alerts, and forget what nobody cares about any more.

        True when there is more to do at once.
        """
        come_back = self._schedule.pop_due(now, limit)
        for alert in come_back:
            self._due.setdefault(alert.esme, {})[alert] = None
        self._forget_old(now)
        sent = 0
        for esme in list(self._due):
            sent += self._send_to(esme, limit - sent)
        return len(come_back) == limit or sent == limit

    def _send_to(self, esme: EsmeState, limit: int) -> int:
        due = self._due[esme]
        count = 0
        for bind in esme.receivers():
            # A session of 3.3 knows no alert_notification. An alert needs no place in the window, but whoever does not
            # read or is about to leave has no room either.
            while due and count < limit and bind.tlvs and bind.outbound.room() > 0:
                alert = next(iter(due))
                bind.outbound.notify(alert.pdu())
                self._forget(alert)
                count += 1
        return count

    def forget(self, gone: Collection[EsmeState]) -> None:
        """Take the flags of these accounts down."""
        for alert in [alert for alert in self._flags if alert.esme in gone]:
            self._forget(alert)

    def next_due(self, *, exact: bool = False) -> float | None:
        """When the next subscriber is back; None when all are, or nobody waits. See `Schedule.next_due`."""
        return self._schedule.next_due(exact=exact)

    # -- handing over and taking back ---------------------------------------------------------------------------------

    @property
    def tickets(self) -> int:
        """How many flags have been set."""
        return self._schedule.tickets

    def flags(self) -> Iterator[Standing]:
        """The flags that are set, in the order of their end of life."""
        for alert, flag in self._flags.items():
            yield Standing(alert, flag.expires_at, flag.back_at, flag.ticket)

    def due(self) -> Iterator[Alert]:
        """Those whose subscriber is back, in the order in which they will leave."""
        for alerts in self._due.values():
            yield from alerts

    def put_back(self, standing: Standing, *, is_due: bool) -> None:
        """Take back one of `flags`, in its order; those that are not due are planned."""
        alert, expires_at, back_at, ticket = standing
        self._flags[alert] = _Flag(expires_at, back_at, ticket)
        if not is_due:
            self._schedule.put_back(back_at, ticket, alert)

    def put_back_due(self, alert: Alert) -> None:
        """Take back one of `due`, in its order; its flag is there."""
        self._due.setdefault(alert.esme, {})[alert] = None

    def go_on_from(self, tickets: int) -> None:
        """All flags are back."""
        self._schedule.go_on_from(tickets)

    def _forget_old(self, now: float) -> None:
        while self._flags:
            alert, flag = next(iter(self._flags.items()))
            if flag.expires_at >= now:
                break
            self._forget(alert)

    def _forget(self, alert: Alert) -> None:
        flag = self._flags.pop(alert)
        due = self._due.get(alert.esme)
        if due is None or alert not in due:
            self._schedule.forsake(flag.back_at, flag.ticket)
            return
        del due[alert]
        if not due:
            del self._due[alert.esme]
