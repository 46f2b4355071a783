"""Who may know whom, and what importing the wire library brings along."""

import re
import subprocess
import sys
import tomllib

import pytest
from importlinter.cli import lint_imports

from tests.repo.tree import ROOT, modules

HEAVY = ("asyncio", "socket", "ssl", "threading", "logging", "random", "construct", "aiohttp", "smppd")


def test_the_import_directions_hold(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    status = lint_imports(no_cache=True)
    assert status == 0, capsys.readouterr().out


def test_nobody_lives_outside_of_the_house() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = " ".join(contracts[0]["layers"])
    rooms = {".".join(module.name.split(".")[:2]) for module in modules() if module.name.startswith("smppd.")}
    assert rooms - {"smppd.__main__"} - set(re.findall(r"[\w.]+", layers)) == set()


def test_the_wire_library_brings_nothing_heavy() -> None:
    program = f"import smppwire, sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    argv = [sys.executable, "-c", program]
    env = {"PYTHONPATH": str(ROOT / "protocol")}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
