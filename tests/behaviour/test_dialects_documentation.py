"""docs/dialects.md names every key, every shipped dialect and its quirks, and what it shows is accepted."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from smppd.settings import Dialect, IdForm, load_settings
from tests.behaviour.speech import SHIPPED, shipped

DOCUMENT = (Path(__file__).parents[2] / "docs" / "dialects.md").read_text()
ABOUT_ITSELF = {"based_on", "description", "sources"}


def keys_of(struct: msgspec.Struct) -> list[str]:
    """The dotted keys of a dialect, down to those of a form."""
    keys = []
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        below = keys_of(value) if isinstance(value, msgspec.Struct) and not isinstance(value, IdForm) else None
        keys += [name] if below is None else [f"{name}.{key}" for key in below]
    return keys


def rows() -> dict[str, tuple[str, str]]:
    """The shipped dialects: name -> (what it does, quirks)."""
    section = DOCUMENT[DOCUMENT.index("## Those that come") :].split("\n## ")[0]
    return {
        name: (what, quirks)
        for name, what, quirks in re.findall(r"^\| `([\w-]+)` \| (.+) \| (.+) \|$", section, re.MULTILINE)
    }


@pytest.mark.parametrize("key", [*keys_of(Dialect()), *IdForm().__struct_fields__])
def test_every_key_is_there(key: str) -> None:
    assert key in ABOUT_ITSELF or f"`{key}`" in DOCUMENT


def test_no_key_is_there_that_does_not_exist() -> None:
    tables = {name for name in Dialect().__struct_fields__ if isinstance(getattr(Dialect(), name), msgspec.Struct)}
    named = re.findall(rf"`((?:{'|'.join(tables)})\.\w+)`", DOCUMENT)
    assert set(named) <= set(keys_of(Dialect()))


def test_every_shipped_dialect_is_there_and_no_other() -> None:
    assert sorted(rows()) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_the_quirks_are_those_of_its_sources(name: str) -> None:
    assert rows()[name][1].split() == re.findall(r"Q\d+", shipped(name).settings.sources[0])


def test_the_examples_are_accepted(tmp_path: Path) -> None:
    examples = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    path = tmp_path / "smppd.toml"
    path.write_text("\n".join(examples))
    settings = load_settings(path, {})
    assert tomllib.loads(path.read_text())["dialect"].keys() <= settings.dialect.keys()
    mine = settings.dialect["mine"]
    assert mine.text.default_alphabet == "latin-1"
    assert mine.message_id.response == IdForm(base="hex", case="upper", width=10)
