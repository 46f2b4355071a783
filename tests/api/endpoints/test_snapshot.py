"""Snapshots over HTTP: down, up, kept, and everything that may be wrong with them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from smppd.settings.api import Api
from tests.api.support import serving
from tests.transport.support import request, submit_body

GZIP = "application/gzip"
SUBMIT = 0x00000004


def test_down_and_up_again() -> None:
    with serving() as (live, client), live.client() as esme:
        esme.bind()
        esme.send(request(SUBMIT, 2, submit_body(registered=1)))
        esme.frame()
        answer = client.get("/snapshot")
        assert answer.status == 200
        assert answer.media == GZIP
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="smppd-2')
        assert int(answer.headers["Content-Length"]) == len(answer.body)
        assert gzip.decompress(answer.body).startswith(b'{"format":"smppd-snapshot","version":1')
        esme.send(request(SUBMIT, 3, submit_body(registered=1)))
        restored = client.post("/snapshot/restore", answer.body, Content_Type=GZIP)
        assert restored.status == 200, restored.body
        assert restored.json["messages"] == 1
        assert restored.json["sessions_unbound"] == 1
        with live.client() as again:
            again.bind()
            assert b"id:1000000000" in again.frame()


def test_with_the_journal_and_what_desks_know() -> None:
    """Everything that can be asked for has the same answer in another server."""
    when = {"command": "submit_sm", "account": "smppclient1"}
    mo = {"source_addr": "447700900123", "destination_addr": "12345", "text": "Later", "delay": 3600}
    with serving() as (live, client), live.client() as esme:
        esme.bind()
        esme.send(request(SUBMIT, 2, submit_body(registered=1)))
        esme.frame()
        assert client.post("/mo", mo).status == 201
        rule = {"then": {"outcome": "DELIVRD"}}
        made = client.post("/rules?namespace=smppclient1&expires_in=3600", rule)
        assert made.status == 201, made.body
        asked = client.post("/verifications/find", {"when": when}).json["items"]
        pdus = client.get("/pdus").json["items"]
        octets = client.get("/snapshot?journal=true").body
        assert client.get("/snapshot?journal=perhaps").status == 422
    assert len(asked) == 1
    with serving() as (live, client):
        restored = client.post("/snapshot/restore", octets, Content_Type=GZIP)
        assert restored.status == 200, restored.body
        assert restored.json["pdus"] >= len(pdus)
        assert client.post("/verifications/find", {"when": when}).json["items"] == asked
        assert client.get("/pdus").json["items"][: len(pdus)] == pdus
        assert client.get(f"/pdus/{pdus[0]['number']}").json["fields"]["password"] == "********"
        assert client.get("/mo/mo-1").json["state"] == "scheduled"
        mine = client.get(f"/rules/{made.json['name']}").json
        assert (mine["origin"], mine["namespace"]) == ("api", "smppclient1")
        assert 0 < mine["expires_in"] <= 3600
        (message,) = client.get("/messages").json["items"]
        events = client.get(f"/messages/{message['message_id']}").json["events"]
        assert {"received", "accepted", "answered"} <= {event["event"] for event in events}
        (session,) = client.get("/sessions?state=ended").json["items"]
        assert (session["session"], session["system_id"]) == ("1", "smppclient1")
        with live.client() as again:
            again.bind()
            assert b"id:1000000000" in again.frame()


def test_kept_by_the_server(tmp_path: Path) -> None:
    with serving(api=Api(snapshots=str(tmp_path))) as (_, client):
        saved = client.post("/snapshot", {"file": "a.snapshot", "journal": True})
        assert saved.status == 200
        assert saved.json["pdus"] == 0, "nobody has sent any"
        assert (tmp_path / "a.snapshot").stat().st_size == saved.json["octets"]
        assert [each["file"] for each in client.get("/snapshots").json["items"]] == ["a.snapshot"]
        assert client.post("/snapshot/restore", {"file": "a.snapshot"}).status == 200
        assert client.post("/snapshot/restore", {"file": "b"}).problem["status"] == 404
        assert "file" in client.post("/snapshot", {"file": "../b"}).errors
        assert client.delete("/snapshots/a.snapshot").status == 204
        assert client.delete("/snapshots/a.snapshot").problem["status"] == 404
        assert client.delete("/snapshots/..%2Fa").status in {404, 422}


def test_not_kept() -> None:
    with serving() as (_, client):
        for answer in (
            client.get("/snapshots"),
            client.post("/snapshot", {"file": "a"}),
            client.post("/snapshot/restore", {"file": "a"}),
        ):
            assert answer.problem["status"] == 409
            assert "[api] snapshots names no directory" in answer.problem["detail"]


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        (b"hello", GZIP, 422),
        (gzip.compress(b"hello\n", mtime=0), GZIP, 422),
        (b"", GZIP, 422),
        (b"{}", "application/json", 422),
        (b'{"file": "a", "more": 1}', "application/json", 422),
        (b"x", "text/plain", 415),
        (bytes(5000), GZIP, 413),
    ],
)
def test_what_cannot_be_restored(body: bytes, media: str, status: int) -> None:
    with serving(api=Api(max_snapshot=4096)) as (live, client):
        answer = client.post("/snapshot/restore", body, Content_Type=media)
        assert answer.problem["status"] in {status, 400} if not body else answer.problem["status"] == status
        assert client.get("").status == 200
        assert live.errors("internal") == 0


def test_no_body_at_all() -> None:
    with serving() as (_, client):
        assert client.post("/snapshot/restore").problem["status"] == 400
