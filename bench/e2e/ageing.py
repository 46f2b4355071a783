"""Does a message cost more when the server has done, keeps or is configured with a lot?

    .venv/bin/python -m bench.e2e.ageing [--case retained] [--pairs 5] [--rounds 10] [--loop asyncio|uvloop]

Each case runs two servers of smppd side by side: a plain one, and one that is old, full or has a large configuration.
They are loaded in turns; the ratio of their rates is what counts. Exit status 1 when a run is a bug. bench/README.md.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

if __package__ in (None, ""):  # started as a file: the repository's root is not on the path
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.e2e.figures import Pair, Quartiles, invalid, profile_result
from bench.e2e.meter import MIB, PASSWORD, PROFILES, MeterError, Profile, Run, build
from bench.e2e.ratio import Bench
from bench.e2e.results import bounded, facts, save, terminated, warn_when_busy
from bench.e2e.servers import CONFIG, Command, Server, ServerError, smppd
from bench.e2e.session import BIND_TRANSMITTER, Session

PAIRS, MAX_PAIRS = 5, 1_000
ROUNDS, MAX_ROUNDS = 10, 10_000
ROUND_MESSAGES = 1_000_000
LOAD_MESSAGES = 300_000  # of one load that is compared: about two seconds
WARM_MESSAGES = 150_000  # before the first: more than a plain server retains, so that its memory has settled
RETAINED = 1_000_000
ROUTES = 10_000
RULES = 1_000
ACCOUNTS = 1_000
PENDING = 100_000
UNLIMITED = 'password = "{password}"\nmax_binds = 0\nwindow = 0\nthroughput = {{ limit = 0 }}\ndeliver_window = 0\n'
LOAD = replace(PROFILES["receipts"], messages=LOAD_MESSAGES)
SPREAD = replace(LOAD, destinations=ROUTES)


@dataclass(frozen=True)
class Case:
    """What the second server has that the plain one has not."""

    name: str
    about: str
    settings: tuple[str, ...] = ()
    accounts: str = ""
    """Further [[account]] tables."""
    routes: str = ""
    """[[route]] tables that come before the default route."""
    rules: str = ""
    """[[rule]] tables."""
    load: Profile = LOAD
    warm_up: int = WARM_MESSAGES
    prepare: Callable[[Server, ExitStack], None] | None = None
    """What happens before the first load; the stack is unwound after the last."""


def _route(number: int, condition: str = "") -> str:
    match = f'{{ destination_addr = "4477{number:08d}*"{condition} }}'
    return f'[[route]]\nname = "route{number}"\nmatch = {match}\nthroughput = {{ limit = 0 }}\nnetwork = "default"\n'


def _rule(number: int) -> str:
    """A rule about an address or what begins so, in turn; no message of a load goes there."""
    destination = f"4478{number:08d}" if number % 2 else f"4479{number:06d}*"
    return f'[[rule]]\nwhen = {{ destination_addr = "{destination}" }}\nthen = {{ status = "ESME_RTHROTTLED" }}\n'


def _account(system_id: str) -> str:
    return f'[[account]]\nsystem_id = "{system_id}"\n' + UNLIMITED.format(password=PASSWORD)


def _account_name(number: int) -> str:
    return f"account{number:05d}"


def _use_all_accounts(server: Server, stack: ExitStack) -> None:
    """Bind a session of each account and send a message through it; they stay bound."""
    for number in range(ACCOUNTS):
        session = stack.enter_context(Session(server.port, _account_name(number), PASSWORD))
        session.submit(1, receipts=False)


def _leave_receipts(server: Server, _stack: ExitStack) -> None:
    """Submit for an account that is not there to take its receipts."""
    with Session(server.port, "offline", PASSWORD, BIND_TRANSMITTER) as session:
        session.submit(PENDING, receipts=True)


CASES = {
    case.name: case
    for case in (
        Case(
            "retained",
            f"{RETAINED:,} messages retained",
            settings=(f"messages.retain={RETAINED}",),
            warm_up=RETAINED + WARM_MESSAGES,
        ),
        Case(
            "routes",
            f"{ROUTES:,} routes by prefix, all of them in use",
            routes="".join(_route(number) for number in range(ROUTES)),
            load=SPREAD,
        ),
        Case(
            "conditions",
            f"{ROUTES:,} routes by prefix and a condition on the source, all of them in use",
            routes="".join(_route(number, ', source_addr = "12*"') for number in range(ROUTES)),
            load=SPREAD,
        ),
        Case(
            "rules",
            f"{RULES:,} rules about other destinations",
            rules="".join(_rule(number) for number in range(RULES)),
            load=SPREAD,
        ),
        Case(
            "accounts",
            f"{ACCOUNTS:,} accounts, a session of each bound",
            accounts="".join(_account(_account_name(number)) for number in range(ACCOUNTS)),
            prepare=_use_all_accounts,
        ),
        Case(
            "pending",
            f"{PENDING:,} receipts pending for an account that is offline",
            accounts=_account("offline"),
            prepare=_leave_receipts,
        ),
    )
}
AGE = "age"


def configuration(case: Case) -> str:
    """config/benchmark.toml with what the case adds."""
    text = CONFIG.read_text()
    before, mark, after = text.partition("[[route]]")
    return before + case.rules + case.accounts + case.routes + mark + after


@contextmanager
def command_of(case: Case, loop: str) -> Iterator[Command]:
    """smppd with the configuration of the case, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="smppd-bench-") as directory:
        config = Path(directory) / "smppd.toml"
        config.write_text(configuration(case))
        yield smppd(loop, case.settings, config, case.name)


