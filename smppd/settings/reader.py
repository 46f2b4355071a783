"""Reading: the file, over it the environment, over that the command line; and every mistake at once."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, Final

from smppd import strict
from smppd.settings.checks import CHECKS
from smppd.settings.root import BUILT_IN_PASSWORD, BUILT_IN_SYSTEM_ID, DEFAULT, Settings, SettingsError
from smppd.settings.types import sections_of
from smppd.strict import Overlay, Problem, StrictReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ENVIRONMENT_PREFIX: Final = "SMPPD_"
"""Every environment variable that begins like this is a setting."""

ENVIRONMENT_SEPARATOR: Final = "__"
"""Between the names of nested keys, because single underscores are part of names."""

MAX_FILE_SIZE: Final = 64 * 1024 * 1024
"""Octets of a configuration file: room for 100,000 accounts, while ``-c /dev/zero`` ends soon."""


def load_settings(path: Path | None, environ: Mapping[str, str], overrides: Sequence[str] = ()) -> Settings:
    """Read the settings: the file (None: the built-in configuration), over it the environment, over that ``--set``.

    environ: variables named ``SMPPD_SERVER__HTTP``, letter case aside; others are ignored. overrides: texts of the form
    ``server.http=127.0.0.1:0`` or ``account.0.password=x``. Raises SettingsError with every problem found.
    """
    label = "defaults" if path is None else str(path)
    problems: list[Problem] = []
    tree: dict[str, Any] = {}
    if path is not None:
        try:
            tree = _read_file(path)
        except SettingsError as error:
            problems += error.problems
    _add_built_ins(tree)
    overlay = Overlay(Settings, tree)
    problems += _put_environment(overlay, environ)
    problems += _put_overrides(overlay, overrides)
    reader = StrictReader(lambda place: overlay.origin(place) or label, CHECKS)
    settings = reader.read(Settings, overlay.tree)
    problems += reader.problems
    if problems:
        raise SettingsError(problems)
    return settings


def _add_built_ins(tree: dict[str, Any]) -> None:
    """What exists when the file says nothing of it; explicit here so that overrides find it."""
    tree.setdefault("account", [{"system_id": BUILT_IN_SYSTEM_ID, "password": BUILT_IN_PASSWORD}])
    tree.setdefault("route", [{"name": DEFAULT}])
    for table in ("dialect", "network"):
        named = tree.setdefault(table, {})
        if isinstance(named, dict):
            named.setdefault(DEFAULT, {})


def _read_file(path: Path) -> dict[str, Any]:
    """The tables of a TOML file; raises SettingsError with the one problem that keeps it from being read."""

    def failure(expected: str, hint: str = "", place: str = "") -> SettingsError:
        return SettingsError([Problem(f"{path}{place}", "", "", expected, hint)])

    try:
        with path.open("rb") as file:
            octets = file.read(MAX_FILE_SIZE + 1)
    except FileNotFoundError:
        raise failure("there is no such file", "smppd init DIR writes one to start from") from None
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


_INJECTED: Final = re.compile(r"SMPPD_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?)")
"""Variables that Kubernetes and Docker links put into every container beside a service called smppd."""


def _put_environment(overlay: Overlay, environ: Mapping[str, str]) -> list[Problem]:
    """Apply the variables that are ours, whole tables before their keys and lists in the order of their indices."""
    ours = [name for name in environ if name.startswith(ENVIRONMENT_PREFIX) and not _INJECTED.fullmatch(name)]
    split = {name: name.removeprefix(ENVIRONMENT_PREFIX).split(ENVIRONMENT_SEPARATOR) for name in ours}
    problems = []
    for name in sorted(ours, key=lambda name: [(part.isdecimal(), part.zfill(9), part) for part in split[name]]):
        try:
            overlay.put(split[name], environ[name], name)
        except strict.UnknownKeyError as error:
            problems.append(Problem(name, "", "", "no such setting", _environment_hint(name) or error.hint))
    return problems


def _environment_hint(name: str) -> str:
    """The nearest variable that exists."""
    known = [
        f"{ENVIRONMENT_PREFIX}{table}{ENVIRONMENT_SEPARATOR}{key}".upper()
        for table, kind in sections_of(Settings()).items()
        for key in kind.__struct_fields__
    ]
    return strict.suggestion(name, known)


def _put_overrides(overlay: Overlay, overrides: Sequence[str]) -> list[Problem]:
    problems = []
    for override in overrides:
        key, equals, text = override.partition("=")
        names = key.strip().replace("[", ".").replace("]", "").split(".")
        if not equals:
            problems.append(Problem("--set", key, "", "expected key=value"))
            continue
        try:
            overlay.put(names, text.strip(), "--set")
        except strict.UnknownKeyError as error:
            problems.append(Problem("--set", key.strip(), "", "unknown key", error.hint))
    return problems
