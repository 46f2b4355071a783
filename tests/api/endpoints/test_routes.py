"""Routes over HTTP."""

from tests.api.support import serving

FR = {"name": "fr", "match": {"destination_addr": "33*"}}


def test_the_whole_life_of_one() -> None:
    with serving() as (_, client):
        answer = client.post("/routes", FR)
        assert (answer.status, answer.json["position"], answer.json["route"]) == (201, 1, FR)
        tag = client.get("/routes/fr").headers["ETag"]
        assert client.put("/routes/fr", {**FR, "queue": {"limit": 5}}, If_Match=tag).json["changed"] is False
        assert client.put("/routes/fr", FR, If_Match=tag).status == 412
        assert [each["name"] for each in client.get("/routes").json["items"]] == ["fr", "default"]
        assert client.delete("/routes/fr").status == 204
        assert client.get("/routes/fr").status == client.delete("/routes/fr").status == 404
        assert client.delete("/routes/default").status == 409


def test_lists() -> None:
    with serving() as (_, client):
        new = [FR, {"name": "de", "match": {"destination_addr": "49*"}}]
        assert [each["name"] for each in client.put("/routes", {"routes": new}).json["items"]] == ["fr", "de"]
        assert [each["name"] for each in client.post("/routes/order", {"names": ["de"]}).json["items"]] == ["de", "fr"]
        assert set(client.post("/routes/order", {"names": ["x"]}).errors) == {"names[0]"}
        assert client.put("/routes", {"routes": []}).status == 409
        wrong = [{"name": "a"}, {"name": "b", "network": "nowhere"}]
        assert set(client.put("/routes", {"routes": wrong}).errors) == {"routes[0].match", "routes[1].network"}


def test_bad_input() -> None:
    with serving() as (_, client):
        assert set(client.post("/routes", {**FR, "network": "nowhere"}).errors) == {"network"}
        assert set(client.post("/routes?before=x&after=y", FR).errors) == {"after"}
        assert client.post("/routes", {**FR, "name": "default"}).status == 409
        assert set(client.put("/routes/other", FR).errors) == {"name"}
        assert set(client.put("/routes/no%20name", {"match": FR["match"]}).errors) == {"name"}
        assert client.put("/routes/nl", {"match": {"destination_addr": "31*"}}).json["route"]["name"] == "nl"
