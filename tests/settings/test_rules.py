from pathlib import Path

import pytest

from smppd.settings import (
    Between,
    Fixed,
    Hours,
    Pattern,
    Reply,
    Rule,
    Scenario,
    Schedule,
    SequenceNumber,
    Test,
    Then,
    When,
    diff,
)
from tests.settings.support import load, problems

THEN = "\nthen = { status = 8 }\n"


def rule(text: str, then: str = THEN) -> str:
    return f"[[rule]]\n{text}{then}"


def test_a_rule_with_everything(tmp_path: Path) -> None:
    text = r"""
    [[rule]]
    name = "all"
    when = { account = "smppclient1", destination_addr = ["336*", "337*"], text = { regex = "code (?P<code>\\d+)" }, tlv = { 0x1403 = "ab" }, part = 2, session_age = { min = 5 }, time = { from = "22:00", to = "06:00" }, interface_version = 0x34, esm_class = { not = 3 } }
    after = 1
    every = 2
    times = 3
    probability = 0.5
    schedule = { for = 10, every = 60 }
    scenario = { name = "outage", is = "down", becomes = "up" }
    then = { delay = 1, sequence_number = 7, reply = "{code}" }
    """  # noqa: E501
    assert load(tmp_path, text).rule == [
        Rule(
            name="all",
            when=When(
                account=Pattern(glob="smppclient1"),
                destination_addr=Pattern(glob=["336*", "337*"]),
                text=Test(regex=r"code (?P<code>\d+)"),
                tlv={"0x1403": Test(equals="ab")},
                part=Test(equals=2),
                session_age=Between(min=5.0),
                time=Hours(from_="22:00", to="06:00"),
                interface_version=Test(equals=0x34),
                fields={"esm_class": Test(not_=Test(equals=3))},
            ),
            after=1,
            every=2,
            times=3,
            probability=0.5,
            schedule=Schedule(for_=10.0, every=60.0),
            scenario=Scenario(name="outage", is_="down", becomes="up"),
            then=Then(delay=Fixed(value=1.0), sequence_number=SequenceNumber(value=7), reply=Reply(text="{code}")),
        )
    ]


def test_a_rule_is_about_messages_unless_it_says_otherwise(tmp_path: Path) -> None:
    assert load(tmp_path, rule("")).rule[0].when.commands == ("submit_sm", "data_sm")
    assert load(tmp_path, rule('when = { command = "unbind" }')).rule[0].when.commands == ("unbind",)


def test_rules_without_a_name_get_one(tmp_path: Path) -> None:
    text = rule("when = { esm_class = 1 }") + rule('name = "mine"\nwhen = { esm_class = 2 }') + rule("")
    assert [one.name for one in load(tmp_path, text).rule] == ["rule-1", "mine", "rule-3"]


def test_rules_from_the_command_line(tmp_path: Path) -> None:
    overrides = ("rule.0.when.destination_addr=336", "rule.0.when.esm_class=3", "rule.0.then.status=1070")
    (built,) = load(tmp_path, "", {}, *overrides).rule
    assert built.when.destination_addr == Pattern(glob="336")
    assert built.when.fields == {"esm_class": Test(equals=3)}
    assert built.then.status == 1070


def test_a_reload_tells_what_has_changed(tmp_path: Path) -> None:
    one, other = rule('name = "a"\nwhen = { esm_class = 1 }'), rule('name = "b"\nwhen = { esm_class = 2 }')
    old, new = load(tmp_path, one + other), load(tmp_path, other.replace("status = 8", "delay = 8") + one)
    changes = diff(old, new)
    assert changes.rules == ([], [], ["b"])
    assert changes.live == ["rule[b].then.status", "rule[b].then.delay", "rule"]
    assert diff(load(tmp_path), old).live == ["rule[a]", "rule[b]"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[rule]]\nname = 'a'", "rule[0].then: missing; expected a table"),
        (rule("wen = 1"), 'rule[0].wen: unknown key (did you mean "when"?)'),
        (
            rule('name = "a b"'),
            'rule[0].name = "a b": expected a name of 1 to 64 letters, digits, dots, dashes or underscores',
        ),
        (rule("probability = 0"), "rule[0].probability = 0: expected a number above 0 up to 1"),
        (rule("every = 0"), "rule[0].every = 0: expected an integer from 1 to 1000000000"),
        (
            rule('when = { command = "submitsm" }'),
            (
                'rule[0].when.command = "submitsm": expected the name of a command such as "submit_sm", or "*" or a '
                'list of these (did you mean "submit_sm"?)'
            ),
        ),
        (
            rule('when = { time = { from = "22", to = "06:00" } }'),
            (
                'rule[0].when.time.from = "22": expected a time of day such as "22:00" '
                "(hours and minutes, two digits each)"
            ),
        ),
        (
            rule('when = { text = { regex = "a(b" } }'),
            (
                'rule[0].when.text.regex = "a(b": expected a regular expression '
                "(missing ), unterminated subpattern at character 2)"
            ),
        ),
        (
            rule('when = { text = { glob = "a[" } }'),
            (
                'rule[0].when.text.glob = "a[": expected a pattern such as "336*" or "44[1-5]*" or a list of these '
                '(the class that begins at character 2 has no closing "]")'
            ),
        ),
        (
            rule("when = { tlv = { mesage_payload = 1 } }"),
            (
                "rule[0].when.tlv.mesage_payload: unknown key; expected the name of a TLV or its tag, such as 0x1403 "
                '(did you mean "message_payload"?)'
            ),
        ),
        (
            rule("", "then = { status = 4294967296 }"),
            (
                "rule[0].then.status = 4294967296: expected a command_status such as ESME_RTHROTTLED or an integer "
                "from 0 to 4294967295"
            ),
        ),
        (
            rule("", 'then = { status = "ESME_RTHROTLED" }'),
            (
                'rule[0].then.status = "ESME_RTHROTLED": expected a command_status such as ESME_RTHROTTLED or an '
                'integer from 0 to 4294967295 (did you mean "ESME_RTHROTTLED"?)'
            ),
        ),
        (
            rule("", 'then = { hook = "lab.f" }'),
            'rule[0].then.hook = "lab.f": expected "module:function" (a module and a function with ":" between them)',
        ),
        (
            rule("", 'then = { connection = "drop" }'),
            'rule[0].then.connection = "drop": expected "unbind", "close", "reset" or "silent"',
        ),
    ],
)
def test_each_mistake_is_reported_once(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, text) == [problem]
