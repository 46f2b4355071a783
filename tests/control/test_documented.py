"""What docs/control.md shows happens, word for word and in its order."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess

import pytest

from smppd.transport.connection import REASONS
from tests.api.support import Client, serving
from tests.repo.tree import ROOT
from tests.transport.support import DELIVER, UNBIND, Live, Raw, answer, wait_until

DOCUMENT = (ROOT / "docs" / "control.md").read_text()
EXAMPLES = re.findall(r"^\$ (curl .*?)$\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
ADDRESS = "127.0.0.1:8775"


def pattern(shown: str) -> str:
    """What an output must be; three dots stand for anything."""
    return ".*".join(re.escape(part) for part in shown.strip().split("..."))


def try_out(live: Live, command: str, shown: str) -> None:
    arguments = shlex.split(command.replace(ADDRESS, live.server.http_address))
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=20)
    assert re.fullmatch(pattern(shown), done.stdout.strip(), re.DOTALL), (command, done.stdout)


def unbind(esme: Raw, client: Client) -> None:
    """Answer an unbind, as an ESME does."""
    frame = esme.frame()
    esme.send(answer(UNBIND, 0, int.from_bytes(frame[12:16], "big")))
    esme.ended()
    esme.socket.close()
    wait_until(lambda: not client.get("/sessions").json["items"])


def acknowledge(esme: Raw, client: Client) -> None:
    """Answer a deliver_sm, as an ESME does."""
    frame = esme.frame()
    esme.send(answer(DELIVER, 0, int.from_bytes(frame[12:16], "big"), b"\0"))
    wait_until(lambda: client.get("/mo/mo-1").json["state"] == "acknowledged")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_examples() -> None:
    assert len(EXAMPLES) >= 10
    with serving() as (live, client):
        esme = live.client()
        esme.bind()
        for command, shown in EXAMPLES:
            try_out(live, command, shown)
            if command.endswith("/unbind"):
                unbind(esme, client)
                esme = live.client()
                esme.bind()
            elif "/mo " in command:
                acknowledge(esme, client)
        esme.socket.close()


def test_every_reason_is_explained() -> None:
    for reason in REASONS:
        assert f"`{reason}`" in DOCUMENT
