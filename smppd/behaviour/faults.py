"""The faults of one server: which there are, what they have done, and on which connections those of the line lie.

Faults of octets and PDUs are put to work here; those of receipts, sessions and load are at home elsewhere
(`smppd.behaviour.fault_desk`), and told when they change.

A connection that no fault may concern has no layer, and costs nothing. One that is not bound yet has one as long as
there are faults at all, because faults of an account begin with the bind; it slips out when none is of that account.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from smppd.behaviour.bygone import Bygone
from smppd.behaviour.layer import FaultLayer, party_of
from smppd.behaviour.occasions import Occasions
from smppd.settings.faults import ByteFault, PduFault
from smppwire.constants import MAX_PDU_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from smppd.behaviour.layer import Connection
    from smppd.behaviour.occasions import FaultHits, Party
    from smppd.behaviour.saved import FaultRow
    from smppd.behaviour.streams import Loop
    from smppd.behaviour.waits import Waits
    from smppd.settings.faults import Fault


class FaultBook:
    """The faults of all groups. Everything belongs to the thread of the event loop."""

    def __init__(
        self,
        faults: Iterable[Fault] = (),
        *,
        waits: Waits,
        seed: int = 0,
        connections: Callable[[], Iterable[Connection]] = tuple,
        loop: Callable[[], Loop] = asyncio.get_running_loop,
        max_pdu: int = MAX_PDU_LENGTH,
    ) -> None:
        """Take faults in their order; those that are not enabled are left out.

        Args:
            faults: all that are configured.
            waits: the engine's clock: schedules and delays of PDUs go by it.
            seed: of all draws.
            connections: the open ones, looked at when faults change.
            loop: the event loop of a connection, whose clock paces octets.
            max_pdu: octets of the longest PDU that is accepted from an ESME.
        """
        self.stopping = False
        self.max_pdu = max_pdu
        self.empty = asyncio.Event()
        """Set while no connection has a layer, once one had."""
        self._waits = waits
        self._seed = seed
        self._started = waits.now()
        self._connections = connections
        self._loop = loop
        self.tell_fired: Callable[[str, Party], None] | None = None
        """Called with the name of a fault that fires, and on whom; None while nobody looks."""
        self.watchers: list[Callable[[], None]] = []
        """Who is told when there are other faults."""
        self._all: list[Fault] = []
        self._occasions: dict[str, Occasions] = {}
        self._on_lines: list[Occasions] = []
        """The faults of octets and PDUs."""
        self._before = Bygone()
        """What faults did that are gone or began anew."""
        self._layers: dict[Connection, FaultLayer] = {}
        self.replace(faults)

    # -- the faults ---------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Fault]:
        """The faults in their order, those among them that are not enabled."""
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @property
    def faults(self) -> list[Fault]:
        """The faults in use, in their order."""
        return [one.fault for one in self._occasions.values()]

    def replace(self, faults: Iterable[Fault]) -> None:
        """Take other faults, on connections that stand as well. Those that are the same as before keep their counts.

        What a fault that is gone has held back leaves. Raises ValueError for two faults of one name; then nothing has
        changed.
        """
        all_of_them = list(faults)
        occasions: dict[str, Occasions] = {}
        for fault in all_of_them:
            if not fault.enabled:
                continue
            if fault.name in occasions:
                raise ValueError(f"two faults are called {fault.name!r}")
            known = self._occasions.get(fault.name)
            if known is None or known.fault != fault:
                known = Occasions(fault, seed=self._seed, started=self._started, tell=self._fired)
            occasions[fault.name] = known
        for name, one in self._occasions.items():
            if occasions.get(name) is not one:
                self._before.add(name, one.fired)
        self._all = all_of_them
        self._occasions = occasions
        self._on_lines = [one for one in occasions.values() if isinstance(one.fault, (ByteFault, PduFault))]
        for layer in list(self._layers.values()):
            layer.choose()
        for connection in list(self._connections()) if self._on_lines else ():
            if connection.is_open and connection not in self._layers:
                self._slip_in(connection)
        for watcher in self.watchers:
            watcher()

    def reset(self, names: Collection[str] | None = None) -> None:
        """Have faults begin anew, as after a start: counts and draws; None: all, and their schedules too.

        Connections stay as they are.
        """
        if names is None:
            self._started = self._waits.now()
        for name in list(self._occasions) if names is None else names:
            one = self._occasions.pop(name, None)
            if one is not None:
                self._before.add(name, one.fired)
        self.replace(self._all)

    def hits(self) -> dict[str, FaultHits]:
        """What each fault has done, by its name, in the order of the faults."""
        return {name: one.hits for name, one in self._occasions.items()}

    def totals(self) -> dict[str, int]:
        """How often each fault has fired since the server began, by its name; only those that have."""
        totals = {name: fired for name, (fired, _) in self._before.items()}
        for name, one in self._occasions.items():
            totals[name] = totals.get(name, 0) + one.fired
        return {name: fired for name, fired in totals.items() if fired}

    @property
    def started(self) -> float:
        """Since when schedules count, on the engine's clock."""
        return self._started

    def rows(self) -> list[FaultRow]:
        """What each fault that is enabled has done, with its draws."""
        return [one.row() for one in self._occasions.values()]

    def put_back(self, rows: Iterable[FaultRow], *, started: float, seed: int) -> None:
        """Have faults begin anew, with these draws, and have done that; others are left out.

        What is told as `totals` stays as it is: others have done it.
        """
        self._started, self._seed = started, seed
        self.reset()
        for row in rows:
            one = self._occasions.get(row.name)
            if one is not None:
                one.put_back(row)
                self._before.add(row.name, -row.fired)

    @property
    def occasions(self) -> list[Occasions]:
        """The occasions of all faults, in their order."""
        return list(self._occasions.values())

    def _fired(self, name: str, party: Party) -> None:
        if self.tell_fired is not None:
            self.tell_fired(name, party)

    # -- connections --------------------------------------------------------------------------------------------------

    def wrap(self, connection: Connection) -> asyncio.Protocol:
        """What a listener should make for a connection: the session itself, or a layer above which it lies."""
        if not self._on_lines:
            return cast("asyncio.Protocol", connection)
        return self._layer(connection)

    def bound(self, connection: Connection, account: str) -> None:
        """A session is bound: faults of its account concern it from its response on, which must not be written yet."""
        layer = self._layers.get(connection)
        if layer is not None:
            layer.bound(account)
        elif self._on_lines:
            self._slip_in(connection)

    def stop(self) -> None:
        """The server ends: nothing is waited for any more, and connections that linger for a fault are dropped."""
        self.stopping = True
        for layer in list(self._layers.values()):
            layer.hurry()

    @property
    def layers(self) -> int:
        """How many connections have a layer."""
        return len(self._layers)

    def _layer(self, connection: Connection) -> FaultLayer:
        layer = FaultLayer(self, connection, self._loop(), self._waits, max_pdu=self.max_pdu)
        self._layers[connection] = layer
        self.empty.clear()
        return layer

    def _slip_in(self, connection: Connection) -> None:
        """Put a layer beneath a session that stands, if a fault may concern it."""
        if self.may_concern(party_of(connection)):
            self._layer(connection).slip_in()

    # -- what layers ask ----------------------------------------------------------------------------------------------

    def concerning(self, party: Party) -> list[Occasions]:
        """The faults that concern a session now, in their order."""
        return [one for one in self._on_lines if one.concerns(party)]

    def may_concern(self, party: Party) -> bool:
        """Whether any fault concerns a session now, or may do so once it is bound."""
        return any(one.concerns(party) or one.may_concern(party) for one in self._on_lines)

    def left(self, layer: FaultLayer) -> None:
        """A layer has ended, or slipped out."""
        self._layers.pop(layer.connection, None)
        if not self._layers:
            self.empty.set()
