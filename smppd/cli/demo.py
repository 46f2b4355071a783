"""`smppd demo`: the main job, shown with an ESME that is not ours."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from smppd.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from smppd.app import SmscServer

DEADLINE: Final = 30.0
"""Seconds the ESME may take; on an idle machine it takes about two."""

ANSWERED_KIND: Final = "reminder"
SUBSCRIBER: Final = b"447700900003"
ANSWER: Final = b"YES"
POLL: Final = 0.05
"""Seconds between two looks whether the reminder has reached its handset."""

MISSING: Final = 1

PIPE_WIDTH: Final = 100
"""Columns of the table where there is no terminal to ask."""


@click.command(name="demo", short_help="Show the server at work with a third-party ESME.")
@click.option("--json", "as_json", is_flag=True, help="Print what happened as JSON.")
def command(as_json: bool) -> int:  # click passes flags by name
    """Start a server on free ports and let smpplib, a third party's ESME, use it.

    It binds as transceiver, submits a one-time code, an alert, a reminder, a long UCS-2 text and a campaign of 1,000,
    and waits for every response and every receipt; a subscriber answers the reminder. Exit status 1 when anything is
    missing.
    """
    log = io.StringIO()
    seen = asyncio.run(_demonstrate(log))
    problems = list(problems_of(seen))
    if as_json:
        click.echo(json.dumps(_summary(seen, problems), indent=2))
    else:
        _print_table(seen, problems)
        if problems:
            click.echo(log.getvalue(), err=True, nl=False)
    return MISSING if problems else 0


async def _demonstrate(log: io.StringIO) -> dict[str, Any]:
    """Run server, ESME and subscriber; returns what the ESME saw."""
    from smppd.app import SmscServer
    from smppd.settings import BUILT_IN_PASSWORD, BUILT_IN_SYSTEM_ID, load_settings

    # Free ports: a demo must not depend on what else runs here. The environment is left out for the same reason.
    settings = load_settings(None, {}, ["server.smpp=127.0.0.1:0", "server.http=127.0.0.1:0"])
    async with SmscServer(settings, log_stream=log) as server:
        host, _, port = server.smpp_addresses[0].rpartition(":")
        esme = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "smppd.cli.demo_esme",
            host,
            port,
            BUILT_IN_SYSTEM_ID,
            BUILT_IN_PASSWORD,
            str(DEADLINE),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        subscriber = asyncio.create_task(_answer_when_delivered(server, BUILT_IN_SYSTEM_ID))
        try:
            async with asyncio.timeout(DEADLINE + 10):
                output, errors = await esme.communicate()
        except TimeoutError:
            raise UserError("the ESME does not come to an end") from None
        finally:
            subscriber.cancel()
            if esme.returncode is None:
                esme.kill()
                await esme.wait()
        if esme.returncode:
            raise UserError(f"the ESME gave up: {errors.decode('utf-8', 'replace').strip()}")
        seen: dict[str, Any] = json.loads(output)
        seen["smpp"], seen["http"] = server.smpp_addresses[0], server.http_address
        return seen


async def _answer_when_delivered(server: SmscServer, system_id: str) -> None:
    """The subscriber: once the reminder is on the handset, answer it."""
    from smppwire.codec import encode
    from smppwire.constants import HEADER_LENGTH
    from smppwire.pdus import DeliverSm

    while True:
        await asyncio.sleep(POLL)
        reminder = next(
            (message for message in server.engine.messages.values() if message.pdu.destination_addr == SUBSCRIBER), None
        )
        if reminder is not None and reminder.is_final:
            break
    answer = DeliverSm(
        source_addr_ton=reminder.pdu.dest_addr_ton,
        source_addr_npi=reminder.pdu.dest_addr_npi,
        source_addr=SUBSCRIBER,
        dest_addr_ton=reminder.pdu.source_addr_ton,
        dest_addr_npi=reminder.pdu.source_addr_npi,
        destination_addr=reminder.pdu.source_addr,
        short_message=ANSWER,
    )
    server.engine.deliver("mo", system_id, encode(answer)[HEADER_LENGTH:])


def problems_of(seen: dict[str, Any]) -> Iterable[str]:
    """What is missing or wrong, in words; nothing when all is well."""
    submissions = seen["submissions"]
    unanswered = sum(entry["status"] is None for entry in submissions)
    refused = sum(bool(entry["status"]) for entry in submissions)
    without = sum(not entry["receipts"] for entry in submissions)
    doubled = sum(len(entry["receipts"]) > 1 for entry in submissions)
    undelivered = sum("stat:DELIVRD" not in text for entry in submissions for text in entry["receipts"])
    if not submissions:
        yield "no message was submitted"
    for count, what in (
        (unanswered, "submit_sm not answered"),
        (refused, "submit_sm refused"),
        (without, "messages without a receipt"),
        (doubled, "messages with more than one receipt"),
        (undelivered, "receipts that say something other than DELIVRD"),
        (seen["unknown_receipts"], "receipts for unknown messages"),
    ):
        if count:
            yield f"{what}: {count}"
    if not seen["mobile_originated"]:
        yield "the subscriber's answer (MO) did not arrive"


def percentile(values: Sequence[float], fraction: float) -> float:
    """The value that `fraction` of all values do not exceed; `values` must not be empty."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))]


