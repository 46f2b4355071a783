"""``smppd init DIR``: write a configuration to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from smppd.cli import UserError

FILE: Final = "smppd.toml"
"""What is written: the annotated configuration, whose values are the built-in defaults."""

MODE: Final = 0o600
"""Permissions of the file: it holds passwords."""


@click.command("init", short_help="Write an annotated configuration to start from.")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
def command(directory: Path) -> None:
    """Write an annotated smppd.toml into DIR, which is created if needed.

    Its values are the built-in defaults. A file that exists is never overwritten.
    """
    from smppd.settings.files import shipped

    target = directory / FILE
    text = (shipped(FILE)).read_bytes()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        target.touch(mode=MODE, exist_ok=False)
        target.write_bytes(text)
    except FileExistsError:
        exists = f"{target} exists already; nothing was written"
        raise UserError(exists if directory.is_dir() else f"{directory} is not a directory") from None
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror}") from None
    click.echo(f"wrote {target}")
    click.echo(f"next: smppd check {target}; smppd serve -c {target}")
