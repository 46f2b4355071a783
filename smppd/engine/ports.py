"""The world as the engine sees it. Whoever wires an engine hands in things of these shapes; each takes batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol

from smppwire.constants import CommandId

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from smppd.engine.esmes import Bind, Deliverable, EsmeState
    from smppd.engine.message import Message
    from smppwire.pdus import Pdu, SubmitSm
    from smppwire.validation import ValidationPolicy

DEFERRED: Final = -1
"""Answer of the engine to a request that is answered later, by `Outbound.answer`: no command_status is negative."""


class Clock(Protocol):
    """Time, real or virtual."""

    def now(self) -> float:
        """Monotonic seconds: what delays, validity and throughput are measured by."""

    def wall(self) -> float:
        """Unix time in seconds: what receipts and query_sm_resp report as dates."""


class Outcome(NamedTuple):
    """How a delivery attempt ends."""

    state: int
    """The final message_state (SMPP 3.4 section 5.2.28), or ENROUTE: the attempt failed, but another may not."""
    error_code: int = 0
    """The network's error code, as receipts (`err:`) and query_sm_resp report it."""


class Attempt(NamedTuple):
    """What the network makes of one message."""

    delay: float
    """Seconds until the outcome is known, >= 0."""
    outcome: Outcome


class Network(Protocol):
    """The mobile network behind a route."""

    def always(self) -> Attempt | None:
        """What becomes of every attempt, whatever is sent, to whom and when; None when that depends.

        Whoever knows it need not ask `attempt`, message by message.
        """

    def attempt(self, messages: Sequence[Message], now: float) -> Sequence[Attempt]:
        """Try to deliver each message; one attempt per message, in the same order. `now` is the engine's clock."""

    def back_at(self, message: Message, now: float) -> float | None:
        """When the message's absent subscriber is back, in seconds of the engine's clock, perhaps in the past.

        None when nobody can say: the subscriber has not been absent, or the network keeps no record of it.
        """


class Outbound(Protocol):
    """The way to one bound ESME."""

    def room(self) -> int:
        """How many deliver_sm the session takes now: its free window, 0 while the peer does not read."""

    def deliver(
        self, bodies: Sequence[bytes], items: Sequence[Deliverable], command_id: int = CommandId.DELIVER_SM
    ) -> None:
        """Send deliver_sm, or data_sm, with these bodies (everything after the header).

        `items` come back acknowledged or lost.
        """

    def answer(self, request: Pdu, response: Pdu) -> None:
        """Answer a request that was `DEFERRED`; without effect when the session it came by has ended."""

    def notify(self, pdu: Pdu) -> None:
        """Send a PDU that nobody answers: alert_notification."""

    def forget(self, keeps: Callable[[Deliverable], bool], esme: EsmeState) -> None:
        """Of what is on its way, keep what this says, and put a `Forgotten` of the account in the place of the rest."""


class Receipts(Protocol):
    """How an ESME is told about its messages: bodies of deliver_sm, without TLVs for ESMEs below 3.4."""

    def receipt_body(self, message: Message, *, tlvs: bool) -> bytes:
        """The body of the deliver_sm that reports the message's final state."""

    def receipt_bodies(self, messages: Sequence[Message], *, tlvs: bool) -> list[bytes]:
        """The same of several messages, in their order: what leaves in one write."""

    def accepted_body(self, message: Message, *, tlvs: bool) -> bytes:
        """The body of the receipt that says ACCEPTD while the message is still ENROUTE."""

    def intermediate_body(self, message: Message, *, tlvs: bool) -> bytes:
        """The body of the deliver_sm that notifies of a message still ENROUTE."""

    def acknowledgement_body(self, message: Message, esm_class: int, *, tlvs: bool) -> bytes:
        """The body of the deliver_sm by which the handset acknowledges a message; esm_class 0x08, or 0x10: manually."""


class Responses(Protocol):
    """How requests are answered: whole PDUs. `tlvs` says whether the session may be sent TLVs."""

    own_numbers: bool
    """Whether responses are counted by each session instead of repeating the number of the request."""
    unsupported: frozenset[int]
    """The command_ids of requests that are refused whatever they say, by `refuse_unsupported`."""
    aligns: bool
    """Whether our next request takes the number of the request that was answered last."""

    def accept(self, message_id: bytes, sequence_number: int, added: bytes, *, tlvs: bool) -> bytes:
        """The submit_sm_resp that accepts a message; `added` are TLVs of ours."""

    def answer(self, response: Pdu, sequence_number: int, *, tlvs: bool) -> bytes:
        """Any response."""

    def refuse(self, response_id: int, status: int, sequence_number: int, *, tlvs: bool) -> bytes:
        """A refusal; `response_id` is that of the response, or of a generic_nack."""

    def refuse_unsupported(self, request_id: int, sequence_number: int, *, tlvs: bool) -> bytes:
        """The refusal of a request that is `unsupported`."""


