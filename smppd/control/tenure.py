"""For whom and how long rules and faults are there that came while the server runs.

A namespace is an account: what belongs to it concerns nobody else, and goes with its reset. A time to live counts
seconds of the engine's clock, so that it ends within a leap of time at its moment as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from smppd.behaviour.waits import Wait, Waits

E = TypeVar("E")


class Tenure(NamedTuple, Generic[E]):
    """What is known of an entry beyond itself. expires_at: on the engine's clock; None: never."""

    entry: E
    namespace: str | None
    expires_at: float | None


class Tenures(Generic[E]):
    """The tenures of one list, by the names of its entries; those that have none are there for all and for ever."""

    def __init__(self, waits: Waits, expire: Callable[[dict[str, E]], None]) -> None:
        """Begin with none; `expire` is called with those whose time is over, by name."""
        self._waits = waits
        self._expire = expire
        self._by_name: dict[str, Tenure[E]] = {}
        self._wait: Wait | None = None

    def put(self, name: str, entry: E, *, namespace: str | None = None, expires_in: float | None = None) -> None:
        """An entry is there now, for a namespace, for so many seconds; without either it is like any other."""
        self._by_name.pop(name, None)
        if namespace is not None or expires_in is not None:
            expires_at = None if expires_in is None else self._waits.now() + expires_in
            self._by_name[name] = Tenure(entry, namespace, expires_at)
        self._plan()

    def of(self, name: str, entry: E) -> Tenure[E] | None:
        """The tenure of an entry; None when it has none, or its name belongs to another entry by now."""
        tenure = self._by_name.get(name)
        return tenure if tenure is not None and tenure.entry == entry else None

    def left(self, tenure: Tenure[E] | None) -> float | None:
        """Seconds that it still has; None: for ever."""
        if tenure is None or tenure.expires_at is None:
            return None
        return max(0.0, tenure.expires_at - self._waits.now())

    def is_in(self, name: str, entry: E, namespace: str) -> bool:
        """Whether an entry belongs to a namespace."""
        tenure = self.of(name, entry)
        return tenure is not None and tenure.namespace == namespace

    def keep(self, names: Iterable[str]) -> None:
        """Forget the tenures of all others."""
        wanted = set(names)
        self._by_name = {name: tenure for name, tenure in self._by_name.items() if name in wanted}
        self._plan()

    # -- handing over and taking back ---------------------------------------------------------------------------------

    def all(self) -> list[tuple[str, Tenure[E]]]:
        """All tenures, by the names of their entries."""
        return list(self._by_name.items())

    def begin_anew(self, tenures: dict[str, Tenure[E]]) -> None:
        """Have these in the place of all others; those whose time is over end soon."""
        self._by_name = tenures
        self._plan()

    def _plan(self) -> None:
        """Wait for the next that ends."""
        if self._wait is not None:
            self._waits.cancel(self._wait)
            self._wait = None
        ends = [tenure.expires_at for tenure in self._by_name.values() if tenure.expires_at is not None]
        if ends:
            self._wait = self._waits.call_at(min(ends), self._over)

    def _over(self) -> None:
        self._wait = None  # it has been called
        now = self._waits.now()
        over = {
            name: one.entry
            for name, one in self._by_name.items()
            if one.expires_at is not None and one.expires_at <= now
        }
        self._expire(over)
        self.keep(self._by_name.keys() - over.keys())
