"""`smppd serve`: the server as a process. What changes the process happens here and nowhere else."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from smppd.cli.garbage import LOOK_SECONDS, GarbagePolicy
from smppd.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from smppd.app import SmscServer
    from smppd.settings import Settings

OTHER_FILES: Final = 256
"""Descriptors for listeners, HTTP, logs and libraries, beside one per connection."""


@click.command(name="serve", short_help="Run the message centre.")
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Configuration (TOML). Without one: the built-in defaults.",
)
@click.option("--smpp", multiple=True, metavar="HOST:PORT", help="Listen here for SMPP (may be repeated).")
@click.option("--http", metavar="HOST:PORT", help='Listen here for HTTP; "" for nowhere.')
@click.option(
    "--rules",
    multiple=True,
    metavar="NAME|FILE",
    help="Rules to follow: magic-numbers, or a .toml file (may be repeated).",
)
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override one setting, such as log.level=debug."
)
def command(
    config: Path | None, smpp: tuple[str, ...], http: str | None, rules: tuple[str, ...], overrides: tuple[str, ...]
) -> None:
    """Run the message centre until it is told to stop (Ctrl-C or SIGTERM).

    Without a file it listens on 127.0.0.1:2775 for ESMEs that bind as smppclient1 with the password "password", and on
    127.0.0.1:8775 for HTTP. SIGHUP reads the configuration again.
    """
    from smppd.settings import load_settings, parse_address

    for option, address in [*(("--smpp", each) for each in smpp), *([("--http", http)] if http else [])]:
        try:
            parse_address(address)
        except ValueError as error:
            raise click.BadParameter(f"{address!r}: {error}", param_hint=option) from None
    assignments = list(overrides)
    if smpp:
        assignments.append("server.smpp=" + ",".join(smpp))
    if http is not None:
        assignments.append(f"server.http={http}")
    if rules:
        assignments.append(f"server.rules={json.dumps([rule_file(name) for name in rules])}")

    def load() -> Settings:
        settings = load_settings(config, os.environ, assignments)
        find_hooks(settings, Path() if config is None else config.parent)
        return settings

    settings = load()
    raise_file_limit(settings.server.max_connections)
    with asyncio.Runner(loop_factory=loop_factory(settings.server.event_loop)) as runner:
        runner.run(_serve(settings, load, has_file=config is not None or bool(rules)))


def rule_file(name: str) -> str:
    """What `--rules` names, for a setting: there a path counts from the configuration, here from where one stands."""
    return str(Path(name).absolute()) if name.endswith(".toml") or "/" in name else name


def find_hooks(settings: Settings, directory: Path) -> None:
    """Have Python find the modules of hooks beside the configuration; without one, in the working directory."""
    place = str(directory.absolute())
    if place not in sys.path and any(rule.then.hook for rule in settings.rule):
        sys.path.insert(0, place)


def loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The event loop that settings ask for: "auto" means uvloop when it is installed."""
    if name == "asyncio":
        return None
    try:
        import uvloop
    except ImportError:
        if name == "uvloop":
            raise UserError("server.event_loop is uvloop, which is not installed: pip install 'smppd[speed]'") from None
        return None
    return uvloop.new_event_loop


def raise_file_limit(connections: int) -> None:
    """Allow as many open files as the connections need, as far as this user may."""
    wanted = connections + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


async def _serve(settings: Settings, load: Callable[[], Settings], *, has_file: bool) -> None:
    from smppd.app import SmscServer
    from smppwire.speedups import ACTIVE, REASON

    server = SmscServer(settings)
    server.log.info("wire library", code="C" if ACTIVE else "Python", reason=REASON)
    if has_file:
        server.control.simulation.load = lambda: _load_again(load)
    garbage = GarbagePolicy(lambda: server.pdus_received, lambda: server.leftovers)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, _reload, server, load)
    loop.set_exception_handler(lambda _loop, what: _loop_failed(server, what))
    await server.start(_announce)
    garbage.start()
    looking = loop.create_task(_look_after(garbage))
    await stopping.wait()
    looking.cancel()
    server.log.info("stopping")
    # A second signal ends the process at once.
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)
    await server.stop()


async def _look_after(garbage: GarbagePolicy) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        garbage.look()


def _announce(line: str) -> None:
    try:
        click.echo(line)
    except BrokenPipeError:
        # Nobody reads our standard output any more; the server is of use all the same.
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # lives as long as the process


def _reload(server: SmscServer, load: Callable[[], Settings]) -> None:
    """Read the configuration again; a broken one leaves everything as it is and says why."""
    try:
        server.reload(_load_again(load))
    except UserError as error:
        server.log.error("reload failed", reason=str(error))  # noqa: TRY400  # the reason is the user's, no traceback


def _load_again(load: Callable[[], Settings]) -> Settings:
    settings = load()
    raise_file_limit(settings.server.max_connections)
    return settings


def _loop_failed(server: SmscServer, what: dict[str, object]) -> None:
    """Something failed outside every session: it is logged and counted, and the server goes on."""
    server.counters.protocol_errors["internal"] += 1
    error = what.get("exception")
    server.log.error(
        "internal error", reason=str(what.get("message", "")), exc_info=error if isinstance(error, Exception) else None
    )
