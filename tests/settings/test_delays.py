from pathlib import Path

import pytest

from smppd.settings import Exponential, Fixed, LogNormal, Mix, Normal, Portion, Spikes, Uniform, Wait
from tests.settings.support import load, problems

RULE = "[[rule]]\nthen = { delay = %s }"


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("2", Fixed(value=2.0)),
        ("{ value = 2 }", Fixed(value=2.0)),
        ('{ distribution = "fixed", value = 2 }', Fixed(value=2.0)),
        ('{ distribution = "uniform", min = 1, max = 2 }', Uniform(min=1.0, max=2.0)),
        ('{ distribution = "normal", mean = 1, deviation = 0.5 }', Normal(mean=1.0, deviation=0.5)),
        ('{ distribution = "lognormal", median = 1 }', LogNormal(median=1.0)),
        ('{ distribution = "exponential", mean = 1, max = 9 }', Exponential(mean=1.0, max=9.0)),
        ('{ distribution = "spikes", spike = 9 }', Spikes(spike=9.0)),
        (
            '{ distribution = "mix", mix = [{ share = 80, delay = 0.01 }] }',
            Mix(mix=[Portion(share=80.0, delay=Fixed(value=0.01))]),
        ),
    ],
)
def test_every_distribution_is_read(tmp_path: Path, text: str, wait: Wait) -> None:
    assert load(tmp_path, RULE % text).rule[0].then.delay == wait


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("-1", "rule[0].then.delay = -1: expected a number from 0 to 1000000.0"),
        ("1e9", "rule[0].then.delay = 1000000000.0: expected a number from 0 to 1000000.0"),
        ("{ mean = 2 }", "rule[0].then.delay.mean: unknown key (known here: distribution, value)"),
        (
            '{ distribution = "lognorml", median = 1 }',
            (
                'rule[0].then.delay.distribution = "lognorml": expected the name of a distribution '
                '(did you mean "lognormal"?)'
            ),
        ),
        (
            '{ distribution = "uniform", min = 3, max = 2 }',
            "rule[0].then.delay.min = 3.0: expected at most max (2)",
        ),
        (
            '{ distribution = "normal", mean = 1 }',
            "rule[0].then.delay.deviation: missing; expected a number from 0 to 1000000.0",
        ),
        (
            '{ distribution = "mix", mix = [] }',
            "rule[0].then.delay.mix = []: expected a list of tables (it must not be empty)",
        ),
        (
            '{ distribution = "mix", mix = [{ share = 0, delay = 1 }] }',
            "rule[0].then.delay.mix[0].share = 0: expected a number above 0 up to 1000000",
        ),
    ],
)
def test_each_mistake_is_reported_once(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, RULE % text) == [problem]


def test_mixes_end_somewhere(tmp_path: Path) -> None:
    text = "1"
    for _ in range(6):
        text = f'{{ distribution = "mix", mix = [{{ share = 1, delay = {text} }}] }}'
    assert "no deeper than 3" in problems(tmp_path, RULE % text)[0]
