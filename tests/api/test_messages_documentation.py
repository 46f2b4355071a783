"""What docs/messages.md shows happens, word for word."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess

import pytest

from smppd.control.messages.search import MAX_BULK, Bulk, Count
from smppd.engine.history import MAX_EVENTS, MAX_RECORDED
from smppd.settings import Delay, Network
from tests.api.support import serving
from tests.api.test_documentation import ADDRESS, pattern
from tests.repo.tree import ROOT
from tests.transport.support import SUBMIT, request, submit_body

DOCUMENT = (ROOT / "docs" / "messages.md").read_text()
SESSION = re.findall(r"^\$ (curl .*?)$\n(.*?)^(?=\$|```)", DOCUMENT, re.MULTILINE | re.DOTALL)
LATER = {"default": Network(delay=Delay(distribution="fixed", value=3600.0))}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_session() -> None:
    assert len(SESSION) >= 7
    with serving(network=LATER) as (live, _), live.client() as esme:
        esme.bind()
        code = submit_body(text=b"Your code is 4711", to=(1, 1, b"33612345678"), registered=1)
        for sequence, body in enumerate((code, submit_body()), 2):
            esme.send(request(SUBMIT, sequence, body))
            esme.frame()
        for command, shown in SESSION:
            arguments = shlex.split(command.replace(ADDRESS, live.server.http_address))
            done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=20)
            assert re.fullmatch(pattern(shown), done.stdout.strip(), re.DOTALL), (command, done.stdout)


def test_limits_are_as_documented() -> None:
    assert f"{Count().limit:,}" == "10,000"
    assert f"{Bulk().limit:,} unless given, {MAX_BULK:,} at the most" in DOCUMENT
    assert f"{MAX_EVENTS} events of\none message, {MAX_RECORDED:,} of all" in DOCUMENT
