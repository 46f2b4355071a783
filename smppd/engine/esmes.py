"""The ESMEs as the engine sees them: accounts with what waits for them, and the binds it can leave by."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, TypeAlias

from smppd.engine.ids import hex_id
from smppd.engine.limiter import Limiter, limiter_for
from smppd.engine.message import STATE_COUNT, Message
from smppd.engine.queues import status_named
from smppd.patterns import AddressRange
from smppwire.constants import CommandId, EsmClassType
from smppwire.judgement import judge_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smppd.engine.ports import Dialect, Outbound, RequestFaults, Responses
    from smppd.settings import Account
    from smppwire.pdus import Pdu
    from smppwire.validation import ValidationPolicy


DELIVER_SM: Final = int(CommandId.DELIVER_SM)
DELIVERY_ACK: Final = int(EsmClassType.SME_DELIVERY_ACKNOWLEDGEMENT)
MANUAL_ACK: Final = int(EsmClassType.SME_MANUAL_ACKNOWLEDGEMENT)


class Delivery:
    """A deliver_sm that is not a receipt: a mobile originated message, or a notification.

    Times are seconds of the engine's clock: nobody wants it after `expires_at`. `attempts` is how often it was sent.
    """

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

    def render(self, dialect: Dialect, *, tlvs: bool) -> tuple[int, bytes]:
        """(command_id, body) for a bind of this dialect, with TLVs or without."""
        return DELIVER_SM, self.body + dialect.added_tlvs(DELIVER_SM) if tlvs else self.body

    def address(self) -> bytes:
        """The destination_addr: the ESME's address that this is for."""
        _service_type, _, rest = self.body.partition(b"\0")
        _source_addr, _, rest = rest[2:].partition(b"\0")
        return rest[2:].partition(b"\0")[0]


class Report(Delivery):
    """What an ESME is told about a message of its own, beside the receipt.

    Its body is written when it leaves, because that depends on the bind.
    """

    __slots__ = ("message",)

    def __init__(self, kind: str, message: Message, accepted_at: float, expires_at: float) -> None:
        super().__init__(kind, b"", message.esme, message.bind, accepted_at, expires_at)
        self.message = message

    def address(self) -> bytes:
        """The ESME's address that this is for: the source of the message."""
        return self.message.pdu.source_addr


class Notification(Report):
    """An intermediate notification: the message is still ENROUTE."""

    __slots__ = ("told",)

    def __init__(self, message: Message, expires_at: float) -> None:
        super().__init__("intermediate", message, message.accepted_at, expires_at)
        self.told: int | None = None
        """How many failed attempts the message had when this left; None before."""

    def render(self, dialect: Dialect, *, tlvs: bool) -> tuple[int, bytes]:
        """(command_id, body) for a bind of this dialect, with TLVs or without."""
        self.told = self.message.failures
        command_id = dialect.command_id if tlvs else DELIVER_SM
        return command_id, dialect.receipts.intermediate_body(self.message, tlvs=tlvs)


class Acceptance(Report):
    """The receipt that says ACCEPTD before the message is final, where the dialect has one (quirk Q22)."""

    __slots__ = ()

    def __init__(self, message: Message, expires_at: float) -> None:
        super().__init__("acceptance", message, message.accepted_at, expires_at)

    def render(self, dialect: Dialect, *, tlvs: bool) -> tuple[int, bytes]:
        """(command_id, body) for a bind of this dialect, with TLVs or without."""
        command_id = dialect.command_id if tlvs else DELIVER_SM
        return command_id, dialect.receipts.accepted_body(self.message, tlvs=tlvs)


class HandsetAcknowledgement(Report):
    """What the subscriber's handset says to a message: it has arrived, or its user has read it.

    `kind` is "delivery_ack" (esm_class 0x08) or "manual_ack" (0x10); see SMPP 3.4 section 5.2.12.
    """

    __slots__ = ("esm_class",)

    def __init__(self, message: Message, esm_class: int, now: float, expires_at: float) -> None:
        super().__init__("delivery_ack" if esm_class == DELIVERY_ACK else "manual_ack", message, now, expires_at)
        self.esm_class = esm_class

    def render(self, dialect: Dialect, *, tlvs: bool) -> tuple[int, bytes]:
        """(command_id, body) for a bind of this dialect, with TLVs or without."""
        return DELIVER_SM, dialect.receipts.acknowledgement_body(self.message, self.esm_class, tlvs=tlvs)


