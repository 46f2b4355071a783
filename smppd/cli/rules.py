"""`smppd rules`: the rules of a running server."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from smppd.cli.remote import Remote, print_json, remote_command, seconds_of, segment


@click.group(name="rules", short_help="List the rules of a server, and change them.", invoke_without_command=True)
@click.option("--account", metavar="SYSTEM_ID", help="Only those that belong to this account.")
@remote_command
@click.pass_context
def command(context: click.Context, /, account: str | None, as_json: bool, remote: Remote) -> None:
    """List the rules in their order, and how often each has matched and fired."""
    if context.invoked_subcommand is not None:
        return
    rules = list(remote.items("/rules", {"namespace": account}))
    if as_json:
        print_json({"items": rules})
        return
    from smppd.cli.tables import print_table

    print_table(("name", "origin", "matched", "fired", "when", "then"), map(_row, rules), empty="There are no rules.")


def _row(rule: dict[str, Any]) -> tuple[object, ...]:
    state = rule["origin"] if rule["enabled"] else "off"
    text = rule["rule"]
    return rule["name"], state, rule["matched"], rule["fired"], _brief(text.get("when")), _brief(text.get("then"))


def _brief(table: dict[str, Any] | None) -> str:
    """A part of a rule in short: `destination_addr=336*, text={"regex": "code"}`."""
    parts = (table or {}).items()
    return ", ".join(f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in parts)


@command.command(name="show", short_help="One rule.")
@click.argument("name")
@remote_command
def show(name: str, as_json: bool, remote: Remote) -> None:  # noqa: ARG001  # a rule is JSON either way
    """Show the rule NAME as JSON."""
    print_json(remote.get(f"/rules/{segment(name)}"))


@command.command(name="add", short_help="Add rules: one from options, or those of a file.")
@click.argument("file", required=False)
@click.option("--name", help="What it is called.  [default: api-rule-N]")
@click.option("--to", "destination_addr", metavar="PATTERN", help="When: the destination_addr, such as 336*.")
@click.option("--from", "source_addr", metavar="PATTERN", help="When: the source_addr.")
@click.option("--text", metavar="PATTERN", help="When: the decoded text, such as *STOP*.")
@click.option(
    "--command", "commands", multiple=True, metavar="NAME", help="When: the PDU.  [default: submit_sm, data_sm]"
)
@click.option("--account", metavar="SYSTEM_ID", help="It belongs to this account, and is about it alone.")
@click.option("--status", metavar="NAME|N", help="Then: refuse with this command_status, such as ESME_RTHROTTLED.")
@click.option("--outcome", metavar="NAME", help="Then: this outcome, such as UNDELIV.")
@click.option("--error", type=click.IntRange(0, 999), metavar="N", help="Then: the err of the receipt.")
@click.option("--delay", callback=seconds_of, metavar="SPAN", help="Then: answer so much later, as in 500ms.")
@click.option("--reply", metavar="TEXT", help="Then: the subscriber answers this.")
@click.option("--times", type=click.IntRange(min=1), metavar="N", help="Fire at most so often.")
@click.option("--ttl", callback=seconds_of, metavar="SPAN", help="It goes by itself after so much simulated time.")
@click.option("--last", is_flag=True, help="Behind all other rules.  [default: in front of them]")
@remote_command
def add(file: str | None, last: bool, as_json: bool, remote: Remote, **options: Any) -> None:
    """Add a rule; it takes effect with the next PDU.

    FILE holds [[rule]] tables as a configuration does; `-` reads them from standard input.
    """
    query: dict[str, Any] = {"namespace": options.pop("account"), "last": last or None}
    query["expires_in"] = options.pop("ttl")
    if file is None:
        rules = [_rule(options)]
    elif any(value not in (None, ()) for value in options.values()):
        raise click.UsageError("a rule comes from FILE or from options")
    else:
        rules = _rules_of(file)
    # In front of all others the last that is added comes first.
    added = [remote.post("/rules", rule, query) for rule in (rules if last else reversed(rules))]
    if not last:
        added.reverse()
    if as_json:
        print_json({"items": added})
        return
    for rule in added:
        click.echo(f"{rule['name']} is rule {rule['position']}")
        for warning in rule["warnings"]:
            click.echo(f"  {warning}", err=True)


def _rule(options: dict[str, Any]) -> dict[str, Any]:
    """A rule of the options that were given."""
    when: dict[str, Any] = {name: options[name] for name in ("destination_addr", "source_addr") if options[name]}
    if options["text"]:
        when["text"] = {"glob": options["text"]}
    if options["commands"]:
        when["command"] = list(options["commands"])
    then: dict[str, Any] = {
        name: options[name] for name in ("status", "outcome", "error", "reply") if options[name] is not None
    }
    if then.get("status", "").isdecimal():
        then["status"] = int(then["status"])
    if options["delay"] is not None:
        then["delay"] = options["delay"]
    if not then:
        raise click.UsageError("what is to happen? Give --status, --outcome, --error, --delay or --reply, or a FILE")
    rule: dict[str, Any] = {"when": when, "then": then}
    return rule | {name: options[name] for name in ("name", "times") if options[name]}


def _rules_of(file: str) -> list[dict[str, Any]]:
    """The [[rule]] tables of a TOML file."""
    import tomllib

    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
        tree = tomllib.loads(text)
    except OSError as error:
        raise click.BadParameter(f"{file}: {(error.strerror or str(error)).lower()}", param_hint="FILE") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise click.BadParameter(f"{file}: {error}", param_hint="FILE") from None
    rules = tree.get("rule")
    if set(tree) != {"rule"} or not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise click.BadParameter(f"{file} holds something else than [[rule]] tables", param_hint="FILE")
    return rules


@command.command(name="remove", short_help="Remove rules.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@remote_command
def remove(names: tuple[str, ...], as_json: bool, remote: Remote) -> None:
    """Remove the rules of these names."""
    for name in names:
        remote.ask("DELETE", f"/rules/{segment(name)}")
    if as_json:
        print_json({"removed": list(names)})


@command.command(name="reset", short_help="Begin all counts anew.")
@remote_command
def reset(as_json: bool, remote: Remote) -> None:
    """Have all rules count from 0 again: `after`, `every` and `times` begin anew."""
    remote.post("/rules/reset")
    if as_json:
        print_json({})
