"""`smppd messages`: what a running server has accepted, and what became of it."""

from __future__ import annotations

from typing import Any, Final

import click

from smppd.cli.remote import Remote, print_json, remote_command, segment

STATES: Final = (
    *("SCHEDULED", "ENROUTE", "DELIVERED", "EXPIRED", "DELETED", "UNDELIVERABLE", "ACCEPTED", "UNKNOWN", "REJECTED"),
)


SPARE: Final = ("account", "receipt", "err")
"""Columns that a narrow terminal does without."""


@click.group(name="messages", short_help="Search the messages of a server.", invoke_without_command=True)
@click.option("--account", metavar="PATTERN", help="Who submitted it.")
@click.option("--route", metavar="PATTERN", help="The route it takes.")
@click.option("--to", "destination_addr", metavar="PATTERN", help="The destination_addr, such as 336*.")
@click.option("--from", "source_addr", metavar="PATTERN", help="The source_addr.")
@click.option("--text", metavar="TEXT", help="A piece of the decoded text.")
@click.option("--ignore-case", is_flag=True, help="Whatever the case of its letters.")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES, case_sensitive=False), help="Its state.")
@click.option("--since", metavar="TIME", help="Accepted from this time on, such as 2026-01-31T12:00:00Z.")
@click.option("--until", metavar="TIME", help="Accepted before this time.")
@click.option("--whole", is_flag=True, help="The parts of a long message as one.")
@click.option("--oldest", is_flag=True, help="The oldest first.  [default: the newest]")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="So many at most.")
@remote_command
@click.pass_context
def command(
    context: click.Context,
    /,
    states: tuple[str, ...],
    since: str | None,
    until: str | None,
    whole: bool,
    oldest: bool,
    ignore_case: bool,
    limit: int,
    as_json: bool,
    remote: Remote,
    **wanted: Any,
) -> None:
    """List the messages, the newest first; `show`, `deliver`, `fail`, `expire` and `cancel` take a message_id."""
    if context.invoked_subcommand is not None:
        return
    query = {
        **wanted,
        "message_state": list(states) or None,
        "accepted_from": since,
        "accepted_to": until,
        "unit": "whole" if whole else None,
        "order": "oldest" if oldest else None,
        "ignore_case": ignore_case or None,
    }
    messages = list(remote.items("/messages", query, limit))
    if as_json:
        print_json({"items": messages})
        return
    from smppd.cli.tables import print_table

    columns = ("accepted", "message_id", "account", "from", "to", "state", "err", "receipt", "text")
    print_table(columns, map(_row, messages), empty="There are no such messages.", spare=SPARE)


def _row(message: dict[str, Any]) -> tuple[object, ...]:
    return (
        (message["accepted_time"] or "")[:19],
        message["message_id"],
        message["account"],
        message["source_addr"],
        message["destination_addr"],
        message["message_state"],
        message["error_code"] or "",
        message["receipt"],
        message["text"],
    )


@command.command(name="show", short_help="One message, and its life.")
@click.argument("message_id")
@remote_command
def show(message_id: str, as_json: bool, remote: Remote) -> None:
    """Show MESSAGE_ID: every field, and every event of its life."""
    detail = remote.get(f"/messages/{segment(message_id)}")
    if as_json:
        print_json(detail)
        return
    from smppd.cli.tables import print_fields, print_table

    message = detail["message"]
    shown = {**message, "tlvs": ", ".join(f"{tlv['name']}={tlv['value']}" for tlv in message["tlvs"])}
    print_fields((name, value) for name, value in shown.items() if value != 0)
    click.echo()
    print_table(("time", "event", "session", "what"), map(_event, detail["events"]), empty="Nothing is known of it.")


SHOWN_APART: Final = ("time", "event", "clock", "session", "pdu")


def _event(event: dict[str, Any]) -> tuple[object, ...]:
    rest = ", ".join(f"{name} {value}" for name, value in event.items() if name not in SHOWN_APART)
    return event["time"], event["event"], event.get("session", ""), rest


@command.command(name="deliver", short_help="Have a message be delivered now.")
@click.argument("message_id")
@remote_command
def deliver(message_id: str, as_json: bool, remote: Remote) -> None:
    """Have MESSAGE_ID be delivered now, whatever its network had in mind."""
    _end(remote, message_id, {"outcome": "DELIVRD"}, as_json=as_json)


@command.command(name="fail", short_help="Have a message fail now.")
@click.argument("message_id")
@click.option("--error", type=click.IntRange(0, 999), metavar="N", help="The err of its receipt.")
@click.option("--rejected", is_flag=True, help="REJECTD in place of UNDELIV.")
@remote_command
def fail(message_id: str, error: int | None, rejected: bool, as_json: bool, remote: Remote) -> None:
    """Have MESSAGE_ID fail now."""
    outcome: dict[str, Any] = {"outcome": "REJECTD" if rejected else "UNDELIV"}
    _end(remote, message_id, outcome | ({} if error is None else {"error": error}), as_json=as_json)


@command.command(name="expire", short_help="Have the validity of a message end now.")
@click.argument("message_id")
@remote_command
def expire(message_id: str, as_json: bool, remote: Remote) -> None:
    """Have the validity of MESSAGE_ID end now."""
    _end(remote, message_id, {"outcome": "EXPIRED"}, as_json=as_json)


def _end(remote: Remote, message_id: str, outcome: dict[str, Any], *, as_json: bool) -> None:
    _tell(remote.post(f"/messages/{segment(message_id)}/outcome", outcome), as_json=as_json)


@command.command(name="cancel", short_help="Cancel a message, as cancel_sm does.")
@click.argument("message_id")
@remote_command
def cancel(message_id: str, as_json: bool, remote: Remote) -> None:
    """Cancel MESSAGE_ID: it is DELETED, as if its ESME had sent a cancel_sm."""
    _tell(remote.ask("DELETE", f"/messages/{segment(message_id)}"), as_json=as_json)


def _tell(message: dict[str, Any], *, as_json: bool) -> None:
    """What has become of a message."""
    if as_json:
        print_json(message)
    else:
        click.echo(f"{message['message_id']} to {message['destination_addr']}: {message['message_state']}")
