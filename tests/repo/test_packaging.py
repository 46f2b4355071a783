"""What pip builds: the version, the files that travel in the wheel, and the names it installs."""

import importlib
import re
import tomllib
from dataclasses import fields
from itertools import pairwise

import smppd
from smppwire.pdus import SubmitSm
from smppwire.speedups import API
from tests.repo.tree import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
WHEEL = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
SPEEDUPS = ROOT / "speedups"
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()


def test_everything_the_build_reads_exists() -> None:
    named = [PROJECT["readme"], *PROJECT["license-files"], *WHEEL["packages"], *WHEEL["force-include"]]
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert (ROOT / PYPROJECT["tool"]["hatch"]["version"]["path"]).is_file()


def test_the_configuration_travels_in_the_wheel() -> None:
    assert WHEEL["force-include"] == {"config": "smppd/_config"}
    assert (ROOT / "config" / "benchmark.toml").is_file()


def test_packages_are_packages() -> None:
    for package in WHEEL["packages"]:
        assert (ROOT / package / "__init__.py").is_file()
    assert (ROOT / "protocol" / "smppwire" / "py.typed").is_file(), "the library is typed: tell type checkers"
    assert not (ROOT / "protocol" / "__init__.py").exists(), "protocol/ is a source root, not a package"


def test_the_command_exists() -> None:
    for target in PROJECT["scripts"].values():
        module, _, function = target.partition(":")
        assert callable(getattr(importlib.import_module(module), function))


def test_the_license_is_the_one_that_is_named() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert PROJECT["license"] == "Apache-2.0"
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_speed_ups_are_a_distribution_of_the_same_make() -> None:
    project = tomllib.loads((SPEEDUPS / "pyproject.toml").read_text())["project"]
    assert project["name"] == "smppwire-speedups"
    assert (project["requires-python"], project["license"]) == (PROJECT["requires-python"], PROJECT["license"])
    assert (SPEEDUPS / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert (SPEEDUPS / "smppwire_speedups" / "py.typed").is_file()


def test_the_speed_ups_are_built_of_all_their_sources() -> None:
    named = set(re.findall(r'"(\w+\.c)"', (SPEEDUPS / "setup.py").read_text()))
    assert named == {path.name for path in (SPEEDUPS / "src").glob("*.c")}


def test_both_sides_of_the_speed_ups_agree() -> None:
    header, table = ((SPEEDUPS / "src" / name).read_text() for name in ("codec.h", "module.c"))
    assert re.findall(r"#define API (\d+)", header) == [str(API)]
    assert re.findall(r'\{"(\w+)", (?:INTEGER|C_OCTETS|OCTETS)\}', table) == [row.name for row in fields(SubmitSm)]


def test_classifiers_name_the_oldest_python() -> None:
    oldest = PROJECT["requires-python"].removeprefix(">=")
    named = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d+$", line)]
    assert named[0] == oldest
    assert PYPROJECT["tool"]["ruff"]["target-version"] == "py" + oldest.replace(".", "")


def test_the_changelog_speaks_of_this_version() -> None:
    assert re.search(rf"\b{re.escape(smppd.__version__)}\b", CHANGELOG)
    headings = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", CHANGELOG, re.MULTILINE)
    assert headings[0][0] == "Unreleased"
    assert all(date for _, date in headings[1:]), "a released version has a date"
    versions = [tuple(map(int, name.split("."))) for name, _ in headings[1:]]
    assert all(newer > older for newer, older in pairwise(versions)), "newest first"
