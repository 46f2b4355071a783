from datetime import UTC
from typing import Any

import pytest

from smppd.control.scan import Pace, Turns
from smppd.control.verification import nearest as module
from smppd.control.verification.nearest import Nearest
from smppd.control.verification.views import NearMiss
from smppwire.codec import encode
from smppwire.pdus import BindReceiver, DataSm, DeliverSm, EnquireLink, ReplaceSm, SubmitMulti, Tlv
from tests.control.verification.world import World, matcher, part, run, submit


def found(world: World, limit: int = 10, *, whole: bool = False, **conditions: Any) -> list[NearMiss]:
    nearest = Nearest(matcher(**conditions), UTC, whole=whole)
    for record in world.records():
        if nearest.concerns(record.entry):
            nearest.take(record)
    return run(nearest.found(limit, Pace(lambda: 0.0, Turns())))


def numbers(misses: list[NearMiss]) -> list[int]:
    return [miss.pdu.number for miss in misses]


def differences(miss: NearMiss) -> dict[str, tuple[str, str | None]]:
    return {one.field: (one.expected, one.found) for one in miss.conditions if not one.holds}


@pytest.fixture
def world() -> World:
    return World()


def test_fewer_differences_come_first_then_the_more_like_then_the_newer(world: World) -> None:
    world.put(
        submit("something", to="44"),
        submit("your code", to="44"),
        submit("your code is here"),
        submit("hello"),
        submit("hello"),
        submit("your code is 5"),
    )
    conditions = {"destination_addr": "336*", "text": {"regex": r"code is \d"}}
    assert numbers(found(world, **conditions)) == [2, 4, 3, 1, 0]
    assert numbers(found(world, 2, **conditions)) == [2, 4]


def test_what_matches_is_no_near_miss(world: World) -> None:
    world.put(submit("x"))
    assert found(world, text="x") == []


def test_closeness_lies_between_0_and_1(world: World) -> None:
    world.put(submit("hello world"), submit(""), b"", encode(submit())[:-1])
    for miss in found(world, text="hello word", source_addr="BANK", esm_class=3):
        assert 0.0 <= miss.closeness < 1.0


def test_only_what_could_be_taken_for_it_is_compared(world: World) -> None:
    world.put(
        EnquireLink(1),
        DataSm(destination_addr=b"336", tlvs=(Tlv(0x0424, b"x"),)),
        SubmitMulti(short_message=b"x"),
        ReplaceSm(short_message=b"x"),
        BindReceiver(1),
    )
    world.put(DeliverSm(1, short_message=b"x"), direction="out")
    assert sorted(numbers(found(world, command="submit_sm", text="x"))) == [1, 2, 3]
    assert numbers(found(world, command="bind_transceiver", system_id="x")) == [4]
    assert numbers(found(world, command="unbind", sequence_number=1)) == []
    assert len(found(world, command="*", sequence_number=77)) == 5
    (data, *_) = found(world, 1, command="submit_sm", destination_addr="336", text="x")
    assert differences(data) == {"command": ("submit_sm from the ESME", "data_sm")}


def test_octets_that_cannot_be_decoded_may_be_what_was_meant(world: World) -> None:
    world.put(encode(submit("x"))[:-1])
    (miss,) = found(world, text="x")
    expected, what = differences(miss)["command"]
    assert expected == "submit_sm or data_sm from the ESME"
    assert what is not None
    assert what.startswith("a submit_sm that cannot be decoded: ")
    assert miss.closeness == 0.0


def test_nothing_there_is_told_as_such(world: World) -> None:
    world.put(submit())
    (miss,) = found(world, tlv={"user_message_reference": 5})
    assert differences(miss) == {"tlv.user_message_reference": ("5", None)}


def test_a_part_of_a_long_text_gets_a_hint_and_its_whole_is_compared_if_asked_for(world: World) -> None:
    world.put(part("your co", 1, 2), part("de is x", 2, 2), part("your ", 1, 3, 8), part("code", 3, 3, 8))
    hints = {one.hint for miss in found(world, text={"regex": r"code is \d"}) for one in miss.conditions if one.hint}
    assert "this is part 1 of 2: whole = true asks for the whole text" in hints
    whole, incomplete = found(world, whole=True, text={"regex": r"code is \d"})
    assert differences(whole)["text"][1] == '"your code is x"'
    assert differences(incomplete)["parts"] == ("all 3 parts", "2 of 3 (missing: 2)")


def test_a_message_that_would_match_but_for_a_part_is_a_near_miss(world: World) -> None:
    world.put(part("your code", 1, 2))
    (miss,) = found(world, whole=True, text="your code")
    assert differences(miss) == {"parts": ("all 2 parts", "1 of 2 (missing: 2)")}


def test_of_many_the_best_are_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CANDIDATES", 3)
    world.put(*[submit("x", to="336" if number % 10 == 0 else "44") for number in range(50)])
    assert numbers(found(world, text="y", destination_addr="336*")) == [40, 30, 20]


def test_those_of_other_accounts_do_not_count(world: World) -> None:
    world.put(submit())
    nearest = Nearest(matcher("other", text="x"), UTC)
    nearest.take(world.record(0))
    assert run(nearest.found(5, Pace(lambda: 0.0, Turns()))) == []
    assert nearest.examined == 1


@pytest.mark.parametrize(
    ("conditions", "closer", "farther"),
    [
        ({"text": "your code is 5"}, "your code is 6", "good morning"),
        ({"text": {"prefix": "your code"}}, "Your code", "good morning"),
        ({"text": {"glob": "*your code*"}}, "here is your kode", "good morning"),
        ({"text": {"regex": r"(?i:code) is (?P<code>\d{6})"}}, "code is abc", "zzz"),
        ({"text": {"equals": ["abc", "your code"]}}, "your cod", "zzz"),
    ],
)
def test_likeness(world: World, conditions: dict[str, Any], closer: str, farther: str) -> None:
    world.put(submit(closer), submit(farther))
    first, second = found(world, **conditions)
    assert (first.pdu.text, second.pdu.text) == (closer, farther)
    assert first.closeness > second.closeness
