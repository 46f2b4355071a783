"""Settings as plain data: what TOML and JSON can hold, and what reads back as the same settings.

It is the way of the reader (`smppd.strict.StrictReader`) in the other direction: keys as they are written (`from`,
`not`), short forms where one key says it all, the keys of a `Rest` among the others. None is never written: TOML has
none, and no key needs it.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from smppd.kinds import (
    Chosen,
    Rule,
    Short,
    bare_of,
    dict_kinds,
    fields_of,
    list_item,
    mark_of,
    rest_of,
    table_variant,
    variants_of,
)

Plain: TypeAlias = "dict[str, Plain] | list[Plain] | str | int | float | bool"
"""What TOML and JSON have in common."""


def plain(table: Struct, kind: Any = None, *, defaults: bool = False, secrets: bool = False) -> dict[str, Any]:
    """A table of settings as plain data, its keys in the order of its fields.

    kind: the type it is read as, where that is not its class: `AnyFault` for a fault, which has to say what it is.
    defaults: write what has its default value, too. secrets: write passwords; without them an account that has some
    does not read back.
    """
    writer = _Writer(defaults=defaults, secrets=secrets)
    return writer.table(table, type(table) if kind is None else table_variant(kind))


class _Writer:
    """Writes settings of any kind."""

    def __init__(self, *, defaults: bool, secrets: bool) -> None:
        self._defaults = defaults
        self._secrets = secrets

    def table(self, struct: Struct, kind: Any) -> dict[str, Any]:
        """A table, every key of it."""
        written: dict[str, Any] = {}
        chosen = mark_of(kind, Chosen)
        rest = rest_of(type(struct))
        for key, field in fields_of(type(struct)).items():
            value = getattr(struct, field.name)
            is_choice = chosen is not None and key == chosen.key and value != chosen.default
            if value is None or (self._is_secret(field.type) and not self._secrets):
                continue
            if key == rest:
                written.update(self.value(value, field.type))
            elif is_choice or not _is_default(field, value) or (self._defaults and _may_be_written(field, value)):
                written[key] = self.value(value, field.type)
                if written[key] == {} and field.required:
                    # It has to say something: `then = { answer = "once" }` is all right, `then = {}` is not.
                    written[key] = _Writer(defaults=True, secrets=self._secrets).value(value, field.type)
        return written

    def value(self, value: Any, kind: Any) -> Any:
        """A value of any type."""
        if isinstance(value, Struct):
            return self._table_or_short(value, table_variant(kind))
        if isinstance(value, list):
            item = list_item(kind)
            return [self.value(one, item) for one in value]
        if isinstance(value, dict):
            kinds = dict_kinds(kind)
            of = Any if kinds is None else kinds[1]
            return {str(key): self.value(one, of) for key, one in value.items()}
        return value

    def _table_or_short(self, struct: Struct, kind: Any) -> Any:
        written = self.table(struct, kind)
        short = mark_of(kind, Short)
        if short is None or self._defaults:
            return written
        if not written and _is_usual(type(struct), kind):
            # All of it is the default: it takes a key to say so.
            return getattr(struct, fields_of(type(struct))[short.key].name)
        if len(written) == 1 and short.key in written and not isinstance(written[short.key], dict):
            return written[short.key]
        return written

    def _is_secret(self, kind: Any) -> bool:
        return any((mark := mark_of(variant, Rule)) is not None and mark.secret for variant in variants_of(kind))


def _is_usual(struct: type[Struct], kind: Any) -> bool:
    """Whether what is short for the table is read as one of this struct."""
    chosen = mark_of(kind, Chosen)
    return struct is (bare_of(kind)[0] if chosen is None else chosen.kinds.get(chosen.default))


def _may_be_written(field: msgspec.structs.FieldInfo, value: object) -> bool:
    """Whether a default is a value that may be given: the name of a rule that has none is not."""
    mark = mark_of(field.type, Rule)
    try:
        if mark is not None:
            mark.check(value)
    except ValueError:
        return False
    return True


def _is_default(field: msgspec.structs.FieldInfo, value: object) -> bool:
    if field.default is not msgspec.NODEFAULT:
        return bool(value == field.default and type(value) is type(field.default))
    return field.default_factory is not msgspec.NODEFAULT and value == field.default_factory()
