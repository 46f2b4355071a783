"""Who may know whom, and what importing the wire library brings along."""

import subprocess
import sys

import pytest
from importlinter.cli import lint_imports

from tests.repo.tree import ROOT

HEAVY = ("asyncio", "socket", "ssl", "threading", "logging", "random", "construct", "aiohttp", "smppd")


def test_the_import_directions_hold(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    status = lint_imports(no_cache=True)
    assert status == 0, capsys.readouterr().out


def test_the_wire_library_brings_nothing_heavy() -> None:
    program = f"import smppwire, sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    argv = [sys.executable, "-c", program]
    env = {"PYTHONPATH": str(ROOT / "protocol")}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
