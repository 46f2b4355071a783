"""Recorded messages over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from smppd.settings import Delay, Network
from tests.api.support import Client, serving
from tests.transport.support import DELIVER, SUBMIT, Live, Raw, answer, request, submit_body

LATER = {"default": Network(delay=Delay(distribution="fixed", value=3600.0))}


@pytest.fixture
def world() -> Iterator[tuple[Live, Client, Raw]]:
    with serving(network=LATER) as (live, api), live.client() as esme:
        esme.bind()
        yield live, api, esme


def submit(esme: Raw, sequence: int, **fields: object) -> str:
    esme.send(request(SUBMIT, sequence, submit_body(**fields)))  # type: ignore[arg-type]
    return esme.frame()[16:].rstrip(b"\0").decode()


def test_messages_are_listed_by_the_names_of_their_fields(world: tuple[Live, Client, Raw]) -> None:
    _, api, esme = world
    code = submit(esme, 2, text=b"Your code is 123", to=(1, 1, b"33612"))
    other = submit(esme, 3, text=b"Hello", to=(1, 1, b"4477"), data_coding=3)
    assert [each["message_id"] for each in api.get("/messages").json["items"]] == [other, code]

    def ids(query: str) -> list[str]:
        answered = api.get(f"/messages?{query}")
        assert answered.status == 200, answered.json
        return [each["message_id"] for each in answered.json["items"]]

    for query in (
        "destination_addr=336*",
        "text=code",
        "text=CODE&ignore_case=true",
        f"message_id={code}&message_id=none",
        "data_coding=0",
        "order=oldest&limit=1",
        "unit=whole&text=123",
    ):
        assert ids(query) == [code], query
    for query in ("account=smppclient1", "route=def*", "message_state=ENROUTE&message_state=EXPIRED", "receipt=NONE"):
        assert ids(query) == [other, code], query
    for query in (
        "account=nobody",
        "message_state=DELIVERED",
        "error_code=1",
        "accepted_to=2001-01-01",
        "final_from=2001-01-01",
    ):
        assert ids(query) == [], query


def test_pages_follow_each_other(world: tuple[Live, Client, Raw]) -> None:
    _, api, esme = world
    ids = [submit(esme, sequence) for sequence in range(2, 9)]
    listed: list[str] = []
    cursor = ""
    for step in range(10):
        page = api.get(f"/messages?limit=3&cursor={cursor}").json
        listed += [each["message_id"] for each in page["items"]]
        submit(esme, 100 + step)
        if page["next"] is None:
            break
        cursor = page["next"]
    assert listed == ids[::-1]


def test_a_search_takes_all_that_rules_take(world: tuple[Live, Client, Raw]) -> None:
    _, api, esme = world
    message_id = submit(esme, 2, text=b"Your code is 123", tail=b"\x14\x03\x00\x01\x07")
    submit(esme, 3)
    asked = {
        "when": {
            "text": {"regex": r"code is (\d+)"},
            "tlv": {"0x1403": {"hex": "07"}},
            "esm_class": 0,
            "source_addr": {"not": "x*"},
        },
        "message_state": ["ENROUTE", "DELIVERED"],
        "accepted": {"from": "2001-01-01T00:00:00Z"},
    }
    found = api.post("/messages/search", asked).json
    assert [each["message_id"] for each in found["items"]] == [message_id]
    assert found["items"][0]["tlvs"] == [{"tag": 0x1403, "name": "0x1403", "value": "07", "hex": "07"}]
    assert api.post("/messages/count", asked).json == {"count": 1, "is_exact": True}


def test_one_message_is_told_with_its_life_and_its_pdus(world: tuple[Live, Client, Raw]) -> None:
    live, api, esme = world
    message_id = submit(esme, 2, registered=1)
    forced = api.post(f"/messages/{message_id}/outcome", {"outcome": "DELIVERED"})
    assert (forced.status, forced.json["message_state"]) == (200, "DELIVERED")
    esme.frame()
    esme.send(answer(DELIVER, 0, 1, b"\0"))
    live.until(lambda: live.server.engine.messages[message_id.encode()].receipt == 3)
    detail = api.get(f"/messages/{message_id}").json
    assert detail["message"]["message_id"] == message_id
    assert [each["event"] for each in detail["events"]] == [
        "received",
        "accepted",
        "routed",
        "answered",
        "forced",
        "final",
        "sent",
        "acknowledged",
    ]
    kinds = [(each["kind"], each["pdu"]["command"]) for each in api.get(f"/messages/{message_id}/pdus").json["items"]]
    assert kinds == [
        ("request", "submit_sm"),
        ("response", "submit_sm_resp"),
        ("receipt", "deliver_sm"),
        ("answer", "deliver_sm_resp"),
    ]


def test_messages_are_ended_one_by_one_and_together(world: tuple[Live, Client, Raw]) -> None:
    _, api, esme = world
    ids = [submit(esme, sequence) for sequence in range(2, 6)]
    assert api.delete(f"/messages/{ids[0]}").json["message_state"] == "DELETED"
    refused = api.post(f"/messages/{ids[0]}/outcome", {"outcome": "UNDELIV", "error": 4})
    assert refused.status == 409
    assert "DELETED" in refused.problem["detail"]
    assert api.delete(f"/messages/{ids[0]}").status == 409
    assert api.post("/messages/cancel", {"message_id": ids[1]}).json == {"changed": 1, "more": False}
    body = {"outcome": "REJECTD", "error": 4, "limit": 1}
    assert api.post("/messages/outcome", body).json == {"changed": 1, "more": True}
    found = api.post("/messages/search", {"message_state": "REJECTED", "error_code": 4}).json["items"]
    assert [each["message_id"] for each in found] == [ids[2]]


def test_mistakes_are_told_by_their_place(world: tuple[Live, Client, Raw]) -> None:
    _, api, esme = world
    message_id = submit(esme, 2)
    assert api.get("/messages?accepted_from=x&destination_addr=%5B").errors.keys() == {
        "accepted_from",
        "destination_addr",
    }
    assert api.get("/messages?cursor=x").errors.keys() == {"cursor"}
    for query in ("limit=0", "limit=x", "nothing=1", "message_state=GONE", "unit=half"):
        assert api.get(f"/messages?{query}").status in (400, 422), query
    told = api.post("/messages/search", {"when": {"text": {"regex": "("}, "time": {"from": "08:00", "to": "09:00"}}})
    assert told.errors.keys() == {"when.text.regex"}
    assert api.post("/messages/search", {"when": {"bind_type": "receiver"}}).errors.keys() == {"when.bind_type"}
    assert api.post("/messages/outcome", {}).errors.keys() == {"outcome"}
    assert api.post(f"/messages/{message_id}/outcome", {"outcome": "ENROUTE"}).errors.keys() == {"outcome"}
    assert api.post(f"/messages/{message_id}/outcome", {"outcome": "DELIVRD", "error": 70000}).errors.keys() == {
        "error"
    }


@pytest.mark.parametrize("message_id", ["none", "a/b", "%", "?x=1", "\u00e9", "\u4e2d", " ", "search"])
def test_ids_may_hold_any_characters(world: tuple[Live, Client, Raw], message_id: str) -> None:
    live, api, esme = world
    where = f"/messages/{quote(message_id, safe='')}"
    assert (api.get(where).status, api.get(where + "/pdus").status, api.delete(where).status) == (404, 404, 404)
    if message_id.isascii():
        plain = submit(esme, 2)

        def rename() -> None:
            message = live.server.engine.messages[plain.encode()]
            live.server.engine.messages.remove(message)
            message.message_id = message_id.encode()
            live.server.engine.messages.put(message)

        live.call(rename)
        assert api.get(where).json["message"]["message_id"] == message_id
