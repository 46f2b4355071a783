"""The way of a state out of one engine and into another, through octets as in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from smppd.behaviour.firing import Firing
from smppd.engine.core import Engine
from smppd.engine.esmes import Bind, Deliverable
from smppd.engine.state.capture import Capture
from smppd.engine.state.restoration import Restoration
from smppd.engine.state.rows import ROWS

ENOUGH = 100_000


def outstanding_of(bind: Bind) -> Iterable[Deliverable]:
    """What the phone behind a bind of `tests.engine.world` has not acknowledged."""
    return list(bind.outbound.phone.outstanding)  # type: ignore[attr-defined]


def hand_out(engine: Engine, outstanding: Callable[[Bind], Iterable[Deliverable]] = outstanding_of) -> list[bytes]:
    """All slices of an engine, encoded."""
    capture = Capture(engine, outstanding=outstanding, fate=lambda fate: fate)
    return [msgspec.msgpack.encode(piece) for piece in capture.slices()]


def take_back(slices: Iterable[bytes], engine: Engine, most: int = ENOUGH) -> None:
    """Have a new engine take the slices of another."""
    restoration = Restoration(engine, fate=lambda raw: msgspec.msgpack.decode(raw, type=Firing), most=most, shift=0.0)
    for octets in slices:
        section, raw = msgspec.msgpack.decode(octets, type=tuple[str, msgspec.Raw])
        rows: list[Any] = msgspec.msgpack.decode(raw, type=list[ROWS[section]])  # type: ignore[misc]
        restoration.take(section, rows)
    for _ in restoration.link():
        pass
    restoration.check()


def twin_of(world: Any) -> Engine:
    """A new engine in the same world."""
    return Engine(
        world.settings,
        world.networks,
        clock=world.clock,
        dialects=world.dialects,
        observer=world.observer,
        wake=world._wake,
    )
