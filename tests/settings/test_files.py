from pathlib import Path

import pytest

import smppd
from smppd.errors import UserError
from smppd.settings.files import shipped, shipped_names, shipped_or_own


def test_the_wheel_carries_its_own_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "smppd"
    (package / "_config").mkdir(parents=True)
    (package / "_config" / "smppd.toml").touch()
    monkeypatch.setattr(smppd, "__file__", str(package / "__init__.py"))
    assert shipped("smppd.toml") == package / "_config" / "smppd.toml"


def test_an_installation_without_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smppd, "__file__", str(tmp_path / "smppd" / "__init__.py"))
    with pytest.raises(UserError, match="lacks its configuration"):
        shipped("smppd.toml")


def test_shipped_files_have_names_and_others_have_paths() -> None:
    assert shipped_or_own("carrier", "dialects", Path("/x")) == shipped("dialects", "carrier.toml")
    assert shipped_or_own("carrier.toml", "dialects", Path("/x")) == Path("/x/carrier.toml")
    assert shipped_or_own("./carrier", "dialects", Path("/x")) == Path("/x/carrier")
    assert shipped_or_own("/y/carrier.toml", "dialects", Path("/x")) == Path("/y/carrier.toml")


def test_names_of_what_is_shipped() -> None:
    assert "magic-numbers" in shipped_names("rules")
    assert shipped_names("nothing") == []
