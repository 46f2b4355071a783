import re

from smppd.control.pdus import view_of
from smppd.control.verification.telling import MAX_LINES, explanation, misses, question
from smppd.control.verification.views import ConditionView, NearMiss
from tests.control.verification.world import World, matcher, part, run, submit, when


def test_what_was_asked_for() -> None:
    asked = matcher("smppclient1", text={"regex": "x"}, destination_addr="336*")
    assert question(asked, whole=True) == [
        "submit_sm or data_sm from the ESME, whole messages, of account smppclient1",
        '  destination_addr  like "336*"',
        "  text              matching /x/",
    ]


def test_many_conditions_are_not_all_listed() -> None:
    asked = matcher(tlv={f"0x14{number:02x}": "x" for number in range(12)})
    assert len(question(asked)) == 10
    assert question(asked)[-1] == "  ... and 4 more conditions"


def test_of_a_near_miss_the_first_four_differences_are_told() -> None:
    world = World()
    world.put(submit())
    wrong = [
        ConditionView(field=name, expected='"x"', found=found, holds=False, hint=hint)
        for name, found, hint in (
            ("text", '"y"', "so near"),
            ("tlv.0x1403", None, ""),
            *((one, "1", "") for one in "cdef"),
        )
    ]
    miss = NearMiss(pdu=view_of(world.record(0)), closeness=0.5, conditions=wrong)
    assert list(misses([miss])) == [
        '#0 submit_sm  bank -> 33612345678 "hello"',
        '    text        is "y", expected "x" (so near)',
        '    tlv.0x1403  is nothing, expected "x"',
        '    c           is 1, expected "x"',
        '    d           is 1, expected "x"',
        "    and 2 more: e, f",
    ]


def test_an_explanation_has_fewer_than_forty_lines_whatever_there_is_to_say() -> None:
    world = World()
    for number in range(200):
        world.exchange(part("x" * 100, 1, 200, number % 200, sequence_number=number))
    conditions = {"text": "y" * 500, "tlv": {f"0x14{number:02x}": "x" for number in range(30)}}
    waited = run(world.desk.wait(when(**conditions), within=0, whole=True))
    ordered = run(world.desk.order([when(**conditions)] * 20))
    nothing = run(world.desk.nothing_else([when(**conditions)] * 20, scope=when()))
    counted = run(world.desk.count(when(), exactly=3))
    for text in (waited.explanation, ordered.explanation, nothing.explanation, counted.explanation):
        assert 3 <= len(text.splitlines()) <= MAX_LINES
        assert all(len(line) < 300 for line in text.splitlines())
        assert "recorded:" in text


def test_the_whole_text() -> None:
    world = World()
    world.exchange(submit("Your code is 1", sequence_number=1), b"77")
    text = explanation(
        "expected 1, and there were none:",
        ["submit_sm from the ESME"],
        said=[view_of(record) for record in world.records()],
        marked=[0],
        missed=5,
    )
    assert text.splitlines() == [
        "expected 1, and there were none:",
        "  submit_sm from the ESME",
        "5 PDUs were forgotten before they could be looked at: see [journal] pdus",
        "recorded:",
        '  > #0 +0.000  --> submit_sm       bank -> 33612345678 "Your code is 1"',
        "    #1 +0.001  <-- submit_sm_resp  id=77",
    ]
    assert explanation("nothing:", []).splitlines() == ["nothing:", "recorded: nothing"]
    assert not re.search(r"\d{4}-", text)
