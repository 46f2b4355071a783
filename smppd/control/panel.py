"""The control panel: one desk for each thing that can be asked of a server or done to it.

A desk is made when it is first used, so that a server nobody controls loads none of them.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smppd.control.accounts import AccountDesk
    from smppd.control.clock import ClockDesk
    from smppd.control.dialects import DialectsDesk
    from smppd.control.events import EventDesk
    from smppd.control.faults import FaultsDesk
    from smppd.control.messages.desk import MessagesDesk
    from smppd.control.mo import MoDesk
    from smppd.control.networks import NetworksDesk
    from smppd.control.pdus import PduDesk
    from smppd.control.reset import ResetDesk
    from smppd.control.routes import RoutesDesk
    from smppd.control.rules import RulesDesk
    from smppd.control.server import ServerDesk
    from smppd.control.sessions import SessionDesk
    from smppd.control.simulation import Simulation
    from smppd.control.snapshot.desk import SnapshotDesk
    from smppd.control.verification.desk import VerificationDesk
    from smppd.control.webhooks import WebhookDesk


class Control:
    """All desks of one server."""

    def __init__(self, simulation: Simulation) -> None:
        """Control this server."""
        self.simulation = simulation

    async def close(self) -> None:
        """The server stops: end what desks do by themselves. Those that were never used are not made for it."""
        if "verification" in vars(self):
            self.verification.close()
        if "webhooks" in vars(self):
            await self.webhooks.close()
        if "events" in vars(self):
            self.events.close()

    # -- the desks ----------------------------------------------------------------------------------------------------

    @cached_property
    def server(self) -> ServerDesk:
        """The server as a whole: how it does, and its configuration."""
        from smppd.control.server import ServerDesk

        return ServerDesk(self.simulation)

    @cached_property
    def sessions(self) -> SessionDesk:
        """Who is and was connected."""
        from smppd.control.sessions import SessionDesk

        return SessionDesk(self.simulation)

    @cached_property
    def accounts(self) -> AccountDesk:
        """Who may bind."""
        from smppd.control.accounts import AccountDesk

        return AccountDesk(self.simulation)

    @cached_property
    def messages(self) -> MessagesDesk:
        """Recorded messages: searched, shown, forced to an end, cancelled."""
        from smppd.control.messages.desk import MessagesDesk

        return MessagesDesk(self.simulation, self.pdus)

    @cached_property
    def mo(self) -> MoDesk:
        """Messages from subscribers."""
        from smppd.control.mo import MoDesk

        return MoDesk(self.simulation)

    @cached_property
    def pdus(self) -> PduDesk:
        """The recorded PDUs."""
        from smppd.control.pdus import PduDesk

        return PduDesk(self.simulation)

    @cached_property
    def verification(self) -> VerificationDesk:
        """Questions about what was recorded."""
        from smppd.control.verification.desk import VerificationDesk

        return VerificationDesk(self.simulation, self.pdus)

    @cached_property
    def events(self) -> EventDesk:
        """What happens, for those who look."""
        from smppd.control.events import EventDesk

        return EventDesk(self.simulation)

    @cached_property
    def webhooks(self) -> WebhookDesk:
        """Who is called when something happens."""
        from smppd.control.webhooks import WebhookDesk

        return WebhookDesk(self.simulation, self.events)

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
    def dialects(self) -> DialectsDesk:
        """Dialects."""
        from smppd.control.dialects import DialectsDesk

        return DialectsDesk(self.simulation)

    @cached_property
    def networks(self) -> NetworksDesk:
        """Simulated networks."""
        from smppd.control.networks import NetworksDesk

        return NetworksDesk(self.simulation)

    @cached_property
    def routes(self) -> RoutesDesk:
        """Routes."""
        from smppd.control.routes import RoutesDesk

        return RoutesDesk(self.simulation)

    @cached_property
    def clock(self) -> ClockDesk:
        """The clock of messages and receipts."""
        from smppd.control.clock import ClockDesk

        return ClockDesk(self.simulation)

    @cached_property
    def reset(self) -> ResetDesk:
        """Back to the configuration."""
        from smppd.control.reset import ResetDesk

        return ResetDesk(self.simulation, self)

    @cached_property
    def snapshot(self) -> SnapshotDesk:
        """The whole simulated state, taken and restored."""
        from smppd.control.snapshot.desk import SnapshotDesk

        return SnapshotDesk(self)
