"""Resets over HTTP."""

from __future__ import annotations

from smppd.settings import Delay, Network
from tests.api.support import serving
from tests.transport.support import BIND_TRX, SUBMIT, account, request, submit_body

SLOW = {"default": Network(delay=Delay(distribution="fixed", value=60.0))}


def test_everything() -> None:
    with serving(network=SLOW) as (live, client), live.client() as esme:
        esme.bind(BIND_TRX)
        esme.send(*(request(SUBMIT, 7 + number, submit_body(registered=1)) for number in range(5)))
        esme.frames(5)
        client.post("/rules", {"then": {"status": 8}})
        client.post("/clock/freeze")
        view = client.post("/reset").json
        assert (view["namespace"], view["messages"], view["rules"], view["settings"]) == (
            None,
            5,
            0,
            ["rule[api-rule-1]"],
        )
        assert view["pdus"] >= 12
        assert client.get("/clock").json["real"] is True
        assert live.call(lambda: live.server.engine.ledger.live) == 0
        esme.send(request(SUBMIT, 70, submit_body(registered=1)))
        assert int.from_bytes(esme.frame()[8:12], "big") == 0
        assert client.post("/clock/advance", {"seconds": 60}).json["steps"] == 1
        esme.frame()


def test_one_account() -> None:
    accounts = [account("alice"), account("bob")]
    with serving(network=SLOW, account=accounts) as (live, client), live.client() as alice, live.client() as bob:
        for esme, name in ((alice, "alice"), (bob, "bob")):
            esme.bind(BIND_TRX, system_id=name)
            esme.send(request(SUBMIT, 7, submit_body(registered=1)))
            esme.frame()
            assert client.post(f"/rules?namespace={name}", {"name": name, "then": {"status": 8}}).status == 201
        view = client.post("/reset", {"namespace": "alice"}).json
        assert (view["namespace"], view["messages"], view["rules"]) == ("alice", 1, 1)
        assert client.get("/rules").json["items"][0]["namespace"] == "bob"
        view = client.post("/reset", {"namespace": "bob", "keep": ["rules", "messages"], "disconnect": True}).json
        assert (view["messages"], view["rules"], view["disconnected"]) == (0, 1, 1)
        alice.lives()


def test_bad_input() -> None:
    with serving() as (_, client):
        for body, where in (
            ({"namespace": "nobody"}, "namespace"),
            ({"namespace": ""}, "namespace"),
            ({"keep": ["everything"]}, "keep[0]"),
            ({"keep": ["rules"] * 9}, "keep"),
            ({"all": True}, "all"),
        ):
            assert set(client.post("/reset", body).errors) == {where}, body
