"""`smppd tail`: what happens in a running server, a line each, as it happens."""

from __future__ import annotations

import os
import select
import sys
import threading
from datetime import UTC, datetime
from typing import Any, Final

import click

from smppd.cli.remote import Remote, RemoteError, as_json_text, remote_command
from smppd.cli.tables import printable

BROKEN_PIPE: Final = 141
"""Exit status: 128 + SIGPIPE, as shells have it."""

KINDS: Final = ("session", "pdu", "message", "receipt", "rule", "fault", "throttle", "configuration", "clock")
VIEWER: Final = "viewer"
"""The kind of events about the view itself: what was left out of it."""


@click.command(name="tail", short_help="Watch a server's PDUs and other events live.")
@click.option(
    "--kind", "kinds", multiple=True, type=click.Choice([*KINDS, "all"]), help="What to show.  [default: pdu]"
)
@click.option("--account", metavar="SYSTEM_ID", help="Only of this account.")
@click.option("--session", metavar="N", help="Only of this session.")
@click.option("--direction", type=click.Choice(["in", "out"]), help="in: from the ESME; out: to it.")
@click.option("--command", "commands", multiple=True, metavar="NAME", help="Only these PDUs, such as submit_sm.")
@click.option("--to", "destination_addr", metavar="PATTERN", help="Only with this destination_addr, such as 336*.")
@click.option("--from", "source_addr", metavar="PATTERN", help="Only with this source_addr.")
@click.option("--text", metavar="PATTERN", help="Only with this text, such as *code*.")
@click.option("--links", is_flag=True, help="Show enquire_link and its response too.")
@click.option("--since", metavar="ID|TIME", help="Begin with what is remembered from after this event, or this time.")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="Stop after so many lines.")
@remote_command
def command(
    kinds: tuple[str, ...], count: int | None, links: bool, as_json: bool, remote: Remote, **wanted: Any
) -> int:
    """Print what happens until Ctrl-C. With --json each line is an object.

    A server that is too busy to tell everything says how much it has left out (on standard error).
    """
    query = {name: value for name, value in wanted.items() if value}
    query["command"] = query.pop("commands", None)
    query["enquire_link"] = links
    if "all" not in kinds:
        query["kind"] = list(kinds or ("pdu",))
    shown = 0
    _leave_with_reader()
    for kind, event in remote.events("/events", query):
        if as_json:
            click.echo(as_json_text(event))
        else:
            click.echo(line_of(event), err=kind == VIEWER)
        if kind == VIEWER:
            continue
        shown += 1
        if count is not None and shown >= count:
            return 0
    raise RemoteError(f"{remote.url} has ended the stream: the server stops")


def _leave_with_reader() -> None:
    """End as soon as nobody reads what is printed; else `tail | head -1` would wait for one more event to notice."""
    poll = getattr(select, "poll", None)
    if poll is None or sys.stdout.isatty():
        return
    reader = poll()
    try:
        reader.register(sys.stdout.fileno(), 0)  # errors are told without being asked for
    except (OSError, ValueError):  # what is no file, as in tests
        return

    def wait() -> None:
        reader.poll()
        os._exit(BROKEN_PIPE)  # the main thread waits for the server, and there is nothing to put in order

    threading.Thread(target=wait, name="reader of the output", daemon=True).start()


def line_of(event: dict[str, Any]) -> str:
    """One event on one line: local time, kind, and what it says of itself."""
    return f"{_time(event.get('time', ''))} {printable(event.get('line', event.get('event', '')))}"


def _time(text: str) -> str:
    """The time of day in this machine's time zone, to the millisecond; what cannot be read is shown as it is."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return printable(text)
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]
