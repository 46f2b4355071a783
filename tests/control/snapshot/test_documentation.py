"""docs/snapshots.md: what it shows works, and what it says of the format is so."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from smppd.control.snapshot.format import FORMAT, VERSION, Header
from smppd.settings.api import Api
from tests.api.support import serving
from tests.repo.tree import ROOT

TEXT = (ROOT / "docs" / "snapshots.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def run_curl(client: Any, line: str, place: Path) -> None:
    """Do what a curl of the documentation does, at another address."""
    words = shlex.split(line)
    assert words.pop(0) == "curl"
    method, body, target, headers, url = "GET", None, None, {}, ""
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name.replace("-", "_")] = value
        elif word == "--data-binary":
            body = (place / words.pop(0).removeprefix("@")).read_bytes()
        elif word == "-d":
            body = words.pop(0).encode()
        elif word == "-o":
            target = place / words.pop(0)
        elif word != "-s":
            url = word
    answer = client.ask(method, urlsplit(url).path, body, **headers)
    assert answer.status in {200, 204}, (line, answer.body)
    if target is not None:
        target.write_bytes(answer.body)


def test_the_commands(tmp_path: Path) -> None:
    with serving(api=Api(snapshots=str(tmp_path / "kept"))) as (_, client):
        lines = [line for block in blocks("sh") for line in block.splitlines() if line]
        assert len(lines) >= 5
        for line in lines:
            run_curl(client, line, tmp_path)


def test_the_python() -> None:
    (code,) = blocks("python")
    exec(compile(code, "docs/snapshots.md", "exec"), {"__name__": "example"})


def test_the_first_line() -> None:
    (line,) = blocks("json")
    assert set(json.loads(line)) == set(Header.__struct_fields__)
    header = msgspec.json.decode(line, type=Header)
    assert (header.format, header.version) == (FORMAT, VERSION)
