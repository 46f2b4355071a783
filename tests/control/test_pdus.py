from typing import Any

import pytest

from smppd.control.failures import InvalidError, NotFoundError
from smppd.control.pdus import PduView, view_of
from smppwire.pdus import (
    BindTransceiver,
    DistributionList,
    Outbind,
    SmeAddress,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSmResp,
    Tlv,
    UnknownPdu,
    UnsuccessSme,
)
from tests.control.verification.world import World, part, run, submit, when


@pytest.fixture
def world() -> World:
    return World()


def view(world: World, pdu: Any, **options: Any) -> PduView:
    return view_of(world.record(world.put(pdu, **options)), with_hex=True)


def test_everything_about_a_message(world: World) -> None:
    world.now -= 0.001
    shown = view(world, part("gr\xfc\xdf", 1, 2, 9, sequence_number=4, data_coding=3, tlvs=(Tlv(0x0204, b"\1\2"),)))
    assert (shown.number, shown.time, shown.session) == (0, "2026-01-01T00:00:00.000000Z", "1")
    assert (shown.account, shown.bind_type, shown.direction) == ("smppclient1", "transceiver", "in")
    assert (shown.command, shown.command_status, shown.sequence_number) == ("submit_sm", "ESME_ROK", 4)
    assert (shown.source_addr, shown.destination_addr, shown.text) == ("bank", "33612345678", "grüß")
    assert shown.part is not None
    assert (shown.part.part, shown.part.parts, shown.part.reference, shown.part.by) == (1, 2, 9, "udh")
    assert (shown.fields["data_coding"], shown.fields["short_message"]) == (3, "0500030902016772fcdf")
    (tlv,) = shown.tlvs
    assert (tlv.tag, tlv.name, tlv.value, tlv.hex) == (0x204, "user_message_reference", 258, "0102")
    assert bytes.fromhex(shown.hex or "")[4:8] == b"\0\0\0\4"


def test_values_of_tlvs(world: World) -> None:
    tlvs = (Tlv(0x001E, b"77\0"), Tlv(0x0424, b"\xff"), Tlv(0x1403, b"ab"))
    assert [tlv.value for tlv in view(world, submit(tlvs=tlvs)).tlvs] == ["77", "ff", "6162"]


def test_lists_in_pdus(world: World) -> None:
    several = SubmitMulti(dest_address=(SmeAddress(1, 2, b"336"), DistributionList(b"all")))
    assert view(world, several).fields["dest_address"] == [
        {"dest_flag": 1, "dest_addr_ton": 1, "dest_addr_npi": 2, "destination_addr": "336"},
        {"dest_flag": 2, "dl_name": "all"},
    ]
    answer = SubmitMultiResp(message_id=b"5", unsuccess_sme=(UnsuccessSme(1, 1, b"337", 0x0B),))
    shown = view(world, answer, direction="out")
    assert shown.message_id == "5"
    assert shown.fields["unsuccess_sme"][0]["destination_addr"] == "337"


def test_a_response_without_body_and_an_unknown_command(world: World) -> None:
    refused = view(world, SubmitSmResp(3, command_status=0x58, message_id=None), direction="out")
    assert (refused.command_status, refused.message_id, refused.fields) == ("ESME_RTHROTTLED", "", {"message_id": None})
    unknown = view(world, UnknownPdu(3, command_id=0x10203, body=b"xy"))
    assert (unknown.command, unknown.fields) == ("0x00010203", {"body": "7879"})


@pytest.mark.parametrize("pdu", [BindTransceiver(password=b"hunter2"), Outbind(password=b"hunter2")])
def test_passwords(world: World, pdu: Any) -> None:
    shown = view(world, pdu)
    assert (shown.fields["password"], shown.hex) == ("********", None)


def test_one_pdu(world: World) -> None:
    number = world.put(submit("x"))
    desk = world.server.control.pdus
    assert desk.get(number).text == desk.get(str(number)).text == "x"
    assert desk.get(number).dissection is None
    assert desk.get(number, dissect=True).dissection is not None
    for missing in (1, -1, "x", "", "1" * 40):
        with pytest.raises(NotFoundError):
            desk.get(missing)


def test_lists_by_conditions_and_by_what_headers_say(world: World) -> None:
    world.bind("2", "other")
    world.put(submit("a"))
    world.put(submit("b"), session="2")
    world.put(SubmitSmResp(1, message_id=b"1"), direction="out")
    desk = world.server.control.pdus

    def listed(*arguments: Any, **options: Any) -> list[int]:
        return [item.number for item in run(desk.list(*arguments, **options)).items]

    assert listed() == [0, 1, 2]
    assert listed(newest=True, since=1) == [2, 1]
    assert listed(when(text={"glob": "?"})) == [0, 1]
    assert listed(when(text={"glob": "?"}), account="other") == [1]
    assert listed(account="other") == listed(session="2") == [1]
    assert listed(direction="out") == listed(command="submit_sm_resp") == [2]
    assert listed(account="other", direction="out") == []
    with pytest.raises(InvalidError):
        listed(command="nonsense")


def test_pages_stay_right_while_recording_goes_on(world: World) -> None:
    world.put(*map(submit, "abcde"))
    desk = world.server.control.pdus
    first = run(desk.list(newest=True, limit=2))
    world.put(submit("f"))
    second = run(desk.list(newest=True, limit=2, cursor=first.next or ""))
    assert [item.text for item in (*first.items, *second.items)] == ["e", "d", "c", "b"]
    last = run(desk.list(limit=5))
    assert last.next is not None
    assert [item.text for item in run(desk.list(limit=5, cursor=last.next)).items] == ["f"]


def test_a_page_says_what_was_forgotten() -> None:
    world = World(pdus=2)
    world.put(*map(submit, "abcde"))
    desk = world.server.control.pdus
    assert run(desk.list()).missed == 3
    assert run(desk.list(newest=True, since=4)).missed == 0