class Restated(Report):
    """A receipt that says something else than the record of its message, or says it once more: the work of a fault.

    `record` is what it says: the message, or an altered copy of it. With `stands_in` it is sent in the place of the
    message's own receipt, which is done with when this is; else it comes in addition.
    """

    __slots__ = ("record", "stands_in")

    def __init__(self, message: Message, record: Message, *, stands_in: bool) -> None:
        super().__init__("receipt", message, message.accepted_at, message.expires_at)
        self.record = record
        self.stands_in = stands_in

    def render(self, dialect: Dialect, *, tlvs: bool) -> tuple[int, bytes]:
        """(command_id, body) for a bind of this dialect, with TLVs or without."""
        command_id = dialect.command_id if tlvs else DELIVER_SM
        return command_id, dialect.receipts.receipt_body(self.record, tlvs=tlvs)


class Forgotten(Delivery):
    """What stands in a window for a deliver_sm that left and that nobody knows of any more: its response is awaited,
    and means nothing."""

    __slots__ = ()

    def __init__(self, esme: EsmeState) -> None:
        super().__init__("forgotten", b"", esme, None, 0.0, 0.0)


Deliverable: TypeAlias = Message | Delivery
"""What can leave as a deliver_sm: a message, whose receipt it is, or a delivery."""


def address_of(item: Deliverable) -> bytes:
    """The ESME's address that a deliver_sm goes to: its destination_addr."""
    return item.pdu.source_addr if isinstance(item, Message) else item.address()


class _ClosedOutbound:
    """Where a bind leads whose session has ended: nowhere. Its messages must not keep the whole connection alive."""

    def room(self) -> int:
        """None."""
        return 0

    def deliver(
        self,
        bodies: Sequence[bytes],
        items: Sequence[Deliverable],
        command_id: int = CommandId.DELIVER_SM,  # noqa: ARG002  # whatever it is
    ) -> None:
        """Refuse: there is no room, so nobody may try."""
        raise RuntimeError(f"{len(bodies)} deliver_sm for a session that has ended, {len(items)} deliverables")

    def answer(self, request: Pdu, response: Pdu) -> None:
        """Forget it: what the ESME asked for went on without it, and nobody is left to be told."""

    def notify(self, pdu: Pdu) -> None:
        """Forget it."""

    def forget(self, keeps: Callable[[Deliverable], bool], esme: EsmeState) -> None:
        """Do nothing: nothing is on its way."""


CLOSED_OUTBOUND: Final = _ClosedOutbound()

ANY_ADDRESS: Final = AddressRange("")
"""The address_range of a bind that states none."""


