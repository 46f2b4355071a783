"""A webhook at work: batches, order, signatures, retries, and what is dropped."""

from __future__ import annotations

import socket
from random import Random
from typing import Any

import pytest

from smppd.app import SmscServer
from smppd.control.signatures import is_genuine
from smppd.control.webhook_caller import FIRST_PAUSE, LONGEST_PAUSE
from smppd.settings import Webhook
from tests.control.hooked import Pauses, begin_to_look, hooked, receiving, until
from tests.control.watching import record, with_server

SECRET = "a long random text"


def hook(url: str, **settings: Any) -> Webhook:
    return Webhook(**{"name": "hook", "url": url, "kind": "session", "secret": SECRET} | settings)


def tell(server: SmscServer, *events: str) -> None:
    for event in events:
        server._context.events.tell("session", event, session="1")


def test_events_are_posted_signed_and_in_order() -> None:
    async def scenario(server: SmscServer) -> None:
        async with receiving() as receiver, hooked(server, hook(receiver.url)) as (desk, _):
            tell(server, "opened", "bound", "unbound", "closed")
            server._context.events.tell("clock", "advanced", seconds=1.0)
            (request,) = await receiver.requests(1)
            assert request.events == ["opened", "bound", "unbound", "closed"]
            assert request.json["webhook"] == "hook"
            assert request.json["dropped"] == {}
            assert request.json["delivery"] == 1
            assert request.json["events"][0]["line"] == "session opened session=1"
            headers = request.headers
            assert headers["Content-Type"] == "application/json"
            assert headers["User-Agent"].startswith("smppd/")
            assert (headers["Smppd-Webhook"], headers["Smppd-Delivery"]) == ("hook", "1")
            now = server._context.wall()
            assert is_genuine(SECRET, request.body, headers["Smppd-Signature"], now)
            assert not is_genuine("other", request.body, headers["Smppd-Signature"], now)
            view = await until(desk, "hook", delivered=4)
            assert (view.state, view.failed, view.waiting, view.dropped) == ("active", 0, 0, {})
            assert view.last_delivery_time is not None

    with_server(scenario)


def test_without_a_secret_nothing_is_signed() -> None:
    async def scenario(server: SmscServer) -> None:
        async with receiving() as receiver, hooked(server, hook(receiver.url, secret="")):
            tell(server, "opened")
            (request,) = await receiver.requests(1)
            assert "Smppd-Signature" not in request.headers

    with_server(scenario)


def test_no_more_than_a_batch_in_one_request() -> None:
    async def scenario(server: SmscServer) -> None:
        async with receiving() as receiver, hooked(server, hook(receiver.url, kind="pdu", batch=3)) as (desk, _):
            record(server, 8)
            await until(desk, "hook", delivered=8)
            numbers = [[event["number"] for event in request.json["events"]] for request in receiver.received]
            assert [number for batch in numbers for number in batch] == list(range(8))
            assert max(map(len, numbers)) == 3
            assert [request.headers["Smppd-Delivery"] for request in receiver.received] == ["1", "2", "3"]

    with_server(scenario)


