"""Did a change make smppd slower? The working tree against a git reference, run by run.

    .venv/bin/python -m bench.ab main
    .venv/bin/python -m bench.ab HEAD~3 --profile receipts --profile submit --pairs 15
    .venv/bin/python -m bench.ab v0.1.0 --bound 0.97 --pin same

Exit status 1 for a loss: the median of the pairwise ratios and their upper quartile are below the bound. Also when a
run is not a result but a bug. See bench/README.md.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

if __package__ in (None, ""):  # started as a file: the repository's root is not on the path
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.e2e.figures import HEADINGS, Pair, Quartiles, Summary, cpu_quartiles, invalid, row
from bench.e2e.meter import PROFILES, MeterError, Profile, build
from bench.e2e.ratio import Bench
from bench.e2e.results import bounded, terminated
from bench.e2e.servers import ROOT, Command, ServerError
from bench.e2e.session import HOST

PAIRS = 9  # fewer leave the quartiles to one or two odd runs
MAX_PAIRS = 1_000
BOUND = 0.95  # a change may cost five percent; differences below that are hard to tell from noise anyway
MAIN = "import sys; from smppd.cli.main import main; sys.exit(main())"
WHERE = "import smppd, smppwire; print(smppd.__file__, smppwire.__file__, sep='\\n')"


class AbError(Exception):
    """The reference cannot be checked out, or its code cannot be run."""


def python_of(tree: Path) -> tuple[str, ...]:
    """A Python that runs the sources of a tree, with what is installed in this environment.

    -P: the working directory is not on the path, where it would come before PYTHONPATH.
    """
    return ("env", f"PYTHONPATH={tree}{os.pathsep}{tree / 'protocol'}", sys.executable, "-P")


def serve(name: str, tree: Path, loop: str) -> Command:
    """smppd of a tree, with the config/benchmark.toml of that tree."""
    options = ("-c", str(tree / "config" / "benchmark.toml"), "--set", f"server.event_loop={loop}")
    listeners = ("--smpp", f"{HOST}:{{port}}", "--http", f"{HOST}:{{http}}")
    return Command(name, (*python_of(tree), "-c", MAIN, "serve", *options, *listeners))


def check(tree: Path) -> None:
    """Raise AbError unless the sources of a tree are what its Python runs: else both sides would be the same."""
    done = subprocess.run([*python_of(tree), "-c", WHERE], capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise AbError(f"the code of {tree} does not run:\n{done.stderr.strip()}")
    strangers = [line for line in done.stdout.splitlines() if not Path(line).resolve().is_relative_to(tree.resolve())]
    if strangers:
        raise AbError(f"{', '.join(strangers)} would be measured instead of {tree}")


@contextmanager
def checked_out(reference: str) -> Iterator[tuple[Path, str]]:
    """A git worktree of a reference, gone afterwards, and the short name of its commit. Raises AbError."""
    commit = _git("rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}") or ""
    if not commit:
        raise AbError(f"git knows no {reference!r}")
    with tempfile.TemporaryDirectory(prefix="smppd-ab-") as parent:
        tree = Path(parent) / "tree"
        if _git("worktree", "add", "--quiet", "--detach", str(tree), commit) is None:
            raise AbError(f"git cannot check out {reference!r}")
        try:
            yield tree, commit[:10]
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _git(*words: str) -> str | None:
    """The output of git; None when it fails."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def is_loss(ratios: Quartiles, bound: float) -> bool:
    """Whether the change cost more than the bound allows: three quarters of the pairs say so."""
    return ratios.median < bound and ratios.high < bound


def report(profile: Profile, pairs: Sequence[Pair], bound: float) -> tuple[list[str], bool]:
    """The table of one profile with its verdict, and whether it is a loss."""
    ratios = Quartiles.of(pair.ratio for pair in pairs)
    loss = is_loss(ratios, bound)
    sides = ([pair.yardstick for pair in pairs], [pair.target for pair in pairs])
    names = f"{pairs[0].target.server} : {pairs[0].yardstick.server}"
    return [
        "",
        f"{profile.name}: {profile.about} ({profile.messages:,} messages, {len(pairs)} pairs)",
        HEADINGS,
        *(row(Summary.of(runs)) for runs in sides),
        f"ratio {names} = {ratios}; in processor time {cpu_quartiles(pairs)}",
        f"{profile.name}: {'loss' if loss else 'no loss'} (bound {bound:g})",
    ], loss


def parse_options(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; ends the program with status 2 on a mistake."""
    parser = argparse.ArgumentParser(prog="bench.ab", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("reference", metavar="REF", help="a commit, tag or branch to compare the working tree with")
    parser.add_argument(
        "--profile", action="append", choices=list(PROFILES), help="receipts, unless given (repeatable)"
    )
    parser.add_argument("--pairs", type=bounded(1, MAX_PAIRS), default=PAIRS, help=f"runs of each side ({PAIRS})")
    parser.add_argument("--bound", type=float, default=BOUND, help=f"ratio below which it is a loss ({BOUND})")
    parser.add_argument("--messages", type=bounded(1, 20_000_000), help="of one run, in every profile")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio", help="event loop of both sides")
    parser.add_argument("--pin", choices=("none", "same", "apart"), default="none", help="cores of server and meter")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Compare, print, judge. Returns the exit status."""
    options = parse_options(argv)
    signal.signal(signal.SIGTERM, terminated)
    profiles = [PROFILES[name] for name in options.profile or ["receipts"]]
    if options.messages:
        profiles = [replace(profile, messages=options.messages) for profile in profiles]
    lines: list[str] = []
    losses, bad = False, list[str]()
    try:
        tools = build()
        with checked_out(options.reference) as (tree, commit):
            for each in (tree, ROOT):
                check(each)
            before, after = serve(commit, tree, options.loop), serve("tree", ROOT, options.loop)
            bench = Bench(tools, before, after, options.pin)
            for profile in profiles:
                pairs = bench.pairs(profile, options.pairs)
                bad += invalid(run for pair in pairs for run in pair)
                table, loss = report(profile, pairs, options.bound)
                lines += table
                losses |= loss
    except (AbError, MeterError, ServerError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    print("\n".join(lines))
    if bad:
        print("\nNot a result but a bug:\n" + "\n".join(bad), file=sys.stderr)
    return 1 if losses or bad else 0


if __name__ == "__main__":
    sys.exit(main())
