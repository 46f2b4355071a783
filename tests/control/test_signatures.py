"""Signatures of webhook requests, and the snippet of the documentation that checks them."""

from __future__ import annotations

import re

import pytest

from smppd.control.signatures import is_genuine, sign
from tests.repo.tree import ROOT

NOW = 1_800_000_000.9
BODY = b'{"events": []}'
SIGNATURE = sign("secret", BODY, NOW)


def test_a_signature() -> None:
    assert re.fullmatch(r"t=1800000000,v1=[0-9a-f]{64}", SIGNATURE)
    assert is_genuine("secret", BODY, SIGNATURE, NOW)
    assert is_genuine("secret", BODY, SIGNATURE, NOW + 299)


@pytest.mark.parametrize(
    ("secret", "body", "header", "now"),
    [
        ("other", BODY, SIGNATURE, NOW),
        ("secret", BODY + b" ", SIGNATURE, NOW),
        ("secret", BODY, SIGNATURE, NOW + 302),
        ("secret", BODY, SIGNATURE, NOW - 302),
        ("secret", BODY, SIGNATURE.replace("t=18", "t=17"), NOW - 100_000_000),
        ("secret", BODY, "", NOW),
        ("secret", BODY, "v1=00", NOW),
        ("secret", BODY, SIGNATURE + "0", NOW),
    ],
)
def test_what_is_not_genuine(secret: str, body: bytes, header: str, now: float) -> None:
    assert not is_genuine(secret, body, header, now)


def test_the_snippet_of_the_documentation(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "events.md").read_text()
    (snippet,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "hmac" in block]
    names: dict[str, object] = {}
    exec(compile(snippet, "docs/events.md", "exec"), names)
    check = names["is_genuine"]
    monkeypatch.setattr("time.time", lambda: NOW)
    assert callable(check)
    assert check("secret", SIGNATURE, BODY)
    assert not check("other", SIGNATURE, BODY)
    assert not check("secret", SIGNATURE, BODY + b" ")
    assert not check("secret", "", BODY)
    assert not check("secret", "nonsense", BODY)
    monkeypatch.setattr("time.time", lambda: NOW + 302)
    assert not check("secret", SIGNATURE, BODY)
