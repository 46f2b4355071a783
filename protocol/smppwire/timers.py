"""The four timers of a session (SMPP 3.4, 7.2) as a pure value: time is an argument, nothing runs by itself.

=============  ==================================================  ====================================================
timer          runs                                                at its end
=============  ==================================================  ====================================================
session_init   from the connection (or an unbind) to the bind      ``TimerAction.CLOSE_SESSION_INIT``
enquire_link   since the last PDU from the peer, while bound       ``TimerAction.SEND_ENQUIRE_LINK``; after several
                                                                   without a sign of life
                                                                   ``TimerAction.CLOSE_ENQUIRE_LINK_UNANSWERED``
inactivity     since the last PDU from the peer                    ``TimerAction.CLOSE_INACTIVITY``
response       from each request to its response                   the request has failed: ``Window.expired``; here it
                                                                   only sets the pace of repeated enquire_links
=============  ==================================================  ====================================================

The owner calls ``tick(now)`` as often as it likes, at the latest at ``next_due()``, and does what it is told. Any PDU
counts as a sign of life, whatever it is: 3.4 (4.11) lets any valid primitive answer an enquire_link.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Final

MAX_UNANSWERED_ENQUIRE_LINKS: Final = 3
"""enquire_links in a row without any PDU from the peer before the session counts as dead. One would punish a peer for a
pause (a garbage collection, a failover of its own), and TCP gives no sign at all of a host that is gone; three at the
pace of the response timer find it within a minute with the usual values (30 s, then 3 x 10 s)."""


class TimerAction(enum.Enum):
    """What a session has to do now because a timer ran out."""

    SEND_ENQUIRE_LINK = "send_enquire_link"
    """The peer was silent: send an enquire_link. It counts as sent."""
    CLOSE_SESSION_INIT = "close_session_init"
    """No bind in time: close the connection."""
    CLOSE_INACTIVITY = "close_inactivity"
    """Nothing from the peer for the whole inactivity period: drop the session, with or without an unbind."""
    CLOSE_ENQUIRE_LINK_UNANSWERED = "close_enquire_link_unanswered"
    """``MAX_UNANSWERED_ENQUIRE_LINKS`` enquire_links were met with silence: close the connection."""


@dataclass(slots=True)
class SessionTimers:
    """The timers of one session, in seconds; 0 switches a timer off. Runs nothing before ``started``.

    The ESME side leaves ``session_init`` at 0: only an SMSC waits for a bind (SMPP 3.4, 7.2).
    """

    session_init: float = 0.0
    enquire_link: float = 0.0
    inactivity: float = 0.0
    response: float = 0.0
    _running: bool = field(default=False, init=False)
    _bound: bool = field(default=False, init=False)
    _unbound_since: float = field(default=0.0, init=False)
    _last_received: float = field(default=0.0, init=False)
    _unanswered: int = field(default=0, init=False)
    _last_enquiry: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        if min(self.session_init, self.enquire_link, self.inactivity, self.response) < 0:
            raise ValueError("a timer takes 0 (off) or more seconds")

    def started(self, now: float) -> None:
        """The connection stands: session_init and inactivity run from here."""
        self._running = True
        self._bound = False
        self._unbound_since = now
        self.received(now)

    def bound(self, now: float) -> None:
        """The session is bound: session_init has done its work, enquire_link begins."""
        self._bound = True
        self.received(now)

    def unbound(self, now: float) -> None:
        """The session is unbound but still connected: the peer has the session_init time again for another bind."""
        self._bound = False
        self._unbound_since = now

    def received(self, now: float) -> None:
        """At least one PDU has come from the peer, of whatever kind."""
        self._last_received = now
        self._unanswered = 0

    @property
    def last_received(self) -> float:
        """When the last PDU came, or the session was bound or connected."""
        return self._last_received

    def stop(self) -> None:
        """The session is over: no timer runs any more."""
        self._running = False

    def tick(self, now: float) -> TimerAction | None:
        """What is due at ``now``, None when nothing is.

        An action is named once. After one of the closing actions all timers stand still; call again after
        SEND_ENQUIRE_LINK only when the next tick comes.
        """
        closing = self._closing_action(now)
        if closing is not None:
            self.stop()
            return closing
        due = self._enquire_link_due()
        if due is None or now < due:
            return None
        if self._unanswered >= MAX_UNANSWERED_ENQUIRE_LINKS:
            self.stop()
            return TimerAction.CLOSE_ENQUIRE_LINK_UNANSWERED
        self._unanswered += 1
        self._last_enquiry = now
        return TimerAction.SEND_ENQUIRE_LINK

    def next_due(self) -> float | None:
        """The earliest moment at which ``tick`` has something to say, None when no timer runs."""
        dues = (self._session_init_due(), self._inactivity_due(), self._enquire_link_due())
        return min((due for due in dues if due is not None), default=None)

    def _closing_action(self, now: float) -> TimerAction | None:
        """The timers whose end closes the session; session_init first, it says more about what went wrong."""
        due = self._session_init_due()
        if due is not None and now >= due:
            return TimerAction.CLOSE_SESSION_INIT
        due = self._inactivity_due()
        if due is not None and now >= due:
            return TimerAction.CLOSE_INACTIVITY
        return None

    def _session_init_due(self) -> float | None:
        if not self._running or self._bound or not self.session_init:
            return None
        return self._unbound_since + self.session_init

    def _inactivity_due(self) -> float | None:
        if not self._running or not self.inactivity:
            return None
        return self._last_received + self.inactivity

    def _enquire_link_due(self) -> float | None:
        """The next enquire_link, or the end of the wait for an answer to the last one allowed.

        The first one comes when the peer has been silent for ``enquire_link`` seconds, further ones when the one before
        should have been answered. Without a response timer the enquire_link period is the pace of all of them.
        """
        if not self._running or not self._bound or not self.enquire_link:
            return None
        if not self._unanswered:
            return self._last_received + self.enquire_link
        return self._last_enquiry + (self.response or self.enquire_link)
