"""JSON Schema (2020-12) of what `smppd.strict` reads: it knows what is short for a table, which kinds of tables there
are, and where all other keys go.

msgspec describes what it writes; this describes what is read, which may be shorter.
"""

from __future__ import annotations

import inspect
import types
import typing
from typing import Any, Final, Literal

import msgspec

from smppd.kinds import (
    Chosen,
    Rule,
    Short,
    bare_of,
    fields_of,
    is_struct,
    mark_of,
    rest_of,
    struct_of,
    variants_of,
)

REFERENCE: Final = "#/components/schemas/"
"""Where the schemas of structs stand in an OpenAPI document."""

Schema = dict[str, Any]


class InputSchemas:
    """Schemas of everything that is read; those of structs are collected in `components`, by name."""

    def __init__(self, taken: typing.Collection[str] = ()) -> None:
        """`taken` are names that something else has already: of these, the input is called `NAMEInput`."""
        self.components: dict[str, Schema] = {}
        self._taken = frozenset(taken)
        self._names: dict[type, str] = {}

    def of(self, kind: Any) -> Schema:
        """The schema of a type; structs are only referred to."""
        schemas = [self._of_one(variant) for variant in variants_of(kind)]
        bare, _ = bare_of(kind)
        if types.NoneType in typing.get_args(bare) or bare is types.NoneType:
            schemas.append({"type": "null"})
        schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
        return schema | _described(kind) if len(schemas) > 1 else schema

    def _of_one(self, kind: Any) -> Schema:
        bare, _ = bare_of(kind)
        origin = typing.get_origin(bare)
        if is_struct(bare):
            return self._table(kind) | _described(kind)
        if origin is list:
            return {"type": "array", "items": self.of(typing.get_args(bare)[0])} | _bounds(kind) | _described(kind)
        if origin is dict:
            return self._dict(*typing.get_args(bare)) | _described(kind)
        if origin is Literal:
            return {"enum": list(typing.get_args(bare))} | _described(kind)
        return msgspec.json.schema(kind) | _described(kind)

    def _table(self, kind: Any) -> Schema:
        short, chosen = mark_of(kind, Short), mark_of(kind, Chosen)
        table = {"anyOf": self._choices(chosen)} if chosen is not None else self._refer(bare_of(kind)[0])
        if short is None:
            return table
        struct = struct_of(kind, None)
        if struct is None:
            return table
        return {"anyOf": [table, self.of(fields_of(struct)[short.key].type)]}

    def _choices(self, chosen: Chosen) -> list[Schema]:
        return [
            {
                "allOf": [
                    self._refer(struct),
                    {
                        "properties": {chosen.key: {"const": name}},
                        "required": [] if name == chosen.default else [chosen.key],
                    },
                ]
            }
            for name, struct in chosen.kinds.items()
        ]

    def _dict(self, key: Any, value: Any) -> Schema:
        schema: Schema = {"type": "object", "additionalProperties": self.of(value)}
        rule = mark_of(key, Rule)
        if rule is not None:
            schema["propertyNames"] = {"description": rule.expected}
        return schema

    def _refer(self, struct: type[msgspec.Struct]) -> Schema:
        name = self._names.get(struct)
        if name is None:
            name = self._names[struct] = self._new_name(struct)
            self.components[name] = {}  # it may refer to itself
            self.components[name] = self._struct(struct)
        return {"$ref": REFERENCE + name}

    def _new_name(self, struct: type) -> str:
        name = struct.__name__
        if name in self._taken:
            name += "Input"
        if name in self.components:
            name = f"{struct.__module__}.{name}"
        return name

    def _struct(self, struct: type[msgspec.Struct]) -> Schema:
        fields, rest = fields_of(struct), rest_of(struct)
        properties = {name: self.property_of(field) for name, field in fields.items() if name != rest}
        required = [name for name, field in fields.items() if field.required and name != rest]
        schema: Schema = {"title": struct.__name__, "type": "object", "properties": properties, "required": required}
        if documentation := inspect.getdoc(struct):
            schema["description"] = documentation
        others = (
            self._dict(*typing.get_args(bare_of(fields[rest].type)[0])) if rest else {"additionalProperties": False}
        )
        return schema | {name: others[name] for name in ("additionalProperties", "propertyNames") if name in others}

    def property_of(self, field: msgspec.structs.FieldInfo) -> Schema:
        """The schema of a field, with its default where that is a plain value."""
        schema = self.of(field.type)
        default = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
        if isinstance(default, bool | int | float | str):
            schema = schema | {"default": default}
        elif isinstance(default, list | tuple) and all(isinstance(item, int | float | str) for item in default):
            schema = schema | {"default": list(default)}
        return schema


def _described(kind: Any) -> Schema:
    """What people are told of a type."""
    metas = [mark for mark in bare_of(kind)[1] if isinstance(mark, msgspec.Meta) and mark.description]
    if metas:
        return {"description": metas[-1].description}
    rule = mark_of(kind, Rule)
    return {"description": rule.expected} if rule is not None else {}


def _bounds(kind: Any) -> Schema:
    meta = next((mark for mark in bare_of(kind)[1] if isinstance(mark, msgspec.Meta)), msgspec.Meta())
    bounds = {"minItems": meta.min_length, "maxItems": meta.max_length}
    return {name: bound for name, bound in bounds.items() if bound is not None}
