from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from smppd.strict import (
    Overlay,
    Problem,
    Rule,
    StrictReader,
    TooManyProblemsError,
    UnknownKeyError,
    key_of,
    parse_value,
    shown,
    suggestion,
)


def check_even(number: int) -> None:
    if number % 2:
        raise ValueError("it is odd")


def check_colour(name: str) -> None:
    if name not in {"red", "green"}:
        raise ValueError("")  # nothing to add to what is expected


Even = Annotated[int, Meta(ge=0, le=10), Rule("an even integer", check_even)]
Secret = Annotated[str, Rule("a secret", lambda text: text.encode("ascii"), secret=True)]
Colour = Annotated[str, Rule('"red" or "green"', check_colour, names=("red", "green"))]


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    length: Annotated[float, Meta(gt=0)] = 1.0


class Table(msgspec.Struct, frozen=True, kw_only=True):
    even: Even = 0
    kind: Literal["round", "square"] = "round"
    secret: Secret | None = None
    big: bool = False
    colours: dict[Colour, Even] = {}
    tags: Annotated[list[str], Meta(min_length=1, max_length=3)] = msgspec.field(default_factory=lambda: ["x"])
    pairs: list[Annotated[list[int], Meta(min_length=2, max_length=2)]] = msgspec.field(default_factory=list)
    words: str | list[str] | None = None
    leg: list[Leg] = []


def read(table: object, checks: Any = None) -> tuple[Table, list[str]]:
    reader = StrictReader(lambda path: "f", checks or {})
    built = reader.read(Table, table)
    return built, [str(problem) for problem in reader.problems]


class Mix(msgspec.Struct, frozen=True, kw_only=True):
    shares: Colour | dict[Colour, Even] = "red"
    leg: Leg | None = None


def mix(**table: object) -> tuple[Mix, list[str]]:
    reader = StrictReader(lambda path: "f", {})
    built = reader.read(Mix, table)
    return built, [str(problem) for problem in reader.problems]


def test_a_name_or_a_table_of_names() -> None:
    assert mix(shares={"red": 2}) == (Mix(shares={"red": 2}), [])
    assert mix(shares="green") == (Mix(shares="green"), [])
    assert mix(shares={"red": 3, "gren": 2})[1] == [
        "f: shares.red = 3: expected an even integer (it is odd)",
        'f: shares.gren: unknown key; expected "red" or "green" (did you mean "green"?)',
    ]
    assert mix(shares=5)[1] == ['f: shares = 5: expected "red" or "green" or a table']


def test_a_table_that_need_not_be_there() -> None:
    assert mix(leg={"name": "l"}) == (Mix(leg=Leg(name="l")), [])
    assert mix(leg={"nam": "l", "length": 0})[1] == [
        'f: leg.nam: unknown key (did you mean "name"?)',
        "f: leg.name: missing; expected text",
        "f: leg.length = 0: expected a number above 0",
    ]
    assert mix(leg=5)[1] == ["f: leg = 5: expected a table"]