class Bind:
    """One bound session, as far as the engine needs to know it."""

    __slots__ = (
        "address_range",
        "bind_id",
        "bound_at",
        "esme",
        "faults",
        "hex_ids",
        "is_50",
        "is_open",
        "is_plain",
        "judge",
        "outbound",
        "pending",
        "policy",
        "receives",
        "responses",
        "spell",
        "tlvs",
    )

    def __init__(
        self,
        bind_id: str,
        esme: EsmeState,
        outbound: Outbound,
        *,
        receives: bool,
        tlvs: bool,
        policy: ValidationPolicy,
        address_range: AddressRange = ANY_ADDRESS,
        bound_at: float = 0.0,
    ) -> None:
        """Describe a bind.

        Args:
            bind_id: names the session in journals and logs.
            esme: the account that bound.
            outbound: where deliver_sm leave.
            receives: bound as receiver or transceiver.
            tlvs: whether the ESME is of interface_version 0x34 or above: others get no TLVs, and ids of 8 hex digits.
            policy: what the values of its PDUs are judged by, its interface_version included.
            address_range: the addresses that this bind, of those of its account, is for.
            bound_at: when the session was bound, in seconds of the engine's clock.
        """
        self.bind_id = bind_id
        self.esme = esme
        self.outbound = outbound
        self.receives = receives
        self.tlvs = tlvs
        self.hex_ids = not tlvs
        self.speak(esme.dialect)
        self.policy = policy
        self.judge = judge_of(policy)
        self.is_50 = policy.is_50
        self.address_range = address_range
        self.bound_at = bound_at
        self.faults: RequestFaults | None = None
        """What goes wrong with its requests."""
        self.pending: deque[Deliverable] = deque()
        """What should leave by this bind and no other, oldest first."""
        self.is_open = True

    def speak(self, dialect: Dialect) -> None:
        """Write ids and responses as this dialect has it, from now on."""
        spell = dialect.speller(below_34=self.hex_ids)
        self.spell: Callable[[int], bytes] | None = spell or (hex_id if self.hex_ids else None)
        """How numbers become message_ids; None: in decimal digits."""
        self.is_plain = spell is None and not self.hex_ids and not dialect.accepts_first
        """Whether messages are accepted as in the default dialect, so that nothing is special about them."""
        self.responses: Responses | None = dialect.responses
        """Writes responses; None where they are what the specification says."""

    def close(self) -> None:
        """The session has ended."""
        self.is_open = False
        self.outbound = CLOSED_OUTBOUND


class EsmeState:
    """One account: its throughput window, its counters, what waits for it, and its receiving binds."""

    __slots__ = (
        "binds",
        "dialect",
        "line",
        "narrowed",
        "over_status",
        "pending",
        "receipt_bind",
        "settings",
        "states",
        "system_id",
        "throughput",
        "turn",
        "unwanted",
        "waiting",
    )

    def __init__(self, settings: Account, dialect: Dialect) -> None:
        self.system_id = settings.system_id
        self.binds: list[Bind] = []
        self.pending: deque[Deliverable] = deque()
        """What may leave by any of its binds, oldest first."""
        self.waiting = 0
        """Deliverables that are not done with: pending, on their way, or to be sent again later."""
        self.states = [0] * STATE_COUNT
        """How many messages have entered each state so far."""
        self.turn = 0
        """Counts what round_robin has dealt out."""
        self.line = 0
        """Which of the account's queues goes first in the next slice."""
        self.narrowed = False
        """Whether a receiving bind of its is for a part of the account's addresses only."""
        self.unwanted = 0
        """At least so many of its deliverables nobody waits for any more, wherever they are."""
        self.throughput: Limiter | None = None
        self.configure(settings, dialect)

    def configure(self, settings: Account, dialect: Dialect) -> None:
        """Take new settings; what waits stays, and is written in the dialect of then."""
        self.settings = settings
        self.dialect = dialect
        for bind in self.binds:
            bind.speak(dialect)
        self.throughput = limiter_for(settings.throughput, self.throughput)
        self.over_status = status_named(settings.throughput.over)
        self.receipt_bind = settings.receipt_bind

    def renewed(self) -> EsmeState:
        """The state with which the account begins anew: nothing waits, and its throughput window is open.

        It has the binds and the counters of this one, which leads nowhere from now on.
        """
        new = EsmeState(self.settings, self.dialect)
        new.states = self.states
        new.binds, self.binds = self.binds, []
        new.narrowed = self.narrowed
        self.receipt_bind = "any"
        return new

    def receivers(self) -> list[Bind]:
        """The open binds that may be sent deliver_sm, oldest first."""
        return [bind for bind in self.binds if bind.receives]

    def bind_for(self, address: bytes) -> Bind | None:
        """The receiving bind that should get what is for this address; None when none is better than the others.

        Those come first that state an address_range with this address, then those that state none. Of several the one
        with the shortest queue takes it.
        """
        receivers = self.receivers()
        named = [bind for bind in receivers if bind.address_range and bind.address_range.matches(address)]
        candidates = named or [bind for bind in receivers if not bind.address_range]
        return min(candidates, key=lambda bind: len(bind.pending), default=None)

    @property
    def waits_for_receiver(self) -> bool:
        """Whether something is due to this account, and no bind can take it."""
        return bool(self.pending) and not self.receivers()
