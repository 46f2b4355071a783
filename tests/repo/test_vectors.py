"""The golden vectors are all there: a file cut short would make many tests pass by testing less."""

import json
from collections import Counter

import pytest

from tests.repo.tree import ROOT

VECTORS = ROOT / "protocol" / "vectors"
ROWS = {"vectors.jsonl": 285, "vectors_text_time_receipts.jsonl": 116}


@pytest.mark.parametrize("name", ROWS)
def test_every_row_is_there(name: str) -> None:
    rows = [json.loads(line) for line in (VECTORS / name).read_text().splitlines()]
    assert len(rows) == ROWS[name]
    assert [key for key, count in Counter(row["id"] for row in rows).items() if count > 1] == []
    assert all(row["source"] for row in rows), "a vector says where it comes from"


def test_the_pdu_vectors_are_hexadecimal() -> None:
    rows = (VECTORS / "vectors.jsonl").read_text().splitlines()
    assert all(bytes.fromhex(json.loads(row)["hex"]) for row in rows)


def test_the_documentation_names_the_same_numbers() -> None:
    text = (VECTORS / "README.md").read_text()
    assert [name for name, count in ROWS.items() if f"| `{name}` | {count} |" not in text] == []
