"""`[[webhook]]`, and the filters of events."""

from __future__ import annotations

from pathlib import Path

import pytest

from smppd.settings import Settings, SettingsError, diff, load_settings


def read(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "smppd.toml"
    file.write_text(text)
    return load_settings(file, {}, [])


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text)
    return [str(problem).partition(": ")[2] for problem in caught.value.problems]


BASE = '[[webhook]]\nname = "a"\nurl = "http://localhost:8000/x"\n'


def test_the_least_that_is_needed(tmp_path: Path) -> None:
    (webhook,) = read(tmp_path, BASE).webhook
    assert (webhook.enabled, webhook.secret, webhook.kind, webhook.sample) == (True, "", [], 1)


def test_one_or_several(tmp_path: Path) -> None:
    text = BASE + 'kind = "pdu"\ncommand = ["submit_sm", "deliver_sm"]\naccount = "a*"\nsession = ["7"]\n'
    (webhook,) = read(tmp_path, text).webhook
    assert (webhook.kind, webhook.command, webhook.account) == ("pdu", ["submit_sm", "deliver_sm"], "a*")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('kind = "pdus"', 'webhook[0].kind = "pdus"'),
        ('kind = ["pdu", "messages"]', "webhook[0].kind[1]"),
        ('event = "Bound"', "webhook[0].event"),
        ('event = ["bound", "finale"]', "webhook[0].event[1]"),
        ('command = "submit"', "webhook[0].command"),
        ('session = "x"', "webhook[0].session"),
        ('account = "[a"', "webhook[0].account"),
        ('text = ""', "webhook[0].text"),
        ('text = "*[cC*"', "webhook[0].text"),
        ("sample = 0", "webhook[0].sample"),
        ("batch = 1001", "webhook[0].batch"),
        ("timeout = 0", "webhook[0].timeout"),
        ("attempts = 0", "webhook[0].attempts"),
        ('kinds = "pdu"', "webhook[0].kinds: unknown key"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, line: str, problem: str) -> None:
    (told,) = problems(tmp_path, BASE + line + "\n")
    assert told.startswith(problem)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8000",
        "ftp://localhost/x",
        "http://",
        "http:///x",
        "https://user:secret99@localhost/",
        "http://localhost:99999/",
        "http://local host/",
        "http://[::1/",
        "http://h\N{LATIN SMALL LETTER O WITH DIAERESIS}st/",
        "http://localhost/" + 2048 * "x",
    ],
)
def test_what_is_no_url(tmp_path: Path, url: str) -> None:
    (told,) = problems(tmp_path, f'[[webhook]]\nname = "a"\nurl = "{url}"\n')
    assert told.startswith("webhook[0].url: ")
    assert "secret99" not in told


@pytest.mark.parametrize("url", ["http://localhost", "https://example.com:8443/a?b=c", "http://[::1]:8000/x"])
def test_what_is_one(tmp_path: Path, url: str) -> None:
    assert read(tmp_path, f'[[webhook]]\nname = "a"\nurl = "{url}"\n').webhook[0].url == url


def test_a_secret_that_is_wrong_is_not_shown(tmp_path: Path) -> None:
    (told,) = problems(tmp_path, BASE + f'secret = "{300 * "s"}"\n')
    assert told.startswith("webhook[0].secret: ")
    assert "sss" not in told


def test_names_differ(tmp_path: Path) -> None:
    (told,) = problems(tmp_path, BASE + BASE)
    assert told.startswith('webhook[1].name = "a"')
    assert "webhook[0] has it already" in told


def test_changes_are_named_without_their_values(tmp_path: Path) -> None:
    before = read(tmp_path, BASE + 'secret = "hush"\n')
    after = read(tmp_path, BASE + 'secret = "hush hush"\nbatch = 7\n' + BASE.replace('"a"', '"b"'))
    changes = diff(before, after)
    assert sorted(changes.live) == ["webhook[a].batch", "webhook[a].secret", "webhook[b]"]
    assert (changes.webhooks.added, changes.webhooks.changed) == (["b"], ["a"])
