"""The ESMEs as the engine sees them: accounts with what waits for them, and the binds it can leave by."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from smppd.engine.message import STATE_COUNT
from smppd.engine.queues import open_window, status_named

if TYPE_CHECKING:
    from smppwire.validation import ValidationPolicy

    from smppd.engine.ports import Outbound
    from smppd.settings import Account


class Deliverable(Protocol):
    """What can leave as a deliver_sm: a message's receipt, a notification, or a mobile originated message."""

    attempts: int
    """How often it was sent."""

    expires_at: float
    """Seconds of the engine's clock after which nobody wants it any more."""

    accepted_at: float
    """Seconds of the engine's clock when its message was accepted."""

    @property
    def esme(self) -> EsmeState:
        """The account it is for."""

    @property
    def bind(self) -> Bind | None:
        """The bind it should leave by, if that still receives."""


class Delivery:
    """A deliver_sm with a body of its own: a mobile originated message or an intermediate notification."""

    __slots__ = ("accepted_at", "attempts", "bind", "body", "esme", "expires_at", "kind")

    def __init__(
        self, kind: str, body: bytes, esme: EsmeState, bind: Bind | None, accepted_at: float, expires_at: float
    ) -> None:
        self.kind = kind
        self.body = body
        self.esme = esme
        self.bind = bind
        self.accepted_at = accepted_at
        self.expires_at = expires_at
        self.attempts = 0


class Bind:
    """One bound session, as far as the engine needs to know it."""

    __slots__ = ("bind_id", "esme", "hex_ids", "is_open", "outbound", "pending", "policy", "receives", "tlvs")

    def __init__(
        self,
        bind_id: str,
        esme: EsmeState,
        outbound: Outbound,
        *,
        receives: bool,
        tlvs: bool,
        policy: ValidationPolicy,
    ) -> None:
        """Describe a bind.

        Args:
            bind_id: names the session in journals and logs.
            esme: the account that bound.
            outbound: where deliver_sm leave.
            receives: bound as receiver or transceiver.
            tlvs: whether the ESME is of interface_version 0x34 or above: others get no TLVs, and ids of 8 hex digits.
            policy: what the values of its PDUs are judged by.
        """
        self.bind_id = bind_id
        self.esme = esme
        self.outbound = outbound
        self.receives = receives
        self.tlvs = tlvs
        self.hex_ids = not tlvs
        self.policy = policy
        self.pending: deque[Deliverable] = deque()
        self.is_open = True


class EsmeState:
    """One account: its throughput window, its counters, what waits for it, and its receiving binds."""

    __slots__ = (
        "binds",
        "counts_parts",
        "over_status",
        "pending",
        "receipt_bind",
        "settings",
        "states",
        "system_id",
        "throughput",
        "turn",
        "waiting",
    )

    def __init__(self, settings: Account) -> None:
        self.system_id = settings.system_id
        self.binds: list[Bind] = []
        self.pending: deque[Deliverable] = deque()
        self.waiting = 0
        self.states = [0] * STATE_COUNT
        self.turn = 0
        self.configure(settings)

    def configure(self, settings: Account) -> None:
        """Take new settings; what waits stays."""
        self.settings = settings
        self.throughput = open_window(settings.throughput)
        self.counts_parts = settings.throughput.count == "parts"
        self.over_status = status_named(settings.throughput.over)
        self.receipt_bind = settings.receipt_bind

    def receivers(self) -> list[Bind]:
        """The open binds that may be sent deliver_sm, oldest first."""
        return [bind for bind in self.binds if bind.receives]
