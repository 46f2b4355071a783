"""Types as struct definitions spell them, taken apart: what a value may be, and how people call that.

What TOML's types cannot say stands as a mark inside of ``Annotated``: a :class:`Rule` for what a leaf must satisfy,
:class:`Short` for what is short for a table, :class:`Chosen` for which struct a table is, :class:`Rest` for who takes
the keys that no field has.
"""

from __future__ import annotations

import types
import typing
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping


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


class Short:
    """A value that is no table stands for the table with this one key; in ``Annotated[Struct, Short("key")]``."""

    __slots__ = ("key",)

    def __init__(self, key: str) -> None:
        self.key = key


class Chosen:
    """Which struct a table is read into: the one that its text at ``key`` names; in ``Annotated[Base, Chosen(...)]``.

    what: what these names are, for people ("a kind of fault"). default: the name that counts when the key is absent;
    "" when it must be there.
    """

    __slots__ = ("default", "key", "kinds", "what")

    def __init__(self, key: str, kinds: Mapping[str, type[msgspec.Struct]], what: str, *, default: str = "") -> None:
        self.key = key
        self.kinds = kinds
        self.what = what
        self.default = default


class Rest:
    """The dict that takes the keys of a table which no other field has; in ``Annotated[dict[...], Rest()]``."""

    __slots__ = ()


def bare_of(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type without ``Annotated``, and what was annotated."""
    if typing.get_origin(kind) is Annotated:
        return kind.__origin__, kind.__metadata__
    return kind, ()


_NOTHING = (types.NoneType, msgspec.UnsetType)
"""What is no value: it says that there is none, or that nothing was said."""

M = TypeVar("M", Rule, Short, Chosen, Rest)


def mark_of(kind: Any, wanted: type[M]) -> M | None:
    """The mark of this class that a type is annotated with."""
    return next((mark for mark in bare_of(kind)[1] if isinstance(mark, wanted)), None)


def variants_of(kind: Any) -> tuple[Any, ...]:
    """The members of a union without None and UNSET; the type itself when it is no union."""
    bare, _ = bare_of(kind)
    if typing.get_origin(bare) in {typing.Union, types.UnionType}:
        return tuple(member for member in typing.get_args(bare) if member not in _NOTHING)
    return (kind,)


def is_struct(kind: Any) -> bool:
    """Whether a bare type is a struct."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def table_variant(kind: Any) -> Any:
    """The variant of a type that is a struct, with its marks, else None."""
    return next((variant for variant in variants_of(kind) if is_struct(bare_of(variant)[0])), None)


def struct_of(kind: Any, table: object) -> type[msgspec.Struct] | None:
    """The struct that ``table`` is read into by a type; None when the type is no struct, or nothing names one."""
    variant = table_variant(kind)
    chosen = mark_of(variant, Chosen)
    if chosen is None:
        return bare_of(variant)[0] if variant is not None else None
    name = table.get(chosen.key, chosen.default) if isinstance(table, dict) else chosen.default
    return chosen.kinds.get(name) if isinstance(name, str) else None


def list_item(kind: Any) -> Any:
    """The item type when ``kind`` may be a list, else None."""
    for variant in variants_of(kind):
        bare, _ = bare_of(variant)
        if typing.get_origin(bare) is list:
            return typing.get_args(bare)[0]
    return None


def dict_kinds(kind: Any) -> tuple[Any, Any] | None:
    """The types of keys and values when ``kind`` may be a table of names, else None."""
    for variant in variants_of(kind):
        bare, _ = bare_of(variant)
        if typing.get_origin(bare) is dict:
            key, value = typing.get_args(bare)
            return key, value
    return None


def takes_text(kind: Any) -> bool:
    """Whether a plain string is of this type."""
    bare_kinds = (bare_of(variant)[0] for variant in variants_of(kind))
    return any(bare is str or typing.get_origin(bare) is Literal for bare in bare_kinds)


@cache
def rest_of(struct: type[msgspec.Struct]) -> str:
    """The name of the field that takes all other keys, or ""."""
    return next((name for name, field in fields_of(struct).items() if mark_of(field.type, Rest) is not None), "")


@cache
def fields_of(struct: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    """The fields of a struct by their keys."""
    return {field.encode_name: field for field in msgspec.structs.fields(struct)}


def quoted(names: Iterable[str]) -> str:
    """``"a", "b" or "c"``."""
    *most, last = [f'"{name}"' for name in names]
    return f"{', '.join(most)} or {last}" if most else last


def expected_of(kind: Any) -> str:
    """What a type accepts, for people: ``an integer from 0 to 65535``, ``"a" or "b"``, ``a list of host:port``."""
    texts = [_expected_of_one(variant) for variant in variants_of(kind)]
    if len(texts) > 1 and texts[1] == f"a list of {texts[0]}":
        texts[1] = "a list of these"
    return " or ".join(texts)


def _expected_of_one(kind: Any) -> str:
    bare, marks = bare_of(kind)
    origin, arguments = typing.get_origin(bare), typing.get_args(bare)
    if (rule := mark_of(kind, Rule)) is not None and origin is None:
        return rule.expected
    if origin is Literal:
        return quoted(arguments)
    if origin is list:
        tables = table_variant(arguments[0]) is not None
        return "a list of tables" if tables else f"a list of {expected_of(arguments[0])}"
    if (short := mark_of(kind, Short)) is not None and (struct := struct_of(kind, None)) is not None:
        return f"{expected_of(fields_of(struct)[short.key].type)} or a table"
    if origin is dict or is_struct(bare):
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


def literals_of(kind: Any) -> tuple[str, ...]:
    """The texts that a type of literals accepts; none for other types."""
    return tuple(
        name for variant in variants_of(kind) for name in typing.get_args(bare_of(variant)[0]) if isinstance(name, str)
    )
