"""What a snapshot is made of, slice by slice; the server stands still while it is read."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

from smppd.behaviour.saved import BookRow
from smppd.control.mo_saved import SubscribersRow
from smppd.control.snapshot.configuration import with_departed, written
from smppd.control.snapshot.recorded import slices_of_journal
from smppd.control.snapshot.sections import ClockRow, ServerRow, SettingsRow, TenureRow
from smppd.engine.clock import EngineClock
from smppd.engine.esmes import EsmeState
from smppd.engine.state.capture import Capture

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from smppd.control.panel import Control
    from smppd.control.simulation import Simulation
    from smppd.engine.esmes import Bind, Deliverable
    from smppd.engine.ports import Fate
    from smppd.engine.state.capture import Slice

SLICE: Final = 64
"""Rows of one slice."""


def slices_of(control: Control, hashes: Mapping[str, str], *, journal: bool = False) -> Iterator[Slice]:
    """All of a snapshot, section by section, with the journal or without it.

    `hashes` are those of passwords that the configuration does not know.
    """
    simulation = control.simulation
    settings, departed = with_departed(simulation.settings, simulation.engine, simulation.networks())
    yield "clock", [_clock_row(simulation)]
    yield "settings", [SettingsRow(written(settings, hashes), *departed)]
    yield "server", [ServerRow(simulation.context.opened)]
    yield from _sliced("draws", _draws(simulation))
    yield from _sliced("absences", _absences(simulation))
    yield from _behaviour(simulation)
    yield from _sliced("tenures", _tenures(control))
    if journal:
        yield from slices_of_journal(simulation)
    outstanding = {connection.bind: connection for connection in simulation.context.connections}

    def outstanding_of(bind: Bind) -> list[Deliverable]:
        connection = outstanding.get(bind)
        return [] if connection is None else connection.unacknowledged

    capture = Capture(simulation.engine, outstanding=outstanding_of, fate=_fate)
    yield from capture.slices(lambda capture: chain(_held(simulation, capture), _subscribers(control, capture)))


def _sliced(section: str, rows: Iterable[Any]) -> Iterator[Slice]:
    walk = iter(rows)
    while some := list(islice(walk, SLICE)):
        yield section, some


def _clock_row(simulation: Simulation) -> ClockRow:
    clock = simulation.engine.clock
    if isinstance(clock, EngineClock):
        return ClockRow(clock.now(), clock.wall(), clock.is_running, clock.speed, clock.is_real)
    return ClockRow(clock.now(), clock.wall(), running=True, speed=1.0, real=True)


def _draws(simulation: Simulation) -> Iterator[tuple[str, str, bytes]]:
    for name, network in simulation.networks().items():
        for system_id, generator in network.draws():
            yield name, system_id, generator


def _absences(simulation: Simulation) -> Iterator[tuple[str, bytes, float]]:
    for name, network in simulation.networks().items():
        for destination, first_tried in network.first_tried():
            yield name, destination, first_tried


def _behaviour(simulation: Simulation) -> Iterator[Slice]:
    rules, faults = simulation.rules, simulation.faults
    yield "book", [BookRow(rules.started, faults.started, rules.scenarios)]
    yield from _sliced("rules", rules.rows())
    yield from _sliced("faults", faults.rows())
    yield from _sliced("stale", simulation.fault_desk.sessions.rows())


def _tenures(control: Control) -> Iterator[TenureRow]:
    """For whom and until when rules and faults are there; a desk that was never used has said so of none."""
    if "rules" in vars(control):
        yield from (TenureRow("rule", *one) for one in control.rules.tenures())
    if "faults" in vars(control):
        yield from (TenureRow("fault", *one) for one in control.faults.tenures())


def _subscribers(control: Control, capture: Capture) -> Iterator[Slice]:
    """What the desk of subscribers knows, if it was ever used."""
    if "mo" in vars(control):
        desk = control.mo
        if desk.messages or desk.references:
            yield "subscribers", [SubscribersRow(desk.messages, desk.references)]
        yield from _sliced("injections", desk.rows(capture.mobile))


def _held(simulation: Simulation, capture: Capture) -> Iterator[Slice]:
    """What faults of receipts hold back."""
    receipts = simulation.fault_desk.receipts

    def rows() -> Iterator[tuple[object, ...]]:
        for key, fault, until, item in receipts.held():
            bind = -1 if isinstance(key, EsmeState) else capture.bind(key)
            yield capture.account(item.esme), bind, fault, until, capture.item(item)

    yield from _sliced("held", rows())
    named = ((capture.account(esme), message_id) for esme, message_id in receipts.latest.items())
    yield from _sliced("named", named)


def _fate(fate: Fate) -> Any:
    return fate
