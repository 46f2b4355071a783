"""What docs/verification.md shows happens, word for word."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess

import pytest

from smppd.control.verification.limits import MAX_WAITS, MAX_WITHIN
from smppd.regexes import MAX_SEARCHED
from tests.api.support import serving
from tests.api.test_documentation import ADDRESS, pattern
from tests.repo.tree import ROOT
from tests.transport.support import SUBMIT, Raw, request, submit_body

DOCUMENT = (ROOT / "docs" / "verification.md").read_text()
SESSION = re.findall(r"^\$ (curl .*?)$\n(.*?)^(?=\$|```)", DOCUMENT, re.MULTILINE | re.DOTALL)
EXPLANATION = re.search(r"```\n(expected at least.*?)```", DOCUMENT, re.DOTALL)


def speak(esme: Raw) -> None:
    """What the document says the application has done."""
    esme.bind()
    texts = [
        (0, b"Your code is 482913"),
        (0, b"Reminder: pay by Friday"),
        (0x40, b"\5\0\3\x4d\2\1Flight AF1234: your gate "),
        (0x40, b"\5\0\3\x4d\2\2is now B22. Boarding at 10:40."),
    ]
    for sequence, (esm_class, text) in enumerate(texts, 2):
        source = (5, 0, b"MyBank" if sequence < 4 else b"Airline")
        body = submit_body(source=source, to=(1, 1, b"33612345678"), esm_class=esm_class, text=text)
        esme.send(request(SUBMIT, sequence, body))
        esme.frame()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_session() -> None:
    assert len(SESSION) == 10
    with serving() as (live, _), live.client() as esme:
        speak(esme)
        for command, shown in SESSION:
            arguments = shlex.split(command.replace(ADDRESS, live.server.http_address))
            done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=20)
            assert re.fullmatch(pattern(shown), done.stdout.strip(), re.DOTALL), (command, done.stdout)


def test_the_explanation() -> None:
    assert EXPLANATION is not None
    with serving() as (live, client), live.client() as esme:
        speak(esme)
        wait = next(command for command, _ in SESSION if "/wait" in command)
        answer = client.post("/verifications/wait", json.loads(shlex.split(wait)[-1]))
        assert re.fullmatch(pattern(EXPLANATION[1]), answer.json["explanation"], re.DOTALL), answer.json["explanation"]


def test_figures_are_those_of_the_code() -> None:
    assert f"up to {MAX_WITHIN:g} seconds" in DOCUMENT
    assert f"up to {MAX_WAITS:,}" in DOCUMENT
    assert f"first {MAX_SEARCHED} characters" in DOCUMENT
