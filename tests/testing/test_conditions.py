"""What a test says of the PDUs it means, as conditions of rules."""

import re

import pytest

from smppd.errors import UserError
from smppd.testing.conditions import read_when, when_table


def test_words_of_tests_stand_for_fields() -> None:
    given = {"to": "336*", "source": ["Shop", "Bank"], "data_coding": 8, "account": None}
    assert when_table(given) == {"destination_addr": "336*", "source_addr": ["Shop", "Bank"], "data_coding": 8}


@pytest.mark.parametrize(
    ("text", "test"),
    [
        ("Are you there?", {"equals": "Are you there?"}),
        ("Your code is *", {"glob": "Your code is *"}),
        (re.compile("[0-9]+"), {"regex": "[0-9]+"}),
        ({"prefix": "Your"}, {"prefix": "Your"}),
    ],
)
def test_a_text_is_meant_as_it_is_unless_it_is_a_pattern(text: object, test: object) -> None:
    assert when_table({"text": text}) == {"text": test}


def test_anything_else_is_said_by_when() -> None:
    table = when_table({"to": "1", "when": {"priority_flag": {"min": 1}, "command": ["data_sm"]}})
    assert table == {"priority_flag": {"min": 1}, "command": ["data_sm"], "destination_addr": "1"}
    assert read_when({"when": {"priority_flag": {"min": 1}}}).fields["priority_flag"].min == 1


def test_other_fields_can_be_given_by_their_names() -> None:
    assert read_when({"service_type": "WAP"}).fields["service_type"].equals == "WAP"


def test_all_mistakes_are_told() -> None:
    with pytest.raises(UserError) as caught:
        read_when({"data_coding": "UCS-2", "command": "sumbit_sm", "when": {"too": 1}})
    assert "too" in str(caught.value)
    assert 'did you mean "submit_sm"' in str(caught.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [("too", 'did you mean "to"?'), ("dest_addr", 'did you mean "dest_addr_'), ("zzz", "docs/pytest.md has them")],
)
def test_a_name_that_is_none_is_told_with_the_nearest(name: str, told: str) -> None:
    with pytest.raises(UserError, match=re.escape(told)):
        when_table({name: "1"})
