"""Errors as RFC 9457 problem documents."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

PROBLEM_JSON: Final = "application/problem+json"


def problem(status: int, detail: str = "", headers: Mapping[str, str] | None = None) -> web.Response:
    """A problem document: type about:blank, so the title is the status's own phrase (RFC 9457 section 4.2.1).

    `detail` is for the person at the other end: no internals, and nothing from the request.
    """
    document: dict[str, object] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if detail:
        document["detail"] = detail
    return web.Response(status=status, body=json.dumps(document).encode(), content_type=PROBLEM_JSON, headers=headers)