class Dialect(Protocol):
    """How this SMSC does things towards an account when all goes well."""

    receipts: Receipts
    """Writes receipts and notifications."""
    command_id: int
    """What receipts are sent as, to sessions that know it: deliver_sm or data_sm."""
    reports_always: bool
    """Whether a receipt is sent for messages that asked for none."""
    accepts_first: bool
    """Whether a receipt that says ACCEPTD goes before the final one."""
    responses: Responses | None
    """Writes responses; None where they are what the specification says."""
    default_alphabet: str
    """What data_coding 0 stands for."""
    first_sequence_number: int
    """Of our requests in a session."""
    max_pdu: int
    """The longest PDU in octets; 0: as for everybody."""
    strict: bool | None
    """How strictly values are judged, where the account does not say; None: as for everybody."""

    def speller(self, *, below_34: bool) -> Callable[[int], bytes] | None:
        """How numbers become message_ids on a session; None: as `smppd.engine.core` does."""

    def keys(self, message_id: bytes) -> list[bytes]:
        """Under which ids the message that an ESME names so may be known; [] when this is none of ours."""

    def keys_of_receipt(self, named: bytes) -> list[bytes]:
        """Under which ids the message may be known that a receipt names so, beside those that `keys` has."""

    def added_tlvs(self, command_id: int) -> bytes:
        """The octets of the TLVs that are added to a PDU of this kind."""

    def bind_status(self, reason: str, status: int) -> int:
        """The command_status that refuses a bind for a reason, where `status` is the usual one."""

    def sc_interface_version(self, ours: int) -> int | None:
        """The value of that TLV in bind responses; None: it is left out."""

    def policy(self, policy: ValidationPolicy) -> ValidationPolicy:
        """By what the values of an ESME's PDUs are judged, where `policy` is the usual one."""


class Reply(Protocol):
    """A message from the subscriber to the ESME, in answer to one of its messages."""

    @property
    def text(self) -> str:
        """What it says."""

    @property
    def delay(self) -> float:
        """Seconds after the message was accepted, >= 0."""

    @property
    def source_addr(self) -> bytes:
        """Who it is from; empty: the destination of the message."""

    @property
    def destination_addr(self) -> bytes:
        """Who it is for; empty: the source of the message."""


class Fate(Protocol):
    """What is decided about a message before its network is asked."""

    @property
    def changes_attempt(self) -> bool:
        """Whether `attempt` makes any difference."""

    @property
    def outcome(self) -> int | None:
        """The final message_state; None: that is up to the network."""

    @property
    def reply(self) -> Reply | None:
        """What the subscriber answers, if anything."""

    def attempt(self, attempt: Attempt, /) -> Attempt:
        """What becomes of a delivery attempt, where `attempt` is what the network says."""


class Verdict(Fate, Protocol):
    """What is to be done with one PDU of an ESME, or to it."""

    @property
    def rule(self) -> str:
        """The name of the rule that says so."""

    @property
    def status(self) -> int | None:
        """The command_status to answer with, the request being refused; None: it is handled."""

    @property
    def delay(self) -> float:
        """Seconds until the answer, >= 0, on the engine's clock."""

    @property
    def answer(self) -> Literal["once", "none", "twice", "nack"]:
        """How it is answered; "nack": with a generic_nack in place of the response."""

    @property
    def sequence_number(self) -> int | None:
        """Of the answer; None: that of the request."""

    @property
    def connection(self) -> Literal["unbind", "close", "reset", "silent"] | None:
        """What becomes of the connection once the answer has left, or at once when there is none."""


class SessionBehaviour(Protocol):
    """What is decided about the PDUs of one session."""

    def bound(
        self,
        account: str,
        bind_type: str,
        interface_version: int,
        *,
        bound_at: float,
        default_alphabet: str,
        route_of: Callable[[Pdu], str],
        violation_of: Callable[[Pdu], int],
    ) -> None:
        """The session is bound. `violation_of` gives the command_status that a PDU gets for mistakes of its own."""

    def unbound(self) -> None:
        """The session is not bound any more."""

    def refresh(self) -> None:
        """Look at the clock; to be called before PDUs are handed in."""

    @property
    def has_outward(self) -> bool:
        """Whether anything is decided about PDUs that leave."""

    def concerns(self, command_id: int) -> bool:
        """Whether anything may be decided about such a PDU of the ESME."""

    def concerns_out(self, command_id: int) -> bool:
        """Whether anything may be decided about such a PDU to the ESME."""

    def find(self, pdu: Pdu) -> Verdict | None:
        """What is decided about a PDU of the ESME."""

    def find_next(self, pdus: Sequence[Pdu], start: int, end: int) -> tuple[int, Verdict | None]:
        """The place of the first PDU of `pdus[start:end]`, all of one command, about which anything is decided.

        (end, None) when there is none.
        """

    def find_bind(self, pdu: Pdu, account: str, bind_type: str, interface_version: int) -> Verdict | None:
        """What is decided about a bind; `account` is "" when it names none that there is."""

    def find_out(self, pdu: Pdu) -> Verdict | None:
        """What is decided about a PDU to the ESME."""


