"""Messages for the dissector's tests."""

from __future__ import annotations

from typing import Any

from smppwire.grammar import Dissection, build, dissect

SUBMIT_SM, DELIVER_SM, SUBMIT_MULTI, DATA_SM, QUERY_SM_RESP = 0x04, 0x05, 0x21, 0x103, 0x80000003
SUBMIT_SM_RESP, DELIVER_SM_RESP, DATA_SM_RESP, ENQUIRE_LINK = 0x80000004, 0x80000005, 0x80000103, 0x15
BROADCAST_SM = 0x111

MESSAGE: dict[str, Any] = {
    "service_type": b"",
    "source_addr_ton": 5,
    "source_addr_npi": 0,
    "source_addr": b"INFO",
    "dest_addr_ton": 1,
    "dest_addr_npi": 1,
    "destination_addr": b"33612345678",
    "esm_class": 0,
    "protocol_id": 0,
    "priority_flag": 0,
    "schedule_delivery_time": b"",
    "validity_period": b"",
    "registered_delivery": 1,
    "replace_if_present_flag": 0,
    "data_coding": 0,
    "sm_default_msg_id": 0,
    "short_message": b"Hello",
}


def message(command_id: int = SUBMIT_SM, tlvs: list[tuple[int, bytes]] | None = None, **changes: Any) -> Dissection:
    return dissect(build(command_id, 1, {**MESSAGE, **changes}, tlvs=tlvs or []))


def meaning(it: Dissection, name: str) -> str:
    return next(field.meaning for field in (*it.fields, *it.tlvs) if field.name == name)


def said(problems: list[Any]) -> list[tuple[str, str | None]]:
    return [(problem.field, problem.status) for problem in problems]
