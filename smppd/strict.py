"""From untyped tables to msgspec structs: strictly, and with every problem at once.

msgspec stops at the first error of a conversion. A person who repairs a configuration wants the whole list, each entry
with the path of its key, so :class:`StrictReader` walks the struct definitions itself (`smppd.kinds` takes them apart)
and lets msgspec judge one leaf at a time. What a type cannot say is said by a mark inside of ``Annotated``; what
concerns several keys of a table by a check that is handed to the reader. A table is built even when some of its keys
are wrong (they count as their defaults), so that the checks of everything else still run.

:class:`Overlay` puts single values from elsewhere (environment, command line) into a table before it is read, finding
their types in the same struct definitions. Nothing in this module knows what the settings mean.
"""

from __future__ import annotations

import difflib
import json
import math
import re
import tomllib
import types
import typing
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import msgspec

from smppd.kinds import (
    Chosen,
    Rest,
    Rule,
    Short,
    bare_of,
    dict_kinds,
    expected_of,
    fields_of,
    list_item,
    literals_of,
    mark_of,
    quoted,
    rest_of,
    struct_of,
    table_variant,
    takes_text,
    variants_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

__all__ = [
    "Check",
    "Chosen",
    "Overlay",
    "Path",
    "Problem",
    "Rest",
    "Rule",
    "Short",
    "StrictReader",
    "TooManyProblemsError",
    "UnknownKeyError",
    "expected_of",
    "key_of",
    "parse_value",
    "quoted",
    "shown",
    "suggestion",
]

S = TypeVar("S", bound=msgspec.Struct)

Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands: keys of tables and indices of lists."""

Check: TypeAlias = "Callable[[StrictReader, Any, Mapping[str, Any], Path], None]"
"""A check of several keys: called with the reader, the struct, the table it was read from and the table's path."""

MAX_SHOWN: Final = 80
"""Characters of an offending value that a problem shows; the rest is of no help."""

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_BLANKS: Final[Mapping[type, object]] = types.MappingProxyType({str: "", int: 0, float: 0.0, bool: False})
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    file: where it was written: a path (with line and column when the syntax is broken), the name of an environment
    variable, ``--set`` or ``defaults``. key: path of the key (``account[0].throughput.limit``), "" when none is
    concerned. value: the offending value as text, "" when there is none, never a secret. expected: what is accepted.
    hint: the reason or a suggestion, may be "".
    """

    file: str
    key: str
    value: str
    expected: str
    hint: str = ""

    @property
    def told(self) -> str:
        """What is wrong, without where."""
        text = f"{self.expected}, got {self.value}" if self.value else self.expected
        return f"{text} ({self.hint})" if self.hint else text

    def __str__(self) -> str:
        head = f"{self.file}: {self.key}" if self.key else self.file
        if self.value:
            head += f" = {self.value}"
        text = f"{head}: {self.expected}" if self.expected else head
        return f"{text} ({self.hint})" if self.hint else text


def key_of(path: Path) -> str:
    """The path of a key as people write it: ``account[0].throughput.limit``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if _BARE_KEY.fullmatch(part) else json.dumps(part)
            text += f".{name}" if text else name
    return text


def shown(value: object) -> str:
    """A value as a problem shows it: as TOML would have it, on one line, of bounded length.

    The contents of tables and lists stay out: where one stands in a wrong place, anything may be in it, a password too.
    """
    if isinstance(value, dict):
        return "{...}" if value else "{}"
    if isinstance(value, list):
        return "[...]" if value else "[]"
    text = json.dumps(value, default=str)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."


def suggestion(name: str, known: Iterable[str]) -> str:
    """``did you mean "x"?`` for the nearest known name, or ""."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    near = difflib.get_close_matches(name.casefold(), by_folded, n=1)
    return f'did you mean "{by_folded[near[0]]}"?' if near else ""


class StrictReader:
    """Reads one tree of tables into structs and collects what is wrong with it in ``problems``.

    source_of tells which file (or variable, or option) the value at a path came from. checks are called after a
    table of their struct was read; they report with :meth:`reject` and ask :meth:`sound` first, so that one mistake is
    not reported twice. most: with so many problems reading ends by TooManyProblemsError; 0 = it never does.
    """

    def __init__(
        self,
        source_of: Callable[[Path], str],
        checks: Mapping[type, Check],
        *,
        most: int = 0,
    ) -> None:
        self.problems: list[Problem] = []
        self._bad: set[Path] = set()
        self._above_bad: set[Path] = set()
        self.source_of = source_of
        self._checks = checks
        self._most = most

    def reject(self, path: Path, value: object, expected: str, hint: str = "") -> None:
        """Report the value at ``path``; None shows no value (there is none, or it is a secret)."""
        self._bad.add(path)
        self._above_bad.update(path[:length] for length in range(len(path)))
        text = "" if value is None else shown(value)
        self.problems.append(Problem(self.source_of(path), key_of(path), text, expected, hint))
        if len(self.problems) == self._most:
            raise TooManyProblemsError

    def sound(self, path: Path, *names: str | int) -> bool:
        """Whether nothing was reported so far at or below these keys of the table at ``path``."""
        return not any(place in self._bad or place in self._above_bad for place in ((*path, name) for name in names))

    def rejected(self, path: Path) -> bool:
        """Whether the value at exactly this path was reported."""
        return path in self._bad

    def read(self, struct: type[S], table: object, path: Path = ()) -> S:
        """Read a table; a wrong key counts as its default (as nothing, when it has none)."""
        if not isinstance(table, dict):
            self.reject(path, table, "expected a table")
            blank: S = _blank(struct)  # what it would have to hold is no second mistake
            return blank
        fields, rest = fields_of(struct), rest_of(struct)
        others = {name: value for name, value in table.items() if name not in fields or name == rest}
        for name in others if not rest else ():
            self._unknown(path, str(name), fields)
        values = {}
        for name, field in fields.items():
            if name == rest:
                values[field.name] = self._dict(typing.get_args(bare_of(field.type)[0]), others, path)
                continue
            value = self._field(field, table.get(name, _ABSENT), (*path, name))
            if value is not _ABSENT:
                values[field.name] = value
        return self._checked(struct(**values), table, path)

    def read_as(self, kind: Any, value: object, path: Path = ()) -> object:
        """Read a value of any type; None when it is not accepted, which is reported."""
        read = self._value(kind, value, path)
        return None if read is _ABSENT else read

    def _checked(self, built: S, table: Mapping[str, Any], path: Path) -> S:
        """A struct after its checks, those of the structs it derives from included."""
        for struct in reversed(type(built).__mro__):
            if struct in self._checks:
                self._checks[struct](self, built, table, path)
        return built

    def _table(self, kind: Any, value: object, path: Path) -> object:
        """Read a table, or what is short for one."""
        short, chosen = mark_of(kind, Short), mark_of(kind, Chosen)
        if short is not None and not isinstance(value, dict):
            struct = struct_of(kind, None)
            assert struct is not None, "what is short for a table stands for one that exists"  # noqa: S101
            field = fields_of(struct)[short.key]
            item = self._value(field.type, value, path)
            return item if item is _ABSENT else self._checked(struct(**{field.name: item}), {short.key: value}, path)
        named = struct_of(kind, value)
        if named is None and chosen is not None:
            self._unknown_choice(chosen, value, path)
            return _ABSENT
        if not isinstance(value, dict):
            self.reject(path, value, "expected a table")
            return _ABSENT
        return self.read(named or bare_of(kind)[0], value, path)

    def _unknown_choice(self, chosen: Chosen, table: object, path: Path) -> None:
        if not isinstance(table, dict):
            self.reject(path, table, "expected a table")
            return
        name = table.get(chosen.key)
        known = f"known: {', '.join(chosen.kinds)}"
        hint = (suggestion(name, chosen.kinds) if isinstance(name, str) else "") or known
        expected = f"expected {chosen.what}"
        self.reject((*path, chosen.key), name, expected if name is not None else f"missing; {expected}", hint)

    def _unknown(self, path: Path, name: str, known: Collection[str]) -> None:
        hint = suggestion(name, known)
        self.reject((*path, name), None, "unknown key", hint or f"known here: {', '.join(known)}")

    def _field(self, field: msgspec.structs.FieldInfo, value: object, path: Path) -> object:
        if value is _ABSENT:
            if not field.required:
                return _ABSENT
            self.reject(path, None, f"missing; expected {expected_of(field.type)}")
        else:
            value = self._value(field.type, value, path)
        if value is _ABSENT and field.required:
            return _blank(field.type)
        return value

    def _value(self, kind: Any, value: object, path: Path) -> object:
        """Read a value of any type; ``_ABSENT`` when it is not accepted."""
        if value is not None and (variant := table_variant(kind)) is not None:
            return self._table(variant, value, path)
        item = list_item(kind)
        if isinstance(value, list) and item is not None:
            return self._list(kind, item, value, path)
        if isinstance(value, dict) and (kinds := dict_kinds(kind)) is not None:
            return self._dict(kinds, value, path)
        return self._leaf(kind, value, path)

    def _list(self, kind: Any, item: Any, values: list[object], path: Path) -> object:
        read = [self._value(item, value, (*path, index)) for index, value in enumerate(values)]
        if any(value is _ABSENT for value in read):
            return _ABSENT
        # Only what concerns the list as a whole is left to judge: its items were judged above.
        for variant in variants_of(kind):
            bare, marks = bare_of(variant)
            meta = next((mark for mark in marks if isinstance(mark, msgspec.Meta)), None)
            if typing.get_origin(bare) is list and meta and (wrong := _wrong_length(meta, len(values))):
                self.reject(path, values, f"expected {expected_of(kind)}", wrong)
                return _ABSENT
        return read

    def _dict(self, kinds: tuple[Any, Any], table: dict[str, object], path: Path) -> object:
        key_kind, value_kind = kinds
        read: dict[str, object] = {}
        for name, value in table.items():
            rule = mark_of(key_kind, Rule)
            if rule is not None and (reason := _refusal(rule, name)) is not None:
                hint = reason or suggestion(name, rule.names)
                self.reject((*path, name), None, f"unknown key; expected {rule.expected}", hint)
                continue
            item = self._value(value_kind, value, (*path, name))
            if item is not _ABSENT:
                read[name] = item
        return read

    def _leaf(self, kind: Any, value: object, path: Path) -> object:
        expected = f"expected {expected_of(kind)}"
        rule = next((rule for variant in variants_of(kind) if (rule := mark_of(variant, Rule)) is not None), None)
        item = list_item(kind)
        if isinstance(value, dict) and item is not None and table_variant(item) is not None:
            self.reject(path, value, expected, f"write [[{key_of(path)}]], with double brackets")
            return _ABSENT
        seen = None if rule is not None and rule.secret else value
        try:
            converted: object = msgspec.convert(value, kind)
        except (msgspec.ValidationError, OverflowError):
            names = rule.names if rule is not None and rule.names else literals_of(kind)
            self.reject(path, seen, expected, suggestion(value, names) if isinstance(value, str) else "")
            return _ABSENT
        if isinstance(converted, float) and not math.isfinite(converted):
            self.reject(path, seen, expected)
            return _ABSENT
        if rule is not None and converted is not None and (reason := _refusal(rule, converted)) is not None:
            near = suggestion(converted, rule.names) if isinstance(converted, str) else ""
            self.reject(path, seen, expected, reason or near)
            return _ABSENT
        return converted


def _wrong_length(meta: msgspec.Meta, length: int) -> str:
    """What a list of this many items should have instead; "" when nothing is wrong with it."""
    least, most = meta.min_length or 0, meta.max_length
    if length >= least and (most is None or length <= most):
        return ""
    if least == most:
        return f"exactly {least} items"
    if length > least:
        return f"at most {most} items"
    return "it must not be empty" if length == 0 else f"at least {least} items"


def _blank(kind: Any) -> Any:
    """What stands in for a value that must be there and is not: the checks of everything else still run."""
    if list_item(kind) is not None:
        return []
    variant = table_variant(kind)
    if variant is None:
        literals = literals_of(kind)
        return literals[0] if literals else _BLANKS.get(bare_of(variants_of(kind)[0])[0])
    struct = bare_of(variant)[0]
    return struct(**{field.name: _blank(field.type) for field in fields_of(struct).values() if field.required})


def _refusal(rule: Rule, value: object) -> str | None:
    """The reason why a rule does not accept a value, "" when there is no more to say than what is expected; or None."""
    try:
        rule.check(value)
    except ValueError as error:
        return str(error)
    return None


class TooManyProblemsError(Exception):
    """Whoever wrote this is told of enough mistakes already."""


class UnknownKeyError(Exception):
    """An override names a key that does not exist; ``hint`` suggests one or lists the known ones."""

    def __init__(self, hint: str) -> None:
        super().__init__(hint)
        self.hint = hint


class Overlay:
    """Values from outside put over a tree of tables, with their origins remembered."""

    def __init__(self, struct: type[msgspec.Struct], tree: dict[str, Any]) -> None:
        self.tree = tree
        self._struct = struct
        self._origins: dict[Path, str] = {}

    def origin(self, path: Path) -> str | None:
        """Where the value at ``path`` was overridden from, or None."""
        return next((self._origins[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self._origins), None)

    def put(self, names: Sequence[str], text: str, origin: str) -> None:
        """Set the key that ``names`` lead to (letter case aside) to the value that ``text`` spells.

        Raises UnknownKeyError. A place that cannot hold the value because the tree is malformed there stays as it is:
        reading the tree reports it.
        """
        path, kind = self._locate(names)
        node: Any = self.tree
        for step, following in pairwise(path):
            node = _descend(node, step, [] if isinstance(following, int) else {})
        value = parse_value(text, kind)
        last = path[-1]
        if isinstance(node, dict) and isinstance(last, str):
            node[last] = value
        elif isinstance(node, list) and isinstance(last, int):
            node[last : last + 1] = [value]
        else:
            return
        self._origins[path] = origin

    def _locate(self, names: Sequence[str]) -> tuple[Path, Any]:
        """The path and the type of the key that ``names`` lead to."""
        kind: Any = self._struct
        node: Any = self.tree
        path: Path = ()
        for name in names:
            step, kind = _step(kind, node, name, path)
            path = (*path, step)
            node = _peek(node, step)
        return path, kind


def _step(kind: Any, node: object, name: str, path: Path) -> tuple[str | int, Any]:
    """One name below a value of type ``kind`` whose present value is ``node``: the key or index and its type."""
    bare, _ = bare_of(kind)
    if table_variant(kind) is not None:
        struct = struct_of(kind, node) or bare_of(table_variant(kind))[0]
        fields = fields_of(struct)
        if name.lower() in fields:
            return name.lower(), fields[name.lower()].type
        if not rest_of(struct):
            raise UnknownKeyError(suggestion(name, fields) or f"known here: {', '.join(fields)}")
        bare = bare_of(fields[rest_of(struct)].type)[0]
    item = list_item(kind)
    if item is not None:
        length = len(node) if isinstance(node, list) else 0
        if not (name.isascii() and name.isdecimal() and int(name[:9]) <= length):
            raise UnknownKeyError(f"{key_of(path)} is a list; its next free index is {length}")
        return int(name[:9]), item
    if typing.get_origin(bare) is dict:
        key_kind, value_kind = typing.get_args(bare)
        rule = mark_of(key_kind, Rule)
        present = node if isinstance(node, dict) else {}
        known = [*present, *(rule.names if rule is not None else ())]
        return next((key for key in known if key.lower() == name.lower()), name.lower()), value_kind
    raise UnknownKeyError(f"{key_of(path)} is a value, nothing is below it")


def _peek(node: object, step: str | int) -> object:
    """The value at ``step``, or None."""
    if isinstance(node, dict):
        return node.get(step)
    if isinstance(node, list) and isinstance(step, int) and step < len(node):
        return node[step]
    return None


def _descend(node: Any, step: str | int, new: object) -> Any:
    """The value at ``step``, made when it does not exist; None when ``node`` is of another shape."""
    if isinstance(node, dict):
        return node.setdefault(step, new)
    if isinstance(node, list) and isinstance(step, int):
        if step == len(node):
            node.append(new)
        return node[step]
    return None


def parse_value(text: str, kind: Any) -> object:
    """The value that ``text`` spells for a key of type ``kind``.

    TOML or JSON; where text is expected, anything that is not quoted is taken as it is (so a password of digits stays
    text); where a list is expected, also its items with commas between them.
    """
    parsed = _parse(text)
    if not isinstance(parsed, dict) and (variant := table_variant(kind)) is not None:
        short, struct = mark_of(variant, Short), struct_of(variant, None)
        if short is not None and struct is not None:
            return parse_value(text, fields_of(struct)[short.key].type)
    if type(parsed) is int and any(bare_of(one)[0] is int for one in variants_of(kind)):
        return parsed
    item = list_item(kind)
    if item is not None:
        if isinstance(parsed, list) and (not takes_text(item) or all(isinstance(one, str) for one in parsed)):
            return parsed
        if takes_text(item) and ("," in text or not takes_text(kind)):
            return [parse_value(part.strip(), item) for part in text.split(",") if part.strip()]
    if takes_text(kind):
        return parsed if isinstance(parsed, str) and text[:1] in {'"', "'"} else text
    return text if parsed is _ABSENT else parsed


def _parse(text: str) -> object:
    """``text`` as one TOML or JSON value; ``_ABSENT`` when it is neither."""
    try:
        table = tomllib.loads(f"value = {text}")
        if table.keys() == {"value"}:
            return table["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        pass
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _ABSENT
