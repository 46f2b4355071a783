"""The rules of a running server: asked, changed, begun anew; and what sessions tell them."""

from datetime import UTC

import pytest

from smppd.behaviour.sessions import Rules
from smppd.engine.clock import EngineClock
from smppd.settings.rules import Rule
from smppwire.constants import CommandStatus
from smppwire.pdus import BindTransceiver, EnquireLink, Pdu, SubmitSm, SubmitSmResp
from tests.behaviour.support import rules_of, submit

THREE = """
[[rule]]
name = "a"
when = { destination_addr = "1*" }
then = { status = 1 }

[[rule]]
name = "b"
when = { route = "default", session_age = { min = 10 } }
scenario = { name = "s", becomes = "done" }
then = { status = 2 }

[[rule]]
name = "off"
enabled = false
then = { status = 3 }
"""


class Server:
    def __init__(self, text: str = THREE) -> None:
        self.clock = EngineClock(float, float, 0.0)
        self.changes = 0
        self.failed: list[str] = []
        self.rules = Rules(
            rules_of(text) if text else [],
            clock=self.clock,
            seed=1,
            zone=UTC,
            on_hook_failure=lambda rule, error: self.failed.append(f"{rule}: {error}"),
            changed=self.changed,
        )
        self.session = self.rules.session()

    def changed(self) -> None:
        self.changes += 1

    def bind(self, violation: int = 0) -> None:
        self.session.bound(
            "smppclient1",
            "transceiver",
            0x34,
            bound_at=self.clock.now(),
            default_alphabet="gsm7",
            route_of=lambda _pdu: "default",
            violation_of=lambda _pdu: violation,
        )

    def status(self, pdu: Pdu) -> int | None:
        self.session.refresh()
        firing = self.session.find(pdu)
        return None if firing is None else firing.status


def test_what_one_asks() -> None:
    server = Server()
    server.bind()
    assert [rule.name for rule in server.rules] == ["a", "b", "off"]
    assert len(server.rules) == 3
    assert server.status(submit("1")) == 1
    server.clock.advance_to(10.0)
    assert server.status(submit("2")) == 2
    assert list(server.rules.hits()) == ["a", "b"]
    assert server.rules.fired() == {"a": 1, "b": 1}
    assert server.rules.scenarios == {"s": "done"}
    server.rules.set_scenario("s", "")
    assert server.rules.scenarios == {}
    server.rules.reset()
    assert [hits.fired for hits in server.rules.hits().values()] == [0, 0]
    assert server.rules.fired() == {"a": 1, "b": 1}  # these are for Prometheus, where counters never fall


def test_some_rules_begin_anew() -> None:
    server = Server()
    server.bind()
    assert server.status(submit("1")) == 1
    server.clock.advance_to(10.0)
    server.status(submit("2"))
    server.rules.restart(["b", "unknown"])
    assert {name: hits.fired for name, hits in server.rules.hits().items()} == {"a": 1, "b": 0}
    assert server.rules.scenarios == {"s": "done"}
    server.rules.reset_scenarios()
    assert server.rules.scenarios == {}


def test_changes_while_running() -> None:
    server = Server()
    server.bind()
    server.status(submit("1"))
    (new,) = rules_of('[[rule]]\nname = "new"\nwhen = { destination_addr = "12*" }\nthen = { status = 4 }')
    server.rules.add(new, before="a")
    assert server.status(submit("12")) == 4
    assert server.status(submit("13")) == 1
    server.rules.remove("new")
    assert server.status(submit("12")) == 1
    assert server.rules.fired() == {"new": 1, "a": 3}
    assert server.changes == 2
    with pytest.raises(ValueError, match="two rules are called 'off'"):
        server.rules.add(next(rule for rule in server.rules if rule.name == "off"))
    for act in (lambda: server.rules.remove("none"), lambda: server.rules.add(new, before="none")):
        with pytest.raises(KeyError, match="none"):
            act()
    assert [rule.name for rule in server.rules] == ["a", "b", "off"]


def test_a_session_that_is_not_bound_is_nobodys() -> None:
    server = Server(
        '[[rule]]\nwhen = { account = "smpp*", command = ["enquire_link", "submit_sm"] }\nthen = { status = 9 }'
    )
    assert server.status(EnquireLink()) is None
    server.bind()
    assert server.status(EnquireLink()) == 9
    server.session.unbound()
    assert server.status(EnquireLink()) is None


def test_binds_are_asked_about_in_the_name_of_the_account_they_name() -> None:
    server = Server('[[rule]]\nwhen = { account = "smppclient1", command = "bind_transceiver" }\nthen = { status = 9 }')
    bind = BindTransceiver(system_id=b"smppclient1")
    assert server.session.find_bind(bind, "", "transceiver", 0x34) is None
    firing = server.session.find_bind(bind, "smppclient1", "transceiver", 0x34)
    assert firing is not None
    assert firing.status == 9


def test_what_is_wrong_in_itself_is_no_match() -> None:
    server = Server()
    server.bind(int(CommandStatus.ESME_RINVSRCADR))
    assert server.status(submit("1")) is None
    assert server.rules.hits()["a"].matched == 0


def test_runs_are_judged_up_to_the_next_that_fires() -> None:
    server = Server()
    server.bind()
    pdus: list[SubmitSm] = [submit(number) for number in ("3", "1", "4", "1")]
    place, firing = server.session.find_next(pdus, 0, 4)
    assert (place, firing and firing.rule) == (1, "a")
    assert server.session.find_next(pdus, 2, 3) == (3, None)
    place, firing = server.session.find_next(pdus, 2, 4)
    assert (place, firing and firing.rule) == (3, "a")
    assert server.rules.fired() == {"a": 2}


def test_runs_where_all_rules_are_about_destinations() -> None:
    server = Server('[[rule]]\nname = "x"\nwhen = { destination_addr = ["1234", "55*"] }\nthen = { status = 1 }')
    pdus: list[SubmitSm] = [submit(number) for number in ("12", "123456", "1234", "5", "551")]
    places = []
    place = -1
    while place < 5:
        place, _ = server.session.find_next(pdus, place + 1, 5) if place < 4 else (5, None)
        places.append(place)
    assert places == [2, 4, 5]


def test_what_leaves() -> None:
    server = Server('[[rule]]\nwhen = { direction = "out", command = "submit_sm_resp" }\nthen = { answer = "none" }')
    assert server.session.has_outward
    assert not server.session.concerns(4)
    assert server.session.concerns_out(0x80000004)
    firing = server.session.find_out(SubmitSmResp())
    assert firing is not None
    assert firing.answer == "none"
    assert not Server("").session.has_outward


def test_a_rule_that_fails_to_load_changes_nothing() -> None:
    server = Server()
    bad: list[Rule] = rules_of('[[rule]]\nname = "h"\nthen = { hook = "no_such_module:f" }')
    with pytest.raises(Exception, match="no_such_module"):
        server.rules.replace(bad)
    assert [rule.name for rule in server.rules] == ["a", "b", "off"]
    assert server.changes == 0
