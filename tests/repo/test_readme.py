"""The README can be copied and pasted: its configurations are accepted, its links lead somewhere."""

import re
from pathlib import Path

import pytest

from smppd.settings import load_settings
from tests.repo.tree import ROOT

README = (ROOT / "README.md").read_text()
CONFIGURATIONS = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)


def test_there_are_configurations() -> None:
    assert len(CONFIGURATIONS) > 3


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_each_configuration_is_accepted(text: str, tmp_path: Path) -> None:
    path = tmp_path / "smppd.toml"
    path.write_text(text)
    load_settings(path, {}, [])


@pytest.mark.parametrize("target", re.findall(r"\]\((?!http)([^)#]+)[^)]*\)", README))
def test_each_link_leads_somewhere(target: str) -> None:
    assert (ROOT / target).exists()
