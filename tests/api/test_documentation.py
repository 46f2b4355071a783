"""What docs/api.md shows happens, word for word."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tomllib

import pytest

from smppd.settings import Settings
from smppd.settings.checks import CHECKS
from smppd.strict import StrictReader
from tests.api.support import serving
from tests.repo.tree import ROOT

DOCUMENT = (ROOT / "docs" / "api.md").read_text()
SESSION = re.findall(r"^\$ (curl .*?)$\n(.*?)^(?=\$|```)", DOCUMENT, re.MULTILINE | re.DOTALL)
ADDRESS = "127.0.0.1:8775"


def pattern(shown: str) -> str:
    """What an output must be; three dots stand for anything."""
    return ".*".join(re.escape(part) for part in shown.strip().split("..."))


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_session() -> None:
    assert len(SESSION) >= 4
    with serving() as (live, _):
        for command, shown in SESSION:
            arguments = shlex.split(command.replace(ADDRESS, live.server.http_address))
            done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=20)
            assert re.fullmatch(pattern(shown), done.stdout.strip(), re.DOTALL), (command, done.stdout)


def test_the_settings_are_accepted() -> None:
    for text in re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL):
        reader = StrictReader(lambda _: "", CHECKS)
        reader.read(Settings, tomllib.loads(text))
        assert reader.problems == []


def test_every_status_is_explained() -> None:
    from smppd.api.openapi import MEANING

    rows = re.findall(r"^\| ([\d, ]+) \|", DOCUMENT, re.MULTILINE)
    told = {int(status) for row in rows for status in row.split(", ")}
    assert told == (MEANING.keys() - {304}) | {405}
