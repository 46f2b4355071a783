"""Accounts over HTTP, with ESMEs that bind on real sockets."""

from __future__ import annotations

import socket

from tests.api.support import serving
from tests.transport.support import BIND_RX, BIND_TRX, OUTBIND, PATIENCE, UNBIND, Live, bind_body, request


def bind_status(live: Live, system_id: str, password: str) -> int:
    with live.client() as esme:
        esme.send(request(BIND_TRX, 1, bind_body(system_id, password)))
        return int.from_bytes(esme.frame()[8:12], "big")


def test_an_account_from_its_making_to_its_end() -> None:
    with serving() as (live, client):
        made = client.post("/accounts", {"system_id": "new", "password": "secret99", "window": 5})
        assert made.status == 201
        assert (made.json["window"], made.json["enabled"]) == (5, True)
        assert b"secret99" not in made.body
        assert bind_status(live, "new", "secret99") == 0
        assert client.post("/accounts", {"system_id": "new", "password": "x"}).problem["status"] == 409

        view = client.patch("/accounts/new", {"password": "other", "throughput": {"limit": 7}}).json
        assert (view["window"], view["throughput"]["limit"]) == (5, 7.0)
        assert bind_status(live, "new", "other") == 0
        view = client.put("/accounts/new", {"system_id": "new", "password": "third"}).json
        assert (view["window"], view["throughput"]["limit"]) == (0, 0.0)
        assert [each["system_id"] for each in client.get("/accounts").json["items"]] == ["smppclient1", "new"]

        assert client.delete("/accounts/new").status == 204
        assert client.get("/accounts/new").problem["status"] == 404
        assert bind_status(live, "new", "third") == 0x0F
        assert client.put("/accounts/put", {"system_id": "put", "password": "p"}).status == 200
        assert client.put("/accounts/put", {"password": "p", "window": 3}).json["window"] == 3
        assert client.get("/accounts/put").json["system_id"] == "put"


def test_disable_and_enable() -> None:
    with serving() as (live, client), live.client() as esme:
        esme.bind()
        assert client.get("/accounts/smppclient1").json["state"]["binds"]["transceiver"] == 1
        assert client.post("/accounts/smppclient1/disable").json["enabled"] is False
        assert esme.frame()[4:8] == UNBIND.to_bytes(4, "big")
        assert bind_status(live, "smppclient1", "password") == 0x0D
        assert client.post("/accounts/smppclient1/enable").json["enabled"] is True
        assert bind_status(live, "smppclient1", "password") == 0


def test_outbind() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(PATIENCE)
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    with listener, serving() as (_live, client):
        assert client.post("/accounts/smppclient1/outbind").problem["status"] == 409
        client.patch("/accounts/smppclient1", {"outbind": address, "outbind_password": "ours"})
        called = client.post("/accounts/smppclient1/outbind")
        assert (called.status, called.json["address"]) == (200, address)
        esme, _ = listener.accept()
        with esme:
            esme.settimeout(PATIENCE)
            assert esme.recv(1000)[4:8] == OUTBIND.to_bytes(4, "big")
            esme.sendall(request(BIND_RX, 1, bind_body()))
            assert esme.recv(1000)[8:12] == bytes(4)
            view = client.get(f"/sessions/{called.json['session']}").json
            assert (view["state"], view["system_id"]) == ("BOUND_RX", "smppclient1")
        assert b"ours" not in client.get("/accounts").body


def test_nobody_to_call() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    with serving() as (_live, client):
        client.patch("/accounts/smppclient1", {"outbind": address})
        refused = client.post("/accounts/smppclient1/outbind").problem
        assert refused["status"] == 409
        assert address in refused["detail"]


def test_all_that_is_wrong_at_once() -> None:
    with serving() as (_live, client):
        refused = client.post("/accounts", {"system_id": "x" * 16, "password": "p" * 300, "windw": 1, "max_binds": -1})
        assert set(refused.errors) == {"system_id", "password", "windw", "max_binds"}
        assert b"ppp" not in refused.body
        assert set(client.post("/accounts", {"system_id": "x"}).errors) == {"password"}
        assert set(client.post("/accounts", {"system_id": "x", "password": "p", "dialect": "no"}).errors) == {"dialect"}
        for body in ({"window": None}, {"throughput": {"limit": -1}}, {"password_hash": "x"}, {"system_id": "y"}):
            assert client.patch("/accounts/smppclient1", body).problem["status"] == 422, body
        assert client.put("/accounts/a", {"system_id": "b", "password": "p"}).problem["status"] == 422
        assert set(client.put(f"/accounts/{16 * 'x'}", {"password": "p"}).errors) == {"system_id"}
        assert set(client.put("/accounts/a", {"password": 9 * "p"}).errors) == {"password"}
        for method, path in (
            ("PATCH", "/accounts/no"),
            ("DELETE", "/accounts/no"),
            ("POST", "/accounts/no/enable"),
            ("POST", "/accounts/no/disable"),
            ("POST", "/accounts/no/outbind"),
        ):
            assert client.ask(method, path, {} if method == "PATCH" else None).problem["status"] == 404


def test_changes_that_overtake_each_other() -> None:
    with serving() as (live, client):
        tag = client.get("/accounts/smppclient1").headers["ETag"]
        assert bind_status(live, "smppclient1", "password") == 0
        assert client.patch("/accounts/smppclient1", {"window": 5}, If_Match=tag).status == 200
        assert client.patch("/accounts/smppclient1", {"window": 6}, If_Match=tag).problem["status"] == 412
        assert (
            client.put("/accounts/smppclient1", {"system_id": "smppclient1", "password": "p"}, If_None_Match="*").status
            == 412
        )
