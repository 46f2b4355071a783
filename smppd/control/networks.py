"""The desk of simulated networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from smppd.control.judging import read
from smppd.control.named import Named, NamedDesk
from smppd.settings.plain import plain
from smppd.settings.routes import Network

if TYPE_CHECKING:
    from smppd.settings import Settings


class NetworkView(Named, frozen=True, kw_only=True):
    """One network; routes use it."""

    network: Annotated[dict[str, Any], Meta(description="As the configuration has it, without what is the default.")]


class NetworksDesk(NamedDesk[Network, NetworkView]):
    """The networks of one server. One that is changed begins anew: with its first draws, and nobody absent."""

    kind: ClassVar[str] = "network"

    def _tables(self, settings: Settings) -> dict[str, Network]:
        return settings.network

    def _read(self, name: str, entry: Any) -> Network:  # noqa: ARG002  # a network does not know its name
        network: Network = read(Network, entry)
        return network

    def _users(self, name: str) -> list[str]:
        return [f'route "{route.name}"' for route in self._simulation.settings.route if route.network == name]

    def _view(self, entry: Network, common: dict[str, Any]) -> NetworkView:
        return NetworkView(**common, network=plain(entry))