class Behaviour(Protocol):
    """How this message centre deviates from what it usually does."""

    def session(self) -> SessionBehaviour:
        """The same for a session that begins now."""


class Observer(Protocol):
    """Who wants to know; called once per batch, never per message."""

    def receipts_sent(self, delays: Sequence[float]) -> None:
        """Receipts left; each figure is the time since the submit was accepted, in seconds."""

    def throttled(self, system_id: str, scope: str, count: int) -> None:
        """Submits were refused because a window, a rate, a queue or a limit was full."""


class Witness(Protocol):
    """Who looks at what becomes of messages, while somebody does; called for batches where there are any.

    The sequences stay as they are afterwards, unless it says something else; messages that are not final may change.
    """

    def accepted(self, messages: Sequence[Message]) -> None:
        """Messages of one account were accepted. The sequence may change afterwards."""

    def refused(self, bind: Bind, pdus: Sequence[Pdu], answers: Sequence[bytes | int]) -> None:
        """Of these submissions those were refused whose answer is a command_status."""

    def attempt_failed(self, message: Message) -> None:
        """An attempt to deliver a message has failed, with its `error_code`."""

    def replaced(self, message: Message) -> None:
        """The text of a message, and what it asks for, have changed."""

    def cancelled(self, message: Message) -> None:
        """A message is cancelled; that it is final is told by itself."""

    def finished(self, messages: Sequence[Message]) -> None:
        """Messages of one account have reached their final states."""

    def receipts_sent(self, bind: Bind, messages: Sequence[Message]) -> None:
        """The receipts of these messages have left by this bind."""

    def receipts_acknowledged(self, messages: Sequence[Message]) -> None:
        """An ESME has acknowledged the receipts of these messages."""

    def sent(self, bind: Bind, items: Sequence[Deliverable]) -> None:
        """Deliverables of any kind have left by this bind."""

    def answered(self, item: Deliverable, status: int) -> None:
        """An ESME has answered what was sent in another way, or what is no receipt, with this command_status."""

    def unanswered(self, items: Sequence[Deliverable]) -> None:
        """No answer has come in time."""


class RequestFaults(Protocol):
    """What goes wrong with the requests of one bound session, PDU by PDU; None where nothing does."""

    def judge(self, pdus: Sequence[SubmitSm], statuses: Sequence[int] | None) -> Sequence[int] | None:
        """The command_statuses that refuse submit_sm; those that have one already are left alone. None: no refusal."""

    def refuse(self, command_id: int, pdu: SubmitSm) -> int:
        """The command_status that refuses one message of such a request, 0 for none."""

    def congestion(self, command_id: int, usual: int) -> int:
        """The congestion_state of a response, where `usual` is what it would be."""

    def comes_early(self, message: Message) -> bool:
        """Whether the receipt of a message that is just accepted leaves before its response."""


class ReceiptFaults(Protocol):
    """What goes wrong with receipts."""

    def report(self, message: Message) -> None:
        """A receipt is due that nobody has counted: have it leave by the outbox, or what takes its place."""


class EngineFaults(Protocol):
    """What goes wrong in an engine, as far as it depends on who is bound."""

    def opened(self, bind: Bind) -> None:
        """A session has bound."""

    def forget(self, gone: Collection[EsmeState]) -> list[Deliverable]:
        """Let go of these accounts; returns what was held back for them, which never leaves."""


class FaultySession(Protocol):
    """A connection, as faults of sessions see it."""

    name: str
    """Its number in the log."""

    @property
    def bind(self) -> Bind | None:
        """What is bound on it."""

    @property
    def unanswered(self) -> int:
        """How many of our requests have no response yet."""

    def enquire_link(self) -> None:
        """Send an enquire_link."""

    def unbind(self) -> None:
        """Send an unbind, and close once it is answered."""

    def close(self) -> None:
        """End the connection."""


class SessionFaults(Protocol):
    """What goes wrong with sessions and binds."""

    def connected(self, session: FaultySession) -> None:
        """A connection stands."""

    def refusal(self, session: FaultySession, command_id: int, account: str, bound: int) -> tuple[int, str] | None:
        """(command_status, reason) that refuse a bind of an account that has so many; None: welcome.

        The reason is one that dialects have statuses for, or "" where the status is to be as it is.
        """

    def delay(self, session: FaultySession, command_id: int, account: str) -> float:
        """After how many seconds of the engine's clock a bind is answered."""

    async def pause(self, seconds: float) -> None:
        """Wait for so many seconds of the engine's clock."""

    def bound(self, session: FaultySession, bind: Bind) -> None:
        """A session is bound; the response to its bind has not been written yet."""

    def left(self, session: FaultySession, bind: Bind, *, lost: bool) -> None:
        """A session is not bound any more; `lost`: nobody had said unbind."""

    def ignores_enquire_link(self, session: FaultySession) -> bool:
        """Whether an enquire_link is left unanswered."""
