"""The table of all endpoints in docs/api.md is the route table."""

from __future__ import annotations

from pathlib import Path

import pytest

from smppd.api.endpoints import all_endpoints
from smppd.api.reference import BEGIN, END, main, tables, updated
from tests.repo.tree import ROOT

DOCUMENT = ROOT / "docs" / "api.md"


def test_the_documentation_is_up_to_date() -> None:
    text = DOCUMENT.read_text()
    assert updated(text, all_endpoints()) == text, "run: python -m smppd.api.reference docs/api.md"


def test_every_endpoint_has_a_row() -> None:
    made = tables(all_endpoints())
    assert all(f"| `{endpoint.method} {endpoint.path}` |" in made for endpoint in all_endpoints())


def test_it_prints_or_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    assert capsys.readouterr().out == tables(all_endpoints()) + "\n"
    path = tmp_path / "api.md"
    path.write_text(f"before\n{BEGIN}\nWhat was.\n{END}\nafter\n")
    main([str(path)])
    text = path.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert tables(all_endpoints()) in text
    assert "What was." not in text


def test_a_document_without_marks() -> None:
    with pytest.raises(ValueError, match="there are no lines"):
        updated("x", [])
