"""Compiled dialects: what they say of themselves, and that those without deviations cost nothing."""

import re
from typing import Any

import pytest

from smppd.behaviour.dialects import CompiledDialect, compile_dialects
from smppd.engine.dialect import PlainDialect
from smppd.engine.receipts import PlainReceipts
from smppd.settings import Dialect, Settings, load_settings
from smppwire.constants import CommandId, CommandStatus
from smppwire.validation import ValidationPolicy
from tests.behaviour.speech import SHIPPED, dialect, final, shipped
from tests.engine.world import sms


def test_the_default_dialect_is_the_plain_one() -> None:
    spoken = dict(compile_dialects(Settings()))["default"]
    plain = PlainDialect()
    assert isinstance(spoken.receipts, PlainReceipts)
    for name in vars(plain).keys() - {"receipts"}:
        assert getattr(spoken, name) == getattr(plain, name), name
    for below_34 in (True, False):
        assert spoken.speller(below_34=below_34) is None
    for message_id in (b"1000000000", b"3b9aca00", b"", b"x", b"1" * 11):
        assert spoken.keys(message_id) == plain.keys(message_id)
    assert spoken.added_tlvs(CommandId.DELIVER_SM) == b""
    assert spoken.sc_interface_version(0x50) == 0x50
    policy = ValidationPolicy()
    assert spoken.policy(policy) is policy


def test_all_dialects_of_a_configuration_are_compiled() -> None:
    settings = load_settings(None, {}, ["account.0.dialect=uuid-ids", "server.timezone=Europe/Paris"])
    compiled = compile_dialects(settings)
    assert set(compiled) == {"default", "uuid-ids"}
    assert compiled["uuid-ids"].name == "uuid-ids"
    body = compiled["default"].receipts.receipt_body(final(sms()), tlvs=True)
    assert b"done date:2607201515" in body


@pytest.mark.parametrize(
    "tables",
    [
        {},
        {"description": "nothing", "sources": ["a"]},
        {"bind": {"max_binds": "ESME_RBINDFAIL"}},
        {"session": {"align_sequences": True}},
        {"receipt": {"unrequested": True, "accepted_first": True, "zone": "Europe/Paris"}},
        {"message_id": {key: {"base": "uuid"} for key in ("response", "receipt_text", "receipt_tlv")}},
        {"vendor_tlvs": [{"pdu": "bind_transceiver_resp", "tag": 1}]},
    ],
)
def test_receipts_that_do_not_deviate_are_written_by_the_default_writer(tables: dict[str, Any]) -> None:
    assert isinstance(dialect(**tables).receipts, PlainReceipts)


@pytest.mark.parametrize(
    "tables",
    [
        *({"receipt": {name: value}} for name, value in [("date", "12"), ("esm_class", 0), ("carrier", "text")]),
        *({"message_id": {name: {"base": "hex"}}} for name in ("response", "receipt_text", "receipt_tlv")),
        {"message_id": {"receipt_tlv": {"terminated": False}}},
        {"message_id": {key: {"empty": True} for key in ("response", "receipt_text", "receipt_tlv")}},
        {"text": {"default_alphabet": "latin-1"}},
        {"vendor_tlvs": [{"pdu": "deliver_sm", "tag": 1}]},
        {"vendor_tlvs": [{"pdu": "*", "tag": 1}]},
    ],
)
def test_receipts_that_deviate_are_not(tables: dict[str, Any]) -> None:
    assert not isinstance(dialect(**tables).receipts, PlainReceipts)


@pytest.mark.parametrize(
    ("tables", "deviates"),
    [
        ({"receipt": {"carrier": "text"}}, False),
        ({"message_id": {"response": {"base": "uuid"}}}, False),
        ({"vendor_tlvs": [{"pdu": "deliver_sm", "tag": 1}]}, False),
        ({"vendor_tlvs": [{"pdu": "submit_sm_resp", "tag": 1}]}, True),
        ({"vendor_tlvs": [{"pdu": "*", "tag": 1}]}, True),
        ({"response": {"error_body": "nul"}}, True),
        ({"session": {"own_response_numbers": True}}, True),
        ({"session": {"align_sequences": True}}, True),
        ({"session": {"first_sequence_number": 0, "max_pdu": 4096}}, False),
        ({"message_id": {"response": {"empty": True}}}, True),
        ({"message_id": {"response": {"terminated": False}}}, True),
    ],
)
def test_responses_have_a_writer_where_they_deviate(tables: dict[str, Any], deviates: bool) -> None:
    assert (dialect(**tables).responses is not None) is deviates


