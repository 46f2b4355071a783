"""What importing smppd brings, and what it does not."""

import subprocess
import sys

import pytest

import smppd
from tests.repo.tree import ROOT


def modules_after(program: str) -> set[str]:
    """What of ours, and of what is slow to import, a program has loaded."""
    names = "('asyncio', 'msgspec', 'structlog', 'aiohttp')"
    show = f"print(*[m for m in sys.modules if m.startswith(('smppd', 'smppwire')) or m in {names}])"
    argv = [sys.executable, "-c", f"import sys; {program}; {show}"]
    env = {"PYTHONPATH": f"{ROOT}:{ROOT / 'protocol'}"}
    return set(subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout.split())


def test_importing_it_loads_nothing_else() -> None:
    assert modules_after("import smppd") == {"smppd"}


def test_the_message_centre_is_loaded_when_it_is_asked_for() -> None:
    assert {"smppd.testing", "smppd.app"} <= modules_after("from smppd import Smsc")
    assert smppd.Smsc is smppd.testing.Smsc  # type: ignore[attr-defined]


def test_there_is_nothing_else() -> None:
    with pytest.raises(AttributeError, match="module 'smppd' has no attribute 'Smcs'"):
        _ = smppd.Smcs  # type: ignore[attr-defined]
