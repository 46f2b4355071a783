"""Files that settings are read from: TOML of a bounded size, and those that come with smppd."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

from smppd.errors import UserError
from smppd.settings.root import SettingsError
from smppd.strict import Problem

MAX_FILE_SIZE: Final = 64 * 1024 * 1024
"""Octets of a configuration file: room for 100,000 accounts, while ``-c /dev/zero`` ends soon."""

SAMPLE: Final = "smppd.toml"
"""The annotated configuration: by it one knows the directory of shipped files."""

SUFFIX: Final = ".toml"


def shipped(*names: str) -> Path:
    """A file or directory that comes with smppd: inside the wheel, or beside the package in a checkout.

    It need not exist. Raises UserError when the installation lacks all of them.
    """
    import smppd

    package = Path(smppd.__file__).parent
    for place in (package / "_config", package.parent / "config"):
        if (place / SAMPLE).is_file():
            return place.joinpath(*names)
    raise UserError("this installation lacks its configuration files; install smppd again")


def shipped_names(directory: str) -> list[str]:
    """The names of the files that come with smppd in a directory, without their suffix; [] when there is none."""
    return sorted(path.stem for path in shipped(directory).glob(f"*{SUFFIX}"))


def shipped_or_own(name: str, directory: str, base: Path) -> Path:
    """The file or directory that a setting names: a path from ``base``, or the name of a shipped file."""
    if name.endswith(SUFFIX) or "/" in name or (base / name).is_dir():
        return base / name
    return shipped(directory, name + SUFFIX)


def read_toml(path: Path, missing: str = "smppd init DIR writes one to start from") -> dict[str, Any]:
    """The tables of a TOML file; raises SettingsError with the one problem that keeps it from being read.

    missing: what to say when there is no such file.
    """

    def failure(expected: str, hint: str = "", place: str = "") -> SettingsError:
        return SettingsError([Problem(f"{path}{place}", "", "", expected, hint)])

    try:
        with path.open("rb") as file:
            octets = file.read(MAX_FILE_SIZE + 1)
    except FileNotFoundError:
        raise failure("there is no such file", missing) from None
    except IsADirectoryError:
        raise failure("this is a directory, expected a file") from None
    except (OSError, ValueError) as error:
        raise failure(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(octets) > MAX_FILE_SIZE:
        raise failure(f"longer than {MAX_FILE_SIZE // 1024 // 1024} MiB")
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        column = error.start - octets.rfind(b"\n", 0, error.start)
        raise failure("not UTF-8", f"octet 0x{octets[error.start]:02x}", f":{line}:{column}") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, place = _toml_place(str(error), text)
        raise failure(f"not TOML: {what}", place=place) from None
    except RecursionError:
        raise failure("not accepted: nested too deeply") from None


def _toml_place(message: str, text: str) -> tuple[str, str]:
    """A message of tomllib without its place, and the place as ``:line:column``."""
    at = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    if at is None:
        return message, ""
    line, column = at.groups()
    if line is None:
        lines = text.splitlines() or [""]
        line, column = str(len(lines)), str(len(lines[-1]) + 1)
    return message[: at.start()], f":{line}:{column}"