def test_a_clean_table() -> None:
    built, problems = read({"even": 4, "words": ["a"], "colours": {"red": 2}, "leg": [{"name": "l", "length": 3}]})
    assert problems == []
    assert built == Table(even=4, words=["a"], colours={"red": 2}, leg=[Leg(name="l", length=3.0)])


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"even": 3}, "f: even = 3: expected an even integer (it is odd)"),
        ({"even": 12}, "f: even = 12: expected an even integer"),
        ({"even": "4"}, 'f: even = "4": expected an even integer'),
        ({"even": 10**40}, f"f: even = 1{'0' * 40}: expected an even integer"),
        ({"even": None}, "f: even: expected an even integer"),
        ({"big": 1}, "f: big = 1: expected true or false"),
        ({"kind": "sqare"}, 'f: kind = "sqare": expected "round" or "square" (did you mean "square"?)'),
        ({"secret": 5}, "f: secret: expected a secret"),
        ({"secret": ["hunter2"]}, "f: secret: expected a secret"),
        ({"colours": 5}, "f: colours = 5: expected a table"),
        ({"colours": {"gren": 2}}, 'f: colours.gren: unknown key; expected "red" or "green" (did you mean "green"?)'),
        ({"colours": {"red": 1}}, "f: colours.red = 1: expected an even integer (it is odd)"),
        ({"tags": []}, "f: tags = []: expected a list of text (it must not be empty)"),
        ({"tags": ["a"] * 4}, "f: tags = [...]: expected a list of text (at most 3 items)"),
        ({"pairs": [[1, 2, 3]]}, "f: pairs[0] = [...]: expected a list of an integer (exactly 2 items)"),
        ({"pairs": [[1]]}, "f: pairs[0] = [...]: expected a list of an integer (exactly 2 items)"),
        ({"tags": "x"}, 'f: tags = "x": expected a list of text'),
        ({"tags": ["a", 1]}, "f: tags[1] = 1: expected text"),
        ({"words": 1}, "f: words = 1: expected text or a list of these"),
        ({"words": [1]}, "f: words[0] = 1: expected text"),
        ({"evn": 2}, 'f: evn: unknown key (did you mean "even"?)'),
        ({"a b": 2}, 'f: "a b": unknown key (known here: even, kind, secret, big, colours, tags, pairs, words, leg)'),
        ({"leg": {"name": "l"}}, "f: leg = {...}: expected a list of tables (write [[leg]], with double brackets)"),
        ({"leg": [5]}, "f: leg[0] = 5: expected a table"),
        ({"leg": [{"name": "l", "length": 0}]}, "f: leg[0].length = 0: expected a number above 0"),
        ({"leg": [{"name": "l", "length": float("inf")}]}, "f: leg[0].length = Infinity: expected a number above 0"),
    ],
)
def test_one_problem_each(table: object, problem: str) -> None:
    _, problems = read(table)
    assert problems[:1] == [problem]
    assert problems[1:] in ([], ["f: leg[0].name: missing; expected text"])


def test_all_problems_at_once_and_defaults_in_their_places() -> None:
    built, problems = read({"even": 1, "kind": 5, "leg": [{}, {"name": "l", "lenght": 3}]})
    assert [problem.split(" ")[1] for problem in problems] == ["even", "kind", "leg[0].name:", "leg[1].lenght:"]
    assert built == Table(leg=[Leg(name=""), Leg(name="l")])


def test_checks_see_what_is_sound() -> None:
    def check(reader: StrictReader, table: Table, _raw: object, path: tuple[str | int, ...]) -> None:
        assert not reader.sound(path, "even")
        assert not reader.sound(path, "leg")
        assert reader.sound(path, "kind", "words")
        assert not reader.sound(path, "kind", "even")
        assert reader.rejected(("leg", 0, "name"))
        assert not reader.rejected(("leg",))
        reader.reject((*path, "kind"), table.kind, "expected another")

    _, problems = read({"even": 1, "leg": [{"name": 5}]}, {Table: check})
    assert problems[-1] == 'f: kind = "round": expected another'
    assert len(problems) == 3


def test_keys_are_written_as_people_write_them() -> None:
    assert key_of(()) == ""
    assert key_of(("account", 0, "throughput", "limit")) == "account[0].throughput.limit"
    assert key_of(("network", "a.b", "delay")) == 'network."a.b".delay'


def test_values_are_shown_short_and_without_what_is_inside_of_tables() -> None:
    assert shown(True) == "true"
    assert shown("a\nb") == '"a\\nb"'
    assert shown({"password": "x"}) == "{...}"
    assert shown(["x"]) == "[...]"
    assert len(shown("x" * 1000)) == 80


def test_suggestions() -> None:
    assert suggestion("HTPP", ["http", "smpp"]) == 'did you mean "http"?'
    assert suggestion("xyz", ["http", "smpp"]) == ""


