"""Tables that stand for others: what is short for one, which struct one is, and who takes the remaining keys."""

from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from smppd.strict import Chosen, Overlay, Rest, Rule, Short, StrictReader, UnknownKeyError, parse_value


class Test(msgspec.Struct, frozen=True, kw_only=True):
    __test__ = False
    equals: int | str | list[int | str] | None = None
    least: Annotated[int, Meta(ge=0)] | None = None


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    kind: str = "round"
    name: str = ""


class Round(Shape, frozen=True, kw_only=True):
    radius: Annotated[float, Meta(gt=0)] = 1.0


class Square(Shape, frozen=True, kw_only=True):
    kind: str = "square"
    side: float


def known_colour(name: str) -> None:
    if name not in ("red", "green"):
        raise ValueError("")


Value = Annotated[Test, Short("equals")]
Colour = Annotated[str, Rule('"red" or "green"', known_colour, names=("red", "green"))]
KINDS: dict[str, type[Shape]] = {"round": Round, "square": Square}
AnyShape = Annotated[Shape, Chosen("kind", KINDS, "a kind of shape")]
Usual = Annotated[Shape, Chosen("kind", KINDS, "a kind of shape", default="round"), Short("radius")]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    number: Value | None = None
    shape: list[AnyShape] = []
    usual: Usual = Round()
    colours: Annotated[dict[Colour, Value], Rest()] = {}


def read(table: object, checks: Any = None) -> tuple[Page, list[str]]:
    reader = StrictReader(lambda path: "f", checks or {})
    built = reader.read(Page, table)
    return built, [str(problem) for problem in reader.problems]


def test_what_is_short_for_a_table() -> None:
    for table in ({"number": 5}, {"number": {"equals": 5}}):
        assert read(table) == (Page(number=Test(equals=5)), [])
    assert read({"number": ["a", 5]})[0].number == Test(equals=["a", 5])
    assert read({"usual": 3})[0].usual == Round(radius=3.0)


def test_a_table_is_the_struct_that_it_names() -> None:
    page, problems = read({"shape": [{"kind": "square", "side": 2}, {"kind": "round", "name": "r"}]})
    assert problems == []
    assert page.shape == [Square(side=2.0), Round(name="r")]
    assert read({"usual": {"radius": 2}})[0].usual == Round(radius=2.0)
    assert read({"usual": {"kind": "square", "side": 2}})[0].usual == Square(side=2.0)


def test_the_remaining_keys_go_into_one_field() -> None:
    page, problems = read({"red": 1, "green": {"least": 2}})
    assert problems == []
    assert page.colours == {"red": Test(equals=1), "green": Test(least=2)}


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"number": 1.5}, "f: number = 1.5: expected an integer or text or a list of an integer or text"),
        ({"number": {"lest": 2}}, 'f: number.lest: unknown key (did you mean "least"?)'),
        ({"number": {"least": -1}}, "f: number.least = -1: expected an integer from 0"),
        ({"shape": [{"side": 1}]}, "f: shape[0].kind: missing; expected a kind of shape (known: round, square)"),
        (
            {"shape": [{"kind": "sqare"}]},
            'f: shape[0].kind = "sqare": expected a kind of shape (did you mean "square"?)',
        ),
        ({"shape": [{"kind": 5}]}, "f: shape[0].kind = 5: expected a kind of shape (known: round, square)"),
        ({"shape": [{"kind": "square"}]}, "f: shape[0].side: missing; expected a number"),
        ({"shape": [{"kind": "round", "side": 1}]}, "f: shape[0].side: unknown key (known here: kind, name, radius)"),
        ({"shape": [5]}, "f: shape[0] = 5: expected a table"),
        ({"usual": 0}, "f: usual = 0: expected a number above 0"),
        ({"gren": 1}, 'f: gren: unknown key; expected "red" or "green" (did you mean "green"?)'),
        ({"colours": {"red": 1}}, 'f: colours: unknown key; expected "red" or "green"'),
    ],
)
def test_one_problem_each(table: object, problem: str) -> None:
    assert read(table)[1] == [problem]


def test_checks_of_a_base_are_for_all_that_derive_from_it() -> None:
    def check(reader: StrictReader, shape: Shape, _raw: object, path: tuple[str | int, ...]) -> None:
        reader.reject((*path, "kind"), shape.kind, "seen")

    found = read({"shape": [{"kind": "square", "side": 1}], "usual": 2}, {Shape: check})[1]
    assert found == ['f: shape[0].kind = "square": seen', 'f: usual.kind = "round": seen']


def test_overrides_find_their_way() -> None:
    tree: dict[str, Any] = {}
    overlay = Overlay(Page, tree)
    for names, text in (
        (["number"], "5"),
        (["shape", "0", "kind"], "square"),
        (["shape", "0", "side"], "2"),
        (["usual", "radius"], "3"),
        (["red"], "x"),
        (["green", "least"], "2"),
    ):
        overlay.put(names, text, "test")
    assert read(tree) == (
        Page(
            number=Test(equals=5),
            shape=[Square(side=2.0)],
            usual=Round(radius=3.0),
            colours={"red": Test(equals="x"), "green": Test(least=2)},
        ),
        [],
    )
    with pytest.raises(UnknownKeyError, match="side"):
        overlay.put(["shape", "0", "sid"], "2", "test")


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("5", Value, 5),
        ("five", Value, "five"),
        ("{ least = 2 }", Value, {"least": 2}),
        ('"5"', Value, "5"),
        ("5", int | str, 5),
        ("true", int | str, "true"),
        ("3.5", Usual, 3.5),
    ],
)
def test_text_as_the_value_it_spells(text: str, kind: object, value: object) -> None:
    assert parse_value(text, kind) == value
