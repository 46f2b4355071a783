"""What ESMEs are told about their messages beside receipts: notifications, acknowledgements of handsets, acceptances.

All of them are courtesies: at the limit of messages they are left out, because nobody who is refused could be told
later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smppd.engine.esmes import Acceptance, HandsetAcknowledgement, Notification
from smppd.engine.message import ACCEPTED, FIRST_FINAL, MODE_MASK, ONE_ATTEMPT, is_reported

if TYPE_CHECKING:
    from smppd.engine.ledger import Ledger
    from smppd.engine.message import Message
    from smppd.engine.outbox import Outbox


class Asides:
    """The notifications that are not settled, and the way of all asides into the outbox."""

    def __init__(self, ledger: Ledger, outbox: Outbox) -> None:
        """Begin with none."""
        self._ledger = ledger
        self._outbox = outbox
        self.notified: set[Message] = set()
        """The messages with a notification that is not settled: there is one at a time."""

    def notify(self, message: Message, now: float, validity: float) -> None:
        """Send an intermediate notification that was asked for: the first attempt is under way, or an attempt failed.

        There is never more than one: it tells how things stand when it leaves, and when it is settled another follows
        if attempts have failed since.
        """
        if message in self.notified or self._ledger.is_full or message.pdu.esm_class & MODE_MASK in ONE_ATTEMPT:
            return
        self._ledger.live += 1
        self.notified.add(message)
        self._outbox.add(Notification(message, min(message.expires_at, now + validity)))

    def settled(self, notification: Notification, now: float, validity: float) -> None:
        """A notification is done with: another follows when there is news."""
        message = notification.message
        self.notified.discard(message)
        if notification.told is not None and notification.told < message.failures and message.state < FIRST_FINAL:
            self.notify(message, now, validity)

    def acknowledge(self, message: Message, esm_class: int, now: float, validity: float) -> None:
        """The handset acknowledges: a message of its own towards the ESME."""
        if not self._ledger.is_full:
            self._ledger.live += 1
            self._outbox.add(HandsetAcknowledgement(message, esm_class, now, now + validity))

    def tell_accepted(self, message: Message, now: float, validity: float) -> None:
        """Report to an ESME that its message is accepted, before anything else is known of it."""
        if not self._ledger.is_full and is_reported(message, ACCEPTED):
            self._ledger.live += 1
            self._outbox.add(Acceptance(message, now + validity))
