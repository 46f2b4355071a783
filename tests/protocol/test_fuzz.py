"""The fuzz target: whatever octets arrive, the wire library answers with a value or a documented error.

`one_input` is what a fuzzer calls. Without one, mutations of the harvested PDUs are tried here: a few thousand in each
test run, many more with `make test-long`. With atheris (`pip install atheris`)::

    python -m tests.protocol.test_fuzz
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from smppwire.codec import decode, describe, encode
from smppwire.compiler import DECODERS, decode_by_table
from smppwire.constants import CommandId
from smppwire.errors import DecodeError, FramingError
from smppwire.framing import Framer
from smppwire.judgement import judge_of
from smppwire.pdus import Pdu, SubmitSm
from smppwire.session import FramingLost, Refused, Role, Session, SessionState
from smppwire.speedups import CODEC
from smppwire.validation import ValidationPolicy, first_violation, validate

VECTORS: Final = Path(__file__).parents[2] / "protocol" / "vectors" / "vectors.jsonl"
POLICIES: Final = [ValidationPolicy(), ValidationPolicy(strict=False), ValidationPolicy(interface_version=0x50)]
INTERESTING: Final = (0x00, 0x01, 0x02, 0x0F, 0x10, 0x15, 0x1B, 0x7F, 0x80, 0xC0, 0xFE, 0xFF)


def one_input(octets: bytes) -> None:
    """Feed octets to everything that reads what a peer sends. Raises only when something of ours is wrong."""
    try:
        pdu: Pdu | None = decode(octets)
    except (DecodeError, FramingError):
        pdu = None
    if pdu is not None:
        assert encode(pdu) == octets
        for policy in POLICIES:
            first = next(iter(validate(pdu, policy)), None)
            assert first_violation(pdu, policy) == (0 if first is None else first.status)
    assert "\n" not in describe(octets)
    _agree(octets)
    _read_alike(octets)
    for role in Role:
        session = Session(role)
        half = len(octets) // 2
        for event in session.receive(octets[:half], 1.0) + session.receive(octets[half:], 2.0):
            if isinstance(event, (Refused, FramingLost)) and event.reply is not None:
                decode(event.reply)


def _agree(octets: bytes) -> None:
    """The generated decoders and the table they come from see the same, also in the middle of a buffer."""
    buffer, frames = Framer().feed(octets)
    for start, end, command_id, status, sequence_number in frames:
        decoder = DECODERS.get(command_id)
        if decoder is None:
            continue
        place = (buffer, start, end, status, sequence_number)
        assert _seen(decoder, *place) == _seen(decode_by_table, command_id, *place)


def _read_alike(octets: bytes) -> None:
    """A bound session makes the same of it in Python and in C, if that is there, and judges alike what it has read."""
    seen = []
    for codec in (None, CODEC):
        session = Session(Role.SMSC, codec=codec)
        session._enter(SessionState.BOUND_TRX)
        session.register_many(CommandId.DELIVER_SM, range(3), 1.0)
        events = session.receive(octets + octets, 1.0)
        seen.append((events, session.inbound_outstanding, session.window.entries, session._framer.pending))
    assert seen[0] == seen[1]
    submitted = [event for event in seen[1][0] if isinstance(event, SubmitSm)]
    for policy in POLICIES:
        wanted = [first_violation(pdu, policy) for pdu in submitted]
        assert judge_of(policy).statuses(submitted) == (wanted if any(wanted) else None)


def _seen(read: Callable[..., Pdu], *arguments: object) -> object:
    """What a decoder makes of it: the PDU, or all that its error says."""
    try:
        return read(*arguments)
    except DecodeError as error:
        return (error.command_status, error.offset, error.field, error.rule)


def harvested() -> list[bytes]:
    """The PDUs of other projects' suites: what mutations begin with."""
    return [bytes.fromhex(json.loads(line)["hex"]) for line in VECTORS.read_text(encoding="utf-8").splitlines()]


def mutate(octets: bytes, dice: random.Random) -> bytes:
    """A damaged copy: octets changed, taken out, doubled; lengths that lie, or that were put right again."""
    mutant = bytearray(octets)
    for _ in range(dice.randint(1, 4)):
        if not mutant:
            break
        place = dice.randrange(len(mutant))
        match dice.randrange(5):
            case 0:
                mutant[place] = dice.choice(INTERESTING)
            case 1:
                mutant[place] ^= 1 << dice.randrange(8)
            case 2:
                del mutant[place : place + dice.randint(1, 4)]
            case 3:
                mutant[place:place] = mutant[place : place + dice.randint(1, 8)]
            case _:
                mutant[place:place] = bytes(dice.randrange(256) for _ in range(dice.randint(1, 4)))
    if dice.random() < 0.8 and len(mutant) >= 4:
        mutant[:4] = len(mutant).to_bytes(4, "big")
    return bytes(mutant)


def rounds(count: int, seed: int) -> None:
    dice = random.Random(seed)
    seeds = harvested()
    for _ in range(count):
        octets = mutate(dice.choice(seeds), dice)
        try:
            one_input(octets)
        except Exception as error:
            raise AssertionError(f"{octets.hex()}: {error!r}") from error


def test_harvested_pdus() -> None:
    for octets in harvested():
        one_input(octets)


def test_mutations() -> None:
    rounds(3_000, seed=34)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(8))
def test_many_mutations(seed: int) -> None:
    rounds(50_000, seed)


if __name__ == "__main__":
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
