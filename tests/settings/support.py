"""What the tests of the settings share: a file with a text, and what is wrong with it."""

from pathlib import Path

import pytest

from smppd.settings import Settings, SettingsError, load_settings

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
ACCOUNT = '[[account]]\nsystem_id = "a"\npassword = "secret"\n'


def load(tmp_path: Path, text: str = "", environ: dict[str, str] | None = None, *overrides: str) -> Settings:
    path = tmp_path / "smppd.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, environ or {}, overrides)


def problems(tmp_path: Path, text: str = "", environ: dict[str, str] | None = None, *overrides: str) -> list[str]:
    """What is wrong, without the path of the file."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text, environ, *overrides)
    return [str(problem).removeprefix(f"{tmp_path / 'smppd.toml'}: ") for problem in caught.value.problems]
