"""From untyped tables to msgspec structs: strictly, and with every problem at once.

msgspec stops at the first error of a conversion. A person who repairs a configuration wants the whole list, each entry
with the path of its key, so :class:`StrictReader` walks the struct definitions itself and lets msgspec judge one leaf
at a time. What a type cannot say is said by a :class:`Rule` inside ``Annotated``; what concerns several keys of a
table by a check that is handed to the reader. A table is built even when some of its keys are wrong (they count as
their defaults), so that the checks of everything else still run.

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
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

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


class Rule:
    """What a leaf must satisfy beyond its type; stands in ``Annotated[type, Rule(...)]``.

    expected: what is accepted, for people ("host:port"). check: raises ValueError with the reason when a value of the
    right type is not accepted. names: the accepted values when they are few enough to suggest one. secret: never show
    the value.
    """

    __slots__ = ("check", "expected", "names", "secret")

    def __init__(
        self,
        expected: str,
        check: Callable[[Any], object],
        *,
        names: Collection[str] = (),
        secret: bool = False,
    ) -> None:
        self.expected = expected
        self.check = check
        self.names = names
        self.secret = secret


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


# Types as the struct definitions spell them, taken apart.


def _bare(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type without ``Annotated``, and what was annotated."""
    if typing.get_origin(kind) is Annotated:
        return kind.__origin__, kind.__metadata__
    return kind, ()


def _rule(kind: Any) -> Rule | None:
    return next((mark for mark in _bare(kind)[1] if isinstance(mark, Rule)), None)


def _variants(kind: Any) -> tuple[Any, ...]:
    """The members of a union without None; the type itself when it is no union."""
    bare, _ = _bare(kind)
    if typing.get_origin(bare) in {typing.Union, types.UnionType}:
        return tuple(member for member in typing.get_args(bare) if member is not types.NoneType)
    return (kind,)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _list_item(kind: Any) -> Any:
    """The item type when ``kind`` may be a list, else None."""
    for variant in _variants(kind):
        bare, _ = _bare(variant)
        if typing.get_origin(bare) is list:
            return typing.get_args(bare)[0]
    return None


def _dict_kinds(kind: Any) -> tuple[Any, Any] | None:
    """The types of keys and values when ``kind`` may be a table of names, else None."""
    for variant in _variants(kind):
        bare, _ = _bare(variant)
        if typing.get_origin(bare) is dict:
            key, value = typing.get_args(bare)
            return key, value
    return None


def _takes_text(kind: Any) -> bool:
    """Whether a plain string is of this type."""
    bare_kinds = (_bare(variant)[0] for variant in _variants(kind))
    return any(bare is str or typing.get_origin(bare) is Literal for bare in bare_kinds)


@cache
def _fields(struct: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(struct)}


def quoted(names: Iterable[str]) -> str:
    """``"a", "b" or "c"``."""
    *most, last = [f'"{name}"' for name in names]
    return f"{', '.join(most)} or {last}" if most else last


def expected_of(kind: Any) -> str:
    """What a type accepts, for people: ``an integer from 0 to 65535``, ``"a" or "b"``, ``a list of host:port``."""
    texts = [_expected_of_one(variant) for variant in _variants(kind)]
    if len(texts) > 1 and texts[1] == f"a list of {texts[0]}":
        texts[1] = "a list of these"
    return " or ".join(texts)


def _expected_of_one(kind: Any) -> str:
    bare, marks = _bare(kind)
    origin, arguments = typing.get_origin(bare), typing.get_args(bare)
    if (rule := _rule(kind)) is not None and origin is None:
        return rule.expected
    if origin is Literal:
        return quoted(arguments)
    if origin is list:
        return "a list of tables" if _is_struct(arguments[0]) else f"a list of {expected_of(arguments[0])}"
    if origin is dict or _is_struct(bare):
        return "a table"
    if bare is bool:
        return "true or false"
    meta = next((mark for mark in marks if isinstance(mark, msgspec.Meta)), msgspec.Meta())
    if bare is str:
        return _expected_text(meta)
    return _expected_number("an integer" if bare is int else "a number", meta)


def _expected_text(meta: msgspec.Meta) -> str:
    return f"text of {meta.min_length or 0} to {meta.max_length} characters" if meta.max_length else "text"


def _expected_number(noun: str, meta: msgspec.Meta) -> str:
    low = f"above {meta.gt:g}" if meta.gt is not None else f"from {meta.ge}" if meta.ge is not None else ""
    high = f"{'up ' if meta.gt is not None else ''}to {meta.le}" if meta.le is not None else ""
    return " ".join(filter(None, (noun, low, high)))


