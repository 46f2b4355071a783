"""Prices of the codec: microseconds per decode, encode and judgement, generated code beside the interpreted table.

    python bench/micro/codec.py [--rounds 7]

Seeded and single-threaded; takes less than half a minute. The best of several rounds is printed: on a shared machine
the minimum is what the code costs, the rest is what the neighbours cost.
"""

from __future__ import annotations

import argparse
import random
import sys
import timeit
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2] / "protocol"))

from smppwire.compiler import DECODERS, ENCODERS, decode_by_table, encode_by_table
from smppwire.framing import Framer
from smppwire.pdus import DeliverSm, DeliverSmResp, Pdu, SubmitSm, SubmitSmResp, Tlv
from smppwire.validation import ValidationPolicy, first_violation

if TYPE_CHECKING:
    from collections.abc import Callable

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


if __name__ == "__main__":
    main()
