"""docs/faults.md: every kind is there with its parameters, and every sample is accepted and does something."""

import re
from pathlib import Path

import msgspec
import pytest

from smppd.settings import load_settings
from smppd.settings.faults import FAULTS, Fault
from tests.behaviour.fake_wire import BIND_TRX, RESP, SUBMIT, World
from tests.behaviour.fault_world import FakeSession, FaultyWorld
from tests.engine.world import account, route, sms
from tests.repo.tree import ROOT

PAGE = (ROOT / "docs" / "faults.md").read_text()
SAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
GROUPS = {
    "bytes": "## Octets on the connection",
    "pdus": "## PDUs",
    "receipts": "## Receipts",
    "sessions": "## Sessions",
    "load": "## Load",
}
ON_LINES = ("bytes", "pdus")
QUIRK = r"Q\d+[ab]?"


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
    for name, (parameters, seen, *_, quirks) in found.items():
        own = [field.encode_name for field in msgspec.structs.fields(kinds[name]) if field.encode_name not in common]
        assert re.findall(r"`(\w+)`", parameters) == own
        assert seen
        assert re.fullmatch(rf"{QUIRK}(, {QUIRK})*", quirks)


def test_every_quirk_has_its_source() -> None:
    named = {quirk for heading in GROUPS.values() for row in rows(heading).values() for quirk in row[-1].split(", ")}
    sourced = re.findall(QUIRK, PAGE[PAGE.index("## Sources") :])
    assert set(sourced) == named


def test_every_kind_has_a_sample(tmp_path: Path) -> None:
    found = {fault.kind for sample in SAMPLES for fault in load(sample, tmp_path)}
    assert found == {name for name, kind in FAULTS.items() if kind.group in GROUPS}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: re.findall(r'kind = "(\w+)"', sample)[0])
def test_every_sample_is_accepted_and_put_to_work(sample: str, tmp_path: Path) -> None:
    given = load(sample, tmp_path)
    if given[0].group not in ON_LINES:
        happen_for_an_hour(FaultyWorld(*given, accounts=[account("other"), account("smppclient1")]))
        return
    world = World(*given)
    _, transport = world.connect("smppclient1")
    assert world.layered(transport)
    assert world.book.faults == given


def happen_for_an_hour(world: FaultyWorld) -> None:
    """Whatever can happen to sessions, requests and receipts happens every minute; each fault has been at work."""
    world.reload(route("default"), accounts=[account("other"), account("smppclient1")])
    desk = world.desk.sessions
    world.bind("other")  # and stays
    for _ in range(75):
        other, session = world.bind("other"), FakeSession("99")
        desk.connected(session)
        desk.refusal(session, BIND_TRX, "smppclient1", 1)
        desk.delay(session, BIND_TRX, "smppclient1")
        phone = world.bind("smppclient1")
        desk.ignores_enquire_link(world.session(phone))
        for bind in (other.bind, phone.bind):
            for _ in range(10):
                world.engine.report_early(bind, world.engine.submit(bind, [sms()]))
            if bind.faults is not None:
                bind.faults.congestion(SUBMIT | RESP, 0)
        world.loop.real.pass_time(1.0)
        world.advance(60.0)
        for each in (other, phone):
            each.answer()
            world.session(each).bind = None
            desk.left(world.session(each), each.bind, lost=True)
            each.hang_up()
    assert all(one.fired for one in world.book.occasions)
