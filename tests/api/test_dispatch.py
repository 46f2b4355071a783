"""From a request to a call, and from its result to an answer: over a real socket."""

from __future__ import annotations

from tests.api.support import serving


def test_first_words() -> None:
    with serving() as (live, client):
        status = client.get("")
        assert status.status == 200
        assert status.json["listeners"]["smpp"] == live.server.smpp_addresses
        assert client.get("/nothing").status == 404
        assert client.post("/reload").problem["status"] == 409
        assert client.get("?x=1").errors == {"x": "nothing is taken in the query string here"}
