"""What can be asked of messages, and what they say."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from smppd.control.failures import InvalidError
from smppd.control.messages.conditions import REMEMBERED, command_of, compile_search, decisive, final_wall_of_whole
from smppd.control.messages.search import read_search
from smppd.engine.ports import Outcome
from tests.engine.world import NOON, slow_world, sms


def accepts(table: dict[str, Any], message: Any) -> bool:
    return compile_search(read_search(table), UTC).accepts(message)


@pytest.mark.parametrize(
    ("when", "path"),
    [
        ({"bind_type": "transmitter"}, "when.bind_type"),
        ({"session_age": {"max": 5}}, "when.session_age"),
        ({"time": {"from": "08:00", "to": "10:00"}}, "when.time"),
        ({"interface_version": 52}, "when.interface_version"),
        ({"command": "bind_transmitter", "system_id": "x"}, "when.system_id"),
        ({"command": "*", "command_status": 0}, "when.command_status"),
    ],
)
def test_what_no_record_says_is_refused(when: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidError) as raised:
        compile_search(read_search({"when": when}), UTC)
    assert path in [where for where, _ in raised.value.problems]


def test_times_are_a_stretch_whose_end_is_not_in_it() -> None:
    world = slow_world()
    phone = world.bind()
    message = world.message(world.submit(phone, sms())[0])
    assert message.accepted_wall == NOON
    noon, later = "2026-07-20T12:00:00Z", "2026-07-20T12:00:01Z"
    assert accepts({"accepted": {"from": noon, "to": later}}, message)
    assert not accepts({"accepted": {"to": noon}}, message)
    assert not accepts({"final": {}}, message)
    world.advance(60.0)
    assert accepts({"final": {"from": "2026-07-20T12:01:00Z"}}, message)
    assert not accepts({"final": {"to": "2026-07-20T12:01:00Z"}}, message)


def test_a_whole_text_stands_as_its_first_part_that_is_not_delivered() -> None:
    world = slow_world()
    phone = world.bind()
    parts = [
        world.message(world.submit(phone, sms(text=bytes((5, 0, 3, 9, 2, seq)) + b"x", esm_class=0x40))[0])
        for seq in (2, 1)
    ]
    second, first = parts
    assert decisive(first) is first
    world.engine.end_early(first, Outcome(2))
    assert decisive(first) is second
    assert final_wall_of_whole(first) == 0.0
    assert not accepts({"unit": "whole", "final": {}}, first)
    world.engine.end_early(second, Outcome(5, 3))
    assert accepts({"unit": "whole", "message_state": "UNDELIVERABLE", "error_code": 3, "final": {}}, first)
    assert not accepts({"unit": "whole"}, second)
    assert command_of(first) == "submit_sm"


def test_conditions_do_not_remember_without_end() -> None:
    query = compile_search(read_search({"when": {"sequence_number": {"min": 5}}}), UTC)
    judge = query.conditions[0].accepts
    assert [judge(number) for number in range(REMEMBERED + 10)] == [number >= 5 for number in range(REMEMBERED + 10)]
