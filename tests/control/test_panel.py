"""All desks of a server can be had, and none is made before."""

from __future__ import annotations

import io
import subprocess
import sys
from functools import cached_property

import pytest

from smppd.app import SmscServer
from smppd.control.panel import Control
from smppd.settings import Settings

DESKS = [name for name, value in vars(Control).items() if isinstance(value, cached_property)]


@pytest.mark.parametrize("name", DESKS)
def test_a_desk_is_made_once(name: str) -> None:
    control = SmscServer(Settings(), log_stream=io.StringIO(), environ={}).control
    assert name not in vars(control)
    desk = getattr(control, name)
    assert getattr(control, name) is desk


def test_desks_are_not_loaded_with_the_server() -> None:
    program = "import sys, smppd.app; print(*[name for name in sys.modules if name.startswith('smppd.control.')])"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "smppd.control.panel" in loaded
    assert not any(name.startswith("smppd.control.server") for name in loaded)


def test_the_frame_of_http_is_not_loaded_with_the_server() -> None:
    program = "import sys, smppd.app; print(*[name for name in sys.modules if 'aiohttp' in name or '.api.' in name])"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == ["smppd.api.door"]
