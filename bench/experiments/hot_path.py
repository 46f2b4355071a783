"""Small decisions on the way of a message, each beside what was tried in its place: microseconds per message.

    python bench/experiments/hot_path.py

What was made of the figures stands in bench/experiments/README.md.
"""

from __future__ import annotations

import socket
import struct
import sys
import timeit
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[2] / "protocol"))

from smppd.engine.message import DELIVERED, Message
from smppd.engine.receipts import PlainReceipts
from smppwire.pdus import SubmitSm

if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGES: Final = 64
REPEATS: Final = 30
CALLS: Final = 300
READ: Final = 256 * 1024
"""Octets that asyncio asks for in one read."""


def price(function: Callable[[], object], messages: int = MESSAGES) -> float:
    """Microseconds per message, the best of several."""
    return min(timeit.repeat(function, number=CALLS, repeat=REPEATS)) / CALLS / messages * 1e6


def show(title: str, **functions: Callable[[], object]) -> None:
    prices = (f"{name.replace('_', ' ')} {price(function):.3f}" for name, function in functions.items())
    print(f"{title:32}" + "   ".join(prices))


# The record.


class Light:
    """A record that leaves out what few messages have: as if a shared object held the defaults."""

    __slots__ = tuple(
        name
        for name in Message.__slots__
        if name not in {"assembly", "due_at", "failures", "group", "next_at", "ticket"}
    )

    def __init__(
        self,
        message_id: bytes,
        pdu: object,
        esme: object,
        bind: object,
        route: object,
        accepted_at: float,
        accepted_wall: float,
        expires_at: float,
    ) -> None:
        self.message_id = message_id
        self.pdu = pdu
        self.esme = esme
        self.bind = bind
        self.route = route
        self.accepted_at = accepted_at
        self.accepted_wall = accepted_wall
        self.expires_at = expires_at
        self.outcome = None
        self.final_wall = 0.0
        self.state = 1
        self.error_code = 0
        self.attempts = 0
        self.receipt = 0


def records(kind: Any) -> Callable[[], object]:
    return lambda: [kind(b"1000000000", None, None, None, None, 1.0, 2.0, 3.0) for _ in range(MESSAGES)]


# Responses.

ONE: Final = struct.Struct(">IIII11s")
BEGUN: Final = struct.Struct(">12sI11s")
BEGINNING: Final = ONE.pack(27, 0x80000004, 0, 0, b"")[:12]
ALL: Final = struct.Struct(">" + MESSAGES * "12sI11s")
NUMBERS: Final = range(70_000, 70_000 + MESSAGES)
IDS: Final = [b"%d" % (1_000_000_000 + number) for number in range(MESSAGES)]


def five_values() -> bytes:
    return b"".join([ONE.pack(27, 0x80000004, 0, number, name) for number, name in zip(NUMBERS, IDS, strict=True)])


def three_values() -> bytes:
    return b"".join([BEGUN.pack(BEGINNING, number, name) for number, name in zip(NUMBERS, IDS, strict=True)])


def one_pack_for_all() -> bytes:
    values: list[Any] = []
    for number, name in zip(NUMBERS, IDS, strict=True):
        values += (BEGINNING, number, name)
    return ALL.pack(*values)


# Receipts.


def final_messages() -> list[Any]:
    messages: list[Any] = []
    for number in range(MESSAGES):
        pdu = SubmitSm(number, source_addr=b"smppd", destination_addr=b"33%09d" % number, short_message=b"x" * 40)
        message = Message(IDS[number], pdu, None, None, None, 1.0, 1.7e9, 3.0)  # type: ignore[arg-type]
        message.state, message.final_wall = DELIVERED, 1.7e9
        messages.append(message)
    return messages


FINAL: Final = final_messages()
DIALECT: Final = PlainReceipts()
OCTETS: Final = [bytes((octet,)) for octet in range(256)]
MIDDLE: Final = DIALECT.receipt_body(FINAL[0], tlvs=False).partition(IDS[0])[2].removesuffix(20 * b"x")
AFTER_ADDRESSES: Final = b"\0\x04" + bytes(8)


def one_by_one() -> list[bytes]:
    return [DIALECT.receipt_body(message, tlvs=True) for message in FINAL]


def together() -> list[bytes]:
    return DIALECT.receipt_bodies(FINAL, tlvs=True)


def joined() -> list[bytes]:
    bodies = []
    for message in FINAL:
        pdu, name = message.pdu, message.message_id
        text = pdu.short_message[:20]
        bodies.append(
            b"".join(
                (
                    pdu.service_type,
                    b"\0",
                    OCTETS[pdu.dest_addr_ton],
                    OCTETS[pdu.dest_addr_npi],
                    pdu.destination_addr,
                    b"\0",
                    OCTETS[pdu.source_addr_ton],
                    OCTETS[pdu.source_addr_npi],
                    pdu.source_addr,
                    AFTER_ADDRESSES,
                    OCTETS[3 + len(name) + len(MIDDLE) + len(text)],
                    b"id:",
                    name,
                    MIDDLE,
                    text,
                    b"\0\x1e\0",
                    OCTETS[len(name) + 1],
                    name,
                    b"\0\x04\x27\0\1\2",
                )
            )
        )
    return bodies


# Reads.


def reads() -> dict[str, Callable[[], object]]:
    """A read of 200 octets, the sending included."""
    here, there = socket.socketpair()
    there.setblocking(False)
    octets = b"x" * 200
    buffer = bytearray(READ)
    view = memoryview(buffer)
    bytearray(20_000_000)  # as in a server: the allocator has seen larger blocks, and keeps those of a read

    def protocol() -> bytes:
        here.send(octets)
        return there.recv(READ)

    def buffered_protocol() -> bytes:
        here.send(octets)
        return bytes(view[: there.recv_into(buffer)])

    return {"protocol": protocol, "buffered_protocol": buffered_protocol}


def main() -> None:
    assert together() == one_by_one() == joined()
    assert five_values() == three_values() == one_pack_for_all()
    show("records", as_they_are=records(Message), without_six_slots=records(Light))
    show("responses", five_values=five_values, three_values=three_values, one_pack_for_all=one_pack_for_all)
    show("receipts", one_by_one=one_by_one, joined_pieces=joined, together=together)
    for name, function in reads().items():
        print(f"{'a read of 200 octets':32}{name.replace('_', ' ')} {price(function, 1):.3f}")


if __name__ == "__main__":
    main()
