"""The keys, and the documentation of them."""

import re
import tomllib
from pathlib import Path
from typing import get_args, get_type_hints

import msgspec

from smppd.load import keys as module
from smppd.load.keys import Csv, Multipart, Profile, Reply, Submission, Traffic, listed
from smppwire.segmentation import Method

ROOT = Path(__file__).parents[2]
STRUCTS: dict[str, type[msgspec.Struct]] = {
    "profile": Profile,
    "traffic": Traffic,
    "message": Submission,
    "multipart": Multipart,
    "csv": Csv,
    "reply": Reply,
}
COMMON = {field.name for field in msgspec.structs.fields(Submission)}


def fields(section: str) -> dict[str, msgspec.structs.FieldInfo]:
    """The fields of a section; those all messages have in common are a section of their own."""
    found = {field.name: field for field in msgspec.structs.fields(STRUCTS[section])}
    return {name: field for name, field in found.items() if section not in {"traffic", "reply"} or name not in COMMON}


def documented() -> dict[tuple[str, str], str]:
    section, found = "", {}
    for line in (ROOT / "docs" / "load-profiles.md").read_text().splitlines():
        if heading := re.match(r"## (?:`\[*(\w+)\]*`)?", line):
            section = heading[1] or ""
        elif section in STRUCTS and (row := re.match(r"\| `(\w+)` \| (.+?) \|", line)):
            found[section, row[1]] = row[2]
    return found


def test_the_documentation_has_every_key_with_its_default() -> None:
    found = documented()
    assert found.keys() == {(section, name) for section in STRUCTS for name in fields(section)}
    for (section, name), default in found.items():
        field = fields(section)[name]
        value = field.default_factory() if field.default is msgspec.NODEFAULT and not field.required else field.default
        if default == "required":
            assert field.required
        elif default.startswith("`"):
            assert tomllib.loads(f"value = {default.strip('`')}")["value"] == value, (section, name)
        else:
            assert value in (None, Multipart()), (section, name)


def test_the_shipped_profiles_show_every_key() -> None:
    text = "".join(path.read_text() for path in (ROOT / "config" / "load").glob("*.toml"))
    names = {name for section in STRUCTS for name in fields(section)} - {"header", "delimiter", "limit"}
    assert {name for name in names if not re.search(rf"\b{name}\b", text)} == set()


def test_the_ways_of_long_messages_are_those_of_the_wire_library() -> None:
    assert set(get_args(get_type_hints(Multipart)["method"])) == set(get_args(Method))


def test_one_or_a_list() -> None:
    assert (listed("a"), listed(["a", "b"])) == (["a"], ["a", "b"])


def test_encodings_are_shares() -> None:
    kind = module.Traffic(name="a", encoding="ucs2")
    assert kind.encodings == {"ucs2": 100.0}
    assert module.Traffic(name="a", encoding={"ucs2": 30, "gsm7": 70}).encodings == {"ucs2": 30, "gsm7": 70}
