"""`smppd reset`: a running server back to its configuration."""

from __future__ import annotations

import click

from smppd.cli.remote import Remote, print_json, remote_command


@click.command(name="reset", short_help="Put a server back to its configuration.")
@click.option("--account", metavar="SYSTEM_ID", help="Only what belongs to this account: the others notice nothing.")
@click.option("--disconnect", is_flag=True, help="End the sessions too.")
@remote_command
def command(account: str | None, disconnect: bool, as_json: bool, remote: Remote) -> None:
    """Forget messages, recorded PDUs and counts, and return to the rules, faults and accounts of the configuration.

    Sessions stay bound, and time goes on from where it is.
    """
    body: dict[str, object] = {"disconnect": disconnect}
    if account is not None:
        body["namespace"] = account
    done = remote.post("/reset", body)
    if as_json:
        print_json(done)
        return
    from smppd.cli.tables import print_fields

    print_fields((name.replace("_", " "), value) for name, value in (done or {}).items())
