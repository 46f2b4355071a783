"""Recorded PDUs as tests look at them."""

from smppd.control.pdus import PduView, ResponseView, TlvView
from smppd.control.verification.views import MatchView
from smppd.testing.recorded import Response, recorded

SUBMIT = PduView(
    number=7,
    time="2026-01-31T12:00:00.000000Z",
    session="1",
    direction="in",
    account="shop",
    bind_type="transceiver",
    command="submit_sm",
    command_status="ESME_ROK",
    sequence_number=3,
    source_addr="Shop",
    destination_addr="336",
    text="part one",
    fields={"data_coding": 8},
    tlvs=[TlvView(tag=0x0204, name="user_message_reference", value=7, hex="0007")],
    response=ResponseView(number=8, time="", command="submit_sm_resp", command_status="ESME_ROK", message_id="42"),
)


def test_a_pdu_by_itself() -> None:
    seen = recorded(SUBMIT)
    assert (seen.text, seen.groups, seen.data_coding, seen.tlvs) == ("part one", {}, 8, {"user_message_reference": 7})
    assert seen.response == Response("submit_sm_resp", "ESME_ROK", "42", 8)
    assert seen.response
    assert seen.message_id == "42", "the id that the response gave it"
    assert seen.numbers == (7,)


def test_a_whole_message_has_the_text_of_its_parts() -> None:
    seen = recorded(SUBMIT, MatchView(pdu=SUBMIT, text="part one and two", groups={"code": "1"}, parts=[5, 7]))
    assert (seen.text, seen.groups, seen.parts, seen.numbers) == ("part one and two", {"code": "1"}, (5, 7), (5, 7))


def test_what_is_not_answered() -> None:
    bind = PduView(
        number=0,
        time="",
        session="1",
        direction="in",
        account="",
        bind_type="",
        command="enquire_link",
        command_status="ESME_ROK",
        sequence_number=1,
    )
    seen = recorded(bind)
    assert not seen.response
    assert (seen.response.command_status, seen.message_id, seen.text, seen.data_coding) == ("", "", "", 0)


def test_its_repr_is_short() -> None:
    assert "destination_addr='336'" in repr(recorded(SUBMIT))
    assert "fields" not in repr(recorded(SUBMIT))
