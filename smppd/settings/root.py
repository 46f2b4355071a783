"""All tables together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import field

from smppd.errors import UserError
from smppd.settings.accounts import Account, DistributionList
from smppd.settings.api import Api
from smppd.settings.dialects import Dialect
from smppd.settings.faults import AnyFault
from smppd.settings.routes import Network, Route
from smppd.settings.rules import Rule
from smppd.settings.server import Clock, Journal, Log, Messages, Privacy, Server, Timers, Validation
from smppd.settings.types import SMPP_PASSWORD_LENGTH, Name, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smppd.strict import Problem

BUILT_IN_SYSTEM_ID: Final = "smppclient1"
"""The account that exists when the configuration defines none."""

BUILT_IN_PASSWORD: Final = "password"  # noqa: S105 - public on purpose: a simulator to start with, on loopback
"""Its password."""

DEFAULT: Final = "default"
"""Name of the route that exists when none is defined, and of the network and the dialect that always exist."""


def _built_in_account() -> list[Account]:
    return [Account(system_id=BUILT_IN_SYSTEM_ID, password=BUILT_IN_PASSWORD)]


class Settings(Table, frozen=True):
    """Everything. ``Settings()`` is the built-in configuration, the one without a file."""

    server: Server = Server()
    messages: Messages = Messages()
    journal: Journal = Journal()
    timers: Timers = Timers()
    privacy: Privacy = Privacy()
    log: Log = Log()
    validation: Validation = Validation()
    clock: Clock = Clock()
    api: Api = Api()
    account: list[Account] = field(default_factory=_built_in_account)
    distribution_list: list[DistributionList] = field(default_factory=list)
    route: list[Route] = field(default_factory=lambda: [Route(name=DEFAULT)])
    rule: list[Rule] = field(default_factory=list)
    fault: list[AnyFault] = field(default_factory=list)
    dialect: dict[Name, Dialect] = field(default_factory=lambda: {DEFAULT: Dialect()})
    network: dict[Name, Network] = field(default_factory=lambda: {DEFAULT: Network()})

    @property
    def longest_password(self) -> int:
        """Characters of the longest password any account may have: what a bind must be allowed to carry."""
        return max((account.password_max for account in self.account), default=SMPP_PASSWORD_LENGTH)


class SettingsError(UserError):
    """A configuration that is not accepted; ``problems`` are all that is wrong with it, never none."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        super().__init__("\n  ".join([f"the configuration has {count}:", *map(str, problems)]))
        self.problems = list(problems)
