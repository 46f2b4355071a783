"""``smppd hash-password``: print the ``password_hash`` of a password."""

from __future__ import annotations

import sys

import click

from smppd.cli import UserError


@click.command("hash-password", short_help="Hash a password for the configuration.")
def command() -> None:
    """Print scrypt$n$r$p$salt$hash for the `password_hash` of an account.

    Asks for the password on a terminal; otherwise reads the first line of standard input.
    """
    import os

    from smppd.passwords import SALT_LENGTH, ScryptHash
    from smppd.settings import MAX_PASSWORD_LENGTH, SMPP_PASSWORD_LENGTH

    password = _read_password()
    if not (password.isascii() and password.isprintable()):
        raise UserError("a password is printable ASCII")
    if len(password) > MAX_PASSWORD_LENGTH:
        raise UserError(f"a password has at most {MAX_PASSWORD_LENGTH} characters")
    if len(password) > SMPP_PASSWORD_LENGTH:
        limit = f"the {SMPP_PASSWORD_LENGTH} characters of SMPP"
        click.echo(f"note: longer than {limit}; the account needs password_max = {len(password)}", err=True)
    click.echo(str(ScryptHash.create(password.encode("ascii"), os.urandom(SALT_LENGTH))))


def _read_password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    try:
        line = sys.stdin.readline()
    except UnicodeDecodeError:
        raise UserError("a password is printable ASCII") from None
    if not line:
        raise UserError("no password: standard input is empty")
    return line.rstrip("\r\n")
