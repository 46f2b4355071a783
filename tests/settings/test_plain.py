"""Settings as plain data: what is written reads back as the same settings, whatever they are."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.settings import FAULTS, Account, Fault, Rule, Settings, Throughput, load_settings
from smppd.settings.checks import CHECKS
from smppd.settings.faults import AnyFault
from smppd.settings.plain import plain
from smppd.strict import StrictReader
from tests.settings.support import CONFIG, ROOT


def read(kind: Any, table: object) -> Any:
    """Read strictly; whatever is wrong fails the test."""
    reader = StrictReader(lambda _: "", CHECKS)
    value = reader.read_as(kind, table)
    assert reader.problems == []
    return value


def accepts(kind: Any, table: object) -> bool:
    reader = StrictReader(lambda _: "", CHECKS)
    reader.read_as(kind, table)
    return reader.problems == []


def round_trip(kind: Any, table: Any) -> None:
    for defaults in (False, True):
        written = plain(table, kind, defaults=defaults, secrets=True)
        through_json = json.loads(json.dumps(written, allow_nan=False))
        assert through_json == written
        assert read(kind, through_json) == table
        assert type(read(kind, through_json)) is type(table)


SHIPPED = sorted(CONFIG.glob("*.toml"))
RULES = sorted((CONFIG / "rules").glob("*.toml"))
DIALECTS = sorted((CONFIG / "dialects").glob("*.toml"))
DOCUMENTS = sorted((ROOT / "docs").glob("*.md"))


def shipped(path: Path) -> Settings:
    if path.parent == CONFIG:
        return load_settings(path, {}, [])
    option = "rules" if path.parent.name == "rules" else "dialects"
    return load_settings(None, {}, [f"server.{option}={json.dumps([str(path)])}"])


@pytest.mark.parametrize("path", [*SHIPPED, *RULES, *DIALECTS], ids=lambda path: path.stem)
def test_all_that_is_shipped(path: Path) -> None:
    settings = shipped(path)
    round_trip(Settings, settings)
    for rule in settings.rule:
        round_trip(Rule, rule)
    for fault in settings.fault:
        round_trip(AnyFault, fault)


def examples() -> list[tuple[str, dict[str, Any]]]:
    """The rules and faults in the TOML of the documentation."""
    found = []
    for path in DOCUMENTS:
        for text in re.findall(r"```toml\n(.*?)```", path.read_text(), re.DOTALL):
            try:
                tree = tomllib.loads(text)
            except tomllib.TOMLDecodeError:
                continue
            for table in ("rule", "fault"):
                found += [(table, one) for one in tree.get(table, []) if isinstance(one, dict)]
    return found


def test_all_that_is_documented() -> None:
    sound = [(table, one) for table, one in examples() if accepts(Rule if table == "rule" else AnyFault, one)]
    assert len(sound) > 50
    for table, one in sound:
        kind = Rule if table == "rule" else AnyFault
        round_trip(kind, read(kind, one))


def test_the_built_in_configuration_is_nothing_at_all() -> None:
    assert plain(Settings(), secrets=True) == {}
    assert set(plain(Settings(), defaults=True)) == set(Settings.__struct_fields__)


def test_keys_are_written_as_people_write_them() -> None:
    table = {
        "name": "night",
        "when": {
            "destination_addr": ["336*", "337*"],
            "text": {"not": {"regex": "a+"}},
            "service_type": "WAP",
            "time": {"from": "22:00", "to": "06:00"},
            "tlv": {"0x1400": {"hex": "00ff"}},
        },
        "schedule": {"for": 10.0, "every": 60.0},
        "scenario": {"name": "s", "is": "", "becomes": "on"},
        "then": {"delay": 1.5, "reply": "yes"},
    }
    assert plain(read(Rule, table)) == table


def test_what_is_short_for_a_table_is_written_short() -> None:
    table = {"when": {"text": "a"}, "then": {"delay": {"distribution": "uniform", "min": 1.0, "max": 2.0}}}
    assert plain(read(Rule, table)) == table
    spelled = {"when": {"text": {"equals": "a"}}, "then": {"delay": {"distribution": "fixed", "value": 2}}}
    assert plain(read(Rule, spelled)) == {"when": {"text": "a"}, "then": {"delay": 2.0}}


def test_a_table_that_must_say_something_says_it() -> None:
    rule = read(Rule, {"name": "x", "then": {"answer": "once"}})
    assert plain(rule)["then"] == {"answer": "once", "throttle": 0.0}
    round_trip(Rule, rule)


def test_secrets_are_left_out_unless_asked_for() -> None:
    account = Account(system_id="a", password="hunter2", outbind_password="hunter3", throughput=Throughput(limit=3))
    for defaults in (False, True):
        assert "hunter" not in json.dumps(plain(account, defaults=defaults))
    assert plain(account) == {"system_id": "a", "throughput": {"limit": 3}}
    round_trip(Account, read(Account, {"system_id": "a", "password": "hunter2", "password_max": 100}))


@pytest.mark.parametrize("kind", FAULTS)
def test_every_kind_of_fault(kind: str) -> None:
    needed = {one.encode_name: 1 for one in msgspec.structs.fields(FAULTS[kind]) if one.required and one.name != "kind"}
    table: dict[str, Any] = {"kind": kind, "name": "f", **needed}
    for candidate in (table, {**table, "route": "default"}, {**table, "value": 1}, {**table, "text": "x"}):
        if accepts(AnyFault, candidate):
            fault: Fault = read(AnyFault, candidate)
            assert plain(fault, AnyFault)["kind"] == kind
            round_trip(AnyFault, fault)
            return
    raise AssertionError(f"no example of {kind}")


NUMBERS = st.integers(0, 255)
DIGITS = st.text("0123456789", min_size=1, max_size=8)
WORDS = st.text("abcXYZ ~é€", max_size=6)
TESTS = st.one_of(
    WORDS,
    st.lists(WORDS, min_size=1, max_size=3),
    st.fixed_dictionaries({"prefix": WORDS}, optional={"not": WORDS, "regex": st.sampled_from(["a+", "(?P<code>x)"])}),
    st.fixed_dictionaries({"glob": st.sampled_from(["a*", "?b", "[a-c]*"])}),
)
NUMERIC = st.one_of(NUMBERS, st.lists(NUMBERS, min_size=1, max_size=3), st.fixed_dictionaries({"min": NUMBERS}))
SECONDS = st.floats(0, 1000, allow_nan=False)
DELAYS = st.recursive(
    st.one_of(
        SECONDS,
        SECONDS.map(lambda low: {"distribution": "uniform", "min": low, "max": low + 1}),
        SECONDS.map(lambda mean: {"distribution": "exponential", "mean": mean, "max": 5000}),
    ),
    lambda one: st.lists(st.fixed_dictionaries({"share": st.integers(1, 9), "delay": one}), min_size=1, max_size=2).map(
        lambda mix: {"distribution": "mix", "mix": mix}
    ),
    max_leaves=4,
)
WHEN = st.fixed_dictionaries(
    {},
    optional={
        "command": st.sampled_from(["submit_sm", ["submit_sm", "data_sm"], ["submit_sm"]]),
        "account": st.one_of(WORDS.filter(bool), st.fixed_dictionaries({"equals": WORDS})),
        "destination_addr": st.one_of(DIGITS, st.fixed_dictionaries({"prefix": DIGITS})),
        "text": TESTS,
        "source_addr_ton": NUMERIC,
        "sm_length": NUMERIC,
        "service_type": TESTS,
        "tlv": st.dictionaries(st.sampled_from(["0x1400", "user_message_reference"]), NUMERIC, max_size=1),
        "part": NUMERIC,
        "session_age": st.fixed_dictionaries({}, optional={"min": SECONDS}),
    },
)
THEN = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from([0, 88, "ESME_RTHROTTLED"]),
        "delay": DELAYS,
        "answer": st.sampled_from(["once", "twice", "nack"]),
        "sequence_number": st.one_of(NUMBERS, st.fixed_dictionaries({"add": NUMBERS})),
        "throttle": SECONDS,
        "outcome": st.sampled_from(["DELIVRD", "UNDELIV"]),
        "receipt_delay": DELAYS,
        "reply": st.one_of(st.just("ok"), st.fixed_dictionaries({"text": st.just("ok"), "delay": DELAYS})),
    },
)
RULE = st.fixed_dictionaries(
    {"then": THEN},
    optional={
        "name": st.sampled_from(["a", "b.c-d"]),
        "enabled": st.booleans(),
        "when": WHEN,
        "after": NUMBERS,
        "probability": st.floats(0, 1),
        "schedule": st.fixed_dictionaries({"start": SECONDS}, optional={"for": st.floats(0.5, 9)}),
        "scenario": st.fixed_dictionaries({"name": st.just("s")}, optional={"is": WORDS, "becomes": WORDS}),
    },
)


@given(RULE)
def test_any_rule_that_is_accepted(table: dict[str, Any]) -> None:
    if accepts(Rule, table):
        round_trip(Rule, read(Rule, table))
