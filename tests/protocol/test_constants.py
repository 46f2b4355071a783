"""The numbers of the specification, and names for every number there is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppwire import constants
from smppwire.constants import (
    RESPONSE_BIT,
    CommandId,
    CommandStatus,
    DataCoding,
    EsmClassFeature,
    EsmClassMode,
    EsmClassType,
    MessageState,
    Npi,
    TlvTag,
    Ton,
    command_name,
    data_coding_name,
    npi_name,
    state_name,
    status_name,
    tlv_name,
    ton_name,
)
from tests.protocol.wire import unhurried

NO_RESPONSE = {CommandId.OUTBIND, CommandId.ALERT_NOTIFICATION}
NO_REQUEST = {CommandId.GENERIC_NACK}


def test_each_request_has_its_response() -> None:
    requests = {command for command in CommandId if command < RESPONSE_BIT} - NO_RESPONSE
    responses = {command for command in CommandId if command >= RESPONSE_BIT} - NO_REQUEST
    assert {request | RESPONSE_BIT for request in requests} == responses
    for request in requests:
        assert CommandId(request | RESPONSE_BIT).name == f"{request.name}_RESP"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        (CommandId.BROADCAST_SM, 0x111),  # one library has these two the wrong way round
        (CommandId.QUERY_BROADCAST_SM, 0x112),
        (CommandId.DELIVER_SM_RESP, 0x80000005),  # 5.0 prints a digit less
        (CommandStatus.ESME_RINVSRCTON, 0x48),
        (CommandStatus.ESME_RINVDSTTON, 0x50),  # not 0x4A: a gap of the table
        (CommandStatus.ESME_RTHROTTLED, 0x58),
        (CommandStatus.ESME_RINVOPTPARSTREAM, 0xC0),
        (CommandStatus.ESME_RINVTLVSTREAM, 0xC0),
        (Npi.INTERNET, 14),  # not consecutive
        (Npi.WAP_CLIENT_ID, 18),
        (TlvTag.SOURCE_TELEMATICS_ID, 0x10),
        (TlvTag.FAILED_BROADCAST_AREA_IDENTIFIER, 0x606),
        (TlvTag.ITS_SESSION_INFO, 0x1383),
        (MessageState.REJECTED, 8),
        (DataCoding.KS_C_5601, 14),
        (EsmClassType.CONVERSATION_ABORT, 0x18),
    ],
)
def test_values_that_are_easily_wrong(member: int, value: int) -> None:
    assert member == value


def test_the_bits_of_esm_class_are_divided_without_overlap() -> None:
    masks = (constants.ESM_CLASS_MODE_MASK, constants.ESM_CLASS_TYPE_MASK, constants.ESM_CLASS_FEATURE_MASK)
    assert sum(masks) == 0xFF
    assert all(mode & ~masks[0] == 0 for mode in EsmClassMode)
    assert all(kind & ~masks[1] == 0 for kind in EsmClassType)
    assert all(feature & ~masks[2] == 0 for feature in EsmClassFeature)


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [
        (command_name(4), "submit_sm"),
        (command_name(0x80000000), "generic_nack"),
        (command_name(0xFFFF), "0x0000ffff"),
        (status_name(0), "ESME_ROK"),
        (status_name(0xC0), "ESME_RINVOPTPARSTREAM"),
        (status_name(0x42E), "0x0000042e"),
        (tlv_name(0x1E), "receipted_message_id"),
        (tlv_name(0x606), "broadcast_area_identifier"),
        (tlv_name(0x1403), "0x1403"),
        (state_name(2), "DELIVRD"),
        (state_name(8), "REJECTD"),
        (state_name(12), "0x0c"),
        (ton_name(5), "alphanumeric"),
        (ton_name(7), "0x07"),
        (npi_name(1), "isdn"),
        (npi_name(2), "0x02"),
        (data_coding_name(8), "ucs2"),
        (data_coding_name(0xF0), "0xf0"),
    ],
)
def test_names(given_name: str, expected: str) -> None:
    assert given_name == expected


@unhurried
@given(st.integers(0, 0xFFFFFFFF))
def test_every_number_has_a_name_of_its_own(value: int) -> None:
    for name in (command_name, status_name, tlv_name, state_name, ton_name, npi_name, data_coding_name):
        assert name(value)
        assert name(value) != name(value + 1)


def test_states_of_a_receipt_have_at_most_seven_letters() -> None:
    assert all(len(state_name(state)) <= 7 for state in MessageState if state.name not in {"SCHEDULED", "SKIPPED"})
    assert ton_name(Ton.SUBSCRIBER_NUMBER) == "subscriber_number"
