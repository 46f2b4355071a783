import json

from smppd.load.adaptive import Limits, Outcome
from smppd.load.report import as_json
from smppd.load.tables import Check
from tests.load.examples import steady


def test_the_result_with_its_thresholds_and_the_search() -> None:
    result = steady(3, 10)
    plain = as_json(result)
    assert plain == result.as_json() | {"thresholds": []}

    outcome = Outcome(1234.0, True, "The note.", Limits(), ())
    full = json.loads(json.dumps(as_json(result, [Check("lost > 0", "2", violated=True)], outcome)))
    assert full["thresholds"] == [{"text": "lost > 0", "measured": "2", "violated": True}]
    assert full["adaptive"]["rate"] == 1234.0
