"""`smppd load`: the load generator's command line. What it means is in `smppd.load`; here words become options."""

from __future__ import annotations

import math
import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from smppd.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

    from smppd.load.adaptive import Outcome
    from smppd.load.options import LoadOptions, TlsOptions
    from smppd.load.profile import Profile
    from smppd.load.result import Result
    from smppd.load.tables import Check
    from smppd.load.thresholds import Threshold

DEFAULT_DURATION: Final = 10.0
DEFAULT_WARM_UP: Final = 2.0
"""Seconds; none in runs by count, where every message is meant to be measured."""

FAILURE: Final = 1
INTERRUPTED: Final = 130
TERMINATED: Final = 143
"""128 + SIGTERM, as shells have it."""

VERSIONS: Final = {"3.3": 0x33, "3.4": 0x34, "5.0": 0x50}
STANDARD_OUTPUT: Final = "-"

OF_OPEN_LOOP: Final = ("arrivals",)
OF_SEARCH: Final = ("max_p99", "max_error_rate", "start_rate", "highest_rate", "trial")
NOT_OF_SEARCH: Final = ("rate", "count", "duration", "warm_up", "drain")
"""Parameters that mean nothing in some runs: whoever gives them there expects what will not happen."""

REPORTS: Final = ("json_file", "html_file", "hgrm_file")

SHORTEST: Final = 0.001
LONGEST: Final = 31 * 86_400.0
"""Seconds of a time: what is beyond a month is a slip of the hand."""

MAY_BE_ZERO: Final = frozenset({"warm_up", "drain", "enquire_link"})
"""Times that may also be left out."""

LENGTHS: Final = {"system_id": 15, "password": 8, "system_type": 12}
"""Octets of the fields of a bind, without their NUL (SMPP 3.4, 4.1.1)."""


