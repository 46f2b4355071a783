"""Errors as RFC 9457 problem documents."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web

from smppd.control.failures import ControlError, InvalidError, TooBusyError
from smppd.settings.root import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from smppd.errors import UserError

PROBLEM_JSON: Final = "application/problem+json"

MAX_ERRORS: Final = 100
"""Entries of `errors`: whoever has made more mistakes repairs these first."""

RETRY_AFTER: Final = 1
"""Seconds after which it may be worth while to ask again where a limit is reached."""


def problem(
    status: int,
    detail: str = "",
    headers: Mapping[str, str] | None = None,
    errors: Sequence[tuple[str, str]] = (),
) -> web.Response:
    """A problem document: type about:blank, so the title is the status's own phrase (RFC 9457 section 4.2.1).

    `detail` is for the person at the other end: no internals. `errors` are pairs of (path of what is wrong, what is
    wrong with it); they stand in the member of the same name.
    """
    document: dict[str, object] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if detail:
        document["detail"] = detail
    if errors:
        document["errors"] = [{"path": path, "message": message} for path, message in errors[:MAX_ERRORS]]
    return web.Response(status=status, body=json.dumps(document).encode(), content_type=PROBLEM_JSON, headers=headers)


def problem_of(error: UserError) -> web.Response:
    """The problem document of a mistake that the person at the other end made."""
    headers = error.headers if isinstance(error, RequestError) else None
    if isinstance(error, TooBusyError):
        headers = {hdrs.RETRY_AFTER: str(RETRY_AFTER)}
    if isinstance(error, InvalidError):
        return problem(error.status, f"{_count(error.problems)} in what was sent.", headers, error.problems)
    if isinstance(error, SettingsError):
        errors = [(each.key, f"{each.file}: {each.told}") for each in error.problems]
        return problem(422, f"The configuration has {_count(errors)}.", headers, errors)
    return problem(error.status if isinstance(error, ControlError) else 422, _sentence(str(error)), headers)


class RequestError(ControlError):
    """Something about the request itself is wrong: its form, its size, who sends it."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        """`status` is that of HTTP, from 400 to 499; `headers` go with the answer."""
        super().__init__(detail)
        self.status = status
        self.headers = headers


def _count(problems: Sequence[object]) -> str:
    return "1 problem" if len(problems) == 1 else f"{len(problems)} problems"


def _sentence(text: str) -> str:
    """The text of an error as a sentence; a name of ours at its beginning (`server.http`) stays as it is written."""
    first = text.partition(" ")[0]
    text = text[:1].upper() + text[1:] if first.isalpha() else text
    return text if text.endswith((".", "?", "!")) or not text else f"{text}."
