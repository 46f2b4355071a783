"""What the tests of traffic share: profiles from text, and bodies judged by the wire library."""

from collections.abc import Iterable
from pathlib import Path
from random import Random
from struct import pack
from typing import Any

from smppd.load.profile import Profile, load_profile
from smppd.load.traffic import Shot, Traffic
from smppwire.codec import decode, encode
from smppwire.constants import HEADER_LENGTH
from smppwire.pdus import SubmitSm
from smppwire.text import decode_text
from smppwire.udh import parse_udh
from smppwire.validation import ValidationPolicy, Violation, validate

NOON = 1_767_268_800.0  # 2026-01-01T12:00:00Z
ONE = '[[traffic]]\nname = "one"\ndestination_addr = "447700900000"\n'
"""The beginning of a profile with one kind of message to one number."""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "profile.toml"
    path.write_text(text, encoding="utf-8")
    return path


def profile(tmp_path: Path, text: str) -> Profile:
    return load_profile(str(write(tmp_path, text)))


def traffic(source: Profile, **keys: Any) -> Traffic:
    return Traffic(source, **{"random": Random(7), "clock": lambda: NOON, **keys})


def pdu_of(shot: Shot) -> SubmitSm:
    """The PDU of a body, which must be exactly what the wire library writes."""
    frame = pack(">IIII", HEADER_LENGTH + len(shot.body), 4, 0, 1) + shot.body
    pdu = decode(frame)
    assert isinstance(pdu, SubmitSm)
    assert encode(pdu) == frame
    assert pdu.trailing == b""
    return pdu


def violations(shots: Iterable[Shot]) -> list[Violation]:
    """What a strict SMSC would object to."""
    return [violation for shot in shots for violation in validate(pdu_of(shot), ValidationPolicy())]


def text_of(shot: Shot) -> str:
    """The text of one PDU, without user data header."""
    pdu = pdu_of(shot)
    udh, octets = parse_udh(pdu.short_message) if pdu.esm_class & 0x40 else (None, pdu.short_message)
    return decode_text(octets or pdu.tlv(0x0424) or b"", pdu.data_coding, udh=udh)
