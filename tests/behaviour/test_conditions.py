from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from smppd.behaviour.conditions import (
    Condition,
    compile_account,
    compile_finders,
    compile_test,
    compile_when,
    conditions_of,
    regex_finders,
)
from smppd.behaviour.facts import Facts
from smppd.behaviour.templates import named_groups
from smppd.settings.rules import Test
from smppwire.pdus import BindTransceiver, DeliverSmResp, Pdu, Tlv
from smppwire.udh import concat_8bit
from tests.behaviour.support import rules_of, submit

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC).timestamp()
FACTS = Facts("smppclient1", "transceiver", 0x34, bound_at=100.0, now=160.0, wall=NOON, route_of=lambda _pdu: "default")
PDU = submit(
    "33612345678",
    "your code 1234",
    source_addr_ton=5,
    esm_class=0x03,
    service_type=b"WAP",
    sequence_number=9,
    tlvs=(Tlv(0x0204, b"\0\5"), Tlv(0x1403, b"ab\0"), Tlv(0x1404, b"\1\2"), Tlv(0x000D, b"\xff")),
)
PART = submit(short_message=concat_8bit(7, 3, 2) + b"two", esm_class=0x40)


def meets(when: str, pdu: Pdu = PDU, facts: Facts = FACTS) -> bool:
    (rule,) = rules_of(f'[[rule]]\nwhen = {{ {when} }}\nthen = {{ connection = "close" }}')
    test = compile_when(rule.when, UTC)
    return test is None or test(pdu, facts)


@pytest.mark.parametrize(
    "when",
    [
        "",
        'account = "smppclient1"',
        'account = "smpp*"',
        'account = { not = "smppclient1*2" }',
        'route = "default"',
        'bind_type = "transceiver"',
        'bind_type = ["receiver", "transceiver"]',
        "interface_version = 0x34",
        "interface_version = { max = 0x34 }",
        'destination_addr = "33612345678"',
        'destination_addr = ["44*", "336*"]',
        'destination_addr = { prefix = ["44", "33"], not = "337*" }',
        'destination_addr = { regex = "^336\\\\d{8}$" }',
        'source_addr = "smpp?"',
        "source_addr_ton = 5",
        "source_addr_ton = [1, 5]",
        "esm_class = { min = 1, max = 3 }",
        "esm_class = { not = [1, 2] }",
        'service_type = "WAP"',
        'service_type = ["", "WAP"]',
        "sequence_number = 9",
        'text = { prefix = "your" }',
        'text = { glob = "*code ????" }',
        'text = { regex = "(?i)CODE" }',
        'text = { equals = ["a", "your code 1234"] }',
        'text = { prefix = "your", regex = "1234$", not = { glob = "*5" } }',
        'short_message = { hex = "796f757220636f64652031323334" }',
        "tlv = { user_message_reference = 5 }",
        "tlv = { user_message_reference = { min = 5, max = 6 } }",
        "tlv = { user_message_reference = { not = 6 } }",
        'tlv = { 0x1403 = "ab" }',
        'tlv = { 0x1403 = { prefix = "a" } }',
        'tlv = { 0x1403 = { hex = "616200" } }',
        "tlv = { 0x1404 = 258 }",
        'tlv = { 0x1404 = { hex = ["00", "0102"], present = true } }',
        "tlv = { 0x1404 = { present = true } }",
        "tlv = { 0x1405 = { present = false } }",
        'tlv = { 0x1403 = { not = { hex = "00" } } }',
        "part = 1, parts = 1",
        "session_age = { min = 60, max = 60 }",
        'time = { from = "12:00", to = "12:01" }',
        'time = { from = "22:00", to = "12:01" }',
        'time = { from = "00:00", to = "24:00" }',
        'account = "smpp*", text = { prefix = "your" }, esm_class = 3',
    ],
)
def test_conditions_that_hold(when: str) -> None:
    assert meets(when)


@pytest.mark.parametrize(
    "when",
    [
        'account = "smppclient1*2"',
        'account = { not = "smpp*" }',
        'route = { prefix = "x" }',
        'bind_type = "receiver"',
        "interface_version = 0x50",
        'destination_addr = "3361234567"',
        'destination_addr = { prefix = "33", not = "336*" }',
        'source_addr = "smpp"',
        "source_addr_ton = 1",
        "esm_class = { min = 4 }",
        "esm_class = { max = 2 }",
        'service_type = "wap"',
        'text = "your code"',
        'text = { regex = "^code" }',
        'text = { prefix = "your", not = { glob = "*4" } }',
        "tlv = { user_message_reference = 6 }",
        "tlv = { user_message_reference = { present = false } }",
        "tlv = { user_message_reference = { not = 5 } }",
        'tlv = { 0x1403 = "a" }',
        'tlv = { 0x1403 = { hex = "6162" } }',
        "tlv = { 0x1405 = 5 }",
        "tlv = { 0x1405 = { not = 5 } }",
        "tlv = { 0x1405 = { present = true } }",
        "part = 2",
        "session_age = { min = 61 }",
        "session_age = { max = 59 }",
        'time = { from = "12:01", to = "13:00" }',
        'time = { from = "12:01", to = "12:00" }',
        'account = "smpp*", text = { prefix = "your" }, esm_class = 4',
    ],
)
def test_conditions_that_do_not_hold(when: str) -> None:
    assert not meets(when)


def test_parts() -> None:
    assert meets("part = 2, parts = 3", PART)
    assert not meets("part = 3", PART)
    assert meets('text = "two"', PART)


