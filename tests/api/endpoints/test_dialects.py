"""Dialects over HTTP."""

from tests.api.support import serving


def test_the_whole_life_of_one() -> None:
    with serving() as (_, client):
        view = client.put("/dialects/mine", {"based_on": "hex-id-decimal-receipt", "description": "mine"}).json
        assert (view["based_on"], view["origin"], view["used_by"]) == ("hex-id-decimal-receipt", "api", [])
        assert client.get("/dialects/mine").json == view
        assert [each["name"] for each in client.get("/dialects").json["items"]] == ["default", "mine"]
        assert client.delete("/dialects/mine").status == 204
        assert client.get("/dialects/mine").status == client.delete("/dialects/mine").status == 404
        assert "always exists" in client.delete("/dialects/default").problem["detail"]


def test_bad_input() -> None:
    with serving() as (_, client):
        assert "known:" in client.put("/dialects/x", {"based_on": "nothing"}).errors["based_on"]
        assert set(client.put("/dialects/x", {"receipt": {"nothing": 1}}).errors) == {"receipt.nothing"}
        assert set(client.put("/dialects/a%20b", {}).errors) == {"name"}
        assert client.put("/dialects/x", []).status == 422
