"""Reading load profiles: shipped ones by name, others by path, every mistake reported at once.

A profile is a TOML file; its keys are the fields of ``smppd.load.keys``. :class:`smppd.load.traffic.Traffic` makes
messages of what :func:`load_profile` returns.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

import smppd
from smppd.errors import UserError
from smppd.load.checks import Checks
from smppd.load.keys import Csv, Profile
from smppd.settings import SettingsError
from smppd.settings.files import read_toml
from smppd.strict import Problem, StrictReader, quoted, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Override", "Profile", "ProfileError", "find_profile", "load_profile", "shipped_profiles"]


class ProfileError(UserError):
    """A profile that is not accepted; ``problems`` are all that is wrong with it, never none."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        super().__init__("\n  ".join([f"the load profile has {count}:", *map(str, problems)]))
        self.problems = list(problems)


class Override(NamedTuple):
    """A value from the command line for a key of every ``[[traffic]]``; option names it in problems (``--text``)."""

    option: str
    key: str
    value: object


def load_profile(name: str, overrides: Iterable[Override] = ()) -> Profile:
    """Read a profile: a shipped one by its name, or a file by its path. Raises ProfileError with every problem found.

    overrides: values put over those of every kind of traffic; a destination_addr takes the place of a CSV file. Paths
    of CSV files are made absolute.
    """
    path = find_profile(name)
    try:
        tree = read_toml(path, "")
    except SettingsError as error:
        raise ProfileError(error.problems) from None
    options = _put(tree, overrides)
    checks = Checks(path.parent)
    reader = StrictReader(lambda place: options.get(place[2:3], str(path)), checks.table())
    profile = reader.read(Profile, tree)
    if reader.problems:
        raise ProfileError(reader.problems)
    traffic = [
        one if one.csv is None else msgspec.structs.replace(one, csv=_located(one.csv, path.parent))
        for one in profile.traffic
    ]
    return msgspec.structs.replace(profile, traffic=traffic)


def _located(csv: Csv, directory: Path) -> Csv:
    return msgspec.structs.replace(csv, file=str((directory / csv.file).resolve()))


def _put(tree: dict[str, Any], overrides: Iterable[Override]) -> dict[tuple[object, ...], str]:
    """Apply overrides; returns which option a key (as a path of one name) came from."""
    options: dict[tuple[object, ...], str] = {}
    kinds = tree.get("traffic")
    for option, key, value in overrides:
        options[(key,)] = option
        for kind in kinds if isinstance(kinds, list) else []:
            if isinstance(kind, dict):
                kind[key] = value
                if key == "destination_addr":
                    kind.pop("csv", None)
    return options


# Shipped profiles.


def shipped_profiles() -> dict[str, Path]:
    """The profiles that come with smppd, by name: inside the wheel, or beside the package in a checkout."""
    package = Path(smppd.__file__).parent
    for place in (package / "_config", package.parent / "config"):
        if found := sorted((place / "load").glob("*.toml")):
            return {path.stem: path for path in found}
    return {}


def find_profile(name: str) -> Path:
    """The file of a profile given by name or path; raises ProfileError when there is none."""
    shipped = shipped_profiles()
    path = shipped.get(name, Path(name))
    if path.exists():
        return path
    if path.suffix or len(path.parts) > 1:
        raise ProfileError([Problem(name, "", "", "there is no such file")])
    expected = f"no such load profile; shipped are {quoted(shipped)}, or name a file"
    raise ProfileError([Problem(name, "", "", expected, suggestion(name, shipped))])