def test_times_are_those_of_the_zone() -> None:
    (rule,) = rules_of('[[rule]]\nwhen = { time = { from = "14:00", to = "14:01" } }\nthen = { status = 8 }')
    test = compile_when(rule.when, ZoneInfo("Europe/Paris"))
    assert test is not None
    assert test(PDU, FACTS)


def test_what_a_pdu_does_not_have_meets_no_condition() -> None:
    assert not meets('command = ["submit_sm", "enquire_link"], esm_class = 0', DeliverSmResp(1))
    assert not meets('command = ["submit_sm", "enquire_link"], service_type = ""', DeliverSmResp(1))
    cut = DeliverSmResp(1)
    cut.message_id = None
    assert not meets('command = "deliver_sm_resp", message_id = ""', cut)


def test_fields_of_other_commands() -> None:
    bind = BindTransceiver(1, system_id=b"esme", system_type=b"VMA", interface_version=0x34)
    assert meets('command = "bind_transceiver", system_id = "esme", system_type = { prefix = "V" }', bind)
    assert meets('command = "deliver_sm_resp", command_status = 0x58', DeliverSmResp(1, 0x58))


def test_named_groups_are_found_when_they_are_needed() -> None:
    text = (
        '[[rule]]\nwhen = { text = { regex = "code (?P<code>\\\\d+)(?P<rest>x)?" }, destination_addr = { regex = '
        '"^(?P<country>33)" }, source_addr = { regex = "s" } }\nthen = { status = 8 }'
    )
    (rule,) = rules_of(text)
    finders = compile_finders(rule.when)
    assert len(finders) == 2, "an expression without groups finds nothing"
    assert named_groups(finders, PDU, FACTS) == {"code": "1234", "rest": "", "country": "33"}


def test_the_condition_on_the_account_alone() -> None:
    with_account, without = rules_of(
        '[[rule]]\nwhen = { account = "smpp*" }\nthen = { status = 8 }\n[[rule]]\nthen = { status = 8 }'
    )
    test = compile_account(with_account.when)
    assert test is not None
    assert (test("smppclient1"), test("other")) == (True, False)
    assert compile_account(without.when) is None


# What is to be said about conditions.


def conditions(when: str) -> list[Condition]:
    (rule,) = rules_of(f'[[rule]]\nwhen = {{ {when} }}\nthen = {{ connection = "close" }}')
    return list(conditions_of(rule.when, UTC))


@pytest.mark.parametrize(
    ("when", "name", "value", "holds"),
    [
        ('account = "smpp*"', "account", "smppclient1", True),
        ('bind_type = "receiver"', "bind_type", "transceiver", False),
        ("interface_version = 0x50", "interface_version", 0x34, False),
        ('destination_addr = "44*"', "destination_addr", "33612345678", False),
        ("source_addr_ton = 5", "source_addr_ton", 5, True),
        ('service_type = "WAP"', "service_type", "WAP", True),
        ('text = "your code 1234"', "text", "your code 1234", True),
        ('route = { not = "default" }', "route", "default", False),
        ("session_age = { max = 59 }", "session_age", 60.0, False),
        ('time = { from = "12:00", to = "13:00" }', "time", NOON, True),
        ("part = 2", "part", 1, False),
        ("parts = 1", "parts", 1, True),
        ("tlv = { user_message_reference = 6 }", "tlv.user_message_reference", 5, False),
        ('tlv = { 0x1403 = "ab" }', "tlv.0x1403", "ab", True),
        ("tlv = { 0x1405 = { present = false } }", "tlv.0x1405", None, True),
    ],
)
def test_a_condition_tells_its_key_what_it_is_about_and_whether_it_holds(
    when: str, name: str, value: object, holds: bool
) -> None:
    (condition,) = conditions(when)
    assert condition.name == name
    assert condition.get(PDU, FACTS) == value
    assert condition.holds(PDU, FACTS) is holds


def test_conditions_are_what_a_rule_is_made_of() -> None:
    """In the order in which they are asked: the text, which has to be decoded, comes last."""
    names = [one.name for one in conditions('text = "x", account = "smpp*", esm_class = 3, tlv = { 0x1403 = "x" }')]
    assert names == ["esm_class", "tlv.0x1403", "account", "text"]


def test_regular_expressions_are_told_with_or_without_named_groups() -> None:
    (rule,) = rules_of(
        '[[rule]]\nwhen = { text = { regex = "code" }, destination_addr = { regex = "(?P<tail>..)$" } }\n'
        'then = { connection = "close" }'
    )
    found = {name: (pattern.pattern, find(PDU, FACTS)) for name, pattern, find in regex_finders(rule.when)}
    assert found.keys() == {"text", "destination_addr"}
    text, address = found["text"][1], found["destination_addr"][1]
    assert text is not None
    assert address is not None
    assert (text[0], address["tail"]) == ("code", "78")
    assert len(compile_finders(rule.when)) == 1


def test_a_test_of_a_text_by_itself() -> None:
    assert compile_test(Test(prefix="ab"))("abc")
    assert not compile_test(Test(prefix="ab", not_=Test(equals="abc")))("abc")


@pytest.mark.parametrize(
    ("when", "meant"),
    [
        ('command_status = "ESME_RX_T_APPN"', True),
        ('command_status = ["ESME_ROK", "ESME_RX_T_APPN"]', True),
        ("command_status = 100", True),
        ('command_status = ["ESME_ROK", 101]', False),
        ('command_status = { not = "ESME_RX_T_APPN" }', False),
    ],
)
def test_a_command_status_is_named_or_numbered(when: str, meant: bool) -> None:
    assert meets(f'command = "deliver_sm_resp", {when}', DeliverSmResp(command_status=100)) is meant
