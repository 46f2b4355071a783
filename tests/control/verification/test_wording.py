from datetime import UTC
from typing import Any

import pytest

from smppd.behaviour.conditions import conditions_of
from smppd.control.verification.wording import expected_of, found_of, hint_of, quoted, what_is_meant
from tests.control.verification.world import when


def condition(**conditions: Any) -> Any:
    (only,) = conditions_of(when(**conditions), UTC)
    return only


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"text": "x"}, '"x"'),
        ({"text": {"equals": ["x", "y"]}}, '"x" or "y"'),
        ({"text": {"prefix": "x"}}, 'beginning with "x"'),
        ({"destination_addr": ["44*", "336*"]}, 'like "44*" or "336*"'),
        ({"text": {"regex": r"\d+"}}, r"matching /\d+/"),
        ({"text": {"glob": "*x*", "not": {"regex": "y"}}}, 'like "*x*" and not matching /y/'),
        ({"esm_class": 3}, "3"),
        ({"esm_class": {"min": 1, "max": 3}}, "1 to 3"),
        ({"esm_class": {"min": 1}}, "1 or more"),
        ({"esm_class": {"max": 3, "not": 2}}, "3 or less and not 2"),
        ({"tlv": {"0x1403": {"present": True}}}, "some value"),
        ({"tlv": {"0x1403": {"present": False}}}, "none at all"),
        ({"tlv": {"0x1403": {"hex": "00ff"}}}, 'the octets "00ff"'),
        ({"bind_type": ["receiver", "transceiver"]}, '"receiver" or "transceiver"'),
        ({"bind_type": "receiver"}, '"receiver"'),
        ({"session_age": {"min": 5}}, "5 s or more"),
        ({"session_age": {"max": 5}}, "0 to 5 s"),
        ({"time": {"from": "22:00", "to": "06:00"}}, "from 22:00 to 06:00"),
    ],
)
def test_what_is_expected(conditions: dict[str, Any], words: str) -> None:
    assert expected_of(condition(**conditions)) == words


def test_what_is_found() -> None:
    assert found_of(condition(text="x"), "y\n", UTC) == '"y\\n"'
    assert found_of(condition(text="x"), None, UTC) is None
    assert found_of(condition(esm_class=3), 4, UTC) == "4"
    assert found_of(condition(session_age={"min": 5}), 1.25, UTC) == "1.250 s"
    assert found_of(condition(time={"from": "22:00", "to": "06:00"}), 3600.0 * 13, UTC) == "13:00"


def test_what_is_meant() -> None:
    assert what_is_meant(when()) == "submit_sm or data_sm from the ESME"
    assert what_is_meant(when(command="*", direction="out")) == "any PDU to the ESME"


def test_texts_are_clipped_and_stay_on_one_line() -> None:
    assert quoted("a" * 200, 10) == '"aaaaaaaaa…"'
    assert quoted("\x1b[1m\r\né") == '"\\x1b[1m\\r\\né"'


@pytest.mark.parametrize(
    ("conditions", "value", "hint"),
    [
        ({"text": "Hello"}, "hello", "only the case of letters differs"),
        ({"text": {"prefix": "HEL"}}, "hello", "only the case of letters differs"),
        ({"text": {"glob": "*LL*"}}, "hello", "only the case of letters differs"),
        ({"text": {"regex": "LL"}}, "hello", "only the case of letters differs"),
        ({"text": "hello"}, " hello\n", "there is white space around it"),
        ({"destination_addr": "+336"}, "336", "it has no + in front"),
        ({"destination_addr": "336"}, "+336", "it has a + in front"),
        ({"destination_addr": "336*"}, "00336", "it has 00 in front"),
        ({"text": "10 000 €"}, "10\xa0000 €", "it has a no-break space in it"),
        ({"text": "it's"}, "it\u2019s", "it has a typographic apostrophe in it"),
        ({"text": "a\nb"}, "a\r\nb", "its lines end in other characters"),
        ({"text": "code"}, "your code is 5", "it is a part of what was found: ask for it with glob or regex"),
        ({"text": "hello world"}, "hello", 'what was found ends before " world"'),
        ({"text": "hello"}, "help", 'they differ from character 4 on: "hello" and "help"'),
        ({"text": {"regex": "code"}}, "x" * 501, "a regular expression is looked for in the first 500 characters"),
        ({"text": {"regex": "code"}}, "x", ""),
        ({"text": "abc"}, "xyz", ""),
        ({"esm_class": 3}, 4, ""),
        ({"tlv": {"0x1403": "AB"}}, "ab", ""),
        ({"text": "x"}, None, ""),
    ],
)
def test_hints(conditions: dict[str, Any], value: Any, hint: str) -> None:
    assert hint_of(condition(**conditions), value) == hint
