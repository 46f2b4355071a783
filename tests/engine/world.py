"""A world for engines under test: a clock that is set by hand, networks that do as told, sessions without sockets."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from typing import Any

from smppd.engine.core import Engine
from smppd.engine.dialect import PlainDialect
from smppd.engine.esmes import Bind, Deliverable, EsmeState, Forgotten
from smppd.engine.message import ACCEPTED, DELETED, DELIVERED, EXPIRED, Message
from smppd.engine.ports import Attempt, Dialect, Network, Outcome
from smppd.patterns import AddressRange
from smppd.settings import Account, Match, Messages, Queue, Route, Settings, Throughput
from smppwire.codec import decode
from smppwire.constants import CommandId, CommandStatus, MessageState
from smppwire.pdus import DataSm, DeliverSm, Pdu, SubmitSm
from smppwire.receipt import Receipt, parse_receipt
from smppwire.validation import ValidationPolicy

NOON = 1_784_548_800.0
"""2026-07-20 12:00:00 UTC: the wall clock when a test begins."""

ALICE = "alice"
BOB = "bob"

DELIVERED_AT_ONCE = Attempt(0.0, Outcome(DELIVERED))
UNDELIVERABLE = int(MessageState.UNDELIVERABLE)
UNKNOWN = int(MessageState.UNKNOWN)
REJECTED = int(MessageState.REJECTED)
IN_AN_HOUR = b"000000010000000R"
TEN_SECONDS = b"000000000010000R"
"""Relative times as SMPP writes them."""

FINAL_STATES = (DELIVERED, EXPIRED, DELETED, UNDELIVERABLE, ACCEPTED, UNKNOWN, REJECTED)

PATIENCE = 100_000
"""Turns of the loop at one instant after which an engine is found to spin."""


class HandClock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return NOON + self.time - 1000.0


class ScriptedNetwork:
    """A network that does what its script says, then delivers at once, for ever."""

    def __init__(self, *script: Attempt, then: Attempt = DELIVERED_AT_ONCE, is_known: bool = False) -> None:
        self.is_known = is_known
        """Whether it says beforehand what it will do, and need not be asked."""
        self.script = deque(script)
        self.then = then
        self.tried: list[Message] = []
        self.back: dict[bytes, float] = {}
        """When absent subscribers are back, by destination_addr."""
        self.batches: list[int] = []

    def always(self) -> Attempt | None:
        return self.then if self.is_known else None

    def attempt(self, messages: Sequence[Message], now: float) -> Sequence[Attempt]:
        self.tried += messages
        self.batches.append(len(messages))
        return [self.script.popleft() if self.script else self.then for _ in messages]

    def back_at(self, message: Message, now: float) -> float | None:
        return self.back.get(message.pdu.destination_addr)


class Recorder:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.throttling: Counter[tuple[str, str]] = Counter()
        self.delays: list[float] = []

    def receipts_sent(self, delays: Sequence[float]) -> None:
        self.delays += delays

    def throttled(self, system_id: str, scope: str, count: int) -> None:
        self.throttling[system_id, scope] += count


class Phone:
    """The ESME's end of one bind: what came in, and what it has not answered yet."""

    def __init__(self, engine: Engine, window: int = 1_000_000) -> None:
        self.engine = engine
        self.window = window
        self.reads = True
        self.bind: Bind
        self.outstanding: list[Deliverable] = []
        self.bodies: list[bytes] = []
        self.commands: list[int] = []
        self.writes: list[int] = []
        self.answers: list[tuple[Pdu, Pdu]] = []
        """What the engine answered late: requests and their responses."""
        self.notices: list[Pdu] = []

    # What the engine sees, by its `Line`.

    def room(self) -> int:
        return self.window - len(self.outstanding) if self.reads else 0

    def deliver(
        self, bodies: Sequence[bytes], items: Sequence[Deliverable], command_id: int = CommandId.DELIVER_SM
    ) -> None:
        assert 0 < len(bodies) == len(items) <= self.room()
        self.outstanding += items
        self.bodies += bodies
        self.commands += [command_id] * len(bodies)
        self.writes.append(len(bodies))

    # What tests do.

    @property
    def received(self) -> list[DeliverSm]:
        return [
            deliver_sm(body)
            for command_id, body in zip(self.commands, self.bodies, strict=True)
            if command_id == CommandId.DELIVER_SM
        ]

    @property
    def received_data(self) -> list[DataSm]:
        return [
            data_sm(body)
            for command_id, body in zip(self.commands, self.bodies, strict=True)
            if command_id == CommandId.DATA_SM
        ]

    @property
    def receipts(self) -> list[Receipt]:
        return [parse_receipt(pdu.short_message, strict=True) for pdu in self.received if pdu.esm_class & 0x3C == 0x04]

    @property
    def told(self) -> list[str]:
        """The message_ids of the receipts that came, in order."""
        return [receipt.id or "" for receipt in self.receipts]

    def answer(self, status: int = 0, count: int | None = None) -> None:
        """Respond to the oldest outstanding deliver_sm; to all of them unless told how many."""
        taken = self.outstanding[:count]
        del self.outstanding[:count]
        self.engine.acknowledged([(item, status) for item in taken])

    def keep_silent(self) -> None:
        """The response timer runs out for all that is outstanding."""
        lost, self.outstanding = self.outstanding, []
        self.engine.unanswered(lost)

    def hang_up(self) -> None:
        """The session ends, with all that is outstanding."""
        lost, self.outstanding = self.outstanding, []
        self.engine.close_bind(self.bind, lost)


