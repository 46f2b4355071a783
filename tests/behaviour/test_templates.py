import pytest

from smppd.behaviour.facts import Facts
from smppd.behaviour.templates import KNOWN, Template
from smppd.settings.rules import EXTRA_NAMES
from tests.behaviour.support import submit

FACTS = Facts("esme", default_alphabet="latin-1", route_of=lambda _pdu: "fr")
PDU = submit("336", "hi {x}", esm_class=3)


def test_what_the_settings_allow_is_known() -> None:
    assert tuple(KNOWN) == EXTRA_NAMES


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("{{braces}}", "{braces}"),
        ("{destination_addr} {esm_class}", "336 3"),
        ("{account} {route} {part}/{parts}", "esme fr 1/1"),
        ("{text}", "hi {x}"),
        ("{code}", "1234"),
        ("{service_type}", "hidden by the group"),
        ("{message_id}", ""),
        ("{{{code}}}", "{1234}"),
    ],
)
def test_names_are_filled_in(template: str, text: str) -> None:
    groups = {"code": "1234", "service_type": "hidden by the group"}
    assert Template(template).render(PDU, FACTS, groups) == text


def test_what_is_filled_in_is_no_template() -> None:
    assert Template("{text}").render(submit(text="{account}"), FACTS, {}) == "{account}"


def test_what_is_no_template() -> None:
    with pytest.raises(ValueError, match="is no name"):
        Template("{text.x}")