def rows_of(seen: dict[str, Any]) -> list[dict[str, Any]]:
    """One row per kind of traffic, in the order of submission."""
    rows: list[dict[str, Any]] = []
    for kind in dict.fromkeys(entry["kind"] for entry in seen["submissions"]):
        entries = [entry for entry in seen["submissions"] if entry["kind"] == kind]
        responses = [1000 * entry["response_s"] for entry in entries if "response_s" in entry]
        receipts = [1000 * entry["receipt_s"] for entry in entries if "receipt_s" in entry]
        rows.append(
            {
                "traffic": kind,
                "submitted": len(entries),
                "accepted": sum(entry["status"] == 0 for entry in entries),
                "receipts": sum(len(entry["receipts"]) for entry in entries),
                "response_p50_ms": round(percentile(responses, 0.5), 3) if responses else None,
                "response_p99_ms": round(percentile(responses, 0.99), 3) if responses else None,
                "receipt_p50_ms": round(percentile(receipts, 0.5), 1) if receipts else None,
                "receipt_p99_ms": round(percentile(receipts, 0.99), 1) if receipts else None,
            }
        )
    return rows


def _summary(seen: dict[str, Any], problems: list[str]) -> dict[str, Any]:
    count = len(seen["submissions"])
    return {
        "traffic": rows_of(seen),
        "mobile_originated": seen["mobile_originated"],
        "submits_per_s": round(count / seen["submitted_s"]) if seen["submitted_s"] else None,
        "seconds": round(seen["all_s"], 3),
        "problems": problems,
    }


def _print_table(seen: dict[str, Any], problems: list[str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    class Output(Console):
        """Rich ends the process when nobody reads on, with the status that means "something is missing" here."""

        def on_broken_pipe(self) -> None:
            raise  # noqa: PLE0704  # called while the BrokenPipeError is handled; `main` knows what to do with it

    console = Output(highlight=False)
    if not console.is_terminal:
        console = Output(highlight=False, width=PIPE_WIDTH)
    summary = _summary(seen, problems)
    table = Table(title=f"smpplib against smppd on {seen['smpp']}", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("traffic", no_wrap=True)
    for title in ("submitted", "accepted", "receipts", "response p50/p99", "receipt p50/p99"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in summary["traffic"]:
        table.add_row(
            row["traffic"],
            str(row["submitted"]),
            str(row["accepted"]),
            str(row["receipts"]),
            _pair(row["response_p50_ms"], row["response_p99_ms"], 2),
            _pair(row["receipt_p50_ms"], row["receipt_p99_ms"], 0),
        )
    console.print(table)
    for message in summary["mobile_originated"]:
        console.print(f"MO from {message['from']}: {message['text']}", markup=False)
    if summary["submits_per_s"]:
        console.print(
            f"{len(seen['submissions'])} messages submitted at {summary['submits_per_s']}/s (as fast as smpplib goes), "
            f"the last receipt after {summary['seconds']:.1f} s"
        )
    for problem in problems:
        console.print(f"wrong: {problem}", markup=False)
    console.print("not everything arrived" if problems else "every response and every receipt arrived")


def _pair(low: float | None, high: float | None, digits: int) -> str:
    if low is None or high is None:
        return "-"
    return f"{low:.{digits}f} / {high:.{digits}f} ms"