def _time(_context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """A time such as 500ms, 10s, 1m30s or 2h, in seconds."""
    from smppd.load.units import parse_duration

    if value is None:
        return None
    try:
        seconds = parse_duration(value)
    except UserError as error:
        raise click.BadParameter(str(error)) from None
    shortest = 0.0 if parameter.name in MAY_BE_ZERO else SHORTEST
    if not shortest <= seconds <= LONGEST:
        raise click.BadParameter(f"{value!r} is not between {shortest * 1e3:g} ms and 31 days")
    return seconds


def _address(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, int]:
    """``HOST:PORT``."""
    from smppd.settings import parse_address

    try:
        return parse_address(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r}: {error}") from None


def _octets(_context: click.Context, parameter: click.Parameter, value: str) -> str:
    """A C-octet string of a bind: Latin-1 without NUL."""
    most = LENGTHS[str(parameter.name)]
    try:
        octets = value.encode("latin-1")
    except UnicodeEncodeError:
        raise click.BadParameter("it has characters that SMPP cannot carry here") from None
    if b"\0" in octets or len(octets) > most:
        raise click.BadParameter(f"it takes up to {most} octets, none of them NUL")
    return value


def _output(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """A file that will be written when the run is over; that it can be written is looked at before."""
    if value is None or value == STANDARD_OUTPUT:
        return value
    path = Path(value)
    if not path.parent.is_dir():
        raise click.BadParameter(f"{path.parent} is no directory")
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise click.BadParameter(f"{path} cannot be written")
    return value


SECTIONS: Final = {
    "system_id": "Binds",
    "rate": "Load",
    "profile": "Messages",
    "tls": "TLS",
    "adaptive": "Highest sustained rate",
    "json_file": "Reports",
    "loop": "Other",
}
"""The parameter with which a section of the help begins -> its heading."""


class SectionedCommand(click.Command):
    """A command whose many options stand under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options by section."""
        heading = "Options"
        rows: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if parameter.name in SECTIONS:
                self._write(formatter, heading, rows)
                heading, rows = SECTIONS[parameter.name], []
            if record is not None:
                rows.append(record)
        self._write(formatter, heading, rows)

    @staticmethod
    def _write(formatter: click.HelpFormatter, heading: str, rows: list[tuple[str, str]]) -> None:
        if rows:
            with formatter.section(heading):
                formatter.write_dl(rows)


@click.command(name="load", cls=SectionedCommand, short_help="Put a load on any SMSC and account for every message.")
@click.argument("target", callback=_address, default="127.0.0.1:2775", metavar="[HOST:PORT]")
@click.option("--system-id", callback=_octets, default="smppclient1", show_default=True, envvar="SMPP_SYSTEM_ID")
@click.option(
    "--password",
    callback=_octets,
    default="password",
    envvar="SMPP_PASSWORD",
    help="(or SMPP_PASSWORD)  [default: password]",
)
@click.option("--system-type", callback=_octets, default="", metavar="TEXT")
@click.option(
    "--interface-version",
    type=click.Choice(list(VERSIONS)),
    default="3.4",
    show_default=True,
    help="What the binds say.",
)
@click.option(
    "--bind-type",
    type=click.Choice(["trx", "tx", "transceiver", "transmitter"]),
    default="trx",
    show_default=True,
    help="Of --binds N.",
)
@click.option("--binds", default="1", show_default=True, metavar="N|TYPE=N,..", help="How many, or by type: tx=2,rx=2.")
@click.option(
    "--window",
    type=click.IntRange(1, 1_000_000),
    default=100,
    show_default=True,
    metavar="N",
    help="submit_sm without an answer, per bind.",
)
@click.option("--reconnect", is_flag=True, help="Bind again when a connection ends in the middle.")
@click.option(
    "--enquire-link",
    callback=_time,
    metavar="TIME",
    default="30s",
    show_default=True,
    help="Silence before we ask; 0: never.",
)
@click.option(
    "--rate",
    metavar="RATE",
    help="Open loop, per second: 500, 100..1000/60s (ramp), 100x30s,200x30s (steps). Without it: closed loop, the "
    "windows are kept full.",
)
@click.option(
    "--arrivals",
    type=click.Choice(["constant", "poisson"]),
    default="constant",
    show_default=True,
    help="How they are spread in open loop.",
)
@click.option(
    "--duration", callback=_time, metavar="TIME", help="How long to measure.  [default: 10s, or what --rate says]"
)
@click.option("--count", type=click.IntRange(1, 1_000_000_000), metavar="N", help="Send exactly so many submit_sm.")
@click.option(
    "--warm-up", callback=_time, metavar="TIME", help="Sent before, and not measured.  [default: 2s; 0 with --count]"
)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that share it.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed draws the same messages.")
@click.option("--retry-throttled", is_flag=True, help="Send again what is answered ESME_RTHROTTLED or ESME_RMSGQFUL.")
@click.option(
    "--response-timeout",
    callback=_time,
    metavar="TIME",
    default="10s",
    show_default=True,
    help="Then it is unanswered.",
)
@click.option(
    "--drain",
    callback=_time,
    metavar="TIME",
    default="20s",
    show_default=True,
    help="How long to wait for the last answers and receipts.",
)
@click.option("--profile", default="fixed", show_default=True, metavar="NAME|FILE", help="What to send, in TOML.")
@click.option("--text", metavar="TEMPLATE", help="Instead of the profile's.")
@click.option("--to", "destination", metavar="NUMBERS", help="A number, a range or a list with commas.")
@click.option("--from", "source", metavar="SENDER", help="A number, a short code or letters.")
@click.option("--receipts/--no-receipts", default=None, help="Ask for receipts, or for none.")
@click.option("--tls", is_flag=True, help="Speak TLS (implied by the others).")
@click.option("--tls-ca", type=click.Path(exists=True, dir_okay=False), metavar="FILE", help="Certificates to trust.")
@click.option("--tls-insecure", is_flag=True, help="Take any certificate.")
@click.option("--tls-cert", type=click.Path(exists=True, dir_okay=False), metavar="FILE", help="Our own certificate.")
@click.option("--tls-key", type=click.Path(exists=True, dir_okay=False), metavar="FILE", help="Its key.")
@click.option("--tls-server-name", metavar="NAME", help="Name in its certificate (SNI).  [default: HOST]")
@click.option("--adaptive", is_flag=True, help="Search for the highest rate that keeps to the limits:")
@click.option(
    "--max-p99", callback=_time, metavar="TIME", default="50ms", show_default=True, help="Of submit responses."
)
@click.option("--max-error-rate", default="0.1%", show_default=True, metavar="SHARE", help="Refused or unanswered.")
@click.option("--start-rate", type=click.FloatRange(1, 1e6), default=100.0, show_default=True, metavar="N")
@click.option("--highest-rate", type=click.FloatRange(1, 1e6), default=1e6, metavar="N", help="Where to stop.")
@click.option(
    "--trial", callback=_time, metavar="TIME", default="5s", show_default=True, help="How long to try a rate."
)
@click.option("--json", "json_file", callback=_output, metavar="FILE|-", help="For machines; - is standard output.")
@click.option("--html", "html_file", callback=_output, metavar="FILE", help="One page with plots, opens offline.")
@click.option("--hgrm", "hgrm_file", callback=_output, metavar="FILE", help="Latencies for HdrHistogram's tools.")
@click.option(
    "--fail-if",
    "conditions",
    multiple=True,
    metavar="CONDITION",
    help="Exit with 1 when it holds: 'p99 > 50ms', 'lost > 0' (may be repeated).",
)
@click.option("--quiet", is_flag=True, help="No progress and no summary.")
@click.option(
    "--loop", type=click.Choice(["auto", "asyncio", "uvloop"]), default="auto", show_default=True, help="Event loop."
)
def command(**given: Any) -> int:
    """Put a load on an SMSC, and account for every message.

    Latencies count from the moment at which a message was to be sent. The exit status is 1 when a --fail-if condition
    holds or the run cannot be completed, 130 after Ctrl-C, 143 after SIGTERM; the report tells what happened until
    then.
    """
    _refuse_without_effect(click.get_current_context())
    options = _options(given)
    thresholds = _thresholds(given["conditions"])
    profile = _profile(given)
    ended = _Ended()
    try:
        with ended.by_sigterm():
            if given["adaptive"]:
                result, failure, outcome = _search(given, options, profile)
            else:
                result, failure, outcome = *_load(given, options, profile), None
            checks = _checks(result, thresholds)
            _write(given, result, checks, outcome)
    except KeyboardInterrupt:  # before there was anything to report, or once more
        if ended.status == INTERRUPTED:
            raise
        return ended.status
    if not result.finished and not failure:
        return ended.status
    if failure:
        click.echo(f"smppd: {failure}", err=True)
    not_found = outcome is not None and outcome.rate is None
    return FAILURE if failure or not_found or any(check.violated for check in checks) else 0


class _Ended:
    """By which signal a run was ended early."""

    def __init__(self) -> None:
        self.status = INTERRUPTED
        """Of the exit, when one did."""

    @contextmanager
    def by_sigterm(self) -> Iterator[None]:
        """Let SIGTERM do what Ctrl-C does: who stops a job (a CI system, timeout(1)) wants the reports too.

        Only the first one: timeout(1) sends it to its child and then to the process group, which is the child again.
        """

        def interrupt(_number: int, _frame: FrameType | None) -> None:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            self.status = TERMINATED
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGTERM, interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)


# -- what was asked for -----------------------------------------------------------------------------------------------


def _options(given: dict[str, Any]) -> LoadOptions:
    """The options as one value. Raises click.UsageError."""
    from smppd.load.options import BIND_NAMES, LoadOptions, parse_binds

    try:
        binds = parse_binds(given["binds"], BIND_NAMES[given["bind_type"]])
    except ValueError as error:
        raise click.BadParameter(f"{given['binds']!r}: {error}", param_hint="--binds") from None
    senders = sum(kind != "rx" for kind in binds)
    if given["workers"] > senders:
        raise click.BadParameter(
            f"{given['workers']} workers need as many binds that submit, there are {senders}", param_hint="--workers"
        )
    host, port = given["target"]
    warm_up = given["warm_up"]
    if warm_up is None:
        warm_up = 0.0 if given["count"] is not None else DEFAULT_WARM_UP
    return LoadOptions(
        host=host,
        port=port,
        binds=binds,
        interface_version=VERSIONS[given["interface_version"]],
        duration=_duration(given),
        warm_up=warm_up,
        tls=_tls(given),
        **{
            name: given[name]
            for name in (
                *("system_id", "password", "system_type", "window", "rate", "arrivals", "count", "workers", "drain"),
                *("response_timeout", "enquire_link", "retry_throttled", "reconnect", "seed", "loop", "profile"),
            )
        },
    )


def _refuse_without_effect(context: click.Context) -> None:
    """Refuse options that do nothing beside the others, and two reports in one place. Raises click.UsageError."""
    given = context.params

    def written(names: Iterable[str]) -> list[str]:
        default = click.core.ParameterSource.DEFAULT
        return [name for name in names if context.get_parameter_source(name) is not default]

    if given["adaptive"] and (wrong := written(NOT_OF_SEARCH)):
        raise click.UsageError(f"--adaptive chooses the rate itself, and for how long: leave {_names(wrong)} away")
    if not given["adaptive"] and (wrong := written(OF_SEARCH)):
        raise click.UsageError(f"{_names(wrong)} belongs to a search: give --adaptive too")
    if not given["adaptive"] and given["rate"] is None and written(OF_OPEN_LOOP):
        raise click.UsageError(f"{_names(OF_OPEN_LOOP)} spreads messages over time: give --rate too")
    outputs = [given[name] for name in REPORTS if given[name] is not None]
    if len(set(outputs)) < len(outputs):
        raise click.UsageError("two reports cannot go to the same place")


def _names(parameters: Iterable[str]) -> str:
    """Options as they are typed."""
    return ", ".join("--" + name.replace("_", "-") for name in parameters)


def _duration(given: dict[str, Any]) -> float | None:
    """How long to measure: as given, as the rate says, else by count or 10 seconds."""
    from random import Random

    from smppd.load.schedule import parse_schedule

    duration: float | None = given["duration"]
    natural = None
    if given["rate"] is not None:
        try:
            schedule = parse_schedule(given["rate"], duration=duration, arrivals="constant", random=Random(0))
        except UserError as error:
            raise click.BadParameter(str(error), param_hint="--rate") from None
        natural = schedule.duration
    if duration is not None or given["count"] is not None:
        return duration
    return DEFAULT_DURATION if natural is None else natural


def _tls(given: dict[str, Any]) -> TlsOptions | None:
    from smppd.load.options import TlsOptions

    names = ("tls_ca", "tls_insecure", "tls_cert", "tls_key", "tls_server_name")
    if not given["tls"] and not any(given[name] for name in names):
        return None
    if given["tls_key"] and not given["tls_cert"]:
        raise click.UsageError("--tls-key needs --tls-cert")
    return TlsOptions(**{name.removeprefix("tls_"): given[name] for name in names})


def _thresholds(conditions: tuple[str, ...]) -> list[Threshold]:
    from smppd.load.thresholds import parse_threshold

    try:
        return [parse_threshold(text) for text in conditions]
    except UserError as error:
        raise click.BadParameter(str(error), param_hint="--fail-if") from None


def _profile(given: dict[str, Any]) -> Profile:
    """The profile with what options change in it. Raises UserError with everything that is wrong with it."""
    from smppd.load.profile import Override, load_profile

    overrides = []
    if given["text"] is not None:
        overrides.append(Override("--text", "text", given["text"]))
    if given["destination"] is not None:
        numbers = [number.strip() for number in given["destination"].split(",")]
        overrides.append(Override("--to", "destination_addr", numbers))
    if given["source"] is not None:
        overrides.append(Override("--from", "source_addr", given["source"]))
    if given["receipts"] is not None:
        option = "--receipts" if given["receipts"] else "--no-receipts"
        overrides.append(Override(option, "registered_delivery", int(given["receipts"])))
    return load_profile(given["profile"], overrides)


# -- the run ----------------------------------------------------------------------------------------------------------


def _load(given: dict[str, Any], options: LoadOptions, profile: Profile) -> tuple[Result, str]:
    from smppd.load.display import open_display
    from smppd.load.run import run_load

    with open_display(sys.stderr, quiet=given["quiet"]) as display:
        return run_load(options, profile, display.show)


def _search(given: dict[str, Any], options: LoadOptions, profile: Profile) -> tuple[Result, str, Outcome]:
    from smppd.load.adaptive import Limits, Search
    from smppd.load.display import open_display
    from smppd.load.run import find_rate

    limits = Limits(max_p99=given["max_p99"], max_error_rate=_share(given["max_error_rate"]))
    if given["start_rate"] > given["highest_rate"]:
        raise click.UsageError("--start-rate is above --highest-rate")
    search = Search(limits, start=given["start_rate"], highest=given["highest_rate"], seconds=given["trial"])
    with open_display(sys.stderr, quiet=given["quiet"]) as display:
        return find_rate(options, profile, search, display.show)


def _share(text: str) -> float:
    """A share such as 0.1% or 0.001, from 0 to 1."""
    number, percent = text.strip().removesuffix("%"), text.strip().endswith("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise click.BadParameter(f"{text!r} is no share: give one such as 0.1%", param_hint="--max-error-rate")
    return share


# -- what came of it --------------------------------------------------------------------------------------------------


def _checks(result: Result, thresholds: list[Threshold]) -> list[Check]:
    from smppd.load.tables import Check
    from smppd.load.thresholds import format_metric

    return [
        Check(each.text, format_metric(each.metric, result.metric(each.metric)), each.fails(result))
        for each in thresholds
    ]


def _write(given: dict[str, Any], result: Result, checks: list[Check], outcome: Outcome | None) -> None:
    """The reports, and the summary where they leave room for it."""
    if given["json_file"] is not None:
        _put(given["json_file"], _json(result, checks, outcome))
    if given["html_file"] is not None:
        from smppd.load.html import report as html_report

        _put(given["html_file"], html_report(result, checks=checks, outcome=outcome))
    if given["hgrm_file"] is not None:
        _put(given["hgrm_file"], result.histogram("submit_response").hgrm())
    if not given["quiet"]:
        from smppd.load.summary import write_summary

        stream = sys.stderr if STANDARD_OUTPUT in (given[name] for name in REPORTS) else sys.stdout
        write_summary(result, stream, checks=checks, outcome=outcome)


def _json(result: Result, checks: list[Check], outcome: Outcome | None) -> str:
    import json

    from smppd.load.report import as_json

    return json.dumps(as_json(result, checks, outcome), indent=1) + "\n"


def _put(name: str, text: str) -> None:
    """Write a report to a file, or to standard output."""
    if name == STANDARD_OUTPUT:
        click.echo(text, nl=False)
        return
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {name}: {error.strerror}") from error
