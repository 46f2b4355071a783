from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.behaviour.conditions import compile_when
from smppd.behaviour.facts import Facts
from smppd.settings import Pattern, Rule, Scenario, Schedule, Test, Then, When
from smppd.settings.includes import Place
from smppd.settings.reach import Names, always_fires, covers, mistakes_in_rules, places_naming
from smppwire.pdus import SubmitSm
from tests.settings.support import load, problems

THEN = "then = { status = 8 }\n"


def rules(*whens: str) -> str:
    return "".join(f"[[rule]]\nwhen = {{ {when} }}\n{THEN}" for when in whens)


@pytest.mark.parametrize(
    ("whens", "hint"),
    [
        (("", "esm_class = 3"), "rule[0] (rule-1) comes first and takes all that this one could match"),
        (("esm_class = 3", "esm_class = 3"), "rule[0] (rule-1) comes first and has the same conditions"),
        (('destination_addr = "33*"', 'destination_addr = "336*"'), "rule[0] (rule-1) comes first and takes all"),
        (('destination_addr = "33*"', 'destination_addr = ["336", "33[67]*"]'), "rule[0] (rule-1) comes first"),
        (('destination_addr = ["1", "33*"]', 'destination_addr = { prefix = "336" }'), "rule[0] (rule-1) comes first"),
        (('destination_addr = "*"', 'destination_addr = "1", text = "a"'), "rule[0] (rule-1) comes first"),
        (("esm_class = [1, 2]", "esm_class = 2, text = 'a'"), "rule[0] (rule-1) comes first"),
        (('command = "*"', 'command = "unbind"'), "rule[0] (rule-1) comes first"),
        (("tlv = { 0x1403 = 1 }", "tlv = { 0x1403 = 1, 0x1404 = 2 }"), "rule[0] (rule-1) comes first"),
    ],
)
def test_a_rule_behind_one_that_takes_all(tmp_path: Path, whens: tuple[str, ...], hint: str) -> None:
    (problem,) = problems(tmp_path, rules(*whens))
    assert problem.startswith(f'rule[1] = "rule-2": this rule can never be reached ({hint}')


@pytest.mark.parametrize(
    "whens",
    [
        ('destination_addr = "336*"', 'destination_addr = "33*"'),
        ('destination_addr = "33*"', 'destination_addr = ["336*", "44*"]'),
        ('destination_addr = "33*"', "text = 'a'"),
        ('destination_addr = { prefix = "33", not = "331" }', 'destination_addr = "331"'),
        ('destination_addr = "33?"', 'destination_addr = "336*"'),
        ('account = "smppclient1"', 'destination_addr = "33*"'),
        ('command = "submit_sm"', ""),
        ("direction = 'in'", "direction = 'out', command = 'deliver_sm'"),
        ("session_age = { min = 5 }", "session_age = { min = 6 }"),
        ('text = { regex = "a" }', 'text = "a"'),
    ],
)
def test_a_rule_that_leaves_something(tmp_path: Path, whens: tuple[str, ...]) -> None:
    then = "then = { delay = 1 }\n"
    text = "".join(f"[[rule]]\nwhen = {{ {when} }}\n{then}" for when in whens)
    assert len(load(tmp_path, text).rule) == 2


def test_a_rule_that_does_not_always_fire_leaves_something() -> None:
    then = Then(status=8)
    assert always_fires(Rule(then=then))
    for rule in (
        Rule(after=1, then=then),
        Rule(every=2, then=then),
        Rule(times=1, then=then),
        Rule(probability=0.5, then=then),
        Rule(schedule=Schedule(start=1), then=then),
        Rule(scenario=Scenario(name="s"), then=then),
    ):
        assert not always_fires(rule)


def test_disabled_rules_take_nothing(tmp_path: Path) -> None:
    assert len(load(tmp_path, "[[rule]]\nenabled = false\n" + THEN + rules("esm_class = 1")).rule) == 2


