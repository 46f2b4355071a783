"""What concerns faults alone. The rest is in test_adjusting."""

from tests.api.support import serving


def test_each_kind_has_its_own_keys() -> None:
    with serving() as (_, client):
        assert client.post("/faults", {"kind": "slice", "size": 3}).json["group"] == "bytes"
        assert set(client.post("/faults", {"kind": "slice", "octets": 3}).errors) == {"octets"}
        assert 'did you mean "throttle"?' in client.post("/faults", {"kind": "throtle"}).errors["kind"]
        assert set(client.post("/faults", {}).errors) == {"kind"}
