"""docs/pytest.md: every example is a test that passes, and the tables name what exists."""

import inspect
import re
from pathlib import Path

import pytest

import smppd
from smppd.pytest_plugin import INI
from smppd.testing import EsmeClient
from smppd.testing.conditions import Conditions
from tests.repo.tree import ROOT
from tests.testing.wheel import run_pytest

TEXT = (ROOT / "docs" / "pytest.md").read_text()
BLOCKS = re.findall(r"^```python([^\n]*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def table_of(heading: str) -> set[str]:
    """The names in the first columns of the tables below a heading."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)", cell)}


def test_every_example_passes(site: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\npythonpath = ["."]\nfilterwarnings = ["error"]\naddopts = "--strict-markers"\n'
        'asyncio_default_fixture_loop_scope = "function"\n'
    )
    for number, (label, code) in enumerate(BLOCKS):
        named = re.fullmatch(r" file=(\w+\.py)", label)
        (project / (named[1] if named else f"test_block_{number}.py")).write_text(code)
    done = run_pytest(site, project, "-q", "-p", "no:xdist")
    assert done.returncode == 0, done.stdout + done.stderr
    passed = int(done.stdout.splitlines()[-1].split()[0])
    backends = len(re.findall(r"mark\.anyio", TEXT))  # each of these runs with asyncio and with trio
    assert passed == sum(code.count("def test_") for _, code in BLOCKS) + backends


def test_the_first_failure_is_shown_as_it_is(site: Path, tmp_path: Path) -> None:
    """The text of the failure under "Five minutes", but for times and what goes on after the response."""
    shown = TEXT.partition("```text\n")[2].partition("```")[0]
    project = tmp_path / "project"
    project.mkdir()
    files = {re.fullmatch(r" file=(\w+\.py)|", label)[1] or "test_it.py": code for label, code in BLOCKS[:2]}  # type: ignore[index]
    for name, code in files.items():
        (project / name).write_text(code.replace('"493027")\n\n', '"49302")\n\n'))
    (project / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["."]\nsmppd_within = "0.1"\n')
    done = run_pytest(site, project, "-q", "-p", "no:asyncio", "-p", "no:anyio", "-p", "no:xdist")
    lines = [line for line in done.stdout.splitlines() if line.startswith("E ")]
    wanted = [plain_line(line.replace("5 s", "0.1 s")) for line in shown.splitlines()]
    assert [plain_line(line) for line in lines][: len(wanted)] == wanted


def plain_line(line: str) -> str:
    """A line without what differs from run to run."""
    return re.sub(r"\+\d+\.\d+|submit date.*", "", line)


def test_the_examples_of_the_readme_pass(site: Path, tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text()
    blocks = [code for code in re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) if "smsc" in code]
    assert len(blocks) == 2
    code = """
from smppd.testing import EsmeClient

def send_code(host, port, number):
    with EsmeClient(host, port) as esme:
        while esme.submit(number, "Your code is 493027").command_status != "ESME_ROK":
            pass
"""
    (tmp_path / "test_readme.py").write_text("\n".join([code, *blocks]))
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = "--strict-markers"\n')
    done = run_pytest(site, tmp_path, "-q", "-p", "no:asyncio", "-p", "no:anyio", "-p", "no:xdist")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("heading", ["What was sent", "What the carrier does"])
def test_the_methods_exist(heading: str) -> None:
    names = table_of(heading)
    assert len(names) > 5
    known = set(dir(smppd.Smsc)) | {"rules", "faults", "clock"} | set(Conditions.__annotations__)
    assert {name for name in names if name not in known} <= {"advance_to", "freeze", "resume", "set_speed", "now"}


def test_every_method_is_told_of() -> None:
    told = table_of("What was sent") | table_of("What the carrier does") | set(re.findall(r"`smsc\.(\w+)", TEXT))
    public = {name for name in dir(smppd.Smsc) if not name.startswith("_")}
    elsewhere = {"start", "stop", "check_health", "report", "log", "host", "port", "address", "password", "system_id"}
    assert public - told - elsewhere == set()


def test_every_option_is_told_of() -> None:
    options = set(inspect.signature(smppd.Smsc.__init__).parameters) - {"self"}
    assert options <= table_of("Fixtures")
    assert [name for name in INI if f"`{name}" not in TEXT] == []


def test_every_condition_is_told_of() -> None:
    assert set(Conditions.__annotations__) - {"command", "direction"} <= table_of("What was sent")


def test_every_method_of_the_esme_is_told_of() -> None:
    public = {name for name in vars(EsmeClient) if not name.startswith("_")}
    assert public - {"connect", "close"} <= table_of("The small ESME") | set(re.findall(r"`(\w+)`", TEXT))
