"""`smppd mo`: a message from a subscriber, through a running server, to an ESME."""

from __future__ import annotations

from typing import Any

import click

from smppd.cli.remote import Remote, print_json, remote_command, seconds_of


@click.command(name="mo", short_help="Send a message from a subscriber to an ESME.")
@click.argument("source", metavar="FROM")
@click.argument("destination", metavar="TO")
@click.argument("text")
@click.option("--account", metavar="SYSTEM_ID", help="The ESME it goes to.  [default: the one that serves TO]")
@click.option("--data-coding", type=click.IntRange(0, 255), metavar="N", help="data_coding.  [default: as TEXT needs]")
@click.option(
    "--delay", callback=seconds_of, default="0", metavar="SPAN", help="When it is sent, from now on, as in 30s."
)
@remote_command
def command(
    source: str,
    destination: str,
    text: str,
    account: str | None,
    data_coding: int | None,
    delay: float,
    as_json: bool,
    remote: Remote,
) -> None:
    """Have the subscriber FROM send TEXT to the number TO of an ESME (deliver_sm); long texts go in parts."""
    body: dict[str, Any] = {"source_addr": source, "destination_addr": destination, "text": text}
    if account is not None:
        body["account"] = account
    if data_coding is not None:
        body["data_coding"] = data_coding
    if delay:
        body["delay"] = delay
    done = remote.post("/mo", body)
    if as_json:
        print_json(done)
    else:
        count = len(done["parts"])
        click.echo(f"{done['id']}: {count} deliver_sm for {done['account']}, {done['state'].lower()}")
