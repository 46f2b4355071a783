"""What is sent to a running server is judged like a configuration file: by the same reader and the same checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from smppd import strict
from smppd.control.failures import InvalidError
from smppd.settings.checks import CHECKS
from smppd.settings.includes import Place
from smppd.settings.reach import Names
from smppd.strict import StrictReader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smppd.settings import Settings
    from smppd.strict import Problem

HERE: Final = Place("", (), sound=True)
"""The place of something that came by itself: its paths begin with its own keys."""


def read(kind: Any, value: object) -> Any:
    """A table of settings out of plain data; a struct is taken as it is. Raises InvalidError with all that is wrong."""
    if isinstance(value, Struct):
        return value
    reader = StrictReader(lambda _: "", CHECKS)
    table = reader.read_as(kind, value)
    refuse(reader.problems)
    return table


def refuse(problems: Iterable[Problem]) -> None:
    """Raise InvalidError if there are any."""
    told = [(problem.key, problem.told) for problem in problems]
    if told:
        raise InvalidError(told)


def names_of(settings: Settings) -> Names:
    """The names that conditions may refer to."""
    return Names([account.system_id for account in settings.account], [route.name for route in settings.route])


def check_account(settings: Settings, system_id: str, where: str) -> None:
    """Raise InvalidError at `where` unless there is such an account."""
    known = [account.system_id for account in settings.account]
    if system_id not in known:
        hint = strict.suggestion(system_id, known)
        what = f"there is no account {strict.shown(system_id)}"
        raise InvalidError([(where, f"{what} ({hint})" if hint else what)])


def mistakes_between_tables(settings: Settings) -> list[Problem]:
    """What is wrong with tables beside each other: names that must exist, names that must differ."""
    reader = StrictReader(lambda _: "", CHECKS)
    CHECKS[type(settings)](reader, settings, {}, ())
    return reader.problems