class StrictReader:
    """Reads one tree of tables into structs and collects what is wrong with it in ``problems``.

    source_of tells which file (or variable, or option) the value at a path came from. checks are called after a
    table of their struct was read; they report with :meth:`reject` and ask :meth:`sound` first, so that one mistake is
    not reported twice.
    """

    def __init__(
        self,
        source_of: Callable[[Path], str],
        checks: Mapping[type, Check],
    ) -> None:
        self.problems: list[Problem] = []
        self._bad: set[Path] = set()
        self._above_bad: set[Path] = set()
        self._source_of = source_of
        self._checks = checks

    def reject(self, path: Path, value: object, expected: str, hint: str = "") -> None:
        """Report the value at ``path``; None shows no value (there is none, or it is a secret)."""
        self._bad.add(path)
        self._above_bad.update(path[:length] for length in range(len(path)))
        text = "" if value is None else shown(value)
        self.problems.append(Problem(self._source_of(path), key_of(path), text, expected, hint))

    def sound(self, path: Path, *names: str) -> bool:
        """Whether nothing was reported so far at or below these keys of the table at ``path``."""
        return not any(place in self._bad or place in self._above_bad for place in ((*path, name) for name in names))

    def rejected(self, path: Path) -> bool:
        """Whether the value at exactly this path was reported."""
        return path in self._bad

    def read(self, struct: type[S], table: object, path: Path = ()) -> S:
        """Read a table; a wrong key counts as its default (as nothing, when it has none)."""
        if not isinstance(table, dict):
            self.reject(path, table, "expected a table")
            table = {}
        fields = _fields(struct)
        for name in table:
            if name not in fields:
                self._unknown(path, str(name), fields)
        values = {}
        for name, field in fields.items():
            value = self._field(field, table.get(name, _ABSENT), (*path, name))
            if value is not _ABSENT:
                values[field.name] = value
        built = struct(**values)
        if struct in self._checks:
            self._checks[struct](self, built, table, path)
        return built

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
            return [] if _list_item(field.type) is not None else _BLANKS[_bare(field.type)[0]]
        return value

    def _value(self, kind: Any, value: object, path: Path) -> object:
        """Read a value of any type; ``_ABSENT`` when it is not accepted."""
        bare, _ = _bare(kind)
        if _is_struct(bare):
            return self.read(bare, value, path)
        if isinstance(value, dict) and (struct := next(filter(_is_struct, _variants(kind)), None)) is not None:
            return self.read(struct, value, path)  # a table that need not be there
        item = _list_item(kind)
        if isinstance(value, list) and item is not None:
            return self._list(kind, item, value, path)
        if isinstance(value, dict) and (kinds := _dict_kinds(kind)) is not None:
            return self._dict(kinds, value, path)
        return self._leaf(kind, value, path)

    def _list(self, kind: Any, item: Any, values: list[object], path: Path) -> object:
        read = [self._value(item, value, (*path, index)) for index, value in enumerate(values)]
        if any(value is _ABSENT for value in read):
            return _ABSENT
        # Only what concerns the list as a whole is left to judge: its items were judged above.
        for variant in _variants(kind):
            bare, marks = _bare(variant)
            meta = next((mark for mark in marks if isinstance(mark, msgspec.Meta)), None)
            if typing.get_origin(bare) is list and meta and len(values) < (meta.min_length or 0):
                self.reject(path, values, f"expected {expected_of(kind)}", "it must not be empty")
                return _ABSENT
        return read

    def _dict(self, kinds: tuple[Any, Any], table: dict[str, object], path: Path) -> object:
        key_kind, value_kind = kinds
        read: dict[str, object] = {}
        for name, value in table.items():
            rule = _rule(key_kind)
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
        rule = next((rule for variant in _variants(kind) if (rule := _rule(variant)) is not None), None)
        if isinstance(value, dict) and _is_struct(_list_item(kind)):
            self.reject(path, value, expected, f"write [[{key_of(path)}]], with double brackets")
            return _ABSENT
        seen = None if rule is not None and rule.secret else value
        try:
            converted: object = msgspec.convert(value, kind)
        except (msgspec.ValidationError, OverflowError):
            names = rule.names if rule is not None and rule.names else _literals(kind)
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


def _refusal(rule: Rule, value: object) -> str | None:
    """The reason why a rule does not accept a value, "" when there is no more to say than what is expected; or None."""
    try:
        rule.check(value)
    except ValueError as error:
        return str(error)
    return None


def _literals(kind: Any) -> tuple[str, ...]:
    return tuple(
        name for variant in _variants(kind) for name in typing.get_args(_bare(variant)[0]) if isinstance(name, str)
    )


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
    bare, _ = _bare(kind)
    if _is_struct(bare):
        fields = _fields(bare)
        if name.lower() not in fields:
            raise UnknownKeyError(suggestion(name, fields) or f"known here: {', '.join(fields)}")
        return name.lower(), fields[name.lower()].type
    item = _list_item(kind)
    if item is not None:
        length = len(node) if isinstance(node, list) else 0
        if not (name.isascii() and name.isdecimal() and int(name[:9]) <= length):
            raise UnknownKeyError(f"{key_of(path)} is a list; its next free index is {length}")
        return int(name[:9]), item
    if typing.get_origin(bare) is dict:
        key_kind, value_kind = typing.get_args(bare)
        rule = _rule(key_kind)
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
    item = _list_item(kind)
    if item is not None:
        if isinstance(parsed, list) and (not _takes_text(item) or all(isinstance(one, str) for one in parsed)):
            return parsed
        if _takes_text(item) and ("," in text or not _takes_text(kind)):
            return [parse_value(part.strip(), item) for part in text.split(",") if part.strip()]
    if _takes_text(kind):
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
