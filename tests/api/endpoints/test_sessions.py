"""Sessions over HTTP, with ESMEs on real sockets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.support import Client, serving
from tests.transport.support import (
    BIND_TRX,
    ENQUIRE_LINK,
    SUBMIT,
    UNBIND,
    Raw,
    answer,
    bind_body,
    request,
    submit_body,
    wait_until,
)

RTHROTTLED, RSYSERR = 0x58, 0x08


def only(client: Client, **query: str) -> dict[str, Any]:
    text = "&".join(f"{name}={value}" for name, value in query.items())
    (view,) = client.get(f"/sessions?{text}").json["items"]
    return dict(view)


def submit(esme: Raw, sequence: int) -> int:
    """The command_status of a submission."""
    esme.send(request(SUBMIT, sequence, submit_body()))
    return int.from_bytes(esme.frame()[8:12], "big")


def test_a_session_from_its_bind_to_its_end() -> None:
    with serving() as (live, client):
        assert client.get("/sessions").json == {"items": [], "next": None}
        with live.client() as esme:
            esme.bind(system_type="VMA")
            assert submit(esme, 2) == 0
            view = only(client)
            assert client.get(f"/sessions/{view['session']}").json["binds"] == view["binds"]
            assert (view["state"], view["system_id"], view["binds"][0]["system_type"]) == (
                "BOUND_TRX",
                "smppclient1",
                "VMA",
            )
            assert (view["counters"]["submitted"], view["counters"]["accepted"]) == (1, 1)
            assert view["connected"] >= view["bound"] >= 0
            esme.ask(request(UNBIND, 3), answer(UNBIND, 0, 3))
        wait_until(lambda: not client.get("/sessions").json["items"])
        view = only(client, state="ended")
        assert (view["state"], view["reason"]) == ("CLOSED", "esme_unbind")
        assert only(client, state="all", account="smppclient1") == view
        assert client.get("/sessions?state=all&account=other").json["items"] == []


def test_a_refused_bind_is_remembered_without_its_password() -> None:
    with serving() as (live, client):
        with live.client() as esme:
            esme.send(request(BIND_TRX, 1, bind_body(password="secret99")))
            status = esme.frame()[8:12]
        assert status == (0x0E).to_bytes(4, "big")
        wait_until(lambda: not client.get("/sessions").json["items"])
        answer_of_list = client.get("/sessions?state=ended")
        assert b"secret99" not in answer_of_list.body
        (view,) = answer_of_list.json["items"]
        assert view["refused_binds"][0]["command_status"] == "ESME_RINVPASWD"
        assert view["reason"] == "bind_refused"


def test_throttle_rate_and_windows() -> None:
    with serving() as (live, client), live.client() as esme:
        esme.bind()
        where = f"/sessions/{only(client)['session']}"
        view = client.patch(where, {"throttle": {"command_status": "ESME_RSYSERR"}}).json
        assert view["throttle"] == {"command_status": "ESME_RSYSERR", "seconds_left": None}
        assert submit(esme, 2) == RSYSERR
        view = client.patch(where, {"throttle": {"seconds": 3600}}).json
        assert 3590 < view["throttle"]["seconds_left"] <= 3600
        assert submit(esme, 3) == RTHROTTLED
        body = {"throttle": None, "rate": {"limit": 1, "per": 3600, "burst": 2}, "window": 5, "deliver_window": 6}
        view = client.patch(where, body).json
        assert (view["throttle"], view["window"]["size"], view["deliver_window"]["size"]) == (None, 5, 6)
        assert [submit(esme, number) for number in (4, 5, 6)] == [0, 0, RTHROTTLED]
        assert client.get(where).json["rate"]["fullness"] > 0.99
        view = client.patch(where, {"rate": None}).json
        assert (view["rate"], view["window"]["size"]) == (None, 5)
        assert submit(esme, 7) == 0
        assert view["counters"]["refused_by_status"] == {"ESME_RSYSERR": 1, "ESME_RTHROTTLED": 2}


def end(client: Client, esme: Raw, how: str) -> dict[str, Any]:
    esme.bind()
    session = only(client)["session"]
    done = client.post(f"/sessions/{session}/{how}")
    assert done.status == 200
    assert done.json["session"] == session
    return dict(done.json)


def test_unbind() -> None:
    with serving(server={"shutdown_grace": 5.0}) as (live, client):
        with live.client() as esme:
            assert end(client, esme, "unbind")["reason"] == "smsc_unbind"
            frame = esme.frame()
            assert frame[4:8] == UNBIND.to_bytes(4, "big")
            esme.send(answer(UNBIND, 0, int.from_bytes(frame[12:16], "big")))
            esme.ended()
        wait_until(lambda: client.get("/sessions?state=ended").json["items"])
        assert only(client, state="ended")["reason"] == "smsc_unbind"


def test_close() -> None:
    with serving() as (live, client), live.client() as esme:
        assert end(client, esme, "close")["reason"] == "smsc_closed"
        assert esme.socket.recv(100) == b""


def test_reset() -> None:
    with serving() as (live, client), live.client() as esme:
        assert end(client, esme, "reset")["reason"] == "smsc_reset"
        with pytest.raises(ConnectionResetError):
            esme.socket.recv(100)


def test_what_cannot_be() -> None:
    with serving() as (live, client):
        with live.client() as esme:
            esme.bind()
            where = f"/sessions/{only(client)['session']}"
            for body in (
                {},
                {"window": -1},
                {"window": None},
                {"rate": {}},
                {"rate": {"limit": 0}},
                {"throttle": {"seconds": 0}},
                {"throttle": {"command_status": "ESME_ROK"}},
                {"bind_type": "receiver"},
            ):
                refused = client.patch(where, body)
                assert (refused.status, bool(refused.errors)) == (422, True), body
            esme.ask(request(ENQUIRE_LINK, 2), answer(ENQUIRE_LINK, 0, 2))
        wait_until(lambda: not client.get("/sessions").json["items"])
        for how in ("unbind", "close", "reset"):
            assert client.post(f"{where}/{how}").problem["status"] == 409
            assert client.post(f"/sessions/4711/{how}").problem["status"] == 404
        assert client.patch(where, {"window": 1}).problem["status"] == 409
        assert client.get("/sessions/x").problem["status"] == 404
        assert client.get("/sessions?state=closed").problem["status"] == 422
        assert client.get("/sessions?cursor=x").problem["status"] == 422


def test_changes_that_overtake_each_other() -> None:
    with serving() as (live, client), live.client() as esme:
        esme.bind()
        where = f"/sessions/{only(client)['session']}"
        tag = client.get(where).headers["ETag"]
        assert client.patch(where, {"window": 5}, If_Match=tag).status == 200
        assert client.patch(where, {"window": 6}, If_Match=tag).status == 412
        assert client.get(where).json["window"]["size"] == 5
