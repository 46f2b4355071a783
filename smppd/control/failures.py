"""Why something that was asked for cannot be had; the HTTP API answers with the status in brackets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from smppd.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence


def quoted(name: str) -> str:
    """A name as all messages show it: between double quotes, escaped as in JSON where it cannot be printed."""
    return json.dumps(name, ensure_ascii=not name.isprintable())


class ControlError(UserError):
    """What was asked for cannot be had or done. `status` is that of HTTP."""

    status = 400


class NotFoundError(ControlError):
    """There is no such thing (404)."""

    status = 404

    def __init__(self, kind: str, name: str) -> None:
        """`kind` is a word such as "session"; `name` is what was asked for."""
        super().__init__(f"there is no {kind} {quoted(name)}")


class ConflictError(ControlError):
    """The state of things is against it (409): it exists already, it is final, somebody changed it meanwhile."""

    status = 409


class InvalidError(ControlError):
    """What was said cannot be understood or is not acceptable (422).

    `problems` are pairs of (where: a path such as `when.text.regex`, "" for the whole; what is wrong).
    """

    status = 422

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{where}: {what}" if where else what for where, what in problems))
        self.problems = list(problems)


class TooBusyError(ControlError):
    """A limit is reached, and it may be possible later (429)."""

    status = 429
