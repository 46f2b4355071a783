"""Which webhooks there are: added, taken away, and changed by a reload."""

from __future__ import annotations

import asyncio
import io

import msgspec
import pytest

from smppd.app import SmscServer
from smppd.control.failures import ConflictError, NotFoundError, TooBusyError
from smppd.control.webhooks import MAX_WEBHOOKS, WebhookDesk
from smppd.settings import Settings, Webhook
from tests.control.hooked import begin_to_look, hooked, receiving, until
from tests.control.watching import with_server
from tests.transport.support import live_settings


def webhook(name: str = "hook", **settings: object) -> Webhook:
    return msgspec.convert({"name": name, "url": "http://127.0.0.1:1/x", "kind": "session", **settings}, Webhook)


def test_the_view_shows_all_but_the_secret() -> None:
    async def scenario(server: SmscServer) -> None:
        one = webhook(secret="hush", account=["a*", "b"], text="*x*", sample=7, direction="in")
        async with hooked(server, one, webhook("two")) as (desk, _):
            view = desk.get("hook")
            assert (view.account, view.text, view.sample, view.direction, view.kind) == (
                ["a*", "b"],
                ["*x*"],
                7,
                "in",
                ["session"],
            )
            assert view.signed is True
            assert desk.get("two").signed is False
            assert b"hush" not in msgspec.json.encode(desk.list())
            assert set(Webhook.__struct_fields__) - set(type(view).__struct_fields__) == {"secret"}

    with_server(scenario)


def test_the_list_comes_in_pages() -> None:
    async def scenario(server: SmscServer) -> None:
        async with hooked(server, *map(webhook, "abc")) as (desk, _):
            first = desk.list(limit=2)
            assert [view.name for view in first.items] == ["a", "b"]
            assert first.next is not None
            assert [view.name for view in desk.list(limit=2, cursor=first.next).items] == ["c"]

    with_server(scenario)


def test_what_does_not_exist() -> None:
    async def scenario(server: SmscServer) -> None:
        async with hooked(server) as (desk, _):
            with pytest.raises(NotFoundError, match='there is no webhook "x"'):
                desk.get("x")
            with pytest.raises(NotFoundError):
                desk.remove("x")
            with pytest.raises(NotFoundError):
                await desk.test("x")

    with_server(scenario)


def test_those_that_are_as_before_go_on() -> None:
    async def scenario(server: SmscServer) -> None:
        async with receiving() as receiver:
            stays, changes = webhook("stays", url=receiver.url), webhook("changes", url=receiver.url)
            async with hooked(server, stays, changes, webhook("goes")) as (desk, _):
                server._context.events.tell("session", "opened")
                await until(desk, "stays", delivered=1)
                await until(desk, "changes", delivered=1)
                desk.apply([webhook("changes", url=receiver.url, batch=5), webhook("stays", url=receiver.url)])
                await begin_to_look()
                assert [view.name for view in desk.list().items] == ["changes", "stays"]
                assert desk.get("stays").delivered == 1
                assert (desk.get("changes").delivered, desk.get("changes").batch) == (0, 5)
                assert server.control.events.viewers == 2

    with_server(scenario)


def running(settings: Settings | None = None) -> SmscServer:
    return SmscServer(settings or live_settings(), log_stream=io.StringIO(), environ={})


def test_webhooks_of_the_configuration_are_called_from_the_start() -> None:
    async def scenario() -> None:
        async with receiving() as receiver:
            settings = live_settings(webhook=[webhook(url=receiver.url, kind="configuration")])
            async with running(settings) as server:
                await begin_to_look()
                changed = msgspec.structs.replace(server.settings, log=msgspec.structs.replace(settings.log, pdus=True))
                server.reload(changed)
                (request,) = await receiver.requests(1)
                assert request.json["events"][0]["keys"] == ["log.pdus"]

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_server_without_webhooks_has_no_desk_for_them() -> None:
    async def scenario() -> None:
        async with running() as server:
            server.reload(server.settings)
            assert "webhooks" not in vars(server.control)
            assert "events" not in vars(server.control)

    asyncio.run(scenario())


def test_added_and_removed_while_running() -> None:
    async def scenario() -> None:
        async with running() as server:
            desk: WebhookDesk = server.control.webhooks
            assert desk.add(webhook()).state == "active"
            assert [each.name for each in server.settings.webhook] == ["hook"]
            with pytest.raises(ConflictError, match='there is a webhook "hook" already'):
                desk.add(webhook())
            desk.remove("hook")
            assert desk.list().items == []
            for number in range(MAX_WEBHOOKS):
                desk.add(webhook(f"hook-{number}", enabled=False))
            with pytest.raises(TooBusyError, match=f"{MAX_WEBHOOKS} webhooks"):
                desk.add(webhook("one-more"))
            server.reload(live_settings())
            assert desk.list().items == []

    asyncio.run(scenario())
