import re

from smppd.control.pdus import PduView, view_of
from smppd.control.verification.dialogue import dialogue, summary
from smppwire.pdus import (
    BindTransceiver,
    DeliverSm,
    EnquireLink,
    EnquireLinkResp,
    QuerySm,
    SmeAddress,
    SubmitMulti,
    SubmitSmResp,
)
from tests.control.verification.world import World, part, submit


def views(world: World) -> list[PduView]:
    return [view_of(record) for record in world.records()]


def test_one_line_for_each_with_arrows_and_relative_times() -> None:
    world = World()
    world.put(BindTransceiver(1, system_id=b"smppclient1", password=b"secret"))
    world.exchange(submit("your code is 4711", sequence_number=2), b"77")
    world.put(EnquireLink(3), EnquireLinkResp(3))
    world.put(DeliverSm(1, source_addr=b"336", destination_addr=b"bank", short_message=b"STOP"), direction="out")
    assert dialogue(views(world), marked=[1]).splitlines() == [
        "  #0 +0.000  --> bind_transceiver  system_id=smppclient1",
        '> #1 +0.001  --> submit_sm         bank -> 33612345678 "your code is 4711"',
        "  #2 +0.002  <-- submit_sm_resp    id=77",
        '  #5 +0.005  <-- deliver_sm        336 -> bank "STOP"',
    ]


def test_link_checks_are_shown_to_whom_they_concern() -> None:
    world = World()
    world.put(EnquireLink(3), EnquireLinkResp(3))
    assert dialogue(views(world)) == "(no PDUs)"
    assert len(dialogue(views(world), with_links=True).splitlines()) == 2


def test_the_last_lines_are_shown_in_their_order_whatever_the_order_they_are_given_in() -> None:
    world = World()
    world.put(*[submit(str(number)) for number in range(30)])
    lines = dialogue(reversed(views(world)), limit=4).splitlines()
    assert lines[0] == "  ... earlier PDUs are left out"
    assert [re.findall(r"#(\d+) ", line) for line in lines[1:]] == [["27"], ["28"], ["29"]]
    assert len(dialogue(views(world), limit=30).splitlines()) == 30


def test_sessions_are_told_apart_where_there_are_several() -> None:
    world = World()
    world.bind("2", "other")
    world.put(submit("a"))
    world.put(submit("b"), session="2")
    world.put(submit("c"), session="3")
    assert [line.split()[2] for line in dialogue(views(world)).splitlines()] == [
        "smppclient1/1",
        "other/2",
        "(unbound)/3",
    ]


def summed(pdu: object, direction: str = "in") -> str:
    world = World()
    world.put(pdu, direction=direction)  # type: ignore[arg-type]
    (view,) = views(world)
    return summary(view)


def test_summaries() -> None:
    assert summed(part("gate", 1, 2)) == 'bank -> 33612345678 part 1/2 "gate"'
    assert summed(SubmitSmResp(1, command_status=0x58, message_id=None), "out") == "ESME_RTHROTTLED"
    assert summed(SubmitMulti(dest_address=(SmeAddress(1, 1, b"1"), SmeAddress(1, 1, b"2")), short_message=b"x")) == (
        '- -> 2 destinations "x"'
    )
    assert summed(QuerySm(1, message_id=b"5", source_addr=b"bank")) == "bank id=5"
    assert summed(b"\0\0").startswith("cannot be decoded: ")
    assert summed(submit("x" * 60)) == f'bank -> 33612345678 "{"x" * 47}…"'
