"""[api]: tokens, names, bounds."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from smppd.settings import ApiToken
from tests.settings.support import load, problems

TOKEN = '[[api.token]]\nname = "a"\ntoken = "0123456789abcdef"\n'
SAFE = "16 to 255 letters, digits or any of . _ ~ + -"


def test_tokens_and_hashes_are_compared_by_digest(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"0123456789abcdef").hexdigest()
    settings = load(tmp_path, f'{TOKEN}[[api.token]]\nname = "b"\ntoken_hash = "{"0" * 64}"\nrole = "read"')
    one, other = settings.api.token
    assert (one.digest.hex(), one.role) == (digest, "control")
    assert (other.digest, other.role) == (bytes(32), "read")


def test_a_token_from_the_environment(tmp_path: Path) -> None:
    settings = load(tmp_path, TOKEN, {"SMPPD_API__TOKEN__0__TOKEN": "fedcba9876543210"})
    assert settings.api.token == [ApiToken(name="a", token="fedcba9876543210")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[[api.token]]\nname = "a"', "expected either token or token_hash (neither is given)"),
        (
            f'{TOKEN}token_hash = "{"0" * 64}"',
            "api.token[0].token: expected either token or token_hash (both are given)",
        ),
        ('[[api.token]]\nname = "a"\ntoken = "short"', f"api.token[0].token: expected {SAFE} (5 characters)"),
        (
            '[[api.token]]\nname = "a"\ntoken = "with a blank inside of it"',
            f"api.token[0].token: expected {SAFE} (other characters, or too many)",
        ),
        (
            '[[api.token]]\nname = "a"\ntoken_hash = "ABC"',
            (
                "api.token[0].token_hash: expected the SHA-256 of a token in hexadecimal, as printed by sha256sum "
                "(not 64 digits of lower-case hexadecimal)"
            ),
        ),
        (
            TOKEN + TOKEN.replace("0123", "3210"),
            'api.token[1].name = "a": expected a name of its own (token[0] has it already)',
        ),
        (
            TOKEN + TOKEN.replace('"a"', '"b"'),
            "api.token[1].token: expected a token of its own (token[0] has it already)",
        ),
        (
            '[api]\nhosts = ["http://x"]',
            (
                'api.hosts[0] = "http://x": expected a host name such as "smppd.test" '
                "(a name or address without scheme and port)"
            ),
        ),
        ("[api]\nrate = -1", "api.rate = -1: expected a number from 0 to 1000000"),
        ("[api]\nmax_body = 1", "api.max_body = 1: expected an integer from 1024 to 67108864"),
        ('[api]\nsnapshots = "a\\u0000b"', "not a path"),
    ],
)
def test_what_is_wrong(tmp_path: Path, text: str, problem: str) -> None:
    (found,) = problems(tmp_path, text)
    assert problem in found
    assert "0123456789abcdef" not in found