def test_a_problem_without_key() -> None:
    assert str(Problem("f:1:2", "", "", "not TOML", "")) == "f:1:2: not TOML"


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("5", int, 5),
        ("1_000", int, 1000),
        ("five", int, "five"),
        ("0.5", float, 0.5),
        ("true", bool, True),
        ("True", bool, "True"),
        ("", str, ""),
        ("12345678", str, "12345678"),
        ("true", str, "true"),
        ('"quoted"', str, "quoted"),
        ("'quoted'", str, "quoted"),
        ('"open', str, '"open'),
        ("a#b", str, "a#b"),
        ("5 # x", str, "5 # x"),
        ("x\ny = 1", str, "x\ny = 1"),
        ("0042", str | None, "0042"),
        ("round", Literal["round"], "round"),
        ("a, b,", list[str], ["a", "b"]),
        ("", list[str], []),
        ("a", list[str], ["a"]),
        ('["a", "b,c"]', list[str], ["a", "b,c"]),
        ("336*", str | list[str], "336*"),
        ("336*,337*", str | list[str], ["336*", "337*"]),
        ("[1]", str | list[str], "[1]"),
        ('["1"]', str | list[str], ["1"]),
        ("{ name = 'l' }", Leg, {"name": "l"}),
        ('{"name": "l"}', Leg, {"name": "l"}),
        ('[{"name": "l"}]', list[Leg], [{"name": "l"}]),
        ("l", list[Leg], "l"),
        ("[" * 5000, list[Leg], "[" * 5000),
    ],
)
def test_values_in_text(text: str, kind: object, value: object) -> None:
    assert parse_value(text, kind) == value


def overlaid(tree: dict[str, Any], *puts: tuple[str, str]) -> Overlay:
    overlay = Overlay(Table, tree)
    for names, text in puts:
        overlay.put(names.split("."), text, "here")
    return overlay


def test_overlays_make_what_is_missing() -> None:
    overlay = overlaid({}, ("EVEN", "2"), ("leg.0.name", "7"), ("leg.0.length", "2"), ("leg.1.name", "b"))
    assert overlay.tree == {"even": 2, "leg": [{"name": "7", "length": 2}, {"name": "b"}]}


def test_overlays_replace_and_remember_their_origin() -> None:
    overlay = overlaid({"leg": [{"name": "a", "length": 5}]}, ("leg.0.name", "b"), ("tags", "p,q"))
    assert overlay.tree == {"leg": [{"name": "b", "length": 5}], "tags": ["p", "q"]}
    assert overlay.origin(("leg", 0, "name")) == "here"
    assert overlay.origin(("tags", 1)) == "here"
    assert overlay.origin(("leg", 0, "length")) is None


def test_overlays_find_keys_whatever_their_letter_case() -> None:
    overlay = overlaid({"colours": {"Mauve": 1}}, ("colours.MAUVE", "2"), ("colours.RED", "4"), ("colours.NEW", "6"))
    assert overlay.tree == {"colours": {"Mauve": 2, "red": 4, "new": 6}}


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        ("evn", 'did you mean "even"'),
        ("leg.0.nam", 'did you mean "name"'),
        ("leg.2.name", "leg is a list; its next free index is 1"),
        ("leg.x.name", "leg is a list"),
        ("leg.-1.name", "leg is a list"),
        ("leg.99999999999999999999.name", "leg is a list"),
        ("even.x", "even is a value"),
        ("zzz", "known here: even"),
    ],
)
def test_overlays_refuse_unknown_keys(names: str, hint: str) -> None:
    with pytest.raises(UnknownKeyError) as caught:
        overlaid({"leg": [{"name": "a"}]}, (names, "1"))
    assert hint in caught.value.hint


def test_overlays_leave_what_is_malformed_to_the_reader() -> None:
    overlay = overlaid({"leg": 5, "colours": "x"}, ("leg.0.name", "a"), ("colours.red", "2"))
    assert overlay.tree == {"leg": 5, "colours": "x"}
    assert overlay.origin(("leg", 0, "name")) is None


class Needed(msgspec.Struct):
    kind: Literal["a", "b"]
    table: dict[str, int]
    either: int | str | None
    number: int = 0


def test_what_stands_in_for_what_is_missing() -> None:
    reader = StrictReader(lambda _: "f", {})
    read = reader.read(Needed, {})
    assert (read.kind, read.table, read.either) == ("a", None, 0)
    assert [problem.key for problem in reader.problems] == ["kind", "table", "either"]


def test_a_value_of_any_type() -> None:
    reader = StrictReader(lambda _: "f", {})
    assert reader.read_as(list[Needed], [{"kind": "b", "table": {}, "either": None}]) == [Needed("b", {}, None)]
    assert reader.problems == []
    assert reader.read_as(list[int], [1, "x"]) is None
    assert [problem.told for problem in reader.problems] == ['expected an integer, got "x"']


def test_enough_problems() -> None:
    reader = StrictReader(lambda _: "f", {}, most=3)
    with pytest.raises(TooManyProblemsError):
        reader.read(Needed, {str(number): 0 for number in range(100)})
    assert len(reader.problems) == 3
