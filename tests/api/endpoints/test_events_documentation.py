"""What docs/events.md shows happens. Its snippet about signatures is tried in tests/control/test_signatures.py."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import shutil
import subprocess
import threading
import tomllib
from typing import Any

import pytest

from smppd.control.event_views import EventView
from smppd.settings import EVENT_KINDS, EventFilter, Settings
from smppd.settings.checks import CHECKS
from smppd.settings.webhooks import EVENTS
from smppd.strict import StrictReader
from tests.api.support import serving
from tests.repo.tree import ROOT
from tests.transport.support import PATIENCE, SUBMIT, Live, request, submit_body

DOCUMENT = (ROOT / "docs" / "events.md").read_text()
ADDRESS = "127.0.0.1:8775"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)


def pattern(shown: str) -> str:
    """What a line must be: three dots stand for anything, and ids are as they come."""
    ids = re.sub(r"e19c1b5c3a40-(\d+)-(\d+)", r"ID-\1-\2", shown)
    return re.escape(ids).replace(r"\.\.\.", ".*").replace(r"ID\-", r"e[0-9a-f]+\-")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_shows_what_happens() -> None:
    (block,) = blocks("console")
    command, *shown = block.splitlines()
    with serving() as (live, _):
        arguments = shlex.split(command.removeprefix("$ ").replace(ADDRESS, live.server.http_address))
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as curl:
            assert curl.stdout is not None
            watchdog = threading.Timer(PATIENCE, curl.kill)
            watchdog.start()
            for number, line in enumerate(shown):
                if number == 5:  # the view is open
                    client = live.client()
                assert re.fullmatch(pattern(line), curl.stdout.readline().rstrip("\n")), line
            watchdog.cancel()
            curl.kill()
        client.__exit__()


def submit(live: Live) -> None:
    with live.client() as esme:
        esme.bind()
        for number in range(4):
            esme.send(request(SUBMIT, 2 + number, submit_body(registered=1)))
        esme.frames(4)


def test_the_python_of_the_websocket() -> None:
    (snippet,) = [block for block in blocks("python") if "ws_connect" in block]
    names: dict[str, Any] = {"__name__": "snippet"}
    exec(compile(snippet, "docs/events.md", "exec"), names)
    with serving() as (live, client):

        async def scenario() -> list[str]:
            watching = asyncio.ensure_future(names["watch"](f"http://{client.address}"))
            while "message" not in live.context.events.wanted:  # noqa: ASYNC110  # it happens in another thread
                await asyncio.sleep(0)
            await asyncio.to_thread(submit, live)
            return list(await watching)

        lines = asyncio.run(asyncio.wait_for(scenario(), PATIENCE))
    assert len(lines) == 5
    assert any(line.startswith("message accepted account=smppclient1") for line in lines)


def test_the_settings_are_accepted() -> None:
    (text,) = blocks("toml")
    reader = StrictReader(lambda _: "", CHECKS)
    settings = reader.read(Settings, tomllib.loads(text))
    assert reader.problems == []
    assert settings.webhook[0].account == "shop*"


def test_the_objects_are_json() -> None:
    shown = [json.loads(block) for block in blocks("json")]
    assert [set(each) <= set(EventView.__struct_fields__) for each in shown] == [True, False]


def test_every_kind_and_condition_is_told() -> None:
    kinds = re.findall(r"^\| `(\w+)` \| `\w+`", DOCUMENT, re.MULTILINE)
    assert kinds == list(EVENT_KINDS)
    conditions = DOCUMENT[DOCUMENT.index("| condition |") :].split("\n\n")[0]
    told = set(re.findall(r"`(\w+)[`=]", conditions))
    assert set(EventFilter.__struct_fields__) <= told


def test_the_limits_are_those_of_the_code() -> None:
    from smppd.api.endpoints.events import HEARTBEAT, MAX_MESSAGE, STALLED
    from smppd.control.events import BACKLOG, MAX_VIEWERS, QUOTA, REMEMBER
    from smppd.observe.events import REMEMBERED

    assert (BACKLOG, QUOTA, REMEMBERED, REMEMBER) == (10_000, 1_000, 10_000, 60.0)
    assert (HEARTBEAT, STALLED, MAX_VIEWERS, MAX_MESSAGE) == (15.0, 30.0, 50, 16 * 1024)
    for words in ("10,000 events behind", "1,000 events are decoded", "After 15 seconds", "for 30 seconds", "16 KiB"):
        assert words in DOCUMENT


def test_the_table_has_all_events_that_can_be_asked_for() -> None:
    rows = re.findall(r"^\| (?:`\w+` )?\| (`.*?) \|", DOCUMENT, re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert told == set(EVENTS)
