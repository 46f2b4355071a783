"""Reading: the file, over it the environment, over that the command line; and every mistake at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from smppd import strict
from smppd.settings.checks import CHECKS
from smppd.settings.files import read_toml
from smppd.settings.includes import Dialects, check_dialects, name_all, placed, read_rule_files
from smppd.settings.reach import Names, mistakes_in_faults, mistakes_in_rules
from smppd.settings.root import BUILT_IN_PASSWORD, BUILT_IN_SYSTEM_ID, DEFAULT, Settings, SettingsError
from smppd.settings.types import sections_of
from smppd.strict import Overlay, Problem, StrictReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ENVIRONMENT_PREFIX: Final = "SMPPD_"
"""Every environment variable that begins like this is a setting."""

ENVIRONMENT_SEPARATOR: Final = "__"
"""Between the names of nested keys, because single underscores are part of names."""


def load_settings(path: Path | None, environ: Mapping[str, str], overrides: Sequence[str] = ()) -> Settings:
    """Read the settings: the file (None: the built-in configuration), over it the environment, over that ``--set``.

    environ: variables named ``SMPPD_SERVER__HTTP``, letter case aside; others are ignored. overrides: texts of the form
    ``server.http=127.0.0.1:0`` or ``account.0.password=x``. Raises SettingsError with every problem found.
    """
    label = "defaults" if path is None else str(path)
    base = Path() if path is None else path.parent
    problems: list[Problem] = []
    tree: dict[str, Any] = {}
    if path is not None:
        try:
            tree = read_toml(path)
        except SettingsError as error:
            problems += error.problems
    return _read(tree, label, base, problems, environ, overrides)


def settings_from(tree: dict[str, Any], label: str, base: Path) -> Settings:
    """Settings from tables as a file would have them, which are completed in place.

    label: where they stand, in problems. base: what the names of files are relative to. Raises SettingsError with every
    problem found.
    """
    return _read(tree, label, base, [], {}, ())


def _read(
    tree: dict[str, Any],
    label: str,
    base: Path,
    problems: list[Problem],
    environ: Mapping[str, str],
    overrides: Sequence[str],
) -> Settings:
    """Settings from tables and what is put over them; `problems` are those that are known already."""
    _add_built_ins(tree)
    overlay = Overlay(Settings, tree)
    problems += _put_environment(overlay, environ)
    problems += _put_overrides(overlay, overrides)
    name_all(overlay.tree)
    reader = StrictReader(lambda place: overlay.origin(place) or label, CHECKS)
    settings = reader.read(Settings, overlay.tree)
    settings, found = _with_files(reader, settings, overlay.tree, base)
    problems += reader.problems + found
    if problems:
        raise SettingsError(problems)
    return settings


def _with_files(
    reader: StrictReader, settings: Settings, tree: Mapping[str, Any], base: Path
) -> tuple[Settings, list[Problem]]:
    """Settings with what stands in other files, and what is wrong there or does not fit together."""
    own = placed(reader, settings.rule, settings.fault)
    others, problems = read_rule_files(settings.server.rules, base)
    own_dialects = tree.get("dialect")
    dialects = Dialects(own_dialects if isinstance(own_dialects, dict) else {}, reader.source_of(("dialect",)))
    dialects.add_files(settings.server.dialects, base)
    check_dialects(reader, settings, dialects)
    rules, faults = [*own.rules, *others.rules], [*own.faults, *others.faults]
    settings = msgspec.structs.replace(
        settings,
        rule=[rule for rule, _ in rules],
        fault=[fault for fault, _ in faults],
        dialect=dialects.complete(),
    )
    accounts_known = not reader.rejected(("account",)) and all(account.system_id for account in settings.account)
    routes_known = not reader.rejected(("route",)) and all(route.name for route in settings.route)
    names = Names(
        [account.system_id for account in settings.account] if accounts_known else None,
        [route.name for route in settings.route] if routes_known else None,
    )
    problems += dialects.problems
    problems += mistakes_in_rules(rules, names)
    problems += mistakes_in_faults(faults, names)
    return settings, problems


def _add_built_ins(tree: dict[str, Any]) -> None:
    """What exists when the file says nothing of it; explicit here so that overrides find it."""
    tree.setdefault("account", [{"system_id": BUILT_IN_SYSTEM_ID, "password": BUILT_IN_PASSWORD}])
    tree.setdefault("route", [{"name": DEFAULT}])
    for table in ("dialect", "network"):
        named = tree.setdefault(table, {})
        if isinstance(named, dict):
            named.setdefault(DEFAULT, {})


_FOR_COMMANDS: Final = frozenset({"SMPPD_URL", "SMPPD_TOKEN"})
"""Variables for the commands about a running server; whoever set them starts servers in the same shell."""

_INJECTED: Final = re.compile(r"SMPPD_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?)")
"""Variables that Kubernetes and Docker links put into every container beside a service called smppd."""


def _put_environment(overlay: Overlay, environ: Mapping[str, str]) -> list[Problem]:
    """Apply the variables that are ours, whole tables before their keys and lists in the order of their indices."""
    ours = [name for name in environ if name.startswith(ENVIRONMENT_PREFIX) and not _is_no_setting(name)]
    split = {name: name.removeprefix(ENVIRONMENT_PREFIX).split(ENVIRONMENT_SEPARATOR) for name in ours}
    problems = []
    for name in sorted(ours, key=lambda name: [(part.isdecimal(), part.zfill(9), part) for part in split[name]]):
        try:
            overlay.put(split[name], environ[name], name)
        except strict.UnknownKeyError as error:
            problems.append(Problem(name, "", "", "no such setting", _environment_hint(name) or error.hint))
    return problems


def _is_no_setting(name: str) -> bool:
    """Whether a variable that begins as ours do is meant for somebody else."""
    return name in _FOR_COMMANDS or _INJECTED.fullmatch(name) is not None


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
