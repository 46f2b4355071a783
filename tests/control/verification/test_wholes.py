import random

from hypothesis import given
from hypothesis import strategies as st

from smppd.control.verification.wholes import Wholes
from smppwire.pdus import DataSm, EnquireLink, SubmitMulti, Tlv
from smppwire.segmentation import segment
from tests.control.verification.world import World, part, submit


def test_what_is_no_part_is_whole_by_itself() -> None:
    world, wholes = World(), Wholes()
    for pdu in (submit("x"), EnquireLink(1), SubmitMulti(short_message=b"y"), part("only one", 1, 1)):
        record = world.record(world.put(pdu))
        sighting = wholes.take(record)
        assert sighting is not None
        assert (sighting.record, sighting.parts, sighting.text) == (record, (), record.text)
    assert wholes.take(world.record(world.put(b"\0"))) is not None


def test_parts_of_different_messages_do_not_mix() -> None:
    world, wholes = World(), Wholes()
    world.bind("2", "other")
    sightings = []
    for pdu, session in (
        (part("a", 1, 2, 1), "1"),
        (part("b", 1, 2, 2), "1"),
        (part("c", 1, 2, 1, to="44"), "1"),
        (part("d", 1, 2, 1, source=b"x"), "1"),
        (part("e", 1, 2, 1), "2"),
        (part("f", 1, 3, 1), "1"),
        (part("A", 2, 2, 1), "1"),
        (part("E", 2, 2, 1), "2"),
        (part("B", 2, 2, 2), "1"),
    ):
        sightings.append(wholes.take(world.record(world.put(pdu, session=session))))
    assert [one.text for one in sightings if one is not None] == ["aA", "eE", "bB"]
    assert sorted(one.text or "" for one in wholes.incomplete()) == ["c", "d", "f"]


def test_a_part_that_comes_twice_takes_the_place_of_the_first_and_a_reference_is_free_again() -> None:
    world, wholes = World(), Wholes()
    texts = [
        None if (one := wholes.take(world.record(world.put(part(text, seq, 2))))) is None else one.text
        for text, seq in (("x", 1), ("a", 1), ("b", 2), ("c", 1), ("d", 2))
    ]
    assert texts == [None, None, "ab", None, "cd"]


def test_parts_may_come_by_several_sessions_of_an_account() -> None:
    world, wholes = World(), Wholes()
    world.bind("2")
    assert wholes.take(world.record(world.put(part("a", 1, 2)))) is None
    sighting = wholes.take(world.record(world.put(part("b", 2, 2), session="2")))
    assert sighting is not None
    assert sighting.facts.account == "smppclient1"
    assert sighting.record.pdu is not None
    assert sighting.facts.text(sighting.record.pdu) == "ab"
    assert sighting.facts.route(sighting.record.pdu) == "default"


def test_sar_tlvs_in_data_sm() -> None:
    world, wholes = World(), Wholes()
    sightings = [
        wholes.take(
            world.record(
                world.put(
                    DataSm(
                        destination_addr=b"336",
                        tlvs=(
                            *(Tlv(0x020C, b"\0\1"), Tlv(0x020E, b"\2"), Tlv(0x020F, bytes([seq]))),
                            Tlv(0x0424, b"%d" % seq),
                        ),
                    )
                )
            )
        )
        for seq in (2, 1)
    ]
    assert sightings[0] is None
    assert sightings[1] is not None
    assert (sightings[1].text, sightings[1].parts) == ("12", (1, 0))


def test_what_is_missing_is_known() -> None:
    world, wholes = World(), Wholes()
    for seq in (4, 2):
        wholes.take(world.record(world.put(part(str(seq), seq, 4))))
    (sighting,) = wholes.incomplete()
    assert (sighting.text, sighting.missing, sighting.record.number) == ("24", (1, 3), 1)


def test_what_never_becomes_complete_is_given_up() -> None:
    world, wholes = World(), Wholes(max_open=2)
    for reference in (1, 2, 3):
        wholes.take(world.record(world.put(part("x", 1, 2, reference))))
    assert len(list(wholes.incomplete())) == 2
    assert wholes.take(world.record(world.put(part("y", 2, 2, 1)))) is None


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=71, max_size=400), st.randoms())
def test_any_long_text_is_put_together_in_any_order(text: str, chance: random.Random) -> None:
    world, wholes = World(), Wholes()
    segments = segment(text, data_coding=8, reference=3)
    chance.shuffle(segments)
    taken = [
        wholes.take(world.record(world.put(submit(one.short_message, esm_class=one.esm_class, data_coding=8))))
        for one in segments
    ]
    assert [one.text for one in taken if one is not None] == [text]
    assert taken[-1] is not None
