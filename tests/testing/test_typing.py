"""Types for people who check theirs."""

import tomllib

from tests.repo.tree import ROOT
from tests.testing.typed_usage import test_awaited, test_blocking, test_mistakes_are_seen

USAGE = "tests/testing/typed_usage.py"

__all__ = ["test_awaited", "test_blocking", "test_mistakes_are_seen"]


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "smppd" / "py.typed").is_file()


def test_both_type_checkers_read_how_it_is_used() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert USAGE in tools["mypy"]["files"]
    assert USAGE in tools["pyright"]["include"]