def test_what_is_refused_is_tried_again_before_anything_else() -> None:
    async def scenario(server: SmscServer) -> Pauses:
        async with receiving() as receiver, hooked(server, hook(receiver.url, batch=1)) as (desk, pauses):
            receiver.statuses.extend([500, 404, 302])
            tell(server, "first", "second")
            view = await until(desk, "hook", delivered=2)
            assert [request.events for request in receiver.received] == [["first"]] * 4 + [["second"]]
            assert [request.headers["Smppd-Delivery"] for request in receiver.received] == ["1"] * 4 + ["2"]
            assert len({request.body for request in receiver.received[:4]}) == 1
            assert {request.path for request in receiver.received} == {"/hook"}, "the redirect was followed"
            assert (view.state, view.failed, view.dropped) == ("active", 3, {})
            assert view.last_error == "answered with 302, a redirect, which is not followed"
            return pauses

    pauses = with_server(scenario).between_attempts
    longest = [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert all(most / 2 <= pause <= most for pause, most in zip(pauses, longest, strict=True))
    # The seed is 0: so are the draws.
    chance = Random("0/webhook/hook")
    assert pauses == [most * (0.5 + 0.5 * chance.random()) for most in longest]


def test_what_is_never_accepted_is_dropped_and_told() -> None:
    async def scenario(server: SmscServer) -> None:
        async with receiving() as receiver, hooked(server, hook(receiver.url, batch=2, attempts=3)) as (desk, _):
            receiver.statuses.extend([500] * 4)
            tell(server, "a", "b", "c")
            view = await until(desk, "hook", delivered=1)
            assert view.dropped == {"session": 2}
            last = receiver.received[-1].json
            assert (last["dropped"], receiver.received[-1].events) == ({"session": 2}, ["c"])
            tell(server, "d")
            await until(desk, "hook", delivered=2)
            assert receiver.received[-1].json["dropped"] == {}

    with_server(scenario)


def test_pauses_do_not_grow_for_ever() -> None:
    async def scenario(server: SmscServer) -> Pauses:
        settings = {"attempts": 20, "disable_after": 1}
        async with receiving() as receiver, hooked(server, hook(receiver.url, **settings)) as (desk, pauses):
            receiver.statuses.extend([503] * 20)
            tell(server, "a")
            await until(desk, "hook", state="disabled")
            return pauses

    pauses = with_server(scenario).between_attempts
    assert len(pauses) == 19
    assert LONGEST_PAUSE / 2 <= max(pauses) <= LONGEST_PAUSE


def test_too_many_events_drop_the_oldest() -> None:
    async def scenario(server: SmscServer) -> None:
        async with receiving() as receiver, hooked(server, hook(receiver.url, queue=5, batch=10)) as (desk, _):
            receiver.statuses.append(500)
            tell(server, *"abcdefgh")
            view = await until(desk, "hook", delivered=5)
            assert receiver.received[-1].events == list("defgh")
            assert view.dropped == {"session": 3}

    with_server(scenario)


def test_a_webhook_that_always_fails_is_disabled_until_a_test_is_accepted() -> None:
    async def scenario(server: SmscServer) -> None:
        settings = {"attempts": 1, "disable_after": 3, "batch": 1}
        async with receiving() as receiver, hooked(server, hook(receiver.url, **settings)) as (desk, _):
            receiver.statuses.extend([500] * 4)
            tell(server, *"abcde")
            view = await until(desk, "hook", state="disabled")
            assert view.dropped == {"session": 5}
            assert len(receiver.received) == 3
            tell(server, "f")
            tested = await desk.test("hook")
            assert (tested.accepted, tested.status, tested.error) == (False, 500, "answered with 500")
            assert desk.get("hook").state == "disabled"
            tested = await desk.test("hook")
            assert (tested.accepted, tested.status, tested.error) == (True, 200, "")
            request = receiver.received[-1]
            assert (request.json["test"], request.json["events"]) == (True, [])
            assert is_genuine(SECRET, request.body, request.headers["Smppd-Signature"], server._context.wall())
            assert desk.get("hook").state == "active"
            await begin_to_look()
            tell(server, "g")
            await until(desk, "hook", delivered=1)
            assert receiver.received[-1].events == ["g"]

    with_server(scenario)


def test_nobody_listens() -> None:
    async def scenario(server: SmscServer) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        settings = {"attempts": 1, "disable_after": 1}
        async with hooked(server, hook(f"http://127.0.0.1:{port}/x", **settings)) as (desk, _):
            tell(server, "a")
            view = await until(desk, "hook", state="disabled")
            assert view.last_error.startswith("ClientConnectorError: ")
            assert SECRET not in view.last_error
            tested = await desk.test("hook")
            assert (tested.accepted, tested.status) == (False, None)

    with_server(scenario)


def test_an_answer_that_does_not_come() -> None:
    async def scenario(server: SmscServer) -> None:
        async with receiving() as receiver, hooked(server, hook(receiver.url, timeout=0.05)) as (desk, _):
            receiver.statuses.append(0)
            tested = await desk.test("hook")
            assert tested.error == "no answer within 0.05 seconds"

    with_server(scenario)


@pytest.mark.parametrize("enabled", [True, False])
def test_one_that_is_off_is_not_called(enabled: bool) -> None:
    async def scenario(server: SmscServer) -> None:
        async with receiving() as receiver, hooked(server, hook(receiver.url, enabled=enabled)) as (desk, _):
            assert desk.get("hook").state == ("active" if enabled else "off")
            assert server.control.events.viewers == enabled

    with_server(scenario)
