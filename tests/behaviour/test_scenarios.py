from smppd.behaviour.scenarios import Scenarios
from smppd.settings import Scenario


def test_states_are_shared_by_name() -> None:
    scenarios = Scenarios()
    first = Scenario(name="outage", is_="", becomes="down")
    second = Scenario(name="outage", is_="down", becomes="")
    assert (scenarios.allows(first), scenarios.allows(second)) == (True, False)
    scenarios.move(first)
    assert scenarios.states == {"outage": "down"}
    assert (scenarios.allows(first), scenarios.allows(second)) == (False, True)
    assert scenarios.allows(Scenario(name="outage")), "any state will do"
    assert not scenarios.allows(Scenario(name="other", is_="down"))
    scenarios.move(second)
    assert scenarios.states == {}


def test_a_rule_may_leave_the_state_alone() -> None:
    scenarios = Scenarios()
    scenarios.set("outage", "down")
    scenarios.move(Scenario(name="outage", is_="down"))
    assert scenarios.states == {"outage": "down"}
    scenarios.reset()
    assert scenarios.states == {}
