"""The control panel: one desk for each thing that can be asked of a server or done to it.

A desk is made when it is first used, so that a server nobody controls loads none of them.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smppd.control.pdus import PduDesk
    from smppd.control.server import ServerDesk
    from smppd.control.simulation import Simulation
    from smppd.control.verification.desk import VerificationDesk


class Control:
    """All desks of one server."""

    def __init__(self, simulation: Simulation) -> None:
        """Control this server."""
        self.simulation = simulation

    @cached_property
    def server(self) -> ServerDesk:
        """The server as a whole: how it does, and its configuration."""
        from smppd.control.server import ServerDesk

        return ServerDesk(self.simulation)

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

    def close(self) -> None:
        """Let all go who wait for something: the server is about to stop."""
        if "verification" in self.__dict__:
            self.verification.close()
