"""What stands in files of its own: rules and faults that ``server.rules`` names, and dialects.

Each file is read for itself, so that a problem names the file and the key in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from msgspec import field

from smppd import strict
from smppd.settings.checks import CHECKS
from smppd.settings.dialects import Dialect
from smppd.settings.faults import AnyFault, Fault
from smppd.settings.files import SUFFIX, read_toml, shipped, shipped_names, shipped_or_own
from smppd.settings.root import Settings, SettingsError
from smppd.settings.rules import Rule
from smppd.settings.types import Table
from smppd.strict import Problem, StrictReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

RULES: Final = "rules"
"""Where shipped files of rules stand, below the shipped configuration."""

DIALECTS: Final = "dialects"
"""Where shipped dialects stand, one file for each."""

MAX_CHAIN: Final = 8
"""Dialects that a dialect is based on, one on the other."""

T = TypeVar("T", Rule, Fault)


class Place(NamedTuple):
    """Where something was written. file: as problems show it. sound: whether no problem was found in it."""

    file: str
    path: strict.Path
    sound: bool

    def problem(self, keys: strict.Path, value: str, expected: str, hint: str = "") -> Problem:
        """A problem at a key below this place."""
        return Problem(self.file, strict.key_of((*self.path, *keys)), value, expected, hint)


class Found(NamedTuple):
    """Rules or faults in their order, and where each of them stands."""

    rules: list[tuple[Rule, Place]]
    faults: list[tuple[Fault, Place]]


class _RuleFile(Table, frozen=True):
    """A file that ``server.rules`` names."""

    rule: list[Rule] = field(default_factory=list)
    fault: list[AnyFault] = field(default_factory=list)


def name_all(tree: Mapping[str, Any], prefix: str = "") -> None:
    """Give each rule and fault without a name one: ``rule-1``, with the prefix of its file before it."""
    for table in ("rule", "fault"):
        entries = tree.get(table)
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            if isinstance(entry, dict):
                entry.setdefault("name", f"{prefix}{table}-{index + 1}")


def placed(reader: StrictReader, rules: Sequence[Rule], faults: Sequence[Fault]) -> Found:
    """The rules and faults that a reader has read, with their places."""

    def each(table: str, entries: Sequence[T]) -> list[tuple[T, Place]]:
        return [
            (entry, Place(reader.source_of((table, index)), (table, index), reader.sound((table,), index)))
            for index, entry in enumerate(entries)
        ]

    return Found(each("rule", rules), each("fault", faults))


def read_rule_files(names: Sequence[str], base: Path) -> tuple[Found, list[Problem]]:
    """The rules and faults of the files that ``server.rules`` names; a file that is named twice counts once."""
    found = Found([], [])
    problems: list[Problem] = []
    for name in dict.fromkeys(names):
        path = shipped_or_own(name, RULES, base)
        try:
            tree = read_toml(path, _missing(RULES))
        except SettingsError as error:
            problems += error.problems
            continue
        name_all(tree, f"{path.stem}-")
        reader = _reader_of(path)
        read = reader.read(_RuleFile, tree)
        here = placed(reader, read.rule, read.fault)
        found.rules.extend(here.rules)
        found.faults.extend(here.faults)
        problems += reader.problems
    return found, problems


def _reader_of(path: Path) -> StrictReader:
    return StrictReader(lambda _place: str(path), CHECKS)


def _missing(directory: str) -> str:
    names = ", ".join(shipped_names(directory)) or "none"
    return f"names of shipped ones: {names}; anything else is the path of a .toml file"


class Dialects:
    """The dialects of a configuration: its own, those of files, and the shipped ones that somebody names."""

    def __init__(self, own: Mapping[str, Any], label: str) -> None:
        """Begin with the tables of the configuration itself, which have been read before; label: where they stand."""
        self.problems: list[Problem] = []
        self._tables: dict[str, Mapping[str, Any]] = {name: table for name, table in own.items() if _is_table(table)}
        self._places = {name: Place(label, ("dialect", name), sound=True) for name in self._tables}
        """By name, where a dialect stands."""

    def add_files(self, names: Sequence[str], base: Path) -> None:
        """Take the dialects of these files, each called like its file; a directory stands for all in it."""
        for name in names:
            path = shipped_or_own(name, DIALECTS, base)
            for file in sorted(path.glob("*.toml")) if path.is_dir() else [path]:
                self._add(file.stem, file)

    def knows(self, name: str) -> bool:
        """Whether there is such a dialect; a shipped one is taken in when it is asked for."""
        if name not in self._tables and name in shipped_names(DIALECTS):
            self._add(name, shipped(DIALECTS, name + SUFFIX))
        return name in self._tables

    @property
    def names(self) -> list[str]:
        """The names of all that could be asked for."""
        return sorted({*self._tables, *shipped_names(DIALECTS)})

    def complete(self) -> dict[str, Dialect]:
        """Every dialect with what it takes over from those it is based on."""
        done: dict[str, Dialect] = {}
        waiting = list(self._tables)
        for name in waiting:
            chain = self._chain(name)
            waiting += [base for base in chain if base not in waiting]
            merged: dict[str, Any] = {}
            for one in reversed(chain):
                merged = _merged(merged, self._tables[one])
            done[name], problems = self._read(name, merged)
            if len(chain) > 1 and not any(self._read(one, self._tables[one])[1] for one in chain):
                # Each of them is right by itself: what is wrong now is wrong between them. Other mistakes were
                # reported where they are written, and count as the defaults here.
                self.problems += problems
        return done

    def _read(self, name: str, table: Mapping[str, Any]) -> tuple[Dialect, list[Problem]]:
        """A table as the dialect of this name, and what is wrong with it."""
        place = self._places[name]
        reader = StrictReader(lambda _path: place.file, CHECKS)
        return reader.read(Dialect, table, place.path), reader.problems

    def _add(self, name: str, path: Path) -> None:
        try:
            table = read_toml(path, _missing(DIALECTS))
        except SettingsError as error:
            self.problems += error.problems
            return
        self._tables[name] = table
        self._places[name] = Place(str(path), (), sound=True)
        self.problems += self._read(name, table)[1]

    def _chain(self, name: str) -> list[str]:
        """A dialect and those it is based on, the nearest first."""
        chain = [name]
        while (base := self._tables[chain[-1]].get("based_on")) and isinstance(base, str):
            if not self.knows(base) or base in chain or len(chain) >= MAX_CHAIN:
                what = "expected another dialect" if base in chain else "expected the name of a dialect"
                hint = strict.suggestion(base, self.names) or f"known: {', '.join(self.names)}"
                hint = " -> ".join([*chain, base]) if base in chain else hint
                problem = self._places[chain[-1]].problem(("based_on",), strict.shown(base), what, hint)
                self.problems += [problem] if problem not in self.problems else []
                break
            chain.append(base)
        return chain


def shipped_dialects(name: str) -> dict[str, Dialect]:
    """A shipped dialect and those it is based on, by their names; {} when none of this name is shipped."""
    dialects = Dialects({}, "")
    return dialects.complete() if dialects.knows(name) else {}


def check_dialects(reader: StrictReader, settings: Settings, dialects: Dialects) -> None:
    """Report accounts that name a dialect which does not exist."""
    if reader.rejected(("dialect",)):
        return
    for index, account in enumerate(settings.account):
        if not dialects.knows(account.dialect) and reader.sound(("account", index), "dialect"):
            hint = strict.suggestion(account.dialect, dialects.names) or f"known: {', '.join(dialects.names)}"
            reader.reject(("account", index, "dialect"), account.dialect, "expected the name of a dialect", hint)


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Two tables as one: where both have a key, that of ``over`` counts, tables key by key."""
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
