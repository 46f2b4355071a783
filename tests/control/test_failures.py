"""Why something cannot be had: statuses and words."""

from __future__ import annotations

import pytest

from smppd.control.failures import ConflictError, ControlError, InvalidError, NotFoundError, TooBusyError
from smppd.errors import UserError


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (ControlError("so"), 400, "so"),
        (NotFoundError("session", "17"), 404, 'there is no session "17"'),
        (ConflictError("it is final"), 409, "it is final"),
        (InvalidError([("when.text", "no"), ("", "all")]), 422, "when.text: no; all"),
        (TooBusyError("later"), 429, "later"),
    ],
)
def test_status_and_text(error: ControlError, status: int, text: str) -> None:
    assert (error.status, str(error)) == (status, text)
    assert isinstance(error, UserError), "the command line shows it without a traceback"


def test_problems_are_kept() -> None:
    assert InvalidError((("a", "b"),)).problems == [("a", "b")]
