"""One running server, as those see it who control it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from smppd.behaviour.fault_desk import FaultDesk
    from smppd.behaviour.faults import FaultBook
    from smppd.behaviour.sessions import Rules
    from smppd.behaviour.waits import Waits
    from smppd.engine.core import Engine
    from smppd.network.simple import SimulatedNetwork
    from smppd.observe.journal import Journal
    from smppd.observe.roster import Roster
    from smppd.settings import Changes, Settings
    from smppd.transport.context import Context
    from smppd.transport.outbind import Outbinds
    from smppd.transport.standstill import Standstill
    from smppd.transport.timelapse import Lapse, TimeLapse


@dataclass(slots=True)
class Simulation:
    """The parts of a server; the composition root fills it. Everything belongs to the thread of the event loop."""

    context: Context
    """Connections, accounts, counters, privacy; `context.settings` are the settings in use."""
    rules: Rules
    faults: FaultBook
    configure: Callable[[Settings], Changes]
    """Take other settings at once, as a reload does; raises UserError when they cannot be taken."""
    advance: Callable[[float], Awaitable[Lapse]]
    """Let simulated time pass at once, in seconds."""
    advance_to: Callable[[float], Awaitable[Lapse]]
    """The same, until the engine's clock says this Unix time."""
    lapse: TimeLapse | None
    """What drives the engine on its clock; None when the clock was handed in by somebody else."""
    next_due: Callable[[], float | None]
    """When something is due next, in seconds of the engine's clock."""
    wake: Callable[[], None]
    """Have the engine look soon at what is due: after whatever changed that."""
    waits: Waits
    """Calls at times of the engine's clock."""
    outbinds: Outbinds
    """Calls on ESMEs."""
    standstill: Standstill
    """Has the engine stand still for a while."""
    networks: Callable[[], Mapping[str, SimulatedNetwork]]
    """The networks by name, those among them that only routes know that are gone."""
    fault_desk: FaultDesk
    """The faults of receipts and sessions at work."""
    beside: Callable[[Settings, Settings], tuple[Engine, dict[str, SimulatedNetwork]]]
    """A new engine and its networks: by the first settings, after it has known all accounts and routes of others."""
    take_over: Callable[[Settings, Engine, dict[str, SimulatedNetwork]], None]
    """Go on with these settings, and the engine and networks that were made for them; unbinds all sessions."""
    renew: Callable[[], None]
    """Have all networks begin anew, and open the throughput windows of all routes."""
    forget_draws: Callable[[str], None]
    """Have the draws of an account begin anew in all networks."""
    configured: Settings
    """The settings of the files: what a reset returns to. A reload of the files replaces them."""
    load: Callable[[], Settings] | None = None
    """Read the files anew, in any thread; raises UserError. None: the server was started without one."""
    addresses: Callable[[], tuple[list[str], str]] = lambda: ([], "")
    """Where SMPP and HTTP are listened for, with the real ports; "" where HTTP is not."""
    started: float = 0.0
    """When the server was made, on `context.monotonic`."""

    @property
    def settings(self) -> Settings:
        """The settings in use."""
        return self.context.settings

    @property
    def engine(self) -> Engine:
        """The engine."""
        return self.context.engine

    @property
    def journal(self) -> Journal:
        """The last raw PDUs."""
        return self.context.journal

    @property
    def roster(self) -> Roster:
        """Who is and was connected."""
        return self.context.roster
