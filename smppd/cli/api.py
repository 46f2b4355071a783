"""`smppd api`: any operation of a running server's HTTP API, by its name."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from smppd.cli.remote import Remote, print_json, remote_command, segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DOCUMENT: Final = "/api/openapi.json"

STREAM: Final = "text/event-stream"
"""What is answered with this type has no end."""


@click.command(name="api", short_help="Call any operation of a server's HTTP API.")
@click.argument("operation", required=False)
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--body", metavar="JSON|@FILE", help="The body; @FILE reads it from a file, @- from standard input.")
@remote_command
def command(operation: str | None, values: tuple[str, ...], body: str | None, as_json: bool, remote: Remote) -> int:
    """Call OPERATION with its path variables and query parameters as NAME=VALUE; without one, list them all.

    The operations are those of the server's own OpenAPI document.
    """
    operations = {entry["operationId"]: entry for entry in _operations(remote.get(DOCUMENT))}
    if operation is None:
        _list(operations.values(), as_json=as_json)
        return 0
    if operation not in operations:
        raise click.BadParameter(_unknown(operation, operations), param_hint="OPERATION")
    print_json(_call(remote, operations[operation], _pairs(values), body))
    return 0


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All operations, each with its method and path."""
    for path, item in document["paths"].items():
        for method, entry in item.items():
            if isinstance(entry, dict) and "operationId" in entry:
                yield {**entry, "method": method.upper(), "path": path}


def _reason(error: OSError | UnicodeDecodeError) -> str:
    """Why a file cannot be read, in words."""
    return (error.strerror or "").lower() if isinstance(error, OSError) else "it is not UTF-8"


def _list(operations: Iterable[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json({entry["operationId"]: f"{entry['method']} {entry['path']}" for entry in operations})
        return
    from smppd.cli.tables import print_table

    rows = [(entry["operationId"], entry["method"], entry["path"], entry.get("summary", "")) for entry in operations]
    print_table(
        ("operation", "method", "path", "what it does"),
        rows,
        empty="The server names no operations.",
        spare=("method",),
    )


def _unknown(operation: str, operations: Iterable[str]) -> str:
    from smppd.strict import suggestion

    hint = suggestion(operation, operations) or "`smppd api` lists them all"
    return f"there is no operation {operation!r}: {hint}"


def _pairs(values: Iterable[str]) -> list[tuple[str, str]]:
    pairs = []
    for value in values:
        name, equals, text = value.partition("=")
        if not equals:
            raise click.BadParameter(f"{value!r} is not NAME=VALUE", param_hint="NAME=VALUE")
        pairs.append((name, text))
    return pairs


def _call(remote: Remote, entry: dict[str, Any], pairs: list[tuple[str, str]], body: str | None) -> Any:
    """Put path variables into the path, the others into the query."""
    if STREAM in entry["responses"].get("200", {}).get("content", {}):
        raise click.UsageError(f"{entry['operationId']} never ends: `smppd tail` shows what it tells")
    path = entry["path"]
    query: dict[str, list[str]] = {}
    for name, text in pairs:
        if f"{{{name}}}" in path:
            path = path.replace(f"{{{name}}}", segment(text))
        else:
            query.setdefault(name, []).append(text)
    if "{" in path:
        missing = path.partition("{")[2].partition("}")[0]
        raise click.UsageError(f"{entry['operationId']} needs {missing}=VALUE")
    return remote.ask(entry["method"], path, query, None if body is None else _json(body))


def _json(body: str) -> Any:
    """The body, from the command line or a file."""
    if body.startswith("@"):
        source = body.removeprefix("@")
        try:
            body = sys.stdin.read() if source == "-" else Path(source).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise click.BadParameter(f"{source}: {_reason(error)}", param_hint="--body") from None
    try:
        return json.loads(body)
    except ValueError as error:
        raise click.BadParameter(f"this is no JSON: {error}", param_hint="--body") from None
