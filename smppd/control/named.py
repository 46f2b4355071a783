"""What the desks of networks and dialects have in common: tables by name, which others refer to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from smppd.control.failures import ConflictError, InvalidError, NotFoundError
from smppd.control.judging import read
from smppd.control.pages import Page, page_of
from smppd.settings.dialects import Dialect
from smppd.settings.root import DEFAULT
from smppd.settings.routes import Network
from smppd.settings.types import Name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smppd.control.simulation import Simulation
    from smppd.settings import Settings

E = TypeVar("E", Network, Dialect)
V = TypeVar("V", bound="Named")


class Named(Struct, frozen=True, kw_only=True):
    """What networks and dialects have in common where they are shown."""

    name: str
    origin: Annotated[
        Literal["file", "api"], Meta(description="Who made it: the configuration files, or somebody at run time.")
    ]
    changed: Annotated[bool, Meta(description="Whether the files say something else of it.")]
    used_by: Annotated[list[str], Meta(description="Who refers to it; as long as anybody does it cannot be deleted.")]


class NamedDesk(ABC, Generic[E, V]):
    """The networks, or the dialects, of one server."""

    kind: ClassVar[str]
    """What an entry is called; the settings have them under the same name."""

    def __init__(self, simulation: Simulation) -> None:
        """Look after those of this server."""
        self._simulation = simulation

    @abstractmethod
    def _tables(self, settings: Settings) -> dict[str, E]:
        """Those of some settings."""

    @abstractmethod
    def _read(self, name: str, entry: Any) -> E:
        """Settings out of plain data. Raises InvalidError."""

    @abstractmethod
    def _users(self, name: str) -> list[str]:
        """Who refers to one."""

    @abstractmethod
    def _view(self, entry: E, common: dict[str, Any]) -> V:
        """One as it is shown."""

    def page(self, limit: int = 100, cursor: str = "") -> Page[V]:
        """All of them, page by page."""
        names = list(self._tables(self._simulation.settings))
        return page_of(names, self.get, kind=self.kind, limit=limit, cursor=cursor)

    def get(self, name: str) -> V:
        """One of them. Raises NotFoundError."""
        entry = self._tables(self._simulation.settings).get(name)
        if entry is None:
            raise NotFoundError(self.kind, name)
        files = self._tables(self._simulation.configured)
        common = {
            "name": name,
            "origin": "file" if name in files else "api",
            "changed": name in files and files[name] != entry,
            "used_by": self._users(name),
        }
        return self._view(entry, common)

    def put(self, name: str, entry: E | Mapping[str, Any]) -> V:
        """Have this under the name, whether there is one or not; it takes effect with the next PDU.

        Raises InvalidError.
        """
        try:
            read(Name, name)
        except InvalidError as error:
            raise InvalidError([("name", what) for _, what in error.problems]) from None
        self._commit({**self._tables(self._simulation.settings), name: self._read(name, entry)})
        return self.get(name)

    def delete(self, name: str) -> None:
        """Take one away. Raises NotFoundError, and ConflictError when others refer to it, or when it always exists."""
        tables = dict(self._tables(self._simulation.settings))
        if name not in tables:
            raise NotFoundError(self.kind, name)
        if name == DEFAULT:
            raise ConflictError(f'the {self.kind} "{DEFAULT}" always exists')
        users = self._users(name)
        if users:
            raise ConflictError(f'the {self.kind} "{name}" is used by {", ".join(users)}')
        del tables[name]
        self._commit(tables)

    def _commit(self, tables: dict[str, E]) -> None:
        settings = self._simulation.settings
        self._simulation.configure(msgspec.structs.replace(settings, **{self.kind: tables}))
