"""`smppd sessions`: who is connected to a running server."""

from __future__ import annotations

from typing import Any

import click

from smppd.cli.remote import Remote, print_json, remote_command, seconds_of, segment


@click.group(name="sessions", short_help="List the sessions of a server, and end them.", invoke_without_command=True)
@click.option("--account", metavar="SYSTEM_ID", help="Only those of this account.")
@click.option("--all", "everything", is_flag=True, help="Those that have ended too.")
@remote_command
@click.pass_context
def command(context: click.Context, /, account: str | None, everything: bool, as_json: bool, remote: Remote) -> None:
    """List the sessions; `show`, `unbind`, `close`, `reset` and `throttle` take the number of one."""
    if context.invoked_subcommand is not None:
        return
    query = {"account": account, "state": "all" if everything else "open"}
    sessions = list(remote.items("/sessions", query))
    if as_json:
        print_json({"items": sessions})
        return
    from smppd.cli.tables import print_table

    columns = ("session", "state", "system_id", "version", "peer", "age", "in", "out", "submitted", "refused", "window")
    print_table(columns, map(_row, sessions), empty="Nobody is connected.", spare=("peer", "version"))


def _row(session: dict[str, Any]) -> tuple[object, ...]:
    counters = session["counters"]
    return (
        session["session"],
        session["state"],
        session["system_id"],
        session["version"],
        session["peer"],
        age(session["connected"]),
        counters["pdus_in"],
        counters["pdus_out"],
        counters["submitted"],
        counters["refused"],
        _window(session["window"]),
    )


def _window(window: dict[str, Any] | None) -> str:
    return "" if window is None else f"{window['outstanding']}/{window['size'] or 'any'}"


def age(seconds: float) -> str:
    """A duration as people say it: 42s, 5m07s, 3h12m, 4d06h."""
    whole = int(seconds)
    days, hours, minutes = whole // 86_400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days}d{hours:02}h"
    if hours:
        return f"{hours}h{minutes:02}m"
    return f"{minutes}m{whole % 60:02}s" if minutes else f"{whole}s"


@command.command(name="show", short_help="All about one session.")
@click.argument("session")
@remote_command
def show(session: str, as_json: bool, remote: Remote) -> None:
    """Show everything that is known of SESSION, its counters, windows and binds."""
    _show(remote.get(f"/sessions/{segment(session)}"), as_json=as_json)


@command.command(name="unbind", short_help="Ask the ESME of a session to end it.")
@click.argument("session")
@remote_command
def unbind(session: str, as_json: bool, remote: Remote) -> None:
    """Send an unbind by SESSION, and close once it is answered."""
    _show(remote.post(f"/sessions/{segment(session)}/unbind"), as_json=as_json)


@command.command(name="close", short_help="End the connection of a session without an unbind.")
@click.argument("session")
@remote_command
def close(session: str, as_json: bool, remote: Remote) -> None:
    """End the connection of SESSION without an unbind."""
    _show(remote.post(f"/sessions/{segment(session)}/close"), as_json=as_json)


@command.command(name="reset", short_help="Reset the TCP connection of a session.")
@click.argument("session")
@remote_command
def reset(session: str, as_json: bool, remote: Remote) -> None:
    """Drop the connection of SESSION with a TCP reset."""
    _show(remote.post(f"/sessions/{segment(session)}/reset"), as_json=as_json)


@command.command(name="throttle", short_help="Refuse what a session submits, for a while.")
@click.argument("session")
@click.argument("span", callback=seconds_of, required=False)
@click.option("--status", default="ESME_RTHROTTLED", show_default=True, metavar="NAME", help="What is answered.")
@click.option("--lift", is_flag=True, help="Refuse no more.")
@remote_command
def throttle(session: str, span: float | None, status: str, lift: bool, as_json: bool, remote: Remote) -> None:
    """Refuse what SESSION submits for SPAN (30s, 5m; not given: until it is lifted)."""
    if lift and span is not None:
        raise click.UsageError("--lift takes no SPAN")
    change: dict[str, Any] | None = None
    if not lift:
        change = {"command_status": status} | ({} if span is None else {"seconds": span})
    _show(remote.ask("PATCH", f"/sessions/{segment(session)}", body={"throttle": change}), as_json=as_json)


def _show(session: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(session)
        return
    from smppd.cli.tables import print_fields

    nested = {**session, **session["counters"]}
    print_fields((name.replace("_", " "), _shown(name, value)) for name, value in nested.items() if name != "counters")


def _shown(name: str, value: object) -> object:
    """A value as people read it: tables within are told in short."""
    if name in ("window", "deliver_window") and isinstance(value, dict):
        return _window(value)
    if name in ("connected", "bound", "silent") and isinstance(value, int | float):
        return age(value)
    if isinstance(value, list):
        return "; ".join(str(_shown("", each)) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items() if each not in (None, ""))
    return value
