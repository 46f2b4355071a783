from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta

from smppd.kinds import Chosen, Rule, Short, expected_of, list_item, literals_of, quoted, struct_of, takes_text


class Leg(msgspec.Struct):
    length: Annotated[float, Meta(gt=0)] = 1.0


class Arm(Leg):
    kind: str = "arm"


Even = Annotated[int, Rule("an even integer", lambda number: number)]
Limb = Annotated[Leg, Chosen("kind", {"leg": Leg, "arm": Arm}, "a limb", default="leg"), Short("length")]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (int, "an integer"),
        (Annotated[int, Meta(ge=1, le=5)], "an integer from 1 to 5"),
        (Annotated[float, Meta(gt=0, le=5)], "a number above 0 up to 5"),
        (str | None, "text"),
        (list[Leg], "a list of tables"),
        (Leg, "a table"),
        (Limb, "a number above 0 or a table"),
        (list[Limb], "a list of tables"),
        (Even, "an even integer"),
        (Even | list[Even], "an even integer or a list of these"),
        (Literal["a", "b"], '"a" or "b"'),
        (dict[str, int], "a table"),
    ],
)
def test_what_is_accepted_in_words(kind: object, text: str) -> None:
    assert expected_of(kind) == text


def test_which_struct_a_table_is() -> None:
    assert struct_of(Leg, {}) is Leg
    assert struct_of(Leg | None, {}) is Leg
    assert struct_of(Limb, {"kind": "arm"}) is Arm
    assert struct_of(Limb, {}) is Leg
    assert struct_of(Limb, 5) is Leg
    assert struct_of(Limb, {"kind": "tail"}) is None
    assert struct_of(Limb, {"kind": []}) is None
    assert struct_of(int, {}) is None


def test_what_a_type_may_be() -> None:
    assert list_item(str | list[int] | None) is int
    assert list_item(str) is None
    assert takes_text(int | str)
    assert takes_text(Literal["a"])
    assert not takes_text(list[str])
    assert literals_of(Literal["a", "b"] | None) == ("a", "b")
    assert quoted(["a", "b", "c"]) == '"a", "b" or "c"'
    assert quoted(["a"]) == '"a"'
