"""What the tests of dialects share: dialects from settings, and messages that have met their fate."""

from collections.abc import Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from smppd.behaviour.dialects import CompiledDialect, compile_dialects
from smppd.engine.message import DELIVERED, Message
from smppd.settings import Dialect, load_settings
from smppd.settings.checks import CHECKS
from smppd.strict import StrictReader
from smppwire.pdus import DeliverSm, SubmitSm
from tests.engine.world import NOON, World, deliver_sm, sms

WORLD = World()
PHONE = WORLD.bind()
OLD_PHONE = WORLD.bind(version=0x33)
CONFIG = Path(__file__).parents[2] / "config"
SHIPPED = sorted(path.stem for path in (CONFIG / "dialects").glob("*.toml"))
LATER = 4500
"""Seconds from the acceptance of a message, at noon, to its final state: 13:15."""


def dialect(zone: tzinfo = UTC, **tables: Any) -> CompiledDialect:
    """A dialect of these tables, as they stand in a file."""
    reader = StrictReader(lambda _place: "test", CHECKS)
    settings = reader.read(Dialect, tables)
    assert reader.problems == []
    return CompiledDialect("test", settings, zone)


def shipped(name: str) -> CompiledDialect:
    """A dialect that comes with smppd."""
    account = f'account=[{{system_id = "a", password = "b", dialect = "{name}"}}]'
    return dict(compile_dialects(load_settings(None, {}, [account])))[name]


def final(
    pdu: SubmitSm,
    state: int = DELIVERED,
    error_code: int = 0,
    message_id: bytes = b"1000000000",
    *,
    below_34: bool = False,
) -> Message:
    """A message that was accepted at noon and became final 75 minutes later."""
    bind = (OLD_PHONE if below_34 else PHONE).bind
    message = Message(message_id, pdu, bind.esme, bind, WORLD.engine.routes["all"], 0.0, NOON, 1e9)
    message.state, message.error_code, message.final_wall = state, error_code, NOON + LATER
    return message


def receipt(
    receipt: Mapping[str, Any] | None = None, message: Message | None = None, *, tlvs: bool = True, **tables: Any
) -> DeliverSm:
    """The receipt that a dialect with this `receipt` table writes."""
    spoken = dialect(receipt=dict(receipt or {}), **tables)
    return deliver_sm(spoken.receipts.receipt_body(message or final(sms()), tlvs=tlvs))
