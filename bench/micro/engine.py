"""Prices of a message inside the server: microseconds per message, without sockets and without an event loop's turns.

    python bench/micro/engine.py [--turns 1000] [--chunk 1 --chunk 64] [--profile] [--ages]

A session gets chunks of octets by `data_received`, as from a socket; what it writes goes nowhere; the engine is run
every 64 messages, as its ticker would. Everything is as `config/benchmark.toml` has it, and as many messages are
retained as that says. Seeded and single-threaded. Each turn is timed by itself, and what is printed is the quickest
tenth of them: on a shared machine that is what the code costs, the rest is what the neighbours cost. The collector is
switched off: its work falls into few turns, and depends on what `smppd serve` makes of it.

    receive  the session alone: framing and decoding of the submit_sm
    submit   octets in, responses out: the same, judging, the record, the response
    run      the turn of the loop: outcomes, and the receipts where there are any
    ack      the deliver_sm_resp of the receipts: octets in
    settle   the turn of the loop after them

With --ages the same in chunks of 64 for servers that hold a lot: none of it may make a message dearer.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import itertools
import pstats
import random
import struct
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[2] / "protocol"))

from msgspec.structs import replace

from smppd.accounts import AccountBook
from smppd.engine.clock import EngineClock
from smppd.engine.core import Engine
from smppd.engine.dialect import PlainDialect
from smppd.network.simple import SimulatedNetwork
from smppd.observe.counters import Counters
from smppd.observe.journal import Journal
from smppd.observe.logs import Privacy, ProtocolErrorLog, configure
from smppd.settings import Match, Settings, load_settings
from smppd.transport.context import Context
from smppd.transport.smsc import SmscConnection
from smppwire.codec import encode
from smppwire.pdus import BindTransceiver, BindTransceiverResp, BindTransmitter, SubmitSm
from smppwire.session import Role, Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT: Final = Path(__file__).parents[2]
SEED: Final = 3550
PER_TURN: Final = 64
"""Messages between two turns of the engine: what a loaded server is brought in the millisecond of its ticker."""

CHUNKS: Final = (1, 2, 8, 64)
DELIVER_SM: Final = 5
PHASES: Final = ("submit", "run", "ack", "settle")
HEADER: Final = struct.Struct(">IIII")


class Wire(asyncio.Transport):
    """A transport that takes everything and keeps what it is told to keep."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.kept: list[bytes] = []
        self.keeps = False

    def write(self, data: Any) -> None:
        if self.keeps:
            self.kept.append(data)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is no buffer."""

    def pause_reading(self) -> None:
        """Nothing is read."""

    def resume_reading(self) -> None:
        """Nothing is read."""


def build(settings: Settings) -> Context:
    """The parts of a server that a message passes."""
    logger = configure("error", "json", sys.stderr, wall=time.time, environ={})
    counters = Counters(account.system_id for account in settings.account)
    networks = {name: SimulatedNetwork(name, each, settings.server.seed) for name, each in settings.network.items()}
    engine = Engine(
        settings,
        networks,
        clock=EngineClock(time.monotonic, time.time),
        dialects={"default": PlainDialect()},
        observer=counters,
        wake=lambda: None,
    )
    return Context(
        settings=settings,
        accounts=AccountBook(settings),
        engine=engine,
        counters=counters,
        journal=Journal(0),
        privacy=Privacy(False),
        log=logger(),
        logger=logger,
        error_log=ProtocolErrorLog(logger(), time.monotonic),
        monotonic=time.monotonic,
        wall=time.time,
    )


class Bench:
    """One server, one bound session."""

    def __init__(self, settings: Settings) -> None:
        self.context = build(settings)
        self.engine = self.context.engine
        self.wire = Wire()
        self.session = SmscConnection(self.context)
        self.session.connection_made(self.wire)
        account = settings.account[0]
        bind = BindTransceiver(
            1,
            system_id=account.system_id.encode(),
            password=(account.password or "").encode(),
            interface_version=0x34,
        )
        self.session.data_received(encode(bind))

    def turn(self) -> None:
        """Run the engine until it has nothing to do."""
        while self.engine.run() == 0.0:
            pass

    def measure(self, turns: Sequence[Sequence[bytes]], per_chunk: int) -> dict[str, list[float]]:
        """Seconds of each phase in each turn."""
        spent: dict[str, list[float]] = {phase: [] for phase in PHASES}
        receive, wire, clock = self.session.data_received, self.wire, time.perf_counter
        for chunks in turns:
            begin = clock()
            for chunk in chunks:
                receive(chunk)
            submitted = clock()
            wire.keeps = True
            before = clock()
            self.turn()
            ran = clock()
            wire.keeps = False
            answers = acknowledgements(b"".join(wire.kept), per_chunk)
            wire.kept.clear()
            acknowledging = clock()
            for chunk in answers:
                receive(chunk)
            acknowledged = clock()
            self.turn()
            end = clock()
            spent["submit"].append(submitted - begin)
            spent["run"].append(ran - before)
            spent["ack"].append(acknowledged - acknowledging)
            spent["settle"].append(end - acknowledged)
        return spent


def acknowledgements(octets: bytes, per_chunk: int) -> list[bytes]:
    """The deliver_sm_resp to all deliver_sm, so many a chunk."""
    answers = []
    place = 0
    while place < len(octets):
        length, command_id, _, number = HEADER.unpack_from(octets, place)
        place += length
        if command_id == DELIVER_SM:
            answers.append(HEADER.pack(17, DELIVER_SM | 0x80000000, 0, number) + b"\0")
    return [b"".join(answers[first : first + per_chunk]) for first in range(0, len(answers), per_chunk)]


def traffic(chance: random.Random, count: int, per_chunk: int, registered: int) -> list[list[bytes]]:
    """Chunks of submit_sm, by turn."""
    frames = [
        encode(
            SubmitSm(
                number,
                source_addr_ton=5,
                source_addr=b"smppd",
                dest_addr_ton=1,
                dest_addr_npi=1,
                destination_addr=b"33%09d" % chance.randrange(1000),
                registered_delivery=registered,
                short_message=bytes(chance.choices(b"abcdefghijklmnopqrstuvwxyz .,0123456789", k=40)),
            )
        )
        for number in range(1, count + 1)
    ]
    chunks = [b"".join(frames[first : first + per_chunk]) for first in range(0, count, per_chunk)]
    per_turn = max(1, PER_TURN // per_chunk)
    return [chunks[first : first + per_turn] for first in range(0, len(chunks), per_turn)]


def receiving(turns: Sequence[Sequence[bytes]]) -> list[float]:
    """Seconds that a session alone takes for each turn."""
    session = Session(Role.SMSC)
    bind = BindTransceiver(1, system_id=b"a", password=b"b", interface_version=0x34)
    session.receive(encode(bind), 0.0)
    session.respond(bind, BindTransceiverResp(system_id=b"x"), 0.0)
    spent = []
    for chunks in turns:
        begin = time.perf_counter()
        for chunk in chunks:
            session.receive(chunk, 0.0)
        spent.append(time.perf_counter() - begin)
    return spent


def price(seconds: list[float]) -> float:
    """Microseconds per message of the quickest tenth of turns."""
    return sorted(seconds)[len(seconds) // 10] / PER_TURN * 1e6


def aged(settings: Settings) -> Iterator[tuple[str, Settings, int]]:
    """Servers that hold a lot: what, their settings, and how many receipts wait for an account that is not there."""
    account, route = settings.account[0], settings.route[0]
    many = [replace(account, system_id=f"other{number}") for number in range(999)]
    prefixes = [
        replace(route, name=f"route{number}", match=Match(destination_addr=f"{10_000 + number}*"))
        for number in range(9_999)
    ]
    yield "nothing", settings, 0
    yield "1,000 accounts", replace(settings, account=[*many, account]), 0
    yield "10,000 routes", replace(settings, route=[*prefixes, route]), 0
    yield "100,000 receipts pending", replace(settings, account=[account, many[0]]), 100_000
    yield "1,000,000 messages", replace(settings, messages=replace(settings.messages, retain=1_000_000)), 0


def leave_pending(bench: Bench, count: int) -> None:
    """Have receipts wait for an account that has gone."""
    other = SmscConnection(bench.context)
    other.connection_made(Wire())
    other.data_received(encode(BindTransmitter(1, system_id=b"other0", password=b"password", interface_version=0x34)))
    for chunk in itertools.chain.from_iterable(traffic(random.Random(SEED), count, PER_TURN, 1)):
        other.data_received(chunk)
    bench.turn()
    other.connection_lost(None)


def report(settings: Settings, per_chunk: int, registered: int, options: argparse.Namespace, pending: int = 0) -> None:
    """Print one row."""
    turns = traffic(random.Random(SEED), options.turns * PER_TURN, per_chunk, registered)
    bench = Bench(settings)
    if pending:
        leave_pending(bench, pending)
    while len(bench.engine.messages) < settings.messages.retain:
        bench.measure(turns, per_chunk)
    alone = price(receiving(turns))
    prices = [price(spent) for spent in bench.measure(turns, per_chunk).values()]
    kind = "receipts" if registered else "plain"
    print(f"{kind:10}{per_chunk:6}" + "".join(f"{each:9.2f}" for each in (alone, *prices, sum(prices))))
    if options.profile:
        profiler = cProfile.Profile()
        profiler.runcall(bench.measure, turns, per_chunk)
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--turns", type=int, default=1000, help="of the engine that are timed (default 1000)")
    options.add_argument("--chunk", type=int, action="append", help=f"submit_sm in one read (default {CHUNKS})")
    options.add_argument("--profile", action="store_true", help="the same once more under cProfile")
    options.add_argument("--ages", action="store_true", help="for servers that hold a lot")
    arguments = options.parse_args()
    settings = load_settings(ROOT / "config" / "benchmark.toml", {}, [])
    gc.disable()

    async def rows() -> None:
        if arguments.ages:
            for name, older, pending in aged(settings):
                print(name)
                for registered in (0, 1):
                    report(older, PER_TURN, registered, arguments, pending)
            return
        for registered in (0, 1):
            for per_chunk in arguments.chunk or CHUNKS:
                report(settings, per_chunk, registered, arguments)

    print(f"CPython {sys.version.split()[0]}, microseconds per message, the quickest tenth of turns")
    print(f"{'':10}{'chunk':>6}" + "".join(f"{name:>9}" for name in ("receive", *PHASES, "total")))
    asyncio.run(rows())  # a session makes timers; the loop never gets a turn


if __name__ == "__main__":
    main()
