"""Prices of the codec: microseconds per decode, encode and judgement, generated code beside the interpreted table.

Then what a server does with many messages at once, in Python and, where smppwire-speedups is installed, in C.

    python bench/micro/codec.py [--rounds 7]

Seeded and single-threaded; takes less than half a minute. The best of several rounds is printed: on a shared machine
the minimum is what the code costs, the rest is what the neighbours cost.
"""

from __future__ import annotations

import argparse
import random
import sys
import timeit
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

sys.path.insert(0, str(Path(__file__).parents[2] / "protocol"))

from smppwire.bulk import receipt_bodies, requests, submit_sm_resps
from smppwire.compiler import DECODERS, ENCODERS, decode_by_table, encode_by_table
from smppwire.constants import CommandId
from smppwire.framing import Framer
from smppwire.judgement import Judge
from smppwire.pdus import (
    BindTransceiver,
    BindTransceiverResp,
    DeliverSm,
    DeliverSmResp,
    Pdu,
    SubmitSm,
    SubmitSmResp,
    Tlv,
)
from smppwire.session import Role, Session
from smppwire.speedups import CODEC, REASON
from smppwire.validation import ValidationPolicy, first_violation

if TYPE_CHECKING:
    from collections.abc import Callable

    from smppwire_speedups import Codec

SEED = 3550
CALLS = 4_000
CHUNKS = 200
FRAMES_PER_CHUNK = 100


def samples(chance: random.Random) -> dict[str, Pdu]:
    """One PDU of each kind that dominates traffic, with texts of usual lengths."""
    text = bytes(chance.choices(b"abcdefghijklmnopqrstuvwxyz .,0123456789", k=40))
    message = SubmitSm(
        chance.randrange(1 << 31),
        source_addr_ton=5,
        source_addr=b"smppd",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=b"33%09d" % chance.randrange(10**9),
        registered_delivery=1,
        short_message=text,
    )
    segment = SubmitSm(
        message.sequence_number,
        source_addr=b"447700900123",
        destination_addr=message.destination_addr,
        data_coding=8,
        short_message=bytes(134),
        tlvs=(Tlv(0x020C, b"\0\x07"), Tlv(0x020E, b"\x03"), Tlv(0x020F, b"\x01")),
    )
    receipt = DeliverSm(
        1,
        source_addr_ton=1,
        source_addr=message.destination_addr,
        destination_addr=b"smppd",
        esm_class=4,
        short_message=b"id:0000000001 sub:001 dlvrd:001 submit date:2601010000 done date:2601010000"
        b" stat:DELIVRD err:000 text:" + text[:20],
        tlvs=(Tlv(0x001E, b"0000000001\0"), Tlv(0x0427, b"\x02")),
    )
    return {
        "submit_sm": message,
        "submit_sm, 3 TLVs": segment,
        "submit_sm_resp": SubmitSmResp(1, 0, b"0000000001"),
        "submit_sm_resp, error": SubmitSmResp(1, 0x58, None),
        "deliver_sm, receipt": receipt,
        "deliver_sm_resp": DeliverSmResp(1),
    }


def price(function: Callable[[], Any], rounds: int, calls: int = CALLS) -> float:
    """Microseconds of one call, best of ``rounds``."""
    return min(timeit.repeat(function, number=calls, repeat=rounds)) / calls * 1e6


def report(name: str, pdu: Pdu, rounds: int) -> None:
    frame = ENCODERS[pdu.command_id](pdu)
    place = (frame, 0, len(frame), pdu.command_status, pdu.sequence_number)
    policy = ValidationPolicy()
    decoder, encoder, command_id = DECODERS[pdu.command_id], ENCODERS[pdu.command_id], pdu.command_id
    prices = (
        price(lambda: decoder(*place), rounds),
        price(lambda: decode_by_table(command_id, *place), rounds),
        price(lambda: encoder(pdu), rounds),
        price(lambda: encode_by_table(pdu), rounds),
        price(lambda: first_violation(pdu, policy), rounds),
    )
    print(f"{name:24}" + "".join(f"{value:11.2f}" for value in prices))


