import pytest

from smppd.control.verification.sightings import Sighting
from smppd.control.verification.wholes import Wholes
from smppwire.codec import encode
from smppwire.pdus import DeliverSm, EnquireLink
from tests.control.verification.world import World, matcher, part, submit


@pytest.fixture
def world() -> World:
    return World()


def test_headers_sort_out_what_is_not_meant(world: World) -> None:
    numbers = [
        world.put(submit()),
        world.put(EnquireLink(1)),
        world.put(DeliverSm(1), direction="out"),
        world.put(b"\0"),
    ]
    entries = [world.record(number).entry for number in numbers]
    assert [matcher().concerns(entry) for entry in entries] == [True, False, False, False]
    assert [matcher(command="*").concerns(entry) for entry in entries] == [True, True, False, True]
    assert [matcher(command="deliver_sm", direction="out").concerns(entry) for entry in entries] == [
        *(False, False, True, False)
    ]


def test_octets_that_are_no_pdu_meet_nothing(world: World) -> None:
    broken = world.record(world.put(encode(submit())[:-1]))
    assert matcher(command="*").concerns(broken.entry)
    assert not matcher(command="*").matches(broken)
    assert matcher(command="*").captures(Sighting(broken)) == ({}, {})


def test_a_namespace_is_an_account(world: World) -> None:
    record = world.record(world.put(submit()))
    assert matcher("smppclient1").matches(record)
    assert not matcher("other").matches(record)


def test_a_sighting_is_the_pdu_or_what_it_completes(world: World) -> None:
    first, second = (world.record(world.put(part(text, seq, 2))) for seq, text in ((1, "a"), (2, "b")))
    whole = matcher(text="ab")
    wholes = Wholes()
    assert whole.sight(first, wholes) is None
    sighting = whole.sight(second, wholes)
    assert sighting is not None
    assert (sighting.text, sighting.parts) == ("ab", (0, 1))
    assert whole.sight(second) is None
    assert matcher(text="b").sight(second) == Sighting(second)


def test_what_regular_expressions_capture(world: World) -> None:
    record = world.record(world.put(submit("code 12-34")))
    named, captured = matcher(text={"regex": r"(?P<a>\d+)-(\d+)(?P<none>x)?"}, source_addr={"regex": "b..k"}).captures(
        Sighting(record)
    )
    assert named == {"a": "12", "none": ""}
    assert captured == {"text": ["12", "34", ""], "source_addr": ["bank"]}
