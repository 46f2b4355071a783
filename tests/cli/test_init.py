from pathlib import Path

import pytest

from smppd.cli.main import main
from smppd.settings import Settings, load_settings
from smppd.settings.files import shipped


def test_it_writes_the_annotated_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "new" / "dir"
    assert main(["init", str(target)]) == 0
    path = target / "smppd.toml"
    assert path.read_bytes() == shipped("smppd.toml").read_bytes()
    assert load_settings(path, {}) == Settings()
    assert capsys.readouterr().out.splitlines()[0] == f"wrote {path}"
    assert [entry.name for entry in target.iterdir()] == ["smppd.toml"]


def test_only_the_owner_may_read_what_holds_passwords(tmp_path: Path) -> None:
    main(["init", str(tmp_path)])
    assert (tmp_path / "smppd.toml").stat().st_mode & 0o077 == 0


def test_it_never_overwrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "smppd.toml"
    path.write_text("mine")
    assert main(["init", str(tmp_path)]) == 1
    assert path.read_text() == "mine"
    assert capsys.readouterr().err == f"smppd: {path} exists already; nothing was written\n"


def test_a_dangling_link_is_not_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "smppd.toml").symlink_to(tmp_path / "elsewhere")
    assert main(["init", str(tmp_path)]) == 1
    assert not (tmp_path / "elsewhere").exists()
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_file_is_no_directory(tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["init", str(tmp_path / place)]) == 1
    assert "ot a directory" in capsys.readouterr().err
