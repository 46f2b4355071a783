"""The schema of what is read: it accepts what the reader accepts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from jsonschema import Draft202012Validator
from msgspec import UNSET, Meta, Struct, UnsetType

from smppd.settings.checks import CHECKS
from smppd.settings.faults import FAULTS, AnyFault
from smppd.settings.rules import Rule, When
from smppd.strict import StrictReader
from smppd.strict_schema import REFERENCE, InputSchemas


def validator(kind: Any) -> Draft202012Validator:
    schemas = InputSchemas()
    schema = schemas.of(kind) | {"components": {"schemas": schemas.components}}
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def read(kind: Any, value: object) -> list[str]:
    reader = StrictReader(lambda _: "", CHECKS)
    reader.read_as(kind, value)
    return [str(problem) for problem in reader.problems]


@pytest.mark.parametrize(
    "value",
    [
        {"then": {"answer": "none"}},
        {"when": {"destination_addr": "336*"}, "then": {"status": "ESME_RTHROTTLED"}},
        {"when": {"destination_addr": ["336*", "337*"], "text": {"regex": "code", "not": "x"}}, "then": {"delay": 1}},
        {"when": {"esm_class": 0, "tlv": {"user_message_reference": {"min": 3}}}, "then": {"reply": "ok"}},
        {"then": {"delay": {"distribution": "uniform", "min": 1, "max": 2}}, "schedule": {"for": 3}},
        {"name": "x", "then": {"sequence_number": {"add": -1}}, "scenario": {"name": "s", "is": "", "becomes": "b"}},
    ],
)
def test_rules_that_are_accepted(value: object) -> None:
    assert read(Rule, value) == []
    validator(Rule).validate(value)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"then": {}, "x": 1},
        {"then": {}, "when": {"destination_addr": {"globe": "1"}}},
        {"then": {"answer": "thrice"}},
        {"then": {}, "probability": 2},
        {"then": {"delay": {"distribution": "uniform", "mean": 1}}},
        [],
    ],
)
def test_rules_that_are_refused(value: object) -> None:
    assert read(Rule, value)
    assert not validator(Rule).is_valid(value)


@pytest.mark.parametrize("kind", FAULTS)
def test_the_kind_of_a_fault_chooses_its_keys(kind: str) -> None:
    check = validator(AnyFault)
    required = {"octets_per_second": 1, "delay": 1, "value": 1}
    fields = {field: value for field, value in required.items() if field in FAULTS[kind].__struct_fields__}
    assert check.is_valid({"kind": kind, **fields}) == (not read(AnyFault, {"kind": kind, **fields}))
    assert not check.is_valid({"kind": kind, **fields, "unheard_of": 1})
    assert not check.is_valid(fields)


def test_other_keys_of_a_condition_are_fields() -> None:
    schemas = InputSchemas()
    schemas.of(When)
    when = schemas.components["When"]
    assert "fields" not in when["properties"]
    assert when["additionalProperties"] != False  # noqa: E712  # True and {} would both be something else
    assert when["propertyNames"]["description"]
    assert when["properties"]["command"]["default"] == ["submit_sm", "data_sm"]


class Leaf(Struct, frozen=True, forbid_unknown_fields=True):
    """A leaf."""

    size: Annotated[int, Meta(ge=1, le=5, description="How large.")]
    colour: Literal["red", "green"] = "red"
    note: str | UnsetType | None = UNSET
    tags: Annotated[list[str], Meta(max_length=3)] = []


class Tree(Struct, frozen=True):
    leaf: Leaf
    other: Leaf | None = None


def test_structs() -> None:
    schemas = InputSchemas(taken={"Tree"})
    assert schemas.of(Tree) == {"$ref": f"{REFERENCE}TreeInput"}
    leaf = schemas.components["Leaf"]
    assert leaf["description"] == "A leaf."
    assert leaf["required"] == ["size"]
    assert leaf["additionalProperties"] is False
    assert leaf["properties"] == {
        "size": {"type": "integer", "minimum": 1, "maximum": 5, "description": "How large."},
        "colour": {"enum": ["red", "green"], "default": "red"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3, "default": []},
    }
    assert schemas.of(Leaf | None) == {"anyOf": [{"$ref": f"{REFERENCE}Leaf"}, {"type": "null"}]}


def test_two_of_one_name() -> None:
    other = type("Leaf", (Struct,), {"__annotations__": {"x": int}, "__module__": "elsewhere.leaves"})
    schemas = InputSchemas()
    names = [schemas.of(kind)["$ref"].removeprefix(REFERENCE) for kind in (Leaf, other, Leaf)]
    assert names == ["Leaf", "elsewhere.leaves.Leaf", "Leaf"]
