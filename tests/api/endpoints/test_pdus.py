"""The recorded PDUs over real sockets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.support import Client, serving
from tests.transport.support import SUBMIT, Live, bind_body, request, submit_body


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Live, Client]]:
    """A server to which one ESME has bound, submitted twice, and spoken nonsense in the end."""
    with serving() as (live, client), live.client() as esme:
        esme.bind()
        for sequence in (2, 3):
            esme.send(request(SUBMIT, sequence, submit_body(text=b"number %d" % sequence)))
            esme.frame()
        esme.send(b"\0\0\0\x0f and nothing that could be a PDU")
        esme.frame()
        yield live, client


def test_oldest_and_newest_first(served: tuple[Live, Client]) -> None:
    _, client = served
    items = client.get("/pdus").json["items"]
    assert [item["number"] for item in items] == list(range(8))
    assert [item["command"] for item in items[:3]] == ["bind_transceiver", "bind_transceiver_resp", "submit_sm"]
    newest = client.get("/pdus?newest=true").json["items"]
    assert [item["number"] for item in newest] == list(reversed(range(8)))


@pytest.mark.parametrize("newest", ["true", "false"])
def test_page_by_page(served: tuple[Live, Client], newest: str) -> None:
    _, client = served
    numbers, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/pdus?limit=3&newest={newest}&cursor={cursor}").json
        numbers += [item["number"] for item in page["items"]]
        cursor = page["next"]
    assert numbers == sorted(range(8), reverse=newest == "true")


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("account=smppclient1&direction=out", [1, 3, 5, 7]),
        ("account=nobody", []),
        ("session=1&command=submit_sm", [2, 4]),
        ("session=2", []),
        ("since=5", [5, 6, 7]),
        ("since=100", []),
    ],
)
def test_filters(served: tuple[Live, Client], query: str, numbers: list[int]) -> None:
    assert [item["number"] for item in served[1].get(f"/pdus?{query}").json["items"]] == numbers


def test_one_pdu_taken_apart(served: tuple[Live, Client]) -> None:
    _, client = served
    pdu = client.get("/pdus/2?dissect=true").json
    assert (pdu["text"], pdu["fields"]["dest_addr_npi"], pdu["hex"][:16]) == ("number 2", 1, "0000003a00000004")
    fields = {field["name"]: field for field in pdu["dissection"]["fields"]}
    assert fields["destination_addr"]["value"] == "447700900123"
    assert fields["short_message"]["hex"] == b"number 2".hex()
    assert client.get("/pdus/2").json["dissection"] is None


def test_passwords_are_not_shown(served: tuple[Live, Client]) -> None:
    _, client = served
    for path in ("/pdus?hex=true", "/pdus/0?dissect=true"):
        body = client.get(path).body
        assert b'"password' in body
        assert b"password" not in body.replace(b'"password"', b"")
        assert b"password".hex().encode() not in body


def test_octets_that_are_no_pdu_are_shown_as_such(served: tuple[Live, Client]) -> None:
    broken = served[1].get("/pdus/6").json
    assert "command_length" in broken["problem"]
    assert (broken["command_status"], broken["text"], broken["fields"]) == ("", None, {})
    assert bytes.fromhex(broken["hex"]).endswith(b"could be a PDU")


def test_a_bind_in_the_wrong_place_is_not_shown() -> None:
    """Its command_length is broken, so that it is no bind by its header; the password stands in it all the same."""
    bind = request(9, 1, bind_body())
    with serving() as (live, client), live.client() as esme:
        esme.send(b"\0\0\0\2" + bind)
        esme.frame()
        item = client.get("/pdus/0?dissect=true").json
    assert item["problem"]
    assert item["hex"] is None
    assert b"password".hex() not in str(item)


@pytest.mark.parametrize("number", ["8", "-1", "x", "2.0", "9" * 30, "%C2%B2"])
def test_what_there_is_not(served: tuple[Live, Client], number: str) -> None:
    assert served[1].get(f"/pdus/{number}").problem["status"] == 404


@pytest.mark.parametrize("query", ["command=foo", "direction=up", "cursor=x", "limit=0", "since=-1", "verbose=1"])
def test_what_is_not_understood_is_told(served: tuple[Live, Client], query: str) -> None:
    answered = served[1].get(f"/pdus?{query}")
    assert answered.status == 422
    assert query.partition("=")[0] in answered.errors