def test_a_rule_with_a_mistake_is_not_held_against_others(tmp_path: Path) -> None:
    found = problems(tmp_path, rules("esm_clas = 1", "esm_class = 2"))
    assert [problem.split(":")[0] for problem in found] == ["rule[0].when.esm_clas"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            rules('account = "smppclient"'),
            'rule[0].when.account = "smppclient": expected the system_id of an account (did you mean "smppclient1"?)',
        ),
        (rules('account = ["smpp*", "b"]'), 'rule[0].when.account = "b": expected the system_id of an account'),
        (
            rules('route = "defalt"'),
            'rule[0].when.route = "defalt": expected the name of a route (did you mean "default"?)',
        ),
        (
            '[[fault]]\nkind = "fin"\naccount = "smppclient"',
            'fault[0].account = "smppclient": expected the system_id of an account (did you mean "smppclient1"?)',
        ),
        (
            '[[fault]]\nkind = "route_down"\nroute = "fr"',
            'fault[0].route = "fr": expected the name of a route',
        ),
        (
            2 * '[[fault]]\nkind = "fin"\nname = "x"\n',
            'fault[1].name = "x": expected a name of its own (fault[0] has it already)',
        ),
        (
            f'[[rule]]\nname = "x"\nwhen = {{ esm_class = 1 }}\n{THEN}[[rule]]\nname = "x"\n{THEN}',
            'rule[1].name = "x": expected a name of its own (rule[0] has it already)',
        ),
    ],
)
def test_names_that_do_not_exist_or_exist_twice(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, text) == [problem]


def test_names_are_not_judged_where_they_could_not_be_read(tmp_path: Path) -> None:
    assert len(problems(tmp_path, "account = 5\n" + rules('account = "a"'))) == 1
    assert len(problems(tmp_path, "route = 5\n" + rules('route = "a"'))) == 1


def test_many_rules_are_compared_quickly(tmp_path: Path) -> None:
    whens = [f'destination_addr = "44{number}"' for number in range(1000)]
    assert len(load(tmp_path, rules(*whens)).rule) == 1000


# What is called covered is never asked for: judged against the rules at work.

ADDRESSES = st.sampled_from(["", "3", "33", "336", "3361", "337", "44", "447"])
PATTERNS = st.sampled_from(["*", "3*", "33*", "336*", "3?6", "33[67]*", "336", "44", "447*"])
TESTS = st.one_of(
    st.none(),
    st.builds(Pattern, glob=st.one_of(PATTERNS, st.lists(PATTERNS, min_size=1, max_size=3))),
    st.builds(Pattern, prefix=ADDRESSES.filter(bool), not_=st.one_of(st.none(), st.builds(Pattern, glob=PATTERNS))),
)
WHENS = st.builds(
    When,
    destination_addr=TESTS,
    source_addr=TESTS,
    fields=st.dictionaries(
        st.just("esm_class"), st.builds(Test, equals=st.lists(st.integers(0, 2), min_size=1, max_size=3)), max_size=1
    ),
)


@given(WHENS, WHENS, ADDRESSES, ADDRESSES, st.integers(0, 2))
def test_what_is_covered_is_never_missed(wide: When, narrow: When, source: str, to: str, esm_class: int) -> None:
    if not covers(wide, narrow):
        return
    pdu = SubmitSm(1, source_addr=source.encode(), destination_addr=to.encode(), esm_class=esm_class)
    holds = [test is None or test(pdu, Facts("a")) for test in (compile_when(when, UTC) for when in (wide, narrow))]
    assert holds[0] or not holds[1]


@given(st.lists(WHENS, max_size=8))
def test_no_cover_is_missed(whens: list[When]) -> None:
    """Comparing each rule with all before it finds the same."""
    placed = [
        (Rule(name=str(at), when=when, then=Then(status=8)), Place("f", ("rule", at), sound=True))
        for at, when in enumerate(whens)
    ]
    found = {problem.key for problem in mistakes_in_rules(placed, Names(None, None))}
    expected, useful = set(), []
    for at, when in enumerate(whens):
        if any(covers(before, when) for before in useful):
            expected.add(f"rule[{at}]")
        else:
            useful.append(when)
    assert found == expected


def test_who_names_an_account(tmp_path: Path) -> None:
    accounts = "".join(f'[[account]]\nsystem_id = "{name}"\npassword = "p"\n' for name in ("a", "b"))
    text = """
[[route]]
name = "first"
match = { account = "a" }
[[route]]
name = "rest"
[[distribution_list]]
name = "list"
members = ["447700900123"]
accounts = ["b", "a"]
[[rule]]
when = { account = ["a", "x*"] }
then = { status = 8 }
[[rule]]
when = { account = "a*" }
then = { status = 8 }
[[fault]]
kind = "fin"
account = "a"
"""
    settings = load(tmp_path, accounts + text)
    assert places_naming(settings, "a") == [
        "route[0].match.account",
        "distribution_list[0].accounts",
        "rule[0].when.account",
        "fault[0].account",
    ]
    assert places_naming(settings, "b") == ["distribution_list[0].accounts"]
    assert places_naming(settings, "c") == []
