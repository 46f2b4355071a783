"""``smppd``: finds the command, imports no other, and turns what goes wrong into a message and an exit status.

Exit status: 0; 1 when the command failed; 2 for wrong usage; 130 after Ctrl-C; 141 when the reader of our output left.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from smppd import __version__
from smppd.cli import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROGRAM: Final = "smppd"

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "serve": ("smppd.cli.serve", "Run the message centre."),
    "demo": ("smppd.cli.demo", "Show the server at work with a third-party ESME."),
    "check": ("smppd.cli.check", "Validate a configuration file."),
    "init": ("smppd.cli.init", "Write an annotated configuration to start from."),
    "explain": ("smppd.cli.explain", "Dissect PDUs given in hexadecimal or in a file."),
    "send": ("smppd.cli.send", "Submit one message as an ESME."),
    "load": ("smppd.cli.load", "Put a load on any SMSC and account for every message."),
    "mo": ("smppd.cli.mo", "Send a message from a subscriber to an ESME."),
    "tail": ("smppd.cli.tail", "Watch a server's PDUs and other events live."),
    "messages": ("smppd.cli.messages", "Search the messages of a server."),
    "sessions": ("smppd.cli.sessions", "List the sessions of a server, and end them."),
    "rules": ("smppd.cli.rules", "List the rules of a server, and change them."),
    "clock": ("smppd.cli.clock", "Read and move the simulated time of a server."),
    "reset": ("smppd.cli.reset", "Put a server back to its configuration."),
    "api": ("smppd.cli.api", "Call any operation of a server's HTTP API."),
    "hash-password": ("smppd.cli.hash_password", "Hash a password for the configuration."),
}
"""Name of a command -> the module that has it, and the line it gets in ``smppd --help``."""

COMPLETION_VARIABLE: Final = "_SMPPD_COMPLETE"
"""Set by the shell's completion script (click's protocol) in place of a command to run."""

FAILURE: Final = 1
INTERRUPTED: Final = 130
"""128 + SIGINT, as shells have it."""
BROKEN_PIPE: Final = 141
"""128 + SIGPIPE, as shells have it."""


class LazyGroup(click.Group):
    """A group that imports the module of a command when that command is used, and of none for ``--help``."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All names, in the order people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Import a command; None when there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the list of commands from the table, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what comes back is its exit status or None."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        return super().invoke(ctx)


@click.group(PROGRAM, cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", prog_name=PROGRAM, message="%(prog)s %(version)s")
def cli() -> None:
    """Run an SMPP 3.4 message centre to put your own software against."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (None: of this process) and return the exit status."""
    if COMPLETION_VARIABLE in os.environ:
        cli.main(prog_name=PROGRAM)
    try:
        status = _run(sys.argv[1:] if arguments is None else list(arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        _abandon_output()
        return BROKEN_PIPE
    return status


def _run(arguments: list[str]) -> int:
    """Parse and run; print what is the user's business and leave the rest (a defect of ours) as a traceback."""
    try:
        # Not cli.main(): that one turns a broken pipe and Ctrl-C into statuses of its own.
        with cli.make_context(PROGRAM, arguments) as context:
            result = cli.invoke(context)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except UserError as error:
        click.echo(f"{PROGRAM}: {error}", err=True)
        return FAILURE
    except (KeyboardInterrupt, click.Abort):
        click.echo(err=True)
        return INTERRUPTED
    return result if isinstance(result, int) else 0


def _abandon_output() -> None:
    """Let the interpreter flush what is left to nowhere: there is no reader, and it would complain about that."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
