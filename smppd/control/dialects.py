"""The desk of dialects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from msgspec import Meta

from smppd.control.failures import InvalidError
from smppd.control.judging import read
from smppd.control.named import Named, NamedDesk
from smppd.settings.dialects import Dialect
from smppd.settings.includes import Dialects
from smppd.settings.plain import plain
from smppd.strict import key_of

if TYPE_CHECKING:
    from smppd.settings import Settings

BASED_ON: Final = "based_on"
"""The key of a dialect that names the one it takes everything over from that it does not say itself."""


class DialectView(Named, frozen=True, kw_only=True):
    """One dialect; accounts speak it."""

    based_on: Annotated[str, Meta(description='The dialect that it took over from when it was read; "" = none.')]
    dialect: Annotated[
        dict[str, Any],
        Meta(description="As the configuration has it, with what it took over, without what is the default."),
    ]


class DialectsDesk(NamedDesk[Dialect, DialectView]):
    """The dialects of one server. Sessions that are bound speak a changed one from their next PDU on."""

    kind: ClassVar[str] = "dialect"

    def _tables(self, settings: Settings) -> dict[str, Dialect]:
        return settings.dialect

    def _read(self, name: str, entry: Any) -> Dialect:
        """A dialect; it may be based on one that there is, or on a shipped one."""
        table = plain(entry) if isinstance(entry, Dialect) else entry
        read(Dialect, table)
        others = {other: _complete(dialect) for other, dialect in self._simulation.settings.dialect.items()}
        dialects = Dialects({**others, name: table}, "")
        done = dialects.complete()
        if dialects.problems:
            start = key_of(("dialect", name))
            raise InvalidError([(one.key.removeprefix(start).removeprefix("."), one.told) for one in dialects.problems])
        return done[name]

    def _users(self, name: str) -> list[str]:
        return [f'account "{one.system_id}"' for one in self._simulation.settings.account if one.dialect == name]

    def _view(self, entry: Dialect, common: dict[str, Any]) -> DialectView:
        return DialectView(**common, based_on=entry.based_on, dialect=_complete(entry))


def _complete(dialect: Dialect) -> dict[str, Any]:
    """A dialect as plain data that is based on nothing: it has taken over already."""
    return {key: value for key, value in plain(dialect).items() if key != BASED_ON}