def warm_up(bench: Bench, server: Server, messages: int) -> None:
    """Load without measuring, a million at a time at most."""
    while messages > 0:
        bench.load(server, replace(LOAD, messages=min(messages, ROUND_MESSAGES)))
        server.drain()
        messages -= ROUND_MESSAGES


def measured(bench: Bench, server: Server, profile: Profile) -> Run:
    """One load, said in one line; afterwards the server has nothing left to send."""
    run = bench.load(server, profile)
    server.drain()
    mib = server.rss() / MIB
    print(f"  {run.server:<10} {run.rate:>9,.0f}/s  {run.cpu_us_per_message:>6.2f} us/msg {mib:>8.1f} MiB", flush=True)
    return run


def compare(bench: Bench, case: Case, plain: Command, count: int, loop: str) -> tuple[dict[str, Any], list[str]]:
    """Plain and special server at the same time, loaded in turns."""
    print(f"{case.name}: {case.about}", flush=True)
    pairs: list[Pair] = []
    with command_of(case, loop) as command, ExitStack() as stack:
        ours = stack.enter_context(bench.start(plain))
        theirs = stack.enter_context(bench.start(command))
        warm_up(bench, ours, WARM_MESSAGES)
        warm_up(bench, theirs, case.warm_up)
        if case.prepare is not None:
            case.prepare(theirs, stack)
        for number in range(count):
            if number % 2:
                special = measured(bench, theirs, case.load)
                pairs.append(Pair(measured(bench, ours, case.load), special))
            else:
                usual = measured(bench, ours, case.load)
                pairs.append(Pair(usual, measured(bench, theirs, case.load)))
        memory = {"rss_mib": round(theirs.rss() / MIB, 1), "plain_rss_mib": round(ours.rss() / MIB, 1)}
    return {"about": case.about, **profile_result(pairs, []), **memory}, invalid(run for pair in pairs for run in pair)


def age(bench: Bench, plain: Command, rounds: int) -> tuple[dict[str, Any], list[str]]:
    """Million after million through one server, each followed by a load of a young one, for what the machine does."""
    about = f"{rounds} x {ROUND_MESSAGES:,} messages through one server"
    print(f"{AGE}: {about}, beside a young one", flush=True)
    pairs: list[Pair] = []
    readings: list[dict[str, float]] = []
    with bench.start(replace(plain, name=AGE)) as old:
        for number in range(1, rounds + 1):
            run = measured(bench, old, replace(LOAD, messages=ROUND_MESSAGES))
            with bench.start(plain) as young:
                warm_up(bench, young, WARM_MESSAGES)
                pairs.append(Pair(measured(bench, young, LOAD), run))
            mib = round(old.rss() / MIB, 1)
            readings.append({"million_messages": number, "rate": run.rate, "rss_mib": mib, "p999_ms": run.p999_ms})
    first, last = pairs[0], pairs[-1]
    result = {"about": about, **profile_result(pairs, []), "rounds": readings}
    result["last_to_first"] = {
        "rate": round(last.target.rate / first.target.rate, 3),
        "rate_beside_a_young_one": round(last.ratio / first.ratio, 3),
        "cpu_us_per_message": round(last.target.cpu_us_per_message / first.target.cpu_us_per_message, 3),
    }
    return result, invalid(run for pair in pairs for run in pair)


def parse_options(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; ends the program with status 2 on a mistake."""
    parser = argparse.ArgumentParser(prog="bench.e2e.ageing", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--case", action="append", choices=[AGE, *CASES], help="only this one (repeatable)")
    parser.add_argument("--pairs", type=bounded(1, MAX_PAIRS), default=PAIRS, help=f"loads of each server ({PAIRS})")
    parser.add_argument("--rounds", type=bounded(1, MAX_ROUNDS), default=ROUNDS, help=f"of a million each ({ROUNDS})")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio", help="event loop of the servers")
    parser.add_argument("--lock", type=Path, metavar="FILE", help="take turns with others: lock FILE for each load")
    parser.add_argument("--out", type=Path, help="results file (bench/results/<date>.json)")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, save. Returns the exit status."""
    options = parse_options(argv)
    signal.signal(signal.SIGTERM, terminated)
    try:
        tools = build()
    except MeterError as error:
        print(f"SKIPPED: the ageing benchmark: {error}")
        return 0
    plain = smppd(options.loop, name="plain")
    bench = Bench(tools, plain, plain, "none", options.lock)
    result = facts(tools)
    result["options"] = {"loop": options.loop, "pairs": options.pairs, "rounds": options.rounds}
    warn_when_busy(result["machine"])
    cases: dict[str, Any] = {}
    bad: list[str] = []
    try:
        for name in options.case or (AGE, *CASES):
            if name == AGE:
                cases[name], faults = age(bench, plain, options.rounds)
            else:
                cases[name], faults = compare(bench, CASES[name], plain, options.pairs, options.loop)
            bad += [f"{name}: {line}" for line in faults]
    except (ServerError, MeterError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; nothing was saved", file=sys.stderr)
        return 130
    print("\nrate, ratio to a plain server, median [quartiles]; in processor time")
    for name, case in cases.items():
        print(f"  {name:<10} {Quartiles(**case['ratio'])}  {Quartiles(**case['cpu_ratio'])}  {case['about']}")
    if AGE in cases:
        print(f"  last round to first: {cases[AGE]['last_to_first']}")
    result |= {"ageing": cases, "valid": not bad}
    print(f"\nwritten to {save(result, options.out)}")
    if bad:
        print("\nNot a result but a bug:\n" + "\n".join(bad), file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
