import pytest

from smppd.behaviour.chance import Chance
from smppd.behaviour.conditions import compile_finders
from smppd.behaviour.facts import Facts
from smppd.behaviour.firing import Actions, Firing, Reply
from smppd.engine.ports import Attempt, Outcome
from smppwire.constants import MessageState
from tests.behaviour.support import rules_of, submit

CHANCE = Chance(0, "rule", "esme")


def fired(then: str, when: str = "", **fields: object) -> Firing:
    (rule,) = rules_of(f"[[rule]]\nwhen = {{ {when} }}\nthen = {{ {then} }}")
    actions = Actions("rule", rule.then, compile_finders(rule.when))
    return actions.fire(submit(**fields), Facts("esme"), CHANCE if actions.draws else None, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("then", "firing"),
    [
        ('status = "ESME_RTHROTTLED"', Firing("rule", status=0x58)),
        ("status = 0x42E", Firing("rule", status=0x42E)),
        ('status = "ESME_ROK"', Firing("rule")),
        ("throttle = 5", Firing("rule", status=0x58)),
        ('throttle = 5, status = "ESME_RMSGQFUL"', Firing("rule", status=0x14)),
        ("delay = 2", Firing("rule", delay=2.0)),
        ('answer = "twice"', Firing("rule", answer="twice")),
        ("sequence_number = 7", Firing("rule", sequence_number=7)),
        ("sequence_number = { add = 1 }", Firing("rule", sequence_number=2)),
        ("sequence_number = { add = -2 }", Firing("rule", sequence_number=0xFFFFFFFF)),
        ('outcome = "UNDELIV"', Firing("rule", outcome=MessageState.UNDELIVERABLE)),
        ("error = 11, receipt_delay = 3", Firing("rule", error=11, receipt_delay=3.0)),
        ('connection = "reset"', Firing("rule", connection="reset")),
        ('reply = "hi"', Firing("rule", reply=Reply("hi", 0.0, b"447700900001", b"smppd"))),
        (
            'reply = { text = "{text}", delay = 2, source_addr = "1", destination_addr = "{account}" }',
            Firing("rule", reply=Reply("hello", 2.0, b"1", b"esme")),
        ),
    ],
)
def test_actions_with_everything_filled_in(then: str, firing: Firing) -> None:
    assert fired(then) == firing


def test_groups_of_expressions_stand_in_replies() -> None:
    found = fired('reply = "{code} ok"', 'text = { regex = "code (?P<code>[0-9]+)" }', text="code 12")
    assert found.reply is not None
    assert found.reply.text == "12 ok"


def test_each_delay_has_a_draw_of_its_own() -> None:
    uniform = '{ distribution = "uniform", min = 0, max = 1 }'
    found = fired(f'delay = {uniform}, receipt_delay = {uniform}, reply = {{ text = "x", delay = {uniform} }}')
    assert found.reply is not None
    assert len({found.delay, found.receipt_delay, found.reply.delay}) == 3


def test_what_becomes_of_an_attempt() -> None:
    delivered = Attempt(0.5, Outcome(int(MessageState.DELIVERED), 0))
    undelivered = Attempt(0.5, Outcome(int(MessageState.UNDELIVERABLE), 11))
    assert Firing("rule").attempt(delivered) == delivered
    assert fired('outcome = "UNDELIV"').attempt(delivered) == Attempt(0.5, Outcome(MessageState.UNDELIVERABLE, 1))
    assert fired('outcome = "UNDELIV"').attempt(undelivered) == undelivered, "the network knows more of it"
    assert fired('outcome = "DELIVRD"').attempt(undelivered) == Attempt(0.5, Outcome(MessageState.DELIVERED, 0))
    assert fired("error = 99").attempt(undelivered).outcome == Outcome(MessageState.UNDELIVERABLE, 99)
    assert fired("receipt_delay = 9").attempt(delivered) == Attempt(9.0, delivered.outcome)


def test_whether_the_attempt_changes_at_all() -> None:
    assert not fired("delay = 2").changes_attempt
    for then in ('outcome = "DELIVRD"', "error = 0", "receipt_delay = 0"):
        assert fired(then).changes_attempt
