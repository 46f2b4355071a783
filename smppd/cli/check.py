"""``smppd check FILE``: is this configuration accepted, and what does it amount to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from msgspec import Struct

    from smppd.settings import Account, Delay, Fault, Network, Route, Rule, Settings

DEFAULT: Final = "default"
"""The dialect that everybody knows."""

SHOWN: Final = 10
"""Accounts, routes and networks listed by name; of more, the number says enough."""


@click.command("check", short_help="Validate a configuration file.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Override a key, as with serve.")
def command(file: Path, overrides: tuple[str, ...]) -> None:
    """Validate the configuration FILE as `smppd serve` would read it.

    Environment variables named SMPPD_... apply too. Prints what the configuration amounts to; or every error with its
    key, its value and what is accepted, and exits with status 1.
    """
    import os

    from smppd.settings import load_settings

    settings = load_settings(file, os.environ, overrides)
    try_hooks(settings, file.parent)
    click.echo(f"{file}: ok")
    for label, text in summary(settings):
        click.echo(f"  {label:<10} {text}")


def try_hooks(settings: Settings, directory: Path) -> None:
    """Import the hooks of the rules, as the server would. Raises UserError that names all that cannot be found."""
    hooks = {rule.then.hook: rule.name for rule in settings.rule if rule.then.hook is not None}
    if not hooks:
        return
    from smppd.behaviour.hooks import load_hook
    from smppd.cli.serve import find_hooks
    from smppd.errors import UserError

    find_hooks(settings, directory)
    problems = []
    for hook, rule in hooks.items():
        try:
            load_hook(hook)
        except UserError as error:
            problems.append(f"rule {rule}: {error}")
    if problems:
        raise UserError("\n  ".join(["hooks are missing:", *problems]))


def summary(settings: Settings) -> Iterator[tuple[str, str]]:
    """The configuration in a few lines of label and text."""
    listeners = [f"SMPP {address}" for address in settings.server.smpp]
    if settings.server.http:
        listeners.append(f"HTTP {settings.server.http}")
    yield "listeners", ", ".join(listeners)
    yield from _listed("accounts", [_account(account) for account in settings.account])
    yield from _listed("routes", [_route(route) for route in settings.route])
    yield from _listed("networks", [_network(name, network) for name, network in settings.network.items()])
    for label, texts in (
        ("rules", [_rule(rule) for rule in settings.rule]),
        ("faults", [_fault(fault) for fault in settings.fault]),
        ("dialects", [name for name in settings.dialect if name != DEFAULT]),
    ):
        if texts:
            yield from _listed(label, texts)


def _listed(label: str, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield label, str(len(texts))
    for text in texts[:SHOWN]:
        yield "", text
    if len(texts) > SHOWN:
        yield "", f"... and {len(texts) - SHOWN} more"


def _account(account: Account) -> str:
    limits = [
        f"{name} {value:g}{unit}"
        for name, value, unit in (
            ("max_binds", account.max_binds, ""),
            ("window", account.window, ""),
            ("throughput", account.throughput.limit, f" per {account.throughput.per:g} s"),
        )
        if value
    ]
    off = "" if account.enabled else "disabled; "
    return f"{account.system_id}: {off}{', '.join(account.bind_types)}; {', '.join(limits) or 'no limits'}"


def _route(route: Route) -> str:
    conditions = [
        f"{name} {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name in route.match.__struct_fields__
        if (value := getattr(route.match, name)) is not None
    ]
    pace = f"; {route.throughput.limit:g} per {route.throughput.per:g} s" if route.throughput.limit else ""
    return f"{route.name}: {' and '.join(conditions) or 'every message'} -> network {route.network}{pace}"


def _network(name: str, network: Network) -> str:
    total = sum(network.outcome.values())
    shares = [f"{outcome} {weight / total:.3g}" for outcome, weight in network.outcome.items() if weight]
    return f"{name}: outcome after {_delay(network.delay)}; {', '.join(shares)}"


def _rule(rule: Rule) -> str:
    """What a rule is about and what it does, by the keys that are set."""
    conditions = [name for name in _given(rule.when) if name not in ("command", "fields")]
    about = ", ".join([*conditions, *rule.when.fields]) or "every message"
    off = "" if rule.enabled else "disabled; "
    return f"{rule.name}: {off}{' and '.join(rule.when.commands)} by {about} -> {', '.join(_given(rule.then))}"


def _fault(fault: Fault) -> str:
    common = ("kind", "name", "enabled")
    given = ", ".join(f"{name} {value}" for name, value in _given(fault).items() if name not in common)
    off = "" if fault.enabled else "disabled; "
    return f"{fault.name}: {off}{fault.kind}{f' ({given})' if given else ''}"


def _given(struct: Struct) -> dict[str, object]:
    """The values of a struct that are not the defaults, by their keys."""
    import msgspec

    fields = msgspec.structs.fields(struct)
    values = {field.encode_name: (getattr(struct, field.name), field.default) for field in fields}
    return {name: value for name, (value, default) in values.items() if value != default and value not in ([], {})}


def _delay(delay: Delay) -> str:
    if delay.distribution == "fixed":
        return f"{delay.value:g} s"
    return f"{delay.min:g} to {delay.max:g} s"
