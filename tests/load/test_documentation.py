"""docs/load.md names every option of the command, every metric and every key of the report, and nothing else."""

import re

import pytest

from smppd.cli.load import command
from smppd.load.report import as_json
from smppd.load.result import LATENCIES, METRICS
from tests.load.examples import steady
from tests.repo.tree import ROOT

TEXT = (ROOT / "docs" / "load.md").read_text()


def section(title: str) -> str:
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_every_option_is_listed() -> None:
    options = {
        option
        for parameter in command.params
        if parameter.param_type_name == "option"
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    assert options - {"--help", "-h"} == set(re.findall(r"--[a-z][a-z0-9-]*", section("Options")))


def test_nothing_speaks_of_an_option_that_is_not_there() -> None:
    listed = set(re.findall(r"--[a-z][a-z0-9-]*", section("Options")))
    assert set(re.findall(r"(?<![-\w])--[a-z][a-z0-9-]*", TEXT)) <= listed


@pytest.mark.parametrize("prefix", ["service_", "receipt_", "mo_", "lag_"])
def test_every_latency_is_a_metric(prefix: str) -> None:
    assert f"`{prefix}p50` ... `{prefix}mean`" in section("Thresholds")


def test_every_metric_is_listed() -> None:
    listed = set(re.findall(r"`([a-z][\w.]*)`", section("Thresholds").split("| metrics |")[1]))
    latencies = {name for name in METRICS if name.startswith(("service_", "receipt_", "mo_", "lag_"))}
    assert set(METRICS) - latencies <= listed
    assert listed <= set(METRICS)


def test_every_key_of_the_report_is_listed() -> None:
    listed = set(re.findall(r"`(\w+)`", section("Reports").split("### JSON")[1]))
    assert set(as_json(steady(1, 1))) | {"adaptive", *LATENCIES} <= listed
