"""What single keys of a dialect cannot say: ids that fit, templates, TLVs that are sent."""

from pathlib import Path

import pytest

from smppd.settings import IdForm
from smppd.settings.dialect_checks import SENT, longest_id
from smppwire.constants import CommandId
from tests.settings.support import load, problems


@pytest.mark.parametrize(
    ("form", "length"),
    [
        (IdForm(), 10),
        (IdForm(base="hex", prefix="ab"), 11),
        (IdForm(width=20), 20),
        (IdForm(base="uuid", width=64), 36),
        (IdForm(base="uuid", dashes=False, prefix="x"), 33),
        (IdForm(empty=True, prefix="x"), 0),
    ],
)
def test_the_longest_id_of_a_form(form: IdForm, length: int) -> None:
    assert longest_id(form) == length


def test_an_id_of_64_characters_is_the_longest(tmp_path: Path) -> None:
    load(tmp_path, f'[dialect.mine.message_id.response]\nprefix = "{"x" * 44}"\nwidth = 20')
    (problem,) = problems(tmp_path, f'[dialect.mine.message_id.response]\nprefix = "{"x" * 45}"\nwidth = 20')
    assert problem == (
        "dialect.mine.message_id.response: expected a form of at most 64 characters "
        "(ids here have up to 65 characters: prefix 45, the rest digits)"
    )


def test_digits_that_no_width_asks_for_count(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, f'[dialect.mine.message_id.below_34]\nprefix = "{"x" * 57}"')
    assert problem.startswith("dialect.mine.message_id.below_34: expected a form of at most 64 characters")


@pytest.mark.parametrize("place", ["receipt_text", "receipt_tlv"])
def test_receipts_may_have_to_say_128_bits(tmp_path: Path, place: str) -> None:
    text = f'[dialect.mine.message_id]\nresponse = {{ base = "uuid" }}\n{place} = {{ prefix = "{"x" * 26}" }}'
    (problem,) = problems(tmp_path, text)
    assert problem.startswith(f"dialect.mine.message_id.{place}: expected a form of at most 64 characters")
    load(tmp_path, text.replace("uuid", "hex"))


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("id:{ident}", 'nothing is called "ident"'),
        ("id:{Id}", 'did you mean "id"?'),
        ("id:{zzz}", "known here: id, sub, dlvrd, submit_date, done_date, stat, err, text"),
        ("id:{id", "expected a text with names in braces"),
        ("id:{id:>10}", "expected a text with names in braces"),
        ("id:{}", "expected a text with names in braces"),
        ("id:{id!r}", "expected a text with names in braces"),
    ],
)
def test_a_template_names_what_there_is(tmp_path: Path, template: str, said: str) -> None:
    (problem,) = problems(tmp_path, f"[dialect.mine.receipt]\ntemplate = '{template}'")
    assert problem.startswith("dialect.mine.receipt.template = ")
    assert said in problem


def test_braces_can_be_written(tmp_path: Path) -> None:
    load(tmp_path, "[dialect.mine.receipt]\ntemplate = '{{{id}}}'")


def test_success_is_no_refusal(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, '[dialect.mine.response]\nstatuses = { ESME_ROK = "ESME_RSYSERR" }')
    assert problem == "dialect.mine.response.statuses.ESME_ROK: expected the status of a refusal"


@pytest.mark.parametrize("name", ["submit_sm_resp", "generic_nack", "*"])
def test_only_requests_can_be_unsupported(tmp_path: Path, name: str) -> None:
    (problem,) = problems(tmp_path, f'[dialect.mine.response]\nunsupported = ["query_sm", "{name}"]')
    assert problem == f'dialect.mine.response.unsupported[1] = "{name}": expected the name of a request'


@pytest.mark.parametrize("name", ["submit_sm", "deliver_sm_resp", "bind_receiver", "outbind"])
def test_tlvs_are_added_to_what_is_sent(tmp_path: Path, name: str) -> None:
    (problem,) = problems(tmp_path, f'[dialect.mine]\nvendor_tlvs = [{{ pdu = "{name}", tag = 0x1403 }}]')
    assert problem.startswith(f'dialect.mine.vendor_tlvs[0].pdu = "{name}": expected a PDU that a message centre sends')


def test_what_a_message_centre_sends() -> None:
    assert {CommandId.DELIVER_SM, CommandId.SUBMIT_SM_RESP, CommandId.ENQUIRE_LINK, CommandId.GENERIC_NACK} <= SENT
    assert CommandId.SUBMIT_SM not in SENT


def test_the_tlvs_of_one_pdu_are_counted_together(tmp_path: Path) -> None:
    def added(pdu: str, octets: int, tag: int) -> str:
        return f'[[dialect.mine.vendor_tlvs]]\npdu = "{pdu}"\ntag = {tag}\nvalue = "{"00" * octets}"\n'

    load(tmp_path, added("*", 2044, 1) + added("deliver_sm", 2044, 2) + added("data_sm", 2044, 3))
    (problem,) = problems(tmp_path, added("*", 2044, 1) + added("deliver_sm", 2045, 2))
    assert problem == "dialect.mine.vendor_tlvs: expected at most 4096 octets on one PDU (there are 4097 on one)"


@pytest.mark.parametrize("octets", [0, 256, 4096])
def test_a_longest_pdu_that_requests_fit_into(tmp_path: Path, octets: int) -> None:
    assert load(tmp_path, f"[dialect.mine.session]\nmax_pdu = {octets}").dialect["mine"].session.max_pdu == octets


def test_a_longest_pdu_that_leaves_no_room(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "[dialect.mine.session]\nmax_pdu = 255")
    assert problem == (
        "dialect.mine.session.max_pdu = 255: expected 0, or at least 256 (a submit_sm needs so many octets)"
    )
