"""Webhooks: whom the server calls when something happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smppd.api.endpoint import Endpoint
from smppd.control.pages import Page, PageQuery
from smppd.control.webhooks import WebhookTestView, WebhookView
from smppd.settings.webhooks import Webhook

if TYPE_CHECKING:
    from smppd.api.endpoint import Call

NAME: Final = {"name": "The name of a webhook."}


async def _list(call: Call) -> Page[WebhookView]:
    return call.control.webhooks.list(limit=call.query.limit, cursor=call.query.cursor)


async def _get(call: Call) -> WebhookView:
    return call.control.webhooks.get(call.path["name"])


async def _add(call: Call) -> WebhookView:
    return call.control.webhooks.add(call.body)


async def _remove(call: Call) -> None:
    call.control.webhooks.remove(call.path["name"])


async def _test(call: Call) -> WebhookTestView:
    return await call.control.webhooks.test(call.path["name"])


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/webhooks",
        operation="list_webhooks",
        tag="webhooks",
        summary="All webhooks, and how they do",
        query=PageQuery,
        result=Page[WebhookView],
        handle=_list,
    ),
    Endpoint(
        method="POST",
        path="/webhooks",
        operation="add_webhook",
        tag="webhooks",
        summary="Have one more webhook",
        description="As a `[[webhook]]` of the configuration. It is called from now on, until it is taken away, or the "
        "configuration is read anew.",
        role="control",
        body=Webhook,
        result=WebhookView,
        status=201,
        problems=(409,),
        handle=_add,
    ),
    Endpoint(
        method="GET",
        path="/webhooks/{name}",
        operation="get_webhook",
        tag="webhooks",
        summary="One webhook, and how it does",
        parameters=NAME,
        result=WebhookView,
        handle=_get,
    ),
    Endpoint(
        method="DELETE",
        path="/webhooks/{name}",
        operation="remove_webhook",
        tag="webhooks",
        summary="Call a webhook no more",
        parameters=NAME,
        role="control",
        handle=_remove,
    ),
    Endpoint(
        method="POST",
        path="/webhooks/{name}/test",
        operation="test_webhook",
        tag="webhooks",
        summary="Send a request without events to a webhook",
        description="It says how that ended. A webhook that was disabled works again when the request was accepted.",
        parameters=NAME,
        role="control",
        result=WebhookTestView,
        patient=True,
        handle=_test,
    ),
)
