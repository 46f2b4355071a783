"""What the desks of rules and of faults have in common: lists in their order, whose entries come and go at run time.

What came through this desk goes first, unless it is asked for elsewhere: the newest word counts. Every change takes
effect with the next PDU. Entries of the configuration files can be changed and removed as well; a reset brings them
back.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from smppd import strict
from smppd.control.failures import ConflictError, InvalidError, NotFoundError, TooBusyError
from smppd.control.judging import check_account, read
from smppd.control.pages import Page, cursor_for, position_in
from smppd.control.tenure import Tenure, Tenures
from smppd.settings.faults import Fault
from smppd.settings.plain import plain
from smppd.settings.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from smppd.control.simulation import Simulation

MOST: Final = 10_000
"""Rules, or faults, that one server takes: sorting them anew takes twenty milliseconds then."""

MOST_COMPARED: Final = 50
"""Entries of a list that are compared with each other: it takes about five milliseconds."""

AT_ONCE: Final = 25
"""Entries that are written as plain data without a look at what else is to do: about a millisecond."""

E = TypeVar("E", Rule, Fault)
V = TypeVar("V", bound="Adjustable")


class Adjustable(Struct, frozen=True, kw_only=True):
    """What rules and faults have in common where they are shown."""

    name: str
    position: Annotated[int, Meta(description="Its place in the list; the first is 1.")]
    enabled: bool
    origin: Annotated[
        Literal["file", "api"], Meta(description="Who made it: the configuration files, or somebody at run time.")
    ]
    changed: Annotated[bool, Meta(description="Whether the files say something else of it.")]
    namespace: Annotated[str | None, Meta(description="The account that it belongs to, and that its reset removes.")]
    expires_in: Annotated[
        float | None, Meta(description="Seconds of the engine's clock that it has left; null: for ever.")
    ]
    matched: Annotated[int, Meta(description="How often its conditions held while it was awake.")]
    fired: Annotated[int, Meta(description="How often it was carried out.")]
    warnings: Annotated[list[str], Meta(description="What is odd about it; told when it is made or changed.")]


class Listing(Page[V], Generic[V], frozen=True, kw_only=True):
    """Some entries, in their order."""

    total: Annotated[int, Meta(description="How many there are.")]
    revision: Annotated[int, Meta(description="Another number whenever the list has changed.")]


class Replaced(Struct, frozen=True, kw_only=True):
    """What came of a change of the whole list."""

    total: Annotated[int, Meta(description="How many there are now.")]
    warnings: list[str] = []


class AdjustingDesk(ABC, Generic[E, V]):
    """The rules, or the faults, of one server."""

    kind: ClassVar[str]
    """What an entry is called."""
    type: ClassVar[Any]
    """What an entry is read as."""

    def __init__(self, simulation: Simulation) -> None:
        """Look after the list of this server."""
        self._simulation = simulation
        self._tenures: Tenures[E] = Tenures(simulation.waits, self._expire)
        self._made = 0
        self._seen: object = None
        self._revision = 0

    # -- what each of the two lists is like ---------------------------------------------------------------------------

    @abstractmethod
    def _all(self) -> list[E]:
        """The entries, in their order."""

    @abstractmethod
    def _configured(self) -> Sequence[E]:
        """Those of the configuration files."""

    @abstractmethod
    def _replace(self, entries: list[E]) -> None:
        """Have these from now on. Raises InvalidError when they cannot be had."""

    @abstractmethod
    def _restart(self, names: Iterable[str] | None) -> None:
        """Have counts begin anew: of these entries, or of all."""

    @abstractmethod
    def _judge(self, entry: E, *, hooks: bool) -> None:
        """Raise InvalidError for what is wrong with an entry on this server."""

    @abstractmethod
    def _warn(self, entry: E, before: Sequence[E]) -> list[str]:
        """What is odd about an entry behind these others."""

    @abstractmethod
    def _confined(self, entry: E, namespace: str) -> E:
        """An entry that concerns this account alone. Raises InvalidError when it is about others."""

    @abstractmethod
    def _view(self, entry: E, common: dict[str, Any], hits: Any) -> V:
        """An entry as it is shown; `hits` are its counts, None while it is not enabled."""

    @abstractmethod
    def _hits(self) -> Mapping[str, Any]:
        """The counts of those that are enabled, by name."""

    # -- looking ------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._all())

    @property
    def revision(self) -> int:
        """Another number whenever the list has changed, whoever changed it."""
        entries = self._all()
        if entries != self._seen:
            self._seen = entries
            self._revision += 1
        return self._revision

    async def page(self, limit: int = 100, cursor: str = "", *, namespace: str | None = None) -> Listing[V]:
        """Entries in their order, page by page; `namespace`: those that belong to it.

        Raises InvalidError for a cursor of something else.
        """
        (start,) = position_in(self.kind, cursor, int) if cursor else (0,)
        start = max(start, 0)
        entries = list(enumerate(self._all()))
        if namespace is not None:
            entries = [(place, entry) for place, entry in entries if self.is_in(entry, namespace)]
        hits, files = self._hits(), self._files()
        items = []
        for place, entry in entries[start : start + limit]:
            items.append(self._shown(entry, place, hits, files))
            if len(items) % AT_ONCE == 0:
                await asyncio.sleep(0)
        return Listing(
            items=items,
            next=cursor_for(self.kind, start + limit) if start + limit < len(entries) else None,
            total=len(entries),
            revision=self.revision,
        )

    def get(self, name: str) -> V:
        """One entry. Raises NotFoundError."""
        return self._one(self._place(name))

    def _one(self, place: int, warnings: Sequence[str] = ()) -> V:
        return self._shown(self._all()[place], place, self._hits(), self._files(), warnings)

    def _shown(
        self, entry: E, place: int, hits: Mapping[str, Any], files: Mapping[str, E], warnings: Sequence[str] = ()
    ) -> V:
        tenure = self._tenures.of(entry.name, entry)
        common = {
            "name": entry.name,
            "position": place + 1,
            "enabled": entry.enabled,
            "origin": "file" if entry.name in files else "api",
            "changed": entry.name in files and files[entry.name] != entry,
            "namespace": None if tenure is None else tenure.namespace,
            "expires_in": self._tenures.left(tenure),
            "warnings": list(warnings),
        }
        return self._view(entry, common, hits.get(entry.name))

    def _files(self) -> dict[str, E]:
        return {entry.name: entry for entry in self._configured()}

    def _place(self, name: str) -> int:
        for place, entry in enumerate(self._all()):
            if entry.name == name:
                return place
        raise NotFoundError(self.kind, name)

    # -- changing -----------------------------------------------------------------------------------------------------

    def add(
        self,
        entry: E | Mapping[str, Any],
        *,
        namespace: str | None = None,
        expires_in: float | None = None,
        before: str | None = None,
        after: str | None = None,
        last: bool = False,
        hooks: bool = True,
    ) -> V:
        """Add one, in front of all others unless told otherwise.

        Args:
            entry: settings, or plain data as the configuration has it; a name is found if it has none.
            namespace: the account that it is for, and whose reset removes it.
            expires_in: seconds of the engine's clock after which it goes by itself.
            before, after: the name of the entry that it stands in front of, or behind.
            last: have it stand behind all others.
            hooks: whether it may name a hook that no rule of the configuration files names.

        Raises InvalidError with all that is wrong, ConflictError when there is one of its name, TooBusyError when there
        are too many.
        """
        entries = self._all()
        new = self._ready(entry, namespace, hooks=hooks)
        if any(other.name == new.name for other in entries):
            raise ConflictError(f"there is a {self.kind} {strict.shown(new.name)} already")
        if len(entries) >= MOST:
            raise TooBusyError(f"there are {MOST} {self.kind}s, and more are not taken")
        place = self._place_for(entries, before, after, last=last)
        entries.insert(place, new)
        self._commit(entries)
        self._tenures.put(new.name, new, namespace=namespace, expires_in=expires_in)
        return self._one(place, self._warn(new, entries[:place]))

    def put(
        self,
        name: str,
        entry: E | Mapping[str, Any],
        *,
        namespace: str | None = None,
        expires_in: float | None = None,
        hooks: bool = True,
    ) -> V:
        """Have this in the place of the one called so; add it in front of all others when there is none.

        Its counts begin anew unless it is the same as before. Raises as `add`.
        """
        read_entry: E = read(self.type, entry)
        if read_entry.name not in ("", name):
            raise InvalidError([("name", f"expected {strict.shown(name)}, as in the path, or nothing")])
        named = read(self.type, {**plain(read_entry, self.type), "name": name})
        entries = self._all()
        place = next((place for place, other in enumerate(entries) if other.name == name), None)
        if place is None:
            return self.add(named, namespace=namespace, expires_in=expires_in, hooks=hooks)
        new = self._ready(named, namespace, hooks=hooks)
        entries[place] = new
        self._commit(entries)
        self._tenures.put(name, new, namespace=namespace, expires_in=expires_in)
        return self._one(place, self._warn(new, entries[:place]))

    def enable(self, name: str, enabled: bool) -> V:
        """Take one into use, or out of use. Raises NotFoundError."""
        entries = self._all()
        place = self._place(name)
        before = entries[place]
        tenure = self._tenures.of(name, before)
        entries[place] = after = msgspec.structs.replace(before, enabled=enabled)
        self._commit(entries)
        if tenure is not None:
            left = self._tenures.left(tenure)
            self._tenures.put(name, after, namespace=tenure.namespace, expires_in=left)
        return self._one(place)

    def delete(self, name: str) -> None:
        """Take one away. Raises NotFoundError."""
        self._place(name)
        self._remove({name})

    def put_all(
        self, entries: Sequence[E | Mapping[str, Any]], *, namespace: str | None = None, hooks: bool = True
    ) -> Replaced:
        """Have these in the place of all there are, in this order; with a namespace, of all that belong to it.

        Those of a namespace go first. Raises InvalidError, its paths beginning with `[0]`, `[1]` and so on, and
        TooBusyError.
        """
        others: list[E] = []
        if namespace is not None:
            others = [entry for entry in self._all() if not self.is_in(entry, namespace)]
        if len(entries) + len(others) > MOST:
            raise TooBusyError(f"more than {MOST} {self.kind}s are not taken")
        new: list[E] = []
        problems: list[tuple[str, str]] = []
        taken = {entry.name for entry in others}
        for place, entry in enumerate(entries):
            try:
                one = self._ready(entry, namespace, hooks=hooks, taken=taken)
            except InvalidError as error:
                problems += [(f"[{place}].{where}" if where else f"[{place}]", what) for where, what in error.problems]
                continue
            if one.name in taken:
                problems.append((f"[{place}].name", "expected a name of its own"))
            taken.add(one.name)
            new.append(one)
        if problems:
            raise InvalidError(problems)
        self._commit(new + others)
        self._tenures.keep({entry.name for entry in others})
        for one in new if namespace is not None else ():
            self._tenures.put(one.name, one, namespace=namespace)
        return Replaced(total=len(new) + len(others), warnings=self._warn_all(new))

    def delete_all(self, *, namespace: str | None = None) -> Replaced:
        """Take all away, those of the files too; with a namespace, all that belong to it."""
        self._remove({entry.name for entry in self._all() if namespace is None or self.is_in(entry, namespace)})
        return Replaced(total=len(self))

    def order(self, names: Sequence[str]) -> Replaced:
        """Have these go first, in this order; all others follow as they stood.

        Raises InvalidError for a name that there is none of, or that comes twice.
        """
        entries = {entry.name: entry for entry in self._all()}
        problems = [
            (f"names[{place}]", self._unknown(name, entries) if name not in entries else "named twice")
            for place, name in enumerate(names)
            if name not in entries or name in names[:place]
        ]
        if problems:
            raise InvalidError(problems)
        first: list[E] = [entries.pop(name) for name in names]
        new = first + list(entries.values())
        self._commit(new)
        return Replaced(total=len(new), warnings=self._warn_all(new))

    def reset_counts(self, names: Sequence[str] | None = None, *, namespace: str | None = None) -> None:
        """Have counts begin anew, and with them draws and throttling: of these, of a namespace, or of all.

        Raises NotFoundError.
        """
        for name in names or ():
            self._place(name)
        if names is None and namespace is not None:
            names = [entry.name for entry in self._all() if self.is_in(entry, namespace)]
        self._restart(names)

    # -- handing over and taking back ---------------------------------------------------------------------------------

    def tenures(self) -> list[tuple[str, str | None, float | None]]:
        """For whom and until when entries are there: name, namespace, end on the engine's clock."""
        entries = {entry.name: entry for entry in self._all()}
        return [
            (name, tenure.namespace, tenure.expires_at)
            for name, tenure in self._tenures.all()
            if entries.get(name) == tenure.entry
        ]

    def put_back_tenures(self, tenures: Iterable[tuple[str, str | None, float | None]]) -> None:
        """Have entries there for those, and so long, as `tenures` has said, and all others for ever."""
        entries = {entry.name: entry for entry in self._all()}
        self._tenures.begin_anew(
            {
                name: Tenure(entries[name], namespace, expires_at)
                for name, namespace, expires_at in tenures
                if name in entries
            }
        )

    # -- inside -------------------------------------------------------------------------------------------------------

    def _ready(
        self, entry: E | Mapping[str, Any], namespace: str | None, *, hooks: bool, taken: Iterable[str] | None = None
    ) -> E:
        """An entry that has been judged, named and confined."""
        new: E = read(self.type, entry)
        if namespace is not None:
            check_account(self._simulation.settings, namespace, "namespace")
            new = self._confined(new, namespace)
        self._judge(new, hooks=hooks)
        return msgspec.structs.replace(new, name=self._free_name(taken)) if not new.name else new

    def _free_name(self, taken: Iterable[str] | None) -> str:
        known = {entry.name for entry in self._all()} if taken is None else taken
        while True:
            self._made += 1
            name = f"api-{self.kind}-{self._made}"
            if name not in known:
                return name

    def _place_for(self, entries: Sequence[E], before: str | None, after: str | None, *, last: bool) -> int:
        given = [name for name, value in (("before", before), ("after", after), ("last", last or None)) if value]
        if len(given) > 1:
            raise InvalidError([(given[1], f"not together with {given[0]}")])
        if last:
            return len(entries)
        wanted = before or after
        if wanted is None:
            return 0
        for place, entry in enumerate(entries):
            if entry.name == wanted:
                return place if before else place + 1
        raise InvalidError([(given[0], self._unknown(wanted, [entry.name for entry in entries]))])

    def _unknown(self, name: str, known: Iterable[str]) -> str:
        hint = strict.suggestion(name, known)
        return f"there is no {self.kind} {strict.shown(name)}" + (f" ({hint})" if hint else "")

    def _warn_all(self, entries: Sequence[E]) -> list[str]:
        """What is odd about entries beside each other; of long lists nothing is said."""
        if len(entries) > MOST_COMPARED:
            return []
        return [warning for place, entry in enumerate(entries) for warning in self._warn(entry, entries[:place])]

    def _commit(self, entries: list[E]) -> None:
        self._replace(entries)
        self._simulation.wake()

    def is_in(self, entry: E, namespace: str) -> bool:
        """Whether an entry belongs to a namespace."""
        return self._tenures.is_in(entry.name, entry, namespace)

    def _expire(self, over: dict[str, E]) -> None:
        """The time of these is over; what is called so and is something else by now stays."""
        self._commit([entry for entry in self._all() if over.get(entry.name) != entry])

    def _remove(self, names: set[str]) -> None:
        self._commit([entry for entry in self._all() if entry.name not in names])
        self._tenures.keep({entry.name for entry in self._all()})
