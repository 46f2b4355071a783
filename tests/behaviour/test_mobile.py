"""Mobile originated messages of one's own making."""

import pytest

from smppd.behaviour.mobile import mobile_originated
from smppwire.text import Alphabet, decode_text
from tests.engine.world import deliver_sm


@pytest.mark.parametrize(
    ("text", "data_coding"), [("hello", 0), ("", 0), ("10 €", 0), ("привет", 8), ("\N{GRINNING FACE}", 8)]
)
def test_texts(text: str, data_coding: int) -> None:
    pdu = deliver_sm(mobile_originated(text, "447700900000", "", Alphabet.GSM7))
    assert pdu.data_coding == data_coding
    assert decode_text(pdu.short_message, data_coding) == text
    assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) == (1, 1, b"447700900000")
    assert (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr) == (0, 0, b"")
    assert pdu.esm_class == 0


def test_the_alphabet_of_a_dialect() -> None:
    pdu = deliver_sm(mobile_originated("é", "1", "ACME", Alphabet.UTF8))
    assert pdu.short_message == "é".encode()
    assert (pdu.dest_addr_ton, pdu.dest_addr_npi) == (5, 0)


def test_what_is_too_long_is_cut() -> None:
    assert len(deliver_sm(mobile_originated("я" * 160, "1", "2", Alphabet.GSM7)).short_message) == 254
