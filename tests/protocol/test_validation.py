"""What is wrong with values that decode: the status, the field, and the first in wire order."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppwire.constants import CommandId, CommandStatus, TlvTag, status_name
from smppwire.pdus import (
    AlertNotification,
    BindTransceiver,
    BroadcastSm,
    CancelSm,
    DataSm,
    DeliverSm,
    DistributionList,
    EnquireLink,
    GenericNack,
    Outbind,
    Pdu,
    QueryBroadcastSmResp,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    SmeAddress,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
    Tlv,
    UnknownPdu,
    UnsuccessSme,
)
from smppwire.schema import PDUS
from smppwire.validation import (
    DESTINATION_FIELDS,
    LENGTH_FIELDS,
    ValidationPolicy,
    Violation,
    destination_violation,
    first_violation,
    source_of_validator,
    validate,
    validator,
)
from tests.protocol.wire import known_pdus, unhurried

V34 = ValidationPolicy()
V50 = ValidationPolicy(interface_version=0x50)
LENIENT = ValidationPolicy(strict=False)
POLICIES = [
    V34,
    V50,
    LENIENT,
    ValidationPolicy(payload_and_short_message="payload", password_max=33, from_smsc=True, header_only_body="reject"),
    ValidationPolicy(
        lengths=(("short_message", 100), ("source_addr", 11)),
        source_pairs=frozenset({(0, 0), (5, 0)}),
        destination_pairs=frozenset({(1, 1), (0, 0)}),
    ),
]

SUBMIT = SubmitSm(
    7,
    source_addr_ton=1,
    source_addr=b"447700900123",
    dest_addr_ton=1,
    destination_addr=b"33612345678",
    short_message=b"hi",
)
MULTI = SubmitMulti(7, dest_address=(SmeAddress(1, 1, b"33612345678"), DistributionList(b"all")))
DATA = DataSm(7, destination_addr=b"33612345678")
DELIVER = DeliverSm(7, source_addr=b"33612345678", destination_addr=b"80800")
BIND = BindTransceiver(1, system_id=b"smppclient1", password=b"password", interface_version=0x34)


def name(pdu: Pdu, policy: ValidationPolicy = V34) -> str:
    """Name of the first violation; both functions must agree on it."""
    status = first_violation(pdu, policy)
    violations = list(validate(pdu, policy))
    assert status == (violations[0].status if violations else 0)
    assert all(violation.field and violation.rule for violation in violations)
    return status_name(status).removeprefix("ESME_")


def tlv(tag: TlvTag, value: bytes) -> dict[str, Any]:
    return {"tlvs": (Tlv(tag, value),)}


@pytest.mark.parametrize("pdu", [SUBMIT, MULTI, DATA, DELIVER, BIND, EnquireLink(1), GenericNack(1, 3)], ids=str)
@pytest.mark.parametrize("policy", [V34, LENIENT], ids=str)
def test_clean(pdu: Pdu, policy: ValidationPolicy) -> None:
    assert name(pdu, policy) == "ROK"


@unhurried
@given(known_pdus, st.sampled_from(POLICIES))
def test_first_violation_is_the_first_of_validate(pdu: Pdu, policy: ValidationPolicy) -> None:
    name(pdu, policy)


@pytest.mark.parametrize(
    ("changes", "in_34", "in_50"),
    [
        ({"service_type": b"CMT12"}, "ROK", "ROK"),
        ({"service_type": b"smscsim"}, "RINVSERTYP", "RINVSERTYP"),
        ({"source_addr_ton": 6}, "ROK", "ROK"),
        ({"source_addr_ton": 7}, "RINVSRCTON", "RINVSRCTON"),
        ({"source_addr_npi": 2}, "RINVSRCNPI", "RINVSRCNPI"),
        ({"source_addr_npi": 18}, "ROK", "ROK"),
        ({"source_addr": b""}, "ROK", "ROK"),
        ({"source_addr": b"1" * 20}, "ROK", "ROK"),
        ({"source_addr": b"1" * 21}, "RINVSRCADR", "RINVSRCADR"),
        ({"source_addr": b"Bank & Co"}, "ROK", "ROK"),  # letters whatever the TON
        ({"source_addr": b"caf\xe9", "source_addr_ton": 5}, "ROK", "ROK"),
        ({"source_addr": b"a\nb"}, "RINVSRCADR", "RINVSRCADR"),
        ({"source_addr": b"\x7f"}, "RINVSRCADR", "RINVSRCADR"),
        ({"dest_addr_ton": 7}, "RINVDSTTON", "RINVDSTTON"),
        ({"dest_addr_npi": 7}, "RINVDSTNPI", "RINVDSTNPI"),
        ({"destination_addr": b""}, "RINVDSTADR", "RINVDSTADR"),
        ({"destination_addr": b"1" * 21}, "RINVDSTADR", "RINVDSTADR"),
        ({"destination_addr": b"+33.6 12#*"}, "ROK", "ROK"),
        ({"destination_addr": b"Bob"}, "RINVDSTADR", "RINVDSTADR"),
        ({"destination_addr": b"Bob", "dest_addr_ton": 2}, "RINVDSTADR", "RINVDSTADR"),
        ({"destination_addr": b"Bob", "dest_addr_ton": 0}, "ROK", "ROK"),
        ({"destination_addr": b"Bob", "dest_addr_ton": 5}, "ROK", "ROK"),
        ({"destination_addr": b"B\x01b", "dest_addr_ton": 5}, "RINVDSTADR", "RINVDSTADR"),
        ({"protocol_id": 255}, "ROK", "ROK"),
        ({"priority_flag": 3}, "ROK", "ROK"),
        ({"priority_flag": 4}, "RINVPRTFLG", "ROK"),
        ({"priority_flag": 5}, "RINVPRTFLG", "RINVPRTFLG"),
        ({"schedule_delivery_time": b"261231235959000+"}, "ROK", "ROK"),
        ({"schedule_delivery_time": b"261231235959049+"}, "RINVSCHED", "RINVSCHED"),
        ({"schedule_delivery_time": b"260230000000000+"}, "RINVSCHED", "RINVSCHED"),
        ({"schedule_delivery_time": b"26123123595900+"}, "RINVSCHED", "RINVSCHED"),
        ({"schedule_delivery_time": b"0" * 20}, "RINVSCHED", "RINVSCHED"),
        ({"validity_period": b"000001000000000R"}, "ROK", "ROK"),
        ({"validity_period": b"000001000000000r"}, "RINVEXPIRY", "RINVEXPIRY"),
        ({"registered_delivery": 0x01}, "ROK", "ROK"),
        ({"registered_delivery": 0x03}, "RINVREGDLVFLG", "ROK"),
        ({"registered_delivery": 0x10}, "ROK", "ROK"),
        ({"registered_delivery": 0x20}, "ROK", "ROK"),
        ({"registered_delivery": 0x0E}, "ROK", "ROK"),
        ({"registered_delivery": 0x40}, "RINVREGDLVFLG", "RINVREGDLVFLG"),
        ({"registered_delivery": 0x80}, "RINVREGDLVFLG", "RINVREGDLVFLG"),
        ({"replace_if_present_flag": 1}, "ROK", "ROK"),
        ({"replace_if_present_flag": 2}, "RINVREPFLAG", "RINVREPFLAG"),
        ({"data_coding": 0xF0}, "ROK", "ROK"),
        ({"data_coding": 0x7F}, "ROK", "RINVDCS"),
        ({"sm_default_msg_id": 254}, "ROK", "ROK"),
        ({"sm_default_msg_id": 255}, "RINVDFTMSGID", "ROK"),
        ({"short_message": bytes(254)}, "ROK", "ROK"),
        ({"short_message": bytes(255)}, "RINVMSGLEN", "ROK"),
        ({"short_message": b""}, "ROK", "ROK"),
        (tlv(TlvTag.MESSAGE_PAYLOAD, b"text"), "RINVMSGLEN", "ROK"),
        (tlv(TlvTag.MESSAGE_PAYLOAD, b""), "ROK", "ROK"),
        ({"short_message": b"", **tlv(TlvTag.MESSAGE_PAYLOAD, b"text")}, "ROK", "ROK"),
        ({"trailing": b"\0"}, "RINVOPTPARSTREAM", "RINVOPTPARSTREAM"),
        ({"trailing": b"\0\x1e\0\x41abc"}, "RINVOPTPARSTREAM", "RINVOPTPARSTREAM"),
    ],
    ids=str,
)
def test_submit_sm(changes: dict[str, Any], in_34: str, in_50: str) -> None:
    assert name(replace(SUBMIT, **changes)) == in_34
    assert name(replace(SUBMIT, **changes), V50) == in_50


NOT_FROM_ESME = [0x04, 0x20, 0x18]
RESERVED = [0x0C, 0x14, 0x1C, 0x24, 0x3C]


@pytest.mark.parametrize(
    ("pdu", "esm_class", "in_34", "in_50"),
    [
        *[(pdu, value, "ROK", "ROK") for pdu in (SUBMIT, MULTI, DATA, DELIVER) for value in (0, 1, 3, 8, 0x10, 0xC0)],
        *[(pdu, value, "RINVESMCLASS", "ROK") for pdu in (SUBMIT, MULTI, DATA) for value in NOT_FROM_ESME],
        *[(DELIVER, value, "ROK", "ROK") for value in (*NOT_FROM_ESME, 0x44, 0x48)],
        *[(pdu, value, "RINVESMCLASS", "RINVESMCLASS") for pdu in (SUBMIT, MULTI, DATA, DELIVER) for value in RESERVED],
        (SUBMIT, 2, "RINVESMCLASS", "ROK"),
        (MULTI, 2, "RINVESMCLASS", "RINVESMCLASS"),
        (DATA, 2, "ROK", "ROK"),
        (DELIVER, 2, "ROK", "ROK"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Pdu) else str(value),
)
def test_esm_class(pdu: Any, esm_class: int, in_34: str, in_50: str) -> None:
    payload = tlv(TlvTag.MESSAGE_PAYLOAD, b"x") if pdu is DATA else {}
    assert name(replace(pdu, esm_class=esm_class, **payload)) == in_34
    assert name(replace(pdu, esm_class=esm_class, **payload), V50) == in_50


def test_esm_class_from_the_smsc() -> None:
    from_smsc = ValidationPolicy(from_smsc=True)
    assert name(replace(DATA, esm_class=0x04), from_smsc) == "ROK"
    assert name(replace(DATA, esm_class=0x0C), from_smsc) == "RINVESMCLASS"


SAR = (
    Tlv(TlvTag.SAR_MSG_REF_NUM, b"\0\x01"),
    Tlv(TlvTag.SAR_TOTAL_SEGMENTS, b"\x02"),
    Tlv(TlvTag.SAR_SEGMENT_SEQNUM, b"\x01"),
)


@pytest.mark.parametrize(
    ("tlvs", "expected"),
    [
        (SAR, "RINVESMCLASS"),
        ((Tlv(TlvTag.SOURCE_PORT, b"\0\x01"),), "RINVESMCLASS"),
        ((Tlv(TlvTag.DESTINATION_PORT, b"\0\x01"),), "RINVESMCLASS"),
        (SAR[:2], "ROK"),  # not all three: they do not count
        ((Tlv(TlvTag.USER_MESSAGE_REFERENCE, b"\0\x01"),), "ROK"),
    ],
)
@pytest.mark.parametrize("pdu", [SUBMIT, MULTI, DATA, DELIVER], ids=lambda pdu: type(pdu).__name__)
def test_a_user_data_header_and_tlvs_that_say_the_same(pdu: Any, tlvs: tuple[Tlv, ...], expected: str) -> None:
    assert name(replace(pdu, esm_class=0x40, tlvs=tlvs)) == expected
    assert name(replace(pdu, esm_class=0x00, tlvs=tlvs)) == "ROK"


def test_the_first_in_wire_order() -> None:
    pdu = replace(SUBMIT, service_type=b"toolong", dest_addr_ton=9, priority_flag=9, trailing=b"\0")
    statuses = [status_name(violation.status) for violation in validate(pdu, V34)]
    assert statuses == ["ESME_RINVSERTYP", "ESME_RINVDSTTON", "ESME_RINVPRTFLG", "ESME_RINVOPTPARSTREAM"]
    assert name(pdu) == "RINVSERTYP"


@pytest.mark.parametrize(
    ("changes", "policy", "expected"),
    [
        ({"system_id": b"x" * 15}, V34, "ROK"),
        ({"system_id": b"x" * 16}, V34, "RINVSYSID"),
        ({"password": b"x" * 9}, V34, "RINVPASWD"),
        ({"password": b"x" * 9}, ValidationPolicy(password_max=10), "ROK"),
        ({"password": b"x" * 10}, ValidationPolicy(password_max=10), "RINVPASWD"),
        ({"system_type": b"x" * 13}, V34, "RINVSYSTYP"),
        ({"interface_version": 0xFF}, V34, "ROK"),
        ({"interface_version": 0x00}, V34, "ROK"),
        ({"addr_ton": 7}, V34, "RBINDFAIL"),
        ({"addr_npi": 7}, V34, "RBINDFAIL"),
        ({"address_range": b"x" * 41}, V34, "RBINDFAIL"),
        ({"address_range": b"^33[67]"}, V34, "ROK"),
        ({"password": b"x" * 99, "system_id": b"x" * 99}, LENIENT, "ROK"),
    ],
    ids=str,
)
def test_bind(changes: dict[str, Any], policy: ValidationPolicy, expected: str) -> None:
    assert name(replace(BIND, **changes), policy) == expected


@pytest.mark.parametrize(
    ("pdu", "in_34", "in_50"),
    [
        (replace(MULTI, dest_address=()), "RINVNUMDESTS", "RINVNUMDESTS"),
        (replace(MULTI, dest_address=MULTI.dest_address[:1] * 254), "ROK", "ROK"),
        (replace(MULTI, dest_address=MULTI.dest_address[:1] * 255), "RINVNUMDESTS", "ROK"),
        (replace(MULTI, dest_address=(SmeAddress(9, 1, b"1"),)), "RINVDSTTON", "RINVDSTTON"),
        (replace(MULTI, dest_address=(SmeAddress(1, 2, b"1"),)), "RINVDSTNPI", "RINVDSTNPI"),
        (replace(MULTI, dest_address=(SmeAddress(1, 1, b""),)), "RINVDSTADR", "RINVDSTADR"),
        (replace(MULTI, dest_address=(SmeAddress(1, 1, b"1"), SmeAddress(1, 1, b"Bob"))), "RINVDSTADR", "RINVDSTADR"),
        (replace(MULTI, dest_address=(DistributionList(b"x" * 21),)), "RINVDLNAME", "RINVDLNAME"),
        (replace(MULTI, dest_address=(DistributionList(b""),)), "RINVDLNAME", "RINVDLNAME"),
        (replace(MULTI, dest_address=(DistributionList(b"x" * 20),)), "ROK", "ROK"),
        (DATA, "ROK", "RMISSINGOPTPARAM"),
        (replace(DATA, destination_addr=b"1" * 64, **tlv(TlvTag.MESSAGE_PAYLOAD, b"x")), "ROK", "ROK"),
        (replace(DATA, destination_addr=b"1" * 65), "RINVDSTADR", "RINVDSTADR"),
        (QuerySm(1, message_id=b"x" * 64), "ROK", "ROK"),
        (QuerySm(1, message_id=b"x" * 65), "RINVMSGID", "RINVMSGID"),
        (CancelSm(1, message_id=b"5"), "ROK", "ROK"),
        (CancelSm(1, destination_addr=b"33"), "ROK", "ROK"),
        (CancelSm(1), "RINVDSTADR", "RINVDSTADR"),
        (ReplaceSm(1, short_message=bytes(255)), "RINVMSGLEN", "ROK"),
        (ReplaceSm(1, short_message=b"x", **tlv(TlvTag.MESSAGE_PAYLOAD, b"y")), "ROK", "ROK"),
        (ReplaceSm(1, validity_period=b"nonsense"), "RINVEXPIRY", "RINVEXPIRY"),
        (Outbind(1, password=b"x" * 9), "RINVPASWD", "RINVPASWD"),
        (AlertNotification(1, source_addr=b"1" * 64, esme_addr=b"Bob"), "ROK", "ROK"),
        (AlertNotification(1, source_addr=b"1" * 65), "RINVSRCADR", "RINVSRCADR"),
        (AlertNotification(1, esme_addr=b"1" * 65), "RINVDSTADR", "RINVDSTADR"),
        (replace(DELIVER, destination_addr=b"Bank", dest_addr_ton=1), "ROK", "ROK"),
        (replace(DELIVER, destination_addr=b""), "ROK", "ROK"),
        (SubmitSmResp(1, 0, b"x" * 65), "RINVMSGID", "RINVMSGID"),
        (SubmitSmResp(1, 8, None), "ROK", "ROK"),
        (QuerySmResp(1, 0, b"", b"261231235959", 2, 0), "ROK", "ROK"),
        (QuerySmResp(1, 0, b"", b"2026-12-31 23:59:59", 2, 0), "RINVEXPIRY", "RINVEXPIRY"),
        (QuerySmResp(1, 0, b"", None, None, None), "ROK", "ROK"),
        (SubmitMultiResp(1, 0, b"", (UnsuccessSme(99, 99, b"\n", 11),)), "ROK", "ROK"),
        (UnknownPdu(1, 0, 0x7777), "RINVCMDID", "RINVCMDID"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Pdu) else value,
)
def test_other_pdus(pdu: Pdu, in_34: str, in_50: str) -> None:
    assert name(pdu) == in_34
    assert name(pdu, V50) == in_50


def test_nothing_is_kept_for_unknown_commands() -> None:
    for command_id in range(0x7000, 0x7100):
        first_violation(UnknownPdu(1, 0, command_id), V34)
    assert set(V34.validators) <= set(PDUS)


@pytest.mark.parametrize(
    ("tag", "value", "in_34", "in_50"),
    [
        (TlvTag.USER_MESSAGE_REFERENCE, b"\x01", "ROK", "ROK"),
        (TlvTag.USER_MESSAGE_REFERENCE, b"\x01\x02", "ROK", "ROK"),
        (TlvTag.USER_MESSAGE_REFERENCE, b"\x01\x02\x03", "RINVPARLEN", "RINVPARLEN"),
        (TlvTag.SOURCE_PORT, b"\x01", "RINVPARLEN", "RINVPARLEN"),
        (TlvTag.MS_VALIDITY, b"\x03", "ROK", "ROK"),
        (TlvTag.MS_VALIDITY, b"\x04", "RINVOPTPARAMVAL", "RINVOPTPARAMVAL"),
        (TlvTag.MS_VALIDITY, b"\x09\0\0\x05", "ROK", "ROK"),
        (TlvTag.MS_VALIDITY, b"\x09\0", "RINVPARLEN", "RINVPARLEN"),
        (TlvTag.ALERT_ON_MESSAGE_DELIVERY, b"", "ROK", "ROK"),
        (TlvTag.ALERT_ON_MESSAGE_DELIVERY, b"\x01", "ROK", "ROK"),
        (TlvTag.ALERT_ON_MESSAGE_DELIVERY, b"\x01\x01", "RINVPARLEN", "RINVPARLEN"),
        (TlvTag.DEST_ADDR_SUBUNIT, b"\x05", "RINVOPTPARAMVAL", "RINVDSTADDRSUBUNIT"),
        (TlvTag.SOURCE_ADDR_SUBUNIT, b"\x05", "RINVOPTPARAMVAL", "RINVSRCADDRSUBUNIT"),
        (TlvTag.MORE_MESSAGES_TO_SEND, b"\x02", "RINVOPTPARAMVAL", "RINVOPTPARAMVAL"),
        (TlvTag.CALLBACK_NUM, b"\x71\x01\x0133612345678", "ROK", "ROK"),  # an odd digit mode, but seen
        (TlvTag.CALLBACK_NUM, b"\x01\x01\x01", "RINVPARLEN", "RINVPARLEN"),
        (TlvTag.SOURCE_SUBADDRESS, b"+1", "ROK", "ROK"),
        (TlvTag.SC_INTERFACE_VERSION, b"", "ROK", "ROK"),  # does not belong here: ignored
        (TlvTag.CONGESTION_STATE, b"\xff\xff", "ROK", "ROK"),
        (TlvTag.DEST_NETWORK_TYPE, b"\xff", "ROK", "RINVOPTPARAMVAL"),  # belongs here since 5.0
        (TlvTag.BILLING_IDENTIFICATION, b"", "ROK", "RINVPARLEN"),
        (TlvTag.SOURCE_NETWORK_ID, b"network\0", "ROK", "RMISSINGOPTPARAM"),
        (TlvTag.DEST_ADDR_NP_RESOLUTION, b"\x02", "ROK", "RMISSINGOPTPARAM"),
        (TlvTag.DEST_ADDR_NP_RESOLUTION, b"\x01", "ROK", "ROK"),
        (TlvTag.CALLBACK_NUM_PRES_IND, b"\0", "RMISSINGOPTPARAM", "RMISSINGOPTPARAM"),
        (0x1403, b"anything", "ROK", "ROK"),
        (0x9999, b"", "ROK", "ROK"),
        (TlvTag.SAR_TOTAL_SEGMENTS, b"\0", "ROK", "ROK"),  # alone it does not count
    ],
    ids=str,
)
def test_tlvs_of_submit_sm(tag: TlvTag, value: bytes, in_34: str, in_50: str) -> None:
    pdu = replace(SUBMIT, **tlv(tag, value))
    assert name(pdu) == in_34
    assert name(pdu, V50) == in_50
    assert name(pdu, LENIENT) == "ROK"


def test_all_three_segmentation_parameters_count() -> None:
    zero = (SAR[0], Tlv(TlvTag.SAR_TOTAL_SEGMENTS, b"\0"), SAR[2])
    assert name(replace(SUBMIT, tlvs=zero)) == "RINVOPTPARAMVAL"
    assert name(replace(SUBMIT, tlvs=SAR)) == "ROK"


def test_callback_parameters_come_in_equal_numbers() -> None:
    number = Tlv(TlvTag.CALLBACK_NUM, b"\x01\x01\x0112345")
    mark = Tlv(TlvTag.CALLBACK_NUM_PRES_IND, b"\0")
    assert name(replace(SUBMIT, tlvs=(number, mark, number, mark))) == "ROK"
    assert name(replace(SUBMIT, tlvs=(number, mark, number))) == "RMISSINGOPTPARAM"
    assert name(replace(SUBMIT, tlvs=(number, number))) == "ROK"


@pytest.mark.parametrize(
    ("tag", "value", "expected"),
    [
        (TlvTag.RECEIPTED_MESSAGE_ID, b"123\0", "ROK"),
        (TlvTag.RECEIPTED_MESSAGE_ID, b"123", "ROK"),
        (TlvTag.RECEIPTED_MESSAGE_ID, bytes(66), "RINVPARLEN"),
        (TlvTag.MESSAGE_STATE, b"\0", "ROK"),
        (TlvTag.MESSAGE_STATE, b"\x0a", "RINVOPTPARAMVAL"),
        (TlvTag.NETWORK_ERROR_CODE, b"000", "ROK"),
    ],
)
def test_tlvs_of_receipts(tag: TlvTag, value: bytes, expected: str) -> None:
    assert name(replace(DELIVER, esm_class=4, **tlv(tag, value))) == expected


BROADCAST_TLVS = (
    Tlv(TlvTag.BROADCAST_AREA_IDENTIFIER, b"\0here"),
    Tlv(TlvTag.BROADCAST_CONTENT_TYPE, b"\0\0\0"),
    Tlv(TlvTag.BROADCAST_REP_NUM, b"\0\x01"),
    Tlv(TlvTag.BROADCAST_FREQUENCY_INTERVAL, b"\x09\0\x1f"),
)


@pytest.mark.parametrize("policy", [V34, V50, LENIENT], ids=str)
def test_broadcast_sm_needs_its_tlvs(policy: ValidationPolicy) -> None:
    assert name(BroadcastSm(1, tlvs=BROADCAST_TLVS), policy) == "ROK"
    for missing in range(4):
        pdu = BroadcastSm(1, tlvs=BROADCAST_TLVS[:missing] + BROADCAST_TLVS[missing + 1 :])
        assert name(pdu, policy) == "RMISSINGOPTPARAM"
        assert [violation.field for violation in validate(pdu, policy)] == [
            TlvTag(BROADCAST_TLVS[missing].tag).name.lower()
        ]


def test_a_failed_query_broadcast_sm_needs_none() -> None:
    assert name(QueryBroadcastSmResp(1, 0, b"1")) == "RMISSINGOPTPARAM"
    assert name(QueryBroadcastSmResp(1, 0x10E, None)) == "ROK"
    tlvs = (
        Tlv(TlvTag.MESSAGE_STATE, b"\x02"),
        BROADCAST_TLVS[0],
        Tlv(TlvTag.BROADCAST_AREA_SUCCESS, b"\xff"),
        Tlv(TlvTag.BROADCAST_END_TIME, b"261231235959000+"),
        Tlv(TlvTag.BROADCAST_END_TIME, b"261231235959000+\0"),
    )
    assert name(QueryBroadcastSmResp(1, 0, b"1", tlvs)) == "ROK"
    assert (
        name(QueryBroadcastSmResp(1, 0, b"1", (*tlvs, Tlv(TlvTag.BROADCAST_AREA_SUCCESS, b"\x65"))))
        == "RINVOPTPARAMVAL"
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"source_addr": b"1" * 99, "service_type": b"toolong", "trailing": b"\0\0"}, "ROK"),
        ({"source_addr": b"a\0".replace(b"\0", b"\n")}, "RINVSRCADR"),
        ({"schedule_delivery_time": b"0" * 20}, "RINVSCHED"),
        ({"short_message": bytes(255)}, "RINVMSGLEN"),
        ({"destination_addr": b""}, "RINVDSTADR"),
    ],
)
def test_a_lenient_policy_forgives_sizes_not_meanings(changes: dict[str, Any], expected: str) -> None:
    assert name(replace(SUBMIT, **changes), LENIENT) == expected


def test_a_body_where_none_belongs() -> None:
    reject = ValidationPolicy(header_only_body="reject")
    assert name(EnquireLink(1, trailing=b"\0")) == "ROK"
    assert name(EnquireLink(1, trailing=b"\0"), reject) == "RINVOPTPARSTREAM"
    assert name(EnquireLink(1), reject) == "ROK"


def test_the_payload_may_win() -> None:
    policy = ValidationPolicy(payload_and_short_message="payload")
    assert name(replace(SUBMIT, **tlv(TlvTag.MESSAGE_PAYLOAD, b"text")), policy) == "ROK"


def test_policies_are_values() -> None:
    assert ValidationPolicy() == V34
    assert hash(ValidationPolicy()) == hash(V34)
    assert V50 not in {V34, LENIENT}
    assert validator(CommandId.SUBMIT_SM, ValidationPolicy()) is validator(CommandId.SUBMIT_SM, V34)
    assert "validators" not in repr(V34)


def test_a_violation_says_where_and_what() -> None:
    (violation,) = validate(replace(SUBMIT, source_addr=b"1" * 21), V34)
    assert violation == Violation(CommandStatus.ESME_RINVSRCADR, "source_addr", "longer than 20 octets")


def test_the_source_can_be_read() -> None:
    assert "if len(service_type) > 5:\n        return 21" in source_of_validator(CommandId.SUBMIT_SM, V34)


@pytest.mark.parametrize(
    ("destination", "name"),
    [
        (SmeAddress(1, 1, b"447700900123"), "ESME_ROK"),
        (SmeAddress(9, 9, b""), "ESME_RINVDSTTON"),
        (SmeAddress(1, 2, b"447700900123"), "ESME_RINVDSTNPI"),
        (SmeAddress(1, 1, b""), "ESME_RINVDSTADR"),
        (SmeAddress(1, 1, b"4" * 21), "ESME_RINVDSTADR"),
        (DistributionList(b"friends"), "ESME_ROK"),
        (DistributionList(b""), "ESME_RINVDLNAME"),
    ],
)
def test_one_destination_alone(destination: SmeAddress | DistributionList, name: str) -> None:
    """It is judged as among others, and what is said of it can be told from what is said of the rest."""
    assert status_name(destination_violation(destination, V34)) == name
    others = [SmeAddress(1, 1, b"1"), destination, SmeAddress(1, 1, b"2")]
    violations = list(validate(SubmitMulti(dest_address=tuple(others)), V34))
    assert [status_name(each.status) for each in violations][:1] == ([] if name == "ESME_ROK" else [name])
    assert {each.field for each in violations} <= DESTINATION_FIELDS
    assert not DESTINATION_FIELDS.intersection(each.field for each in validate(SubmitMulti(), V34))


# -- what operators set otherwise


def submission(**fields: Any) -> SubmitSm:
    return replace(SUBMIT, **fields)


@pytest.mark.parametrize("strict", [True, False])
def test_a_length_of_its_own_holds_however_lax_the_policy(strict: bool) -> None:
    policy = ValidationPolicy(strict=strict, lengths=(("service_type", 2), ("short_message", 10), ("source_addr", 30)))
    assert first_violation(submission(service_type=b"CM"), policy) == 0
    assert first_violation(submission(service_type=b"CMT"), policy) == CommandStatus.ESME_RINVSERTYP
    assert first_violation(submission(source_addr_ton=5, source_addr=b"x" * 30), policy) == 0
    assert (
        first_violation(submission(source_addr_ton=5, source_addr=b"x" * 31), policy) == CommandStatus.ESME_RINVSRCADR
    )
    assert first_violation(submission(short_message=b"x" * 10), policy) == 0
    assert first_violation(submission(short_message=b"x" * 11), policy) == CommandStatus.ESME_RINVMSGLEN


def test_a_length_holds_in_every_pdu_that_has_the_field() -> None:
    policy = ValidationPolicy(lengths=(("message_id", 64), ("system_id", 20)))
    assert first_violation(QuerySm(1, message_id=b"1" * 64), policy) == 0
    assert first_violation(BindTransceiver(1, system_id=b"x" * 20), policy) == 0
    assert first_violation(BindTransceiver(1, system_id=b"x" * 21), policy) == CommandStatus.ESME_RINVSYSID
    shorter = ValidationPolicy(lengths=(("message_id", 8),))
    assert first_violation(QuerySm(1, message_id=b"1" * 9), shorter) == CommandStatus.ESME_RINVMSGID


def test_every_field_of_variable_length_can_have_one() -> None:
    assert {"service_type", "short_message", "dl_name", "system_type", "message_id"} <= LENGTH_FIELDS
    assert not LENGTH_FIELDS & {"password", "validity_period", "final_date", "esm_class"}


PAIRS = ValidationPolicy(source_pairs=frozenset({(5, 0), (1, 1)}), destination_pairs=frozenset({(1, 1)}))


@pytest.mark.parametrize(
    ("ton", "npi", "status"),
    [
        (5, 0, 0),
        (1, 1, 0),
        (0, 0, CommandStatus.ESME_RINVSRCTON),
        (7, 0, CommandStatus.ESME_RINVSRCTON),
        (5, 1, CommandStatus.ESME_RINVSRCNPI),
        (1, 0, CommandStatus.ESME_RINVSRCNPI),
        (5, 99, CommandStatus.ESME_RINVSRCNPI),
    ],
)
def test_only_some_pairs_of_ton_and_npi_for_the_source(ton: int, npi: int, status: int) -> None:
    pdu = submission(source_addr_ton=ton, source_addr_npi=npi, source_addr=b"1", dest_addr_ton=1, dest_addr_npi=1)
    assert first_violation(pdu, PAIRS) == status


def test_only_some_pairs_of_ton_and_npi_for_destinations() -> None:
    fine = {"source_addr_ton": 5, "source_addr_npi": 0, "source_addr": b"x", "dest_addr_ton": 1, "dest_addr_npi": 1}
    for name, value, status in [
        ("dest_addr_ton", 1, 0),
        ("dest_addr_ton", 2, CommandStatus.ESME_RINVDSTTON),
        ("dest_addr_npi", 3, CommandStatus.ESME_RINVDSTNPI),
    ]:
        assert first_violation(submission(**fine | {name: value}), PAIRS) == status
        destination = SmeAddress(*[(fine | {name: value})[key] for key in ("dest_addr_ton", "dest_addr_npi")], b"44")
        assert destination_violation(destination, PAIRS) == status


def test_who_asks_for_a_message_may_leave_the_pair_open() -> None:
    assert first_violation(QuerySm(1, message_id=b"1", source_addr=b"1"), PAIRS) == 0
    assert first_violation(CancelSm(1, message_id=b"1", source_addr=b"1", destination_addr=b"2"), PAIRS) == 0
    assert first_violation(ReplaceSm(1, message_id=b"1", source_addr=b"1"), PAIRS) == 0


def test_without_pairs_the_code_is_what_it_was() -> None:
    with_lengths = ValidationPolicy(lengths=(("message_id", 8),))
    assert source_of_validator(CommandId.SUBMIT_SM, with_lengths) == source_of_validator(CommandId.SUBMIT_SM, V34)