def report_framing(pdu: Pdu, rounds: int) -> None:
    frame = ENCODERS[pdu.command_id](pdu)
    whole = frame * FRAMES_PER_CHUNK
    framer = Framer()
    # With the beginning of a frame before it and after it, a chunk has to be copied once.
    shifted = whole[30:] + whole[:30]
    framer_with_rest = Framer()
    framer_with_rest.feed(whole[:30])
    for name, cost in (
        ("on a boundary", price(lambda: framer.feed(whole), rounds, CHUNKS)),
        ("across", price(lambda: framer_with_rest.feed(shifted), rounds, CHUNKS)),
    ):
        print(f"framing, chunk {name:15} {cost / FRAMES_PER_CHUNK:8.3f} per frame ({FRAMES_PER_CHUNK} in a chunk)")


@dataclass(slots=True)
class Message:
    """What a receipt reports on."""

    pdu: SubmitSm
    message_id: bytes = b"1000000001"
    state: int = 2
    error_code: int = 0
    accepted_wall: float = 1.8e9
    final_wall: float = 1.8e9


def wording(_message: object) -> tuple[bytes, bytes]:
    """The same for all messages of a minute."""
    return (
        b"sub:001 dlvrd:001 submit date:2701150800 done date:2701150800 stat:DELIVRD err:000 text:",
        b"\x04\x27\0\1\2",
    )


def bound_session(codec: Codec | None) -> Session:
    """An SMSC's session with a transceiver."""
    session = Session(Role.SMSC, codec=codec)
    (bind,) = session.receive(ENCODERS[CommandId.BIND_TRANSCEIVER](BindTransceiver(1)), 0.0)
    session.respond(cast("Pdu", bind), BindTransceiverResp(), 0.0)
    return session


def in_numbers(pdu: SubmitSm, codec: Codec | None) -> dict[str, Callable[[], object]]:
    """What is done with a chunk of FRAMES_PER_CHUNK messages on their way through a server."""
    session = bound_session(codec)
    submitted = ENCODERS[CommandId.SUBMIT_SM](pdu) * FRAMES_PER_CHUNK
    acknowledged = b"".join(ENCODERS[CommandId.DELIVER_SM_RESP](DeliverSmResp(n + 1)) for n in range(FRAMES_PER_CHUNK))
    pdus = cast("list[SubmitSm]", session.receive(submitted, 0.0))
    messages = [Message(pdu) for pdu in pdus]

    def write_receipts() -> list[bytes]:
        return receipt_bodies(messages, wording, lambda _: b"", 4, with_tlvs=True, codec=codec)

    bodies = write_receipts()
    ids = [message.message_id for message in messages]
    numbers = range(1, FRAMES_PER_CHUNK + 1)
    judge = Judge(ValidationPolicy(), codec)

    def acknowledge() -> None:
        session.next_sequence_number = 1
        session.register_many(CommandId.DELIVER_SM, messages, 0.0)
        session.receive(acknowledged, 0.0)

    return {
        "read submit_sm": lambda: session.receive(submitted, 0.0),
        "judge submit_sm": lambda: judge.statuses(pdus),
        "write submit_sm_resp": lambda: submit_sm_resps(pdus, ids, codec=codec),
        "write receipt": write_receipts,
        "write deliver_sm": lambda: requests(CommandId.DELIVER_SM, numbers, bodies, codec=codec),
        "read its response": acknowledge,
    }


def report_numbers(pdu: SubmitSm, rounds: int) -> None:
    """Prices per message where a hundred are handled at once, in Python and in C."""
    print(f"\n{'per message, 100 at once':24}{'Python':>11}{'C':>11}{'':>4}{REASON}")
    native = {} if CODEC is None else in_numbers(pdu, CODEC)
    for name, function in in_numbers(pdu, None).items():
        costs = [price(each, rounds, CHUNKS) / FRAMES_PER_CHUNK for each in (function, native.get(name)) if each]
        print(f"{name:24}" + "".join(f"{cost:11.3f}" for cost in costs))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=7, help="the best of so many is printed (default 7)")
    rounds = options.parse_args().rounds
    pdus = samples(random.Random(SEED))
    print(f"CPython {sys.version.split()[0]}, microseconds, best of {rounds}")
    print(f"{'':24}{'decode':>11}{'(table)':>11}{'encode':>11}{'(table)':>11}{'judge':>11}")
    for name, pdu in pdus.items():
        report(name, pdu, rounds)
    report_framing(pdus["submit_sm"], rounds)
    report_numbers(cast("SubmitSm", pdus["submit_sm"]), rounds)


if __name__ == "__main__":
    main()
