"""What a message centre in a test is, whichever way it is asked: options, life, and where it is to be found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smppd.control.verification.limits import MAX_WITHIN
from smppd.errors import UserError
from smppd.settings import Settings, parse_address
from smppd.testing.controls import Controls
from smppd.testing.expectations import Expectations
from smppd.testing.host import Host
from smppd.testing.options import settings_for
from smppd.testing.rules import rule_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from smppd.testing.options import Table

__tracebackhide__ = True
__unittest = True  # pytest and unittest leave the frames of such modules out: what failed is in the test

WITHIN: Final = 5.0
"""Seconds that expectations wait, unless a test says otherwise: what takes longer on a loopback does not come."""


class ServerError(AssertionError):
    """The message centre itself made a mistake while a test used it."""


class Centre:
    """One message centre, the same for those who block and those who await."""

    def __init__(self, settings: Settings, within: float) -> None:
        """Set up; nothing is opened before `start`."""
        self.within = within
        self.host = Host(settings)
        self.expectations = Expectations(self.host)
        self.controls = Controls(self.host)

    async def reset(self, *, disconnect: bool) -> None:
        """Return to the settings of the beginning, and forget what was recorded and expected."""
        await self.controls.reset(disconnect=disconnect)
        self.expectations.begin()


class Face:
    """What both faces of a message centre have in common."""

    _centre: Centre

    @property
    def host(self) -> str:
        """Where SMPP is listened for."""
        return self.address[0]

    @property
    def port(self) -> int:
        """The free port that was found."""
        return self.address[1]

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; they stay the same when it has stopped. Raises RuntimeError before it was started."""
        self._centre.host.server  # noqa: B018 - raises when there is none
        return parse_address(self._centre.host.smpp_address)

    @property
    def http_url(self) -> str:
        """Where the HTTP API is (with `http=True`), as in `http://127.0.0.1:8775`; "" when it is not served."""
        where = self._centre.host.http_address
        return f"http://{where}" if where else ""

    @property
    def system_id(self) -> str:
        """Of the first account; "" when there is none."""
        account = self._centre.host.settings.account
        return account[0].system_id if account else ""

    @property
    def password(self) -> str:
        """Of the first account; "" when it is known as a hash only."""
        account = self._centre.host.settings.account
        return (account[0].password or "") if account else ""

    @property
    def log(self) -> str:
        """What the server has logged so far; addresses are masked and texts left out."""
        return self._centre.host.log

    def scenario(self, name: str) -> str:
        """The state of a scenario that rules share; "" is the one it begins in."""
        host = self._centre.host
        return host.call(lambda: host.server.rules.scenarios.get(name, ""))

    def check_health(self) -> None:
        """Raise ServerError when the server has made a mistake of its own since this was last called."""
        mistakes = self._centre.host.new_mistakes()
        if mistakes:
            raise ServerError(f"smppd made a mistake of its own, please report it:\n{mistakes}")

    def _within(self, given: float | None) -> float:
        """Seconds that an expectation waits. Raises UserError for what is no time."""
        return self._centre.within if given is None else time_of(given)


def time_of(within: float) -> float:
    """Seconds that something is waited for. Raises UserError for what is no time."""
    if not isinstance(within, int | float) or not 0 <= within <= MAX_WITHIN:
        raise UserError(f"within = {within!r}: expected seconds, from 0 to {MAX_WITHIN:g}")
    return within


def centre_for(
    *,
    within: float,
    accounts: Mapping[str, str] | Sequence[Table] | None,
    routes: Sequence[Table] | None,
    networks: Mapping[str, Table] | None,
    rules: Sequence[Table] | None,
    faults: Sequence[Table] | None,
    dialect: str | None,
    settings: Table | Path | str | None,
    virtual_clock: bool | str | None,
    seed: int | None,
    http: bool,
) -> Centre:
    """A message centre with the options of `smppd.Smsc`."""
    within = time_of(within)
    read = settings_for(
        accounts=accounts,
        routes=routes,
        networks=networks,
        rules=None if rules is None else [rule_table(rule) for rule in rules],
        faults=faults,
        dialect=dialect,
        settings=settings,
        virtual_clock=virtual_clock,
        seed=seed,
        http=http,
    )
    return Centre(read, within)