class Line:
    """The way to a phone, as the engine sees it (smppd.engine.ports.Outbound)."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone

    def room(self) -> int:
        return self.phone.room()

    def deliver(
        self, bodies: Sequence[bytes], items: Sequence[Deliverable], command_id: int = CommandId.DELIVER_SM
    ) -> None:
        self.phone.deliver(bodies, items, command_id)

    def answer(self, request: Pdu, response: Pdu) -> None:
        self.phone.answers.append((request, response))

    def notify(self, pdu: Pdu) -> None:
        self.phone.notices.append(pdu)

    def forget(self, keeps: Callable[[Deliverable], bool], esme: EsmeState) -> None:
        self.phone.outstanding = [item if keeps(item) else Forgotten(esme) for item in self.phone.outstanding]


class World:
    """An engine and everything around it."""

    def __init__(
        self,
        *routes: Route,
        accounts: Iterable[Account] = (),
        messages: Messages | None = None,
        network: Network | None = None,
        networks: Mapping[str, Network] | None = None,
        dialects: Mapping[str, Dialect] | None = None,
    ) -> None:
        self.dialects: Mapping[str, Dialect] = {"default": PlainDialect(), **(dialects or {})}
        self.clock = HandClock()
        self.network = network if network is not None else ScriptedNetwork(is_known=True)
        self.networks = {"default": self.network, **(networks or {})}
        self.observer = Recorder()
        self.wakes = 0
        self.settings = settings_with(*routes, accounts=accounts, messages=messages)
        self.engine = Engine(
            self.settings,
            self.networks,
            clock=self.clock,
            dialects=self.dialects,
            observer=self.observer,
            wake=self._wake,
        )

    def _wake(self) -> None:
        self.wakes += 1

    def reload(
        self, *routes: Route, accounts: Iterable[Account] = (), messages: Messages | None = None, **networks: Network
    ) -> None:
        self.networks.update(networks)
        self.settings = settings_with(*routes, accounts=accounts, messages=messages)
        self.engine.configure(self.settings, self.networks)

    def bind(
        self,
        system_id: str = ALICE,
        kind: str = "transceiver",
        *,
        window: int = 1_000_000,
        version: int = 0x34,
        address_range: str = "",
    ) -> Phone:
        phone = Phone(self.engine, window)
        phone.bind = Bind(
            f"{system_id}/{kind}",
            self.engine.esmes[system_id],
            Line(phone),
            receives=kind != "transmitter",
            tlvs=version >= 0x34,
            policy=ValidationPolicy(interface_version=version),
            address_range=AddressRange(address_range),
        )
        self.engine.open_bind(phone.bind)
        return phone

    def submit(self, phone: Phone, *pdus: SubmitSm) -> list[bytes]:
        """Submit what must be accepted; returns the message_ids."""
        answers = self.engine.submit(phone.bind, list(pdus))
        assert all(isinstance(answer, bytes) for answer in answers), answers
        return [answer for answer in answers if isinstance(answer, bytes)]

    def settle(self) -> float | None:
        """Run until there is nothing left to do at this instant; returns when there is more, as `Engine.run` does."""
        for _ in range(PATIENCE):
            delay = self.engine.run()
            if delay is None or delay > 0:
                return delay
        raise AssertionError("the engine spins")

    def advance(self, seconds: float) -> None:
        """Let time pass, stopping wherever the engine wants to be called."""
        end = self.clock.time + seconds
        while True:
            delay = self.settle()
            if delay is None or self.clock.time + delay >= end:
                break
            self.clock.time += delay
        self.clock.time = end
        self.settle()

    def message(self, message_id: bytes) -> Message:
        return self.engine.messages[message_id]

    def state(self, message_id: bytes) -> int:
        return self.message(message_id).state

    def waiting(self, system_id: str = ALICE) -> int:
        return self.engine.esmes[system_id].waiting


def slow_world(*routes: Any, **options: Any) -> World:
    """Messages are on their way for 60 seconds."""
    return World(*routes, network=ScriptedNetwork(then=after(60.0)), **options)


def everything_that_waits(engine: Engine) -> list[Sized]:
    """The queues of messages on their way."""
    life = engine.life
    return [life._ready, life.queued, life.schedule, life.retries]


def settings_with(*routes: Route, accounts: Iterable[Account] = (), messages: Messages | None = None) -> Settings:
    return Settings(
        account=list(accounts) or [Account(system_id=ALICE, password="a"), Account(system_id=BOB, password="b")],
        route=list(routes) or [Route(name="all")],
        messages=messages or Messages(),
    )


def account(system_id: str = ALICE, **fields: Any) -> Account:
    return Account(system_id=system_id, password="secret", **fields)


def route(name: str, *, match: Mapping[str, Any] | None = None, queue: Queue | None = None, **fields: Any) -> Route:
    return Route(name=name, match=Match(**(match or {})), queue=queue or Queue(), **fields)


def paced(name: str, limit: float, *, queue: int = 100_000, over: str = "ESME_RMSGQFUL", **fields: Any) -> Route:
    """A route whose messages wait in a queue for its throughput."""
    return Route(
        name=name, throughput=Throughput(limit=limit, over="queue", **fields), queue=Queue(limit=queue, over=over)
    )


def sms(destination: bytes = b"33612345678", text: bytes = b"Hello", **fields: Any) -> SubmitSm:
    """A submit_sm that asks for a receipt."""
    fields.setdefault("registered_delivery", 1)
    return SubmitSm(
        source_addr_ton=5,
        source_addr=fields.pop("source_addr", b"ACME"),
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=destination,
        short_message=text,
        **fields,
    )


def deliver_sm(body: bytes) -> DeliverSm:
    """The deliver_sm of a body that the engine handed out, as the ESME decodes it."""
    header = (16 + len(body)).to_bytes(4, "big") + b"\0\0\0\x05\0\0\0\0\0\0\0\x01"
    pdu = decode(header + body)
    assert isinstance(pdu, DeliverSm)
    return pdu


def data_sm(body: bytes) -> DataSm:
    """The data_sm of a body that the engine handed out, as the ESME decodes it."""
    header = (16 + len(body)).to_bytes(4, "big") + b"\0\0\x01\x03\0\0\0\0\0\0\0\x01"
    pdu = decode(header + body)
    assert isinstance(pdu, DataSm)
    return pdu


def status(name: str) -> int:
    return int(CommandStatus[name])


def after(delay: float, state: int = DELIVERED, error_code: int = 0) -> Attempt:
    """What a scripted network makes of one message."""
    return Attempt(delay, Outcome(state, error_code))


def moment(text: bytes) -> dict[str, bytes]:
    return {"validity_period": text}
