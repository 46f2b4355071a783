"""`smppd clock`: the simulated time of a running server."""

from __future__ import annotations

from typing import Any

import click

from smppd.cli.remote import Remote, print_json, remote_command, seconds_of


@click.group(name="clock", short_help="Read and move the simulated time of a server.", invoke_without_command=True)
@remote_command
@click.pass_context
def command(context: click.Context, /, as_json: bool, remote: Remote) -> None:
    """Show the clock that drives messages, receipts, throughput and rules; session timers run on real time."""
    if context.invoked_subcommand is None:
        _show(remote.get("/clock"), as_json=as_json)


@command.command(name="advance", short_help="Let simulated time pass at once.")
@click.argument("span", callback=seconds_of)
@remote_command
def advance(span: float, as_json: bool, remote: Remote) -> None:
    """Let SPAN pass (90s, 15m, 24h, 7d, 1h30m): whatever is due meanwhile happens, each thing at its time."""
    lapse = remote.post("/clock/advance", {"seconds": span}, patient=True)
    if as_json:
        print_json(lapse)
        return
    click.echo(f"{lapse['seconds']:g} s have passed; it is {lapse['clock']['clock_time']}")
    if lapse["owing"]:
        click.echo(f"{lapse['owing']} sessions have not acknowledged what left meanwhile", err=True)


@command.command(name="freeze", short_help="Stop simulated time.")
@remote_command
def freeze(as_json: bool, remote: Remote) -> None:
    """Have simulated time stand still until `resume`, or until it is advanced."""
    _show(remote.post("/clock/freeze"), as_json=as_json)


@command.command(name="resume", short_help="Let simulated time run on.")
@remote_command
def resume(as_json: bool, remote: Remote) -> None:
    """Let simulated time run on, at the speed it had."""
    _show(remote.post("/clock/resume"), as_json=as_json)


@command.command(name="speed", short_help="Let simulated time run faster or slower.")
@click.argument("factor", type=click.FloatRange(min=0, min_open=True))
@remote_command
def speed(factor: float, as_json: bool, remote: Remote) -> None:
    """Let FACTOR seconds of simulated time pass in one of real time; 1 is real speed."""
    _show(remote.ask("PATCH", "/clock", body={"speed": factor}), as_json=as_json)


def _show(clock: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(clock)
        return
    from smppd.cli.tables import print_fields

    pace = f"running at speed {clock['speed']:g}" if clock["running"] else "standing still"
    left = clock["next_due_in"]
    print_fields(
        [
            ("time", clock["clock_time"]),
            ("pace", "the machine's time" if clock["real"] else pace),
            ("real time", clock["real_time"]),
            ("next due", "" if left is None else f"in {left:g} s"),
        ]
    )
