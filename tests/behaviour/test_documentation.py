"""docs/faults.md: every kind is there with its parameters, and every sample is accepted and does something."""

import re
from pathlib import Path

import msgspec
import pytest

from smppd.settings import load_settings
from smppd.settings.faults import FAULTS, Fault
from tests.behaviour.fake_wire import World
from tests.repo.tree import ROOT

PAGE = (ROOT / "docs" / "faults.md").read_text()
SAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
GROUPS = {"bytes": "## Octets on the connection", "pdus": "## PDUs"}


def load(text: str, tmp_path: Path) -> list[Fault]:
    path = tmp_path / "smppd.toml"
    path.write_text(text)
    return load_settings(path, {}, []).fault


def rows(heading: str) -> dict[str, list[str]]:
    """The rows of the table below a heading: kind -> the other columns."""
    below = PAGE[PAGE.index(f"\n{heading}\n") :].split("\n## ")[1]
    found = re.findall(r"^\| `(\w+)` \| (.*) \|$", below, re.MULTILINE)
    return {kind: [column.strip() for column in rest.split("|")] for kind, rest in found}


@pytest.mark.parametrize("group", GROUPS)
def test_every_kind_is_there_with_its_parameters(group: str) -> None:
    found = rows(GROUPS[group])
    kinds = {name: kind for name, kind in FAULTS.items() if kind.group == group}
    assert list(found) == list(kinds)
    common = {field.encode_name for field in msgspec.structs.fields(Fault)}
    for name, (parameters, seen, quirks) in found.items():
        own = [field.encode_name for field in msgspec.structs.fields(kinds[name]) if field.encode_name not in common]
        assert re.findall(r"`(\w+)`", parameters) == own
        assert seen
        assert re.fullmatch(r"Q\d+b?(, Q\d+b?)*", quirks)


def test_every_quirk_has_its_source() -> None:
    named = {quirk for heading in GROUPS.values() for row in rows(heading).values() for quirk in row[2].split(", ")}
    sourced = re.findall(r"Q\d+b?", PAGE[PAGE.index("## Sources") :])
    assert set(sourced) == named


def test_every_kind_has_a_sample(tmp_path: Path) -> None:
    found = {fault.kind for sample in SAMPLES for fault in load(sample, tmp_path)}
    assert found == {name for name, kind in FAULTS.items() if kind.group in GROUPS}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: re.findall(r'kind = "(\w+)"', sample)[0])
def test_every_sample_is_accepted_and_put_to_work(sample: str, tmp_path: Path) -> None:
    given = load(sample, tmp_path)
    world = World(*given)
    _, transport = world.connect("smppclient1")
    assert world.layered(transport)
    assert world.book.faults == given
