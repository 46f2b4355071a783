"""The table is complete and agrees with the lists of the specification."""

import pytest

from smppwire.constants import CommandId, CommandStatus, TlvTag
from smppwire.schema import (
    PDUS,
    PORT_TAGS,
    SAR_TAGS,
    TLV_REQUIREMENTS,
    TLVS,
    V34,
    V50,
    Kind,
    PduSpec,
    Rule,
    TlvKind,
    TlvSpec,
)
from smppwire.validation import _RULES

LISTS = {Kind.OCTETS, Kind.DESTINATIONS, Kind.UNSUCCESSFUL}


def test_every_command_and_every_tag_has_its_row() -> None:
    assert set(PDUS) == set(CommandId)
    assert set(TLVS) == set(TlvTag)


def test_every_rule_has_its_function() -> None:
    assert set(_RULES) == set(Rule)
    assert {field.rule for spec in PDUS.values() for field in spec.fields} | {Rule.DL_NAME} == set(Rule)


@pytest.mark.parametrize("spec", PDUS.values(), ids=lambda spec: spec.name)
def test_counts_stand_right_before_what_they_count(spec: PduSpec) -> None:
    kinds = [field.kind for field in spec.fields]
    for index, kind in enumerate(kinds):
        if kind is Kind.COUNT:
            assert kinds[index + 1] in LISTS
        if kind in LISTS:
            assert kinds[index - 1] is Kind.COUNT


@pytest.mark.parametrize("spec", PDUS.values(), ids=lambda spec: spec.name)
def test_names_are_unique_and_clauses_are_there(spec: PduSpec) -> None:
    assert len({field.name for field in spec.fields}) == len(spec.fields)
    assert all(field.clause and field.size > 0 for field in spec.fields)
    assert spec.clause
    assert spec.since == (V50 if "BROADCAST" in spec.command_id.name else V34)
    assert (spec.clause.startswith("5.0")) == (spec.since == V50)


@pytest.mark.parametrize(
    ("command_id", "fields"),
    [
        (CommandId.OUTBIND, "system_id password"),
        (CommandId.QUERY_SM_RESP, "message_id final_date message_state error_code"),
        (
            CommandId.CANCEL_SM,
            (
                "service_type message_id source_addr_ton source_addr_npi source_addr"
                " dest_addr_ton dest_addr_npi destination_addr"
            ),
        ),
        (
            CommandId.REPLACE_SM,
            (
                "message_id source_addr_ton source_addr_npi source_addr schedule_delivery_time validity_period"
                " registered_delivery sm_default_msg_id sm_length short_message"
            ),
        ),
        (
            CommandId.DATA_SM,
            (
                "service_type source_addr_ton source_addr_npi source_addr dest_addr_ton dest_addr_npi destination_addr"
                " esm_class registered_delivery data_coding"
            ),
        ),
        (CommandId.SUBMIT_MULTI_RESP, "message_id no_unsuccess unsuccess_sme"),
        (
            CommandId.BROADCAST_SM,
            (
                "service_type source_addr_ton source_addr_npi source_addr message_id priority_flag"
                " schedule_delivery_time validity_period replace_if_present_flag data_coding sm_default_msg_id"
            ),
        ),
        (CommandId.ENQUIRE_LINK, ""),
    ],
)
def test_bodies_that_are_easily_confused(command_id: int, fields: str) -> None:
    assert [field.name for field in PDUS[command_id].fields] == fields.split()


@pytest.mark.parametrize(
    ("command_id", "field", "size", "status"),
    [
        (CommandId.SUBMIT_SM, "source_addr", 21, CommandStatus.ESME_RINVSRCADR),
        (CommandId.DATA_SM, "source_addr", 65, CommandStatus.ESME_RINVSRCADR),
        (CommandId.DATA_SM, "destination_addr", 65, CommandStatus.ESME_RINVDSTADR),
        (CommandId.ALERT_NOTIFICATION, "esme_addr", 65, CommandStatus.ESME_RINVDSTADR),
        (CommandId.BIND_RECEIVER, "address_range", 41, CommandStatus.ESME_RBINDFAIL),
        (CommandId.BIND_RECEIVER, "system_type", 13, CommandStatus.ESME_RINVSYSTYP),
        (CommandId.SUBMIT_SM, "service_type", 6, CommandStatus.ESME_RINVSERTYP),
        (CommandId.QUERY_SM, "message_id", 65, CommandStatus.ESME_RINVMSGID),
    ],
)
def test_sizes(command_id: int, field: str, size: int, status: int) -> None:
    row = next(row for row in PDUS[command_id].fields if row.name == field)
    assert (row.size, row.status) == (size, status)


@pytest.mark.parametrize("row", TLVS.values(), ids=lambda row: row.name)
def test_each_tlv_row_is_consistent(row: TlvSpec) -> None:
    assert row.allowed_34 <= row.allowed_50
    assert row.allowed_50 <= set(CommandId)
    assert row.allowed_50
    assert row.since == (V34 if row.allowed_34 else V50)
    assert row.values is None or 1 in row.lengths
    assert row.values is None or row.kind is TlvKind.INTEGER
    assert row.clause.startswith("5.3.2." if row.since == V34 else "5.0 ")


def test_clauses_of_tlvs_are_their_own() -> None:
    clauses = [row.clause for row in TLVS.values() if row.since == V34]
    assert len(set(clauses)) == len(clauses) == 44


@pytest.mark.parametrize(
    ("tag", "version", "allowed"),
    [
        (TlvTag.MESSAGE_PAYLOAD, V34, "SUBMIT_SM SUBMIT_MULTI DELIVER_SM DATA_SM"),
        (TlvTag.MESSAGE_PAYLOAD, V50, "SUBMIT_SM SUBMIT_MULTI DELIVER_SM DATA_SM BROADCAST_SM REPLACE_SM"),
        (TlvTag.DEST_NETWORK_TYPE, V34, "DATA_SM"),
        (TlvTag.DEST_NETWORK_TYPE, V50, "DATA_SM SUBMIT_SM SUBMIT_MULTI"),
        (TlvTag.SC_INTERFACE_VERSION, V34, "BIND_RECEIVER_RESP BIND_TRANSMITTER_RESP BIND_TRANSCEIVER_RESP"),
        (TlvTag.CONGESTION_STATE, V34, ""),
        (TlvTag.RECEIPTED_MESSAGE_ID, V34, "DELIVER_SM DATA_SM"),
    ],
)
def test_where_tlvs_belong(tag: int, version: int, allowed: str) -> None:
    assert TLVS[tag].allowed_in(version) == {CommandId[name] for name in allowed.split()}


def test_which_tlvs_repeat() -> None:
    assert {row.tag for row in TLVS.values() if row.repeatable} == {
        TlvTag.CALLBACK_NUM,
        TlvTag.CALLBACK_NUM_PRES_IND,
        TlvTag.CALLBACK_NUM_ATAG,
        TlvTag.BROADCAST_AREA_IDENTIFIER,
    } | {TlvTag.BROADCAST_ERROR_STATUS}


def test_groups_are_in_the_table() -> None:
    assert set(TLVS) >= SAR_TAGS | PORT_TAGS
    for requirement in TLV_REQUIREMENTS:
        assert {requirement.tag, *requirement.requires} <= set(TLVS)
