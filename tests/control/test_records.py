import pytest

from smppd.control import records as module
from smppd.control.records import command_id_of, sequence_number_of
from smppwire.codec import encode
from smppwire.pdus import BindTransceiver, DataSm, EnquireLink, SmeAddress, SubmitMulti, SubmitSm, Tlv, UnknownPdu
from tests.control.verification.world import BEGINNING, World, part, submit


@pytest.fixture
def world() -> World:
    return World()


def test_headers_are_read_without_decoding() -> None:
    frame = encode(EnquireLink(7))
    assert (command_id_of(frame), sequence_number_of(frame)) == (0x15, 7)
    assert (command_id_of(frame[:15]), sequence_number_of(frame[:15])) == (0, 0)


def test_a_record_knows_what_a_rule_would_have_known(world: World) -> None:
    world.now += 10
    record = world.record(world.put(submit("hello"), after=2))
    facts = record.facts
    assert (facts.account, facts.bind_type, facts.interface_version) == ("smppclient1", "transceiver", 0x34)
    assert (facts.bound_at, facts.now, facts.wall) == (BEGINNING, BEGINNING + 12, BEGINNING + 12)
    assert record.pdu is not None
    assert facts.route(record.pdu) == "default"
    assert (record.text, record.problem) == ("hello", "")


def test_what_came_with_the_bind_belongs_to_it(world: World) -> None:
    world.roster.opened("9", "127.0.0.1:1", world.now)
    number = world.put(submit(), session="9")
    world.now += 1
    world.bind("9")
    # `bind` opens the connection anew; what is recorded stays that of session "9".
    assert world.record(number).facts.account == "smppclient1"
    assert world.record(number).facts.now == world.record(number).facts.bound_at


def test_sessions_that_are_bound_twice_have_two_accounts(world: World) -> None:
    first = world.put(submit())
    world.now += 1
    bind = world.roster.find("1")
    assert bind is not None
    bind.binds.append(type(bind.binds[0])("other", "receiver", 0x34, 0x34, "", "", "gsm7", world.now))
    second = world.put(submit())
    assert [world.record(number).facts.account for number in (first, second, first)] == [
        "smppclient1",
        "other",
        "smppclient1",
    ]


def test_a_bind_belongs_to_the_account_it_names_if_there_is_one(world: World) -> None:
    numbers = [world.put(BindTransceiver(1, system_id=name, interface_version=0x33)) for name in (b"other", b"nobody")]
    assert [world.record(number).facts.account for number in numbers] == ["other", ""]
    assert world.record(numbers[0]).facts.interface_version == 0x33


def test_nobody_is_bound_on_a_session_that_is_unknown(world: World) -> None:
    facts = world.record(world.put(submit(), session="unheard of")).facts
    assert (facts.account, facts.bind_type) == ("", "")


def test_the_account_alone_is_the_same_as_that_of_the_record(world: World) -> None:
    world.put(submit(), BindTransceiver(1, system_id=b"other"), EnquireLink(1))
    world.put(submit(), session="unheard of")
    for number, entry in world.journal.read(0, 9).frames:
        account = world.server.control.pdus.records.account_of(number, entry)
        assert account == world.record(number).facts.account


def test_octets_that_are_no_pdu_have_a_problem(world: World) -> None:
    short, broken = world.record(world.put(b"\0\0")), world.record(world.put(encode(submit())[:-3]))
    assert (short.pdu, broken.pdu) == (None, None)
    assert short.problem
    assert broken.problem
    assert (short.text, short.part, short.command_id) == (None, None, 0)


def test_an_unknown_command_is_a_pdu_without_text(world: World) -> None:
    record = world.record(world.put(UnknownPdu(1, command_id=0x0001_0200, body=b"x")))
    assert (record.problem, record.text, record.command_id) == ("", None, 0x0001_0200)


def test_text_and_route_of_other_messages(world: World) -> None:
    data = world.record(world.put(DataSm(destination_addr=b"336", tlvs=(Tlv(0x0424, b"payload"),))))
    several = world.record(world.put(SubmitMulti(dest_address=(SmeAddress(1, 1, b"336"),), short_message=b"to all")))
    nobody = world.record(world.put(SubmitMulti(dest_address=())))
    link = world.record(world.put(EnquireLink(1)))
    assert [record.text for record in (data, several, link)] == ["payload", "to all", None]
    for record, route in ((data, "default"), (several, "default"), (nobody, ""), (link, "")):
        assert record.pdu is not None
        assert record.facts.route(record.pdu) == route


def test_parts(world: World) -> None:
    udh = world.record(world.put(part("x", 2, 3, 9))).part
    assert udh is not None
    assert (udh.kind, udh.reference, udh.total, udh.seq) == (8, 9, 3, 2)
    sar = (Tlv(0x020C, b"\0\5"), Tlv(0x020E, b"\2"), Tlv(0x020F, b"\1"))
    for pdu in (submit(tlvs=sar), DataSm(tlvs=(*sar, Tlv(0x0424, b"x")))):
        told = world.record(world.put(pdu)).part
        assert told is not None
        assert (told.reference, told.total, told.seq) == (5, 2, 1)
    assert world.record(world.put(DataSm(esm_class=0x40))).part is None
    assert world.record(world.put(EnquireLink(1))).part is None


def test_a_number_of_parts_that_cannot_be_is_none(world: World) -> None:
    sar = (Tlv(0x020C, b"\0\5"), Tlv(0x020E, b"\xff" * 60), Tlv(0x020F, b"\1"))
    assert world.record(world.put(submit(tlvs=sar))).part is None


def test_a_pdu_is_decoded_once_as_long_as_it_is_kept(world: World) -> None:
    number = world.put(submit())
    assert world.record(number) is world.record(number)


def test_of_too_many_none_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KEPT", 4)
    world = World()
    world.put(*[submit(str(number)) for number in range(5)])
    records = world.server.control.pdus.records
    frames = world.journal.read(0, 9).frames
    few, many = records.for_range(4), records.for_range(5)
    assert many(*frames[0]) is not many(*frames[0])
    assert few(*frames[0]) is few(*frames[0]) is many(*frames[0])
    kept = few(*frames[0])
    assert few(*frames[4]) is not kept  # it takes the place of the first
    assert few(*frames[0]) is not kept
    assert [few(*one).text for one in frames] == ["0", "1", "2", "3", "4"]


def test_facts_do_not_pile_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SESSIONS", 2)
    for session in "abc":
        world.bind(session)
        assert world.record(world.put(submit(), session=session)).facts.account == "smppclient1"
    assert len(world.server.control.pdus.records._facts) == 1
    assert isinstance(world.record(0).pdu, SubmitSm)
