"""The clock over HTTP."""

from __future__ import annotations

import threading

from smppd.settings import Clock, Delay, Network
from tests.api.support import Client, serving
from tests.transport.support import BIND_TRX, SUBMIT, delivered, request, submit_body


def test_reading_and_changing() -> None:
    with serving() as (_, client):
        view = client.get("/clock").json
        assert (view["mode"], view["running"], view["speed"], view["real"]) == ("real", True, 1.0, True)
        assert client.post("/clock/freeze").json["running"] is False
        before = client.get("/clock").json["clock_time"]
        assert client.get("/clock").json["clock_time"] == before
        assert client.post("/clock/resume").json["running"] is True
        assert client.post("/clock/resume", {"speed": 60}).json["speed"] == 60.0
        view = client.patch("/clock", {"running": False, "speed": 0.5}).json
        assert (view["running"], view["speed"]) == (False, 0.5)
        assert client.patch("/clock", {}).json["running"] is False


def test_a_leap_over_a_receipt() -> None:
    slow = {"default": Network(delay=Delay(distribution="fixed", value=86_400.0))}
    with serving(network=slow) as (live, client), live.client() as esme:
        esme.bind(BIND_TRX)
        esme.send(request(SUBMIT, 7, submit_body(registered=1)))
        esme.frame()
        assert 86_390 < client.get("/clock").json["next_due_in"] <= 86_400
        lapse = client.post("/clock/advance", {"seconds": 86_400}).json
        assert (lapse["seconds"], lapse["steps"]) == (86_400.0, 1)
        assert b"stat:DELIVRD" in delivered(esme.frame())[2]


def test_leaps_that_come_together_take_turns() -> None:
    settings = {"clock": Clock(mode="virtual", start="2026-01-01T00:00:00Z")}
    with serving(**settings) as (live, client):
        done: list[float] = []

        def leap() -> None:
            with Client(live.server.http_address) as other:
                done.append(other.post("/clock/advance", {"seconds": 10}).json["clock"]["seconds"])

        threads = [threading.Thread(target=leap) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(done) == [10.0, 20.0, 30.0, 40.0, 50.0]
        assert client.post("/clock/advance", {"to": "2026-01-01T01:00:00Z"}).json["seconds"] == 3550.0


def test_bad_input() -> None:
    with serving() as (_, client):
        for body, where in (
            ({}, "seconds"),
            ({"seconds": -1}, "seconds"),
            ({"seconds": 1e9}, "seconds"),
            ({"seconds": 300_000_000, "to": "2030-01-01"}, "seconds"),
            ({"seconds": 315_360_000 + 100_000_000}, "seconds"),
            ({"to": "soon"}, "to"),
            ({"to": "1999-01-01"}, "to"),
            ({"to": "2038-01-01"}, "to"),
            ({"minutes": 1}, "minutes"),
        ):
            assert set(client.post("/clock/advance", body).errors) == {where}, body
        for speed in (0, -1, 1001, "fast", None):
            answer = client.post("/clock/resume", {"speed": speed})
            assert answer.status == (200 if speed is None else 422)
        assert client.get("/clock").json["real"] is True