def test_what_the_engine_and_the_transport_ask() -> None:
    spoken = dialect(
        message_id={"response": {"base": "hex"}},
        receipt={"pdu": "data_sm", "unrequested": True, "accepted_first": True},
        session={"first_sequence_number": 0x80000000, "align_sequences": True, "max_pdu": 4096},
        text={"default_alphabet": "latin-1"},
        limits={"strict": False},
    )
    speller = spoken.speller(below_34=False)
    assert speller is not None
    assert speller(1_000_000_000) == b"3b9aca00"
    assert spoken.keys(b"3B9ACA00")[0] == b"3b9aca00"
    assert spoken.command_id == CommandId.DATA_SM
    assert spoken.reports_always
    assert spoken.accepts_first
    assert (spoken.first_sequence_number, spoken.max_pdu) == (0x80000000, 4096)
    assert spoken.default_alphabet == "latin-1"
    assert spoken.strict is False


@pytest.mark.parametrize(
    ("reason", "usual"),
    [
        ("unknown_system_id", "ESME_RINVSYSID"),
        ("wrong_password", "ESME_RINVPASWD"),
        ("bind_type", "ESME_RBINDFAIL"),
        ("max_binds", "ESME_RALYBND"),
        ("disabled", "ESME_RBINDFAIL"),
    ],
)
def test_each_refusal_of_a_bind_has_its_status(reason: str, usual: str) -> None:
    status = int(CommandStatus[usual])
    assert dialect().bind_status(reason, status) == status
    assert dialect(bind={reason: 0x53}).bind_status(reason, status) == 0x53
    assert dialect(bind={reason: "ESME_RSYSERR"}).bind_status(reason, status) == 8
    assert dialect(bind={reason: 0x53}).bind_status("draining", status) == status


def test_the_version_that_is_told() -> None:
    assert dialect(bind={"sc_interface_version": False}).sc_interface_version(0x34) is None
    assert dialect(bind={"sc_interface_version": True}).sc_interface_version(0x34) == 0x34
    assert dialect(bind={"sc_interface_version": 0x50}).sc_interface_version(0x34) == 0x50


def test_limits_and_addresses_become_a_policy() -> None:
    usual = ValidationPolicy(strict=False)
    told = dialect(
        limits={"lengths": {"system_id": 8, "source_addr": 11}},
        addresses={"source": [[5, 0]], "destination": [[1, 1], [2, 1]]},
    ).policy(usual)
    assert told.lengths == (("source_addr", 11), ("system_id", 8))
    assert told.source_pairs == {(5, 0)}
    assert told.destination_pairs == {(1, 1), (2, 1)}
    assert told.strict is False


# -- the shipped ones

QUIRK = re.compile(r"Q\d\d\d?")
THREADS = re.compile(r"[\w.-]+/[\w.-]+(?: PR)?#\d+$")


def test_there_are_at_least_eight() -> None:
    assert len(SHIPPED) >= 8


@pytest.mark.parametrize("name", SHIPPED)
def test_each_says_what_it_does_and_where_it_was_seen(name: str) -> None:
    settings = shipped(name).settings
    assert settings.description.endswith(".")
    assert QUIRK.search(settings.sources[0]), "the first source names the quirks it shows"
    assert len(settings.sources) > 1
    assert all(THREADS.match(source) or ": " in source for source in settings.sources[1:])


@pytest.mark.parametrize("name", SHIPPED)
def test_each_does_something(name: str) -> None:
    bare = shipped(name).settings
    assert Dialect(description=bare.description, sources=bare.sources) != bare


def test_no_two_do_the_same() -> None:
    done = {str(shipped(name).settings).partition("message_id=")[2] for name in SHIPPED}
    assert len(done) == len(SHIPPED)


def test_a_dialect_can_build_upon_a_shipped_one(tmp_path: Any) -> None:
    path = tmp_path / "smppd.toml"
    path.write_text(
        '[[account]]\nsystem_id = "a"\npassword = "b"\ndialect = "mine"\n'
        '[dialect.mine]\nbased_on = "one-nul-latin1"\nreceipt = { date = "12" }\n'
    )
    spoken = compile_dialects(load_settings(path, {}))["mine"]
    assert isinstance(spoken, CompiledDialect)
    assert spoken.default_alphabet == "latin-1"
    assert b"submit date:260720120000" in spoken.receipts.receipt_body(final(sms()), tlvs=True)
