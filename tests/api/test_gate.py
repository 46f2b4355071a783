"""Who may use the API, and how often."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from smppd.api.gate import CLOSED, Gate, is_loopback
from smppd.settings import Api, ApiToken
from tests.api.support import Client, serving
from tests.transport.support import Live

READER = ApiToken(name="viewer", token="look-and-change-nothing", role="read")
CONTROLLER = ApiToken(name="ci", token_hash=hashlib.sha256(b"change-whatever-you-like").hexdigest(), role="control")
LOOK, CHANGE = "look-and-change-nothing", "change-whatever-you-like"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def configure(live: Live, **api: object) -> None:
    """Change [api] while the server runs."""
    settings = live.server.settings
    live.call(lambda: live.server.configure(msgspec.structs.replace(settings, api=Api(**api))))  # type: ignore[arg-type]


class TestTokens:
    def test_roles(self) -> None:
        with serving(api={"token": [READER, CONTROLLER]}) as (_, client):
            assert client.get("", **bearer(LOOK)).status == 200
            assert client.get("", **bearer(CHANGE)).status == 200
            refused = client.post("/reload", **bearer(LOOK))
            assert refused.problem["status"] == 403
            assert "insufficient_scope" in refused.headers["WWW-Authenticate"]
            assert client.post("/reload", **bearer(CHANGE)).status == 409
            assert client.get("/api/openapi.json").status == 200
            assert client.get("/metrics").status == 200

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Authorization": ""},
            {"Authorization": LOOK},
            {"Authorization": f"Basic {LOOK}"},
            {"Authorization": "Bearer"},
            {"Authorization": "Bearer "},
            {"Authorization": f"Bearer {LOOK}x"},
            {"Authorization": f"Bearer {LOOK[:-1]}"},
            {"Authorization": f"Bearer {CONTROLLER.token_hash}"},
            {"Authorization": "Bearer \xff\xfe"},
            {"Sec_WebSocket_Protocol": "bearer.wrong, smppd"},
        ],
    )
    def test_without_a_valid_one(self, headers: dict[str, str]) -> None:
        with serving(api={"token": [READER, CONTROLLER]}) as (live, client):
            answer = client.get("", **headers)
            assert answer.problem["status"] == 401
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="smppd"'
            assert client.get(f"?access_token={LOOK}").status == 401, "a token in a URL ends in logs"
            assert LOOK not in live.log_text

    def test_other_ways_to_show_it(self) -> None:
        with serving(api={"token": [READER]}) as (_, client):
            assert client.get("", Authorization=f"bearer   {LOOK} ").status == 200
            assert client.get("", Sec_WebSocket_Protocol=f"smppd, bearer.{LOOK}").status == 200

    def test_a_reload_takes_tokens_away(self) -> None:
        with serving() as (live, client):
            assert client.get("").status == 200
            configure(live, token=[READER])
            assert client.get("").status == 401
            assert client.get("", **bearer(LOOK)).status == 200
            configure(live, token=[CONTROLLER])
            assert client.get("", **bearer(LOOK)).status == 401
            configure(live, enabled=False)
            assert "turned off" in client.get("").problem["detail"]
            configure(live)
            assert client.get("").status == 200

    def test_nothing_shows_a_token(self) -> None:
        assert LOOK not in repr(READER)
        assert LOOK not in repr(Api(token=[READER]))


class TestAddresses:
    @pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "127.0.0.1", "127.1.2.3", "::1", "[::1]"])
    def test_only_this_machine(self, host: str) -> None:
        assert is_loopback(host)

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "fe80::1%eth0", "example.test", "", "localhost.x"])
    def test_others_too(self, host: str) -> None:
        assert not is_loopback(host)

    def test_without_tokens_nobody_enters_from_outside(self) -> None:
        with serving(server={"http": "0.0.0.0:0"}) as (live, _):
            port = live.server.http_address.rpartition(":")[2]
            with Client(f"127.0.0.1:{port}") as client:
                for _ in range(2):
                    answer = client.get("")
                    assert (answer.status, answer.problem["detail"]) == (403, CLOSED)
                assert client.get("/metrics").status == 200
                assert len(live.events("the API is closed")) == 1
                configure(live, token=[READER])
                assert client.get("").status == 401
                assert client.get("", **bearer(LOOK)).status == 200


class TestHosts:
    def test_further_names(self) -> None:
        with serving(api={"hosts": ["SMPPD.test"]}) as (live, client):
            assert client.get("", Host="smppd.test:8775").status == 200
            assert client.get("", Host="other.test").problem["status"] == 403
            assert client.get("", Origin="https://smppd.test").status == 200
            assert client.get("", Origin="https://other.test").problem["status"] == 403
            configure(live)
            assert client.get("", Host="smppd.test:8775").status == 403


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class TestRates:
    def test_a_burst_and_then_the_rate(self) -> None:
        with serving(api={"rate": 0.001, "burst": 3}) as (_, client):
            assert [client.get("").status for _ in range(4)] == [200, 200, 200, 429]
            answer = client.get("")
            assert "([api] rate)" in answer.problem["detail"]
            assert 900 < int(answer.headers["Retry-After"]) <= 1000
            assert [client.get(path).status for path in ("/metrics", "/healthz")] == [200, 200]

    def test_each_token_has_its_own(self) -> None:
        with serving(api={"rate": 0.001, "burst": 1, "token": [READER, CONTROLLER]}) as (live, client):
            assert [client.get("").status for _ in range(2)] == [401, 429]
            assert [client.get("", **bearer(LOOK)).status for _ in range(2)] == [200, 429]
            assert [client.get("", **bearer(CHANGE)).status for _ in range(2)] == [200, 429]
            configure(live, rate=0.001, burst=1, token=[READER, CONTROLLER], max_streams=5)
            assert client.get("", **bearer(LOOK)).status == 429, "a change of something else is no new burst"
            configure(live, rate=0.0, token=[READER])
            assert [client.get("", **bearer(LOOK)).status for _ in range(3)] == [200] * 3

    def test_time_opens_the_window_again(self, live_log: list[object]) -> None:
        time = Time()
        gate = Gate("localhost", settings=lambda: SETTINGS, clock=time, log=live_log)  # type: ignore[arg-type]
        request = object()
        gate.admit(request, "read")  # type: ignore[arg-type]  # without tokens nothing is asked of it
        with pytest.raises(Exception, match="requests per second") as refused:
            gate.admit(request, "read")  # type: ignore[arg-type]
        assert refused.value.headers == {"Retry-After": "2"}  # type: ignore[attr-defined]
        time.now += 2.0
        gate.admit(request, "control")  # type: ignore[arg-type]


SETTINGS = Api(rate=0.5, burst=1)


@pytest.fixture
def live_log() -> list[object]:
    return []
