"""Rules and faults over HTTP: everything that both lists have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from smppd.behaviour import rules as rules_module
from tests.api.support import Answer, Client, serving
from tests.transport.support import BIND_TRX, SUBMIT, request, submit_body

if TYPE_CHECKING:
    from smppd.settings.rules import Rule

RULE = {"when": {"destination_addr": "9*"}, "then": {"status": "ESME_RTHROTTLED"}}
FAULT = {"kind": "throttle", "status": "ESME_RMSGQFUL"}
KINDS = pytest.mark.parametrize(("kind", "entry"), [("rule", RULE), ("fault", FAULT)])


def listed(client: Client, kind: str) -> list[str]:
    return [view["name"] for view in client.get(f"/{kind}s").json["items"]]


def created(answer: Answer) -> dict[str, object]:
    assert answer.status == 201, answer.body
    return dict(answer.json)


@KINDS
def test_the_whole_life_of_one(kind: str, entry: dict[str, object]) -> None:
    with serving() as (_, client):
        view = created(client.post(f"/{kind}s", entry))
        name = f"api-{kind}-1"
        assert view["name"] == name
        assert view[kind] == {"name": name, **entry}
        assert client.get(f"/{kind}s/{name}").json == view
        assert client.put(f"/{kind}s/{name}", entry).json["position"] == 1
        assert client.patch(f"/{kind}s/{name}", {"enabled": False}).json["enabled"] is False
        assert client.delete(f"/{kind}s/{name}").status == 204
        assert client.get(f"/{kind}s/{name}").status == 404
        assert client.delete(f"/{kind}s/{name}").status == 404


@KINDS
def test_places_and_lists(kind: str, entry: dict[str, object]) -> None:
    with serving() as (_, client):
        for name, query in (("b", ""), ("a", "?before=b"), ("c", "?after=b"), ("d", "?last=true")):
            created(client.post(f"/{kind}s{query}", {**entry, "name": name}))
        assert listed(client, kind) == ["a", "b", "c", "d"]
        assert client.post(f"/{kind}s/order", {"names": ["d", "c"]}).json["total"] == 4
        assert listed(client, kind) == ["d", "c", "a", "b"]
        assert client.post(f"/{kind}s", {**entry, "name": "a"}).status == 409
        assert set(client.post(f"/{kind}s?before=x", entry).errors) == {"before"}
        assert client.put(f"/{kind}s", {f"{kind}s": [{**entry, "name": "x"}, entry]}).json["total"] == 2
        assert listed(client, kind)[0] == "x"
        assert set(client.put(f"/{kind}s", {f"{kind}s": [entry, {}]}).errors) <= {
            f"{kind}s[1].then",
            f"{kind}s[1].kind",
        }
        assert client.post(f"/{kind}s/reset").status == 204
        assert client.post(f"/{kind}s/reset", {"names": ["nobody"]}).status == 404
        assert client.delete(f"/{kind}s").json["total"] == 0


@KINDS
def test_nobody_overwrites_what_others_have_changed(kind: str, entry: dict[str, object]) -> None:
    with serving() as (_, client):
        created(client.post(f"/{kind}s", {**entry, "name": "a"}))
        tag = client.get(f"/{kind}s/a").headers["ETag"]
        whole = client.get(f"/{kind}s").headers["ETag"]
        assert client.put(f"/{kind}s/a", {**entry, "enabled": False}, If_Match=tag).status == 200
        assert client.put(f"/{kind}s/a", entry, If_Match=tag).status == 412
        assert client.put(f"/{kind}s", {f"{kind}s": []}, If_Match=whole).status == 412
        fresh = client.get(f"/{kind}s").headers["ETag"]
        assert client.put(f"/{kind}s", {f"{kind}s": []}, If_Match=fresh).status == 200
        assert client.put(f"/{kind}s/a", entry, If_None_Match="*").status == 200
        assert client.put(f"/{kind}s/a", entry, If_None_Match="*").status == 412


@KINDS
def test_bad_input(kind: str, entry: dict[str, object]) -> None:
    with serving() as (_, client):
        for query, where in (
            ("expires_in=0", "expires_in"),
            ("expires_in=x", "expires_in"),
            ("namespace=nobody", "namespace"),
            ("namespace=", "namespace"),
            ("nothing=1", "nothing"),
            ("last=maybe", "last"),
        ):
            assert set(client.post(f"/{kind}s?{query}", entry).errors) == {where}
        for body in (b"[]", b"7", b"null", b'"x"', b"{", b""):
            assert client.post(f"/{kind}s", body).status in (400, 422)
            assert client.put(f"/{kind}s", body).status in (400, 422)
        assert client.put(f"/{kind}s/no%20name", entry).status == 422
        assert client.patch(f"/{kind}s/x", {"enabled": 1}).status == 422
        assert listed(client, kind) == []


def test_it_counts_with_the_next_pdu_of_its_account_until_its_time_is_over() -> None:
    with serving() as (live, client), live.client() as esme:
        esme.bind(BIND_TRX)

        def submit() -> int:
            esme.send(request(SUBMIT, 7, submit_body(to=(1, 1, b"91"))))
            return int.from_bytes(esme.frame()[8:12], "big")

        assert submit() == 0
        created(client.post("/rules?namespace=smppclient1&expires_in=3600", {**RULE, "name": "r"}))
        created(client.post("/faults?expires_in=7200", {**FAULT, "name": "f"}))
        assert submit() == 0x58
        assert [client.get("/rules/r").json[key] for key in ("matched", "fired")] == [1, 1]
        assert client.post("/clock/advance", {"seconds": 3601}).status == 200
        assert client.get("/rules/r").status == 404
        assert submit() == 0x14
        assert client.get("/faults/f").json["fired"] == 1
        assert 3590 < client.get("/faults/f").json["expires_in"] < 3600
        assert client.post("/clock/advance", {"seconds": 3600}).status == 200
        assert submit() == 0
        assert client.get("/faults").json["total"] == 0


def test_another_rule_makes_none_of_a_thousand_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    class Counted(rules_module._Entry):
        def __init__(self, rule: Rule, *arguments: Any) -> None:
            made.append(rule.name)
            super().__init__(rule, *arguments)

    monkeypatch.setattr(rules_module, "_Entry", Counted)
    with serving() as (_, client):
        rules = [{"when": {"destination_addr": f"3361{number:06d}*"}, "then": {"status": 8}} for number in range(1000)]
        assert client.put("/rules", {"rules": rules}).json["total"] == 1000
        assert len(made) == 1000
        created(client.post("/rules", {**RULE, "name": "new"}))
        created(client.post("/rules?last=true", {**RULE, "name": "newer"}))
        assert made[1000:] == ["new", "newer"]
