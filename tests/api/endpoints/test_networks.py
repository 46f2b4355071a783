"""Networks over HTTP."""

from tests.api.support import serving


def test_the_whole_life_of_one() -> None:
    with serving() as (_, client):
        view = client.put("/networks/bad", {"outcome": {"UNDELIV": 1}}).json
        assert view == {
            "name": "bad",
            "origin": "api",
            "changed": False,
            "used_by": [],
            "network": {"outcome": {"UNDELIV": 1.0}},
        }
        assert client.get("/networks/bad").json == view
        assert [each["name"] for each in client.get("/networks").json["items"]] == ["default", "bad"]
        assert (
            client.post("/routes", {"name": "r", "match": {"account": "smppclient1"}, "network": "bad"}).status == 201
        )
        assert 'route "r"' in client.delete("/networks/bad").problem["detail"]
        assert client.delete("/routes/r").status == 204
        assert client.delete("/networks/bad").status == 204
        assert client.get("/networks/bad").status == client.delete("/networks/bad").status == 404
        assert client.delete("/networks/default").status == 409


def test_bad_input() -> None:
    with serving() as (_, client):
        assert set(client.put("/networks/x", {"outcome": {"UNDELIV": -1}, "nothing": 1}).errors) == {
            "outcome.UNDELIV",
            "nothing",
        }
        assert set(client.put("/networks/a%20b", {}).errors) == {"name"}
