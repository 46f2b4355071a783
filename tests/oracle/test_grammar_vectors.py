"""The dissector against PDUs that other projects' test suites and bug reports hold, with what those assert."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from smppwire.grammar import dissect_stream

VECTORS = Path(__file__).parents[2] / "protocol" / "vectors" / "vectors.jsonl"
ROWS = [json.loads(line) for line in VECTORS.read_text(encoding="utf-8").splitlines()]

PROSE = {"V0083", "V0084"}  # their "text" describes what the source makes of it
ABOUT_THE_SOURCE = {
    "charset_hint",
    "source_bug",
    "lenient",
    "header_only",
    "feed_split_at",
    "bytes_left",
    "partial_header_available",
}
HEADER = {"command_length", "command_id", "command_status", "sequence_number"}


def contradictions(row: dict[str, Any], found: list[dict[str, Any]]) -> list[str]:
    """What the source of ``row`` asserts and the dissections do not say."""
    if "pdus" in row["expect"]:
        expected = row["expect"]["pdus"]
        if len(found) != len(expected):
            return [f"{len(found)} PDUs, {len(expected)} expected"]
        return [
            wrong
            for one, it in zip(expected, found, strict=True)
            for key, value in one.items()
            if (wrong := contradiction(row, key, value, it))
        ]
    return [wrong for key, value in row["expect"].items() if (wrong := contradiction(row, key, value, found[0]))]


def contradiction(row: dict[str, Any], key: str, expected: Any, it: dict[str, Any]) -> str | None:
    if key in ABOUT_THE_SOURCE or (key == "text" and (row["id"] in PROSE or expected is None)):
        return None
    got = reading(key, expected, it)
    return None if got == expected else f"{key}: {got!r}, expected {expected!r}"


def reading(key: str, expected: Any, it: dict[str, Any]) -> Any:
    """What the dissection says about ``key``, in the shape of the vectors."""
    fields, udh = it["fields"], it["udh"]
    match key:
        case "error" | "need_more":
            return expected if it["problems"] else None
        case "sequence_number_accepted":
            return it["sequence_number"] is not None and not it["problems"]
        case "short_message_hex":
            return fields.get("short_message")
        case "tlvs":
            return [one for one in expected if any(says(tlv, one) for tlv in it["tlvs"])]
        case "tlv_count":
            return len(it["tlvs"])
        case "text":
            return it["text"]
        case "udh_hex":
            return udh and udh["octets"]
        case "concat":
            concat = udh and udh["concat"]
            return concat and {name: concat[name] for name in ("ref", "total", "seq")}
        case "dest_addresses":
            return fields.get("dest_address")
        case "no_body":
            return not fields and not it["tlvs"]
        case "lenient_trailing":
            return it["trailing"]
        case "is_receipt":
            return it["receipt"] is not None
        case "receipt":
            said = {name: it["receipt"][name] for name in expected}
            return {name: f"{value:03}" if isinstance(value, int) else value for name, value in said.items()}
        case _:
            return it[key] if key in HEADER else fields.get(key)


def says(tlv: dict[str, Any], expected: dict[str, Any]) -> bool:
    if tlv["tag"] != expected["tag"]:
        return False
    if "value_cstring" in expected:
        return bool(tlv["value"] == expected["value_cstring"])
    return bool(tlv["hex"] == expected["value_hex"])


def dissected(row: dict[str, Any]) -> list[dict[str, Any]]:
    found = [it.as_json() for it in dissect_stream(bytes.fromhex(row["hex"]))]
    json.dumps(found)
    return found


@pytest.mark.parametrize("row", [row for row in ROWS if row["conformant"]], ids=lambda row: row["id"])
def test_conformant_pdus_read_as_their_source_says_and_have_no_problems(row: dict[str, Any]) -> None:
    found = dissected(row)

    assert contradictions(row, found) == []
    assert [problem for it in found for problem in it["problems"]] == []


@pytest.mark.parametrize("row", [row for row in ROWS if not row["conformant"]], ids=lambda row: row["id"])
def test_deviant_pdus_have_a_problem_or_are_read_leniently(row: dict[str, Any]) -> None:
    found = dissected(row)

    assert any(it["problems"] for it in found) or row.get("disputed") or contradictions(row, found) == []


STATUS_OF_REFERENCE_ERROR = {
    "tlv_stream": {"ESME_RINVOPTPARSTREAM"},
    "truncated_field": {"ESME_RINVMSGLEN", "ESME_RINVCMDLEN"},
    "unterminated_cstring": {"ESME_RINVCMDLEN"},
    "unknown_command_id": {"ESME_RINVCMDID"},
    "bad_command_length": {"ESME_RINVCMDLEN"},
    "need_more": {"ESME_RINVCMDLEN"},
}


@pytest.mark.parametrize(
    "row", [row for row in ROWS if "ref_error" in row and not row.get("disputed")], ids=lambda row: row["id"]
)
def test_the_problem_is_the_one_the_reference_decoder_met(row: dict[str, Any]) -> None:
    statuses = {problem["status"] for it in dissected(row) for problem in it["problems"]}

    assert statuses & STATUS_OF_REFERENCE_ERROR[row["ref_error"]]


def test_only_framing_is_fatal() -> None:
    fatal = {row["id"] for row in ROWS for it in dissected(row) for p in it["problems"] if p["fatal"]}
    lengths = {
        row["id"]
        for row in ROWS
        for it in dissected(row)
        for problem in it["problems"]
        if problem["field"] == "command_length"
    }

    assert fatal == lengths
    assert {"V0001", "V0086", "V0128", "V0167"} < fatal
