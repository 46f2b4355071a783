from random import Random

import pytest

from smppd.load.encodings import ENCODINGS, GSM7, UCS2
from smppd.load.templates import AutoText, Constant, Template, TemplateError, Text, Vocabulary, text_of
from smppd.load.variables import Message

VOCABULARY = Vocabulary(
    ["who"], {"city": ["Leeds", "Łódź"], "zip": ["LS1", "90-001"]}, {"shop": ["Café", "Bar"], "cyr": ["ж"]}
)


def template(text: str) -> Template:
    return Template(text, VOCABULARY)


def message(seed: int = 1) -> Message:
    made = Message(Random(seed))
    made.captures, made.destination = {"who": "Ann"}, b"4477"
    return made


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("no variable", "no variable"),
        ("{to}", "4477"),
        ("a{{b}}c{to}{to}", "a{b}c44774477"),
        ("{who} in {city} {zip}", "Ann in Leeds LS1"),
        ("100% of {to}: %b %s %", "100% of 4477: %b %s %"),
        ("{{{to}}}", "{4477}"),
        ("{ to }", "4477"),
        ("", ""),
    ],
)
def test_rendering(text: str, rendered: str) -> None:
    assert template(text).render(message()) == rendered
    for encoding in ENCODINGS.values():
        assert text_of(template(text), encoding).draw(message()) == (encoding, encoding.encode(rendered))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Your {cod:6}", '{cod:6} at character 6: unknown variable; did you mean "code"?'),
        ("{sho}", '{sho} at character 1: unknown variable; did you mean "shop"?'),
        ("{}", "{} at character 1: unknown variable; known are: who, city, zip, shop, cyr, code, "),
        ("{code:x}", "{code:x} at character 1: expected a number from 1 to 15 after the colon"),
        ("{city:3}", "{city:3} at character 1: takes nothing after a colon"),
        ("{{ a {", '"{" at character 6 has no closing one; write "{{" for a brace'),
        ("a}", '"}" at character 2 has no opening one; write "}}" for a brace'),
        ("{a{b}", '"{" at character 1 has no closing one'),
    ],
)
def test_mistakes_are_named_with_their_position(text: str, problem: str) -> None:
    with pytest.raises(TemplateError) as caught:
        template(text)
    assert str(caught.value).startswith(problem)


def test_the_nearest_meaning_wins() -> None:
    made = message()
    made.captures = {"code": "capture"}
    names = {"code": ["list"]}
    assert Template("{code}", Vocabulary(["code"], {"code": ["column"]}, names)).render(made) == "capture"
    assert Template("{code}", Vocabulary([], {"code": ["column"]}, names)).render(made) == "column"
    assert Template("{code}", Vocabulary([], {}, names)).render(made) == "list"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{ж", "'ж' at character 3 is not in gsm7"),
        ("{code} `", "'`' at character 8 is not in gsm7"),
        ("a {city}", "{city} at character 3 may be 'Łódź': 'Ł' is not in gsm7"),
        ("{cyr}", "{cyr} at character 1 may be 'ж': 'ж' is not in gsm7"),
        ("{date:%d ж}", "{date:%d ж} at character 1 may be '01 ж': 'ж' is not in gsm7"),
    ],
)
def test_characters_that_an_encoding_does_not_have(text: str, problem: str) -> None:
    with pytest.raises(TemplateError) as caught:
        template(text).check(GSM7)
    assert str(caught.value) == problem
    template(text).check(UCS2)


def test_auto_decides_beforehand_where_it_can() -> None:
    kinds = {text: text_of(template(text), None) for text in ("a", "ж", "{shop}{code}", "ж {shop}", "{city}", "{who}")}
    assert {text: type(kind) for text, kind in kinds.items()} == {
        "a": Constant,
        "ж": Constant,
        "{shop}{code}": Text,
        "ж {shop}": Text,
        "{city}": AutoText,
        "{who}": AutoText,
    }
    drawn = {text: kind.draw(message())[0].name for text, kind in kinds.items()}
    assert drawn == {
        "a": "gsm7",
        "ж": "ucs2",
        "{shop}{code}": "gsm7",
        "ж {shop}": "ucs2",
        "{city}": "gsm7",
        "{who}": "gsm7",
    }


def test_auto_looks_at_each_message() -> None:
    text = text_of(template("{city}!"), None)
    made = message()
    assert text.draw(made) == (GSM7, b"Leeds!")
    made.row = 1
    assert text.draw(made) == (UCS2, "Łódź!".encode("utf-16-be"))


def test_only_what_never_varies_is_constant() -> None:
    assert text_of(template("a{{"), GSM7).constant == (GSM7, b"a\x1b\x28")
    assert text_of(template("{code}"), GSM7).constant is None
    assert text_of(template("{who}"), None).constant is None


def test_what_is_known_only_later_has_question_marks() -> None:
    made = message()
    made.captures = {"who": "жд"}
    assert text_of(template("{who}"), GSM7).draw(made) == (GSM7, b"??")
