"""The control panel: one desk for each thing that can be asked of a server or done to it.

A desk is made when it is first used, so that a server nobody controls loads none of them.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smppd.control.clock import ClockDesk
    from smppd.control.dialects import DialectsDesk
    from smppd.control.faults import FaultsDesk
    from smppd.control.networks import NetworksDesk
    from smppd.control.reset import ResetDesk
    from smppd.control.routes import RoutesDesk
    from smppd.control.rules import RulesDesk
    from smppd.control.server import ServerDesk
    from smppd.control.simulation import Simulation
    from smppd.control.snapshot.desk import SnapshotDesk


class Control:
    """All desks of one server."""

    def __init__(self, simulation: Simulation) -> None:
        """Control this server."""
        self.simulation = simulation

    @cached_property
    def clock(self) -> ClockDesk:
        """The engine's clock."""
        from smppd.control.clock import ClockDesk

        return ClockDesk(self.simulation)

    @cached_property
    def snapshot(self) -> SnapshotDesk:
        """The whole state, out and back."""
        from smppd.control.snapshot.desk import SnapshotDesk

        return SnapshotDesk(self.simulation)

    @cached_property
    def server(self) -> ServerDesk:
        """The server as a whole: how it does, and its configuration."""
        from smppd.control.server import ServerDesk

        return ServerDesk(self.simulation)

    @cached_property
    def rules(self) -> RulesDesk:
        """Rules, and the scenarios that they share."""
        from smppd.control.rules import RulesDesk

        return RulesDesk(self.simulation)

    @cached_property
    def faults(self) -> FaultsDesk:
        """Faults."""
        from smppd.control.faults import FaultsDesk

        return FaultsDesk(self.simulation)

    @cached_property
    def networks(self) -> NetworksDesk:
        """Simulated networks."""
        from smppd.control.networks import NetworksDesk

        return NetworksDesk(self.simulation)

    @cached_property
    def dialects(self) -> DialectsDesk:
        """Dialects."""
        from smppd.control.dialects import DialectsDesk

        return DialectsDesk(self.simulation)

    @cached_property
    def routes(self) -> RoutesDesk:
        """Routes."""
        from smppd.control.routes import RoutesDesk

        return RoutesDesk(self.simulation)

    @cached_property
    def reset(self) -> ResetDesk:
        """Back to the configuration files."""
        from smppd.control.reset import ResetDesk

        return ResetDesk(self.simulation, self)
