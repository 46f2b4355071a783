# ruff: noqa: E501  # one mistake to a line reads best
from pathlib import Path

import pytest

from smppd.settings import When
from smppd.settings.behaviour_checks import names_for
from smppd.settings.rules import EXTRA_NAMES
from tests.settings.support import load, problems


def rule(when: str = "", then: str = "status = 8") -> str:
    return f"[[rule]]\nwhen = {{ {when} }}\nthen = {{ {then} }}"


@pytest.mark.parametrize(
    "text",
    [
        rule('command = "*"', 'connection = "reset"'),
        rule('command = "*", sequence_number = { max = 5 }'),
        rule('command = "query_sm", message_id = "1*"'),
        rule('command = "bind_transceiver", system_type = "x"'),
        rule('command = "deliver_sm_resp", command_status = 0x58', 'connection = "close"'),
        rule('command = "deliver_sm", direction = "out"', 'delay = 1, answer = "twice"'),
        rule('command = ["submit_sm", "enquire_link"], esm_class = 3'),
        rule('command = "*", destination_addr = "1*", esm_class = 3'),
        rule("protocol_id = 1"),
        rule('short_message = { hex = "00" }'),
        rule('tlv = { 0x1403 = 5, 0x1404 = "a", 0x1405 = { hex = "00" }, 0x1406 = { present = false } }'),
        rule("tlv = { sar_total_segments = { min = 2 } }"),
        rule('text = { prefix = "a", not = "abc" }'),
        rule("", 'status = 0, outcome = "UNDELIV"'),
        rule("", 'reply = "{source_addr} {text} {account} {route} {part} {parts} {esm_class}"'),
        rule('text = { regex = "(?P<code>a)" }', 'reply = { text = "{code}", source_addr = "{code}" }'),
    ],
)
def test_what_goes_together(tmp_path: Path, text: str) -> None:
    assert len(load(tmp_path, text).rule) == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (rule('command = "deliver_sm"'), 'when.command: an ESME sends no deliver_sm (direction = "out" for those of the other side)'),
        (rule('command = ["outbind", "submit_sm"]'), 'when.command: an ESME sends no outbind (direction = "out" for those of the other side)'),
        (
            rule('command = ["submit_sm", "query_sm"], direction = "out"', "delay = 1"),
            'when.command: a message centre sends no submit_sm and no query_sm (direction = "in" for those of the other side)',
        ),
        (rule("text = {}"), "when.text = {}: expected at least one test (known here: equals, prefix, glob, hex, regex, min, max, present, not)"),
        (rule("text = { prefix = [] }"), "when.text.prefix = []: expected at least one (an empty list is met by nothing)"),
        (rule("esm_class = { min = 5, max = 3 }"), "when.esm_class.min = 5: expected at most max (3)"),
        (rule("session_age = { min = 5, max = 3 }"), "when.session_age.min = 5.0: expected at most max (3)"),
        (
            rule('time = { from = "10:00", to = "10:00" }'),
            'when.time.to = "10:00": expected another time than from (nothing lies between them)',
        ),
        (rule('esm_class = "3"'), 'when.esm_class = "3": expected a number, which is what is there'),
        (
            rule('command = "deliver_sm_resp", command_status = { not = "ESME_RTHROTLED" }'),
            ('when.command_status.not = "ESME_RTHROTLED": expected a command_status such as '
            'ESME_RTHROTTLED, or its number (did you mean "ESME_RTHROTTLED"?)'),
        ),
        (rule('esm_class = { prefix = "3" }'), "when.esm_class.prefix: no such test here (this is a number)"),
        (rule("service_type = 3"), "when.service_type = 3: expected a text, which is what is there"),
        (rule("text = { min = 3 }"), "when.text.min: no such test here (this is a text)"),
        (rule("text = { not = { min = 3 } }"), "when.text.not.min: no such test here (this is a text)"),
        (rule('service_type = { hex = "00" }'), "when.service_type.hex: no such test here (this is a text)"),
        (rule("part = { present = true }"), "when.part.present: no such test here (this is always there)"),
        (rule('tlv = { sar_total_segments = "a" }'), 'when.tlv.sar_total_segments = "a": expected a number, which is what is there'),
        (rule("tlv = { message_payload = { max = 1 } }"), "when.tlv.message_payload.max: no such test here (this is a text)"),
        (rule("esmclass = 3"), 'when.esmclass: unknown key; expected a mandatory field in the spelling of the specification (did you mean "esm_class"?)'),
        (rule("password = 'x'"), "when.password: unknown key; expected a mandatory field in the spelling of the specification"),
        (
            rule('command = "query_sm", esm_class = 3'),
            "when.esm_class: no field of query_sm; these are: command_status, message_id, sequence_number, source_addr, source_addr_npi, source_addr_ton",
        ),
        (rule('command = "query_sm", destination_addr = "1*"'), "when.destination_addr: no field of query_sm"),
        (rule('command = "query_sm", text = "a"'), 'when.text: only with command = "submit_sm", "data_sm", "submit_multi", "deliver_sm" or "replace_sm"'),
        (rule('command = "query_sm", route = "default"'), 'when.route: only with command = "submit_sm", "data_sm" or "submit_multi"'),
        ("[[rule]]\nthen = {}", "then = {}: expected at least one action (known here: status, delay, answer, sequence_number, outcome, error, receipt_delay, throttle, reply, connection, hook)"),
        (rule("", 'answer = "none", delay = 1'), 'then.delay: not together with answer = "none" (there is no answer)'),
        (rule("", "status = 8, receipt_delay = 1"), "then.receipt_delay: not together with status (a message that is refused has no life)"),
        (rule("", 'throttle = 8, outcome = "UNDELIV"'), "then.outcome: not together with throttle (a message that is refused has no life)"),
        (rule("", "sequence_number = { value = 1, add = 1 }"), "then.sequence_number.value: expected either value or add (both are given)"),
        (rule("", "sequence_number = {}"), "then.sequence_number.value: expected either value or add (neither is given)"),
        (rule("", 'reply = "{sorce_addr}"'), 'then.reply.text: nothing is called "sorce_addr" (did you mean "source_addr"?)'),
        (
            rule('text = { regex = "(?P<code>a)" }', 'reply = { text = "a", source_addr = "{cod}" }'),
            'then.reply.source_addr: nothing is called "cod" (did you mean "code"?)',
        ),
        (rule('command = "deliver_sm", direction = "out"'), 'then.status: not with direction = "out" (nobody is answered by us there)'),
        (rule('command = "deliver_sm_resp"'), "then.status: not for deliver_sm_resp (a response is not answered)"),
        (rule('command = "deliver_sm", direction = "out"', 'answer = "nack"'), 'then.answer = "nack": not with direction = "out" (there is no request to refuse)'),
        (rule('command = "deliver_sm_resp"', "delay = 1"), 'then.delay: not for deliver_sm_resp (with direction = "out" for those of ours)'),
        (rule('command = "data_sm_resp"', 'answer = "none"'), 'then.answer: not for data_sm_resp (with direction = "out" for those of ours)'),
        (rule('command = "enquire_link"', "reply = 'a'"), 'then.reply: not for enquire_link (expected "submit_sm", "data_sm" or "submit_multi")'),
    ],
)  # fmt: skip
def test_each_mistake_is_reported_once(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, text) == [f"rule[0].{problem}"]


def test_names_for_templates() -> None:
    names = set(names_for(When(command="enquire_link")))
    assert names == {"command_status", "sequence_number", *EXTRA_NAMES}
