import pytest

from smppd.behaviour import facts as module
from smppd.behaviour.facts import Facts
from smppwire.pdus import DataSm, EnquireLink, Tlv
from smppwire.text import encode_text
from smppwire.udh import concat_8bit, concat_16bit
from tests.behaviour.support import submit


def test_the_text_is_in_the_alphabet_of_its_data_coding() -> None:
    assert Facts().text(submit(short_message="été".encode("utf-16-be"), data_coding=8)) == "été"
    assert Facts().text(submit(short_message=encode_text("a@b", 0))) == "a@b"
    assert Facts(default_alphabet="latin-1").text(submit(short_message="é".encode("latin-1"))) == "é"
    packed = encode_text("Grüße", 0, default_alphabet="gsm7-packed")
    assert Facts(default_alphabet="gsm7-packed").text(submit(short_message=packed)) == "Grüße"


def test_the_text_may_stand_in_the_payload() -> None:
    assert Facts().text(submit(tlvs=(Tlv(0x0424, b"long"),), short_message=b"")) == "long"
    assert Facts().text(DataSm(1, tlvs=(Tlv(0x0424, b"data"),))) == "data"
    assert Facts().text(DataSm(1)) == ""
    assert Facts().text(EnquireLink(1)) == ""


def test_the_user_data_header_is_no_text() -> None:
    facts = Facts()
    pdu = submit(short_message=concat_8bit(7, 3, 2) + b"two", esm_class=0x40)
    assert (facts.part(pdu), facts.text(pdu)) == ((2, 3), "two")
    pdu = submit(short_message=concat_16bit(7, 3, 1) + b"one", esm_class=0x40)
    assert (facts.text(pdu), facts.part(pdu)) == ("one", (1, 3))
    broken = submit(short_message=b"\xffabc", esm_class=0x40)
    assert facts.part(broken) == (1, 1)
    assert facts.text(broken).endswith("abc")


def test_parts_that_tlvs_tell() -> None:
    tlvs = (Tlv(0x020C, b"\0\7"), Tlv(0x020E, b"\3"), Tlv(0x020F, b"\2"))
    assert Facts().part(submit(tlvs=tlvs)) == (2, 3)
    assert Facts().part(submit(tlvs=tlvs[:2])) == (1, 1)


def test_the_text_is_decoded_once_for_each_pdu(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []

    def decode(octets: bytes, *_args: object, **_options: object) -> str:
        decoded.append(octets)
        return octets.decode()

    monkeypatch.setattr(module, "decode_text", decode)
    facts = Facts()
    first, second = submit(text="first"), submit(text="second")
    found = [facts.text(pdu) for pdu in (first, first, second, second, first)]
    assert found == ["first", "first", "second", "second", "first"]
    assert decoded == [b"first", b"second", b"first"]


def test_the_route_is_asked_for() -> None:
    assert Facts().route(submit()) == ""
    assert Facts(route_of=lambda pdu: f"to {pdu.sequence_number}").route(submit()) == "to 1"
