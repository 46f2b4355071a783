from pathlib import Path

import pytest

from tests.settings.support import problems


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[[route]]\nname = "a route"',
            'route[0].name = "a route": expected a name of 1 to 64 letters, digits, dots, dashes or underscores',
        ),
        (
            '[[route]]\nname = "r"\nmatch = { destination_addr = "33[" }',
            (
                'route[0].match.destination_addr = "33[": expected a pattern such as "336*", "+4477?" or "44[1-5]*" or '
                "a list of these "
                '(the class that begins at character 3 has no closing "]")'
            ),
        ),
        (
            '[[route]]\nname = "r"\nmatch = { source_addr = ["1*", ""] }',
            (
                'route[0].match.source_addr[1] = "": expected a pattern such as "336*", "+4477?" or "44[1-5]*" '
                '(it is empty; "*" matches everything)'
            ),
        ),
        (
            '[[route]]\nname = "r"\nmatch = { source_addr = [] }',
            "route[0].match.source_addr = []: expected at least one (an empty list matches no message)",
        ),
        (
            '[[route]]\nname = "r"\nmatch = { dest_addr_ton = 256 }',
            "route[0].match.dest_addr_ton = 256: expected an integer from 0 to 255",
        ),
        (
            '[[route]]\nname = "r"\nqueue = { over = "queue" }',
            'route[0].queue.over = "queue": expected a command_status other than ESME_ROK, such as ESME_RTHROTTLED',
        ),
        ("[network.n]\ndelay = { min = 3 }", "network.n.delay.min = 3.0: expected at most max (1)"),
        (
            "[network.n]\ndelay = { value = 3 }",
            'network.n.delay.value: expected only with distribution = "fixed"',
        ),
        (
            '[network.n]\ndelay = { distribution = "fixed", min = 1 }',
            'network.n.delay.value: missing; expected with distribution = "fixed" instead of min and max',
        ),
        (
            '[network.n]\ndelay = { distribution = "unifrm" }',
            'network.n.delay.distribution = "unifrm": expected "fixed" or "uniform" (did you mean "uniform"?)',
        ),
        (
            "[network.n]\noutcome = { DELIVERD = 1, UNDELIV = 1 }",
            (
                'network.n.outcome.DELIVERD: unknown key; expected "DELIVRD", "EXPIRED", "DELETED", "UNDELIV", '
                '"ACCEPTD", "UNKNOWN" or "REJECTD" (did you mean "DELIVRD"?)'
            ),
        ),
        (
            "[network.n]\noutcome = { DELIVRD = 0 }",
            "network.n.outcome: expected a weight above 0 for at least one outcome",
        ),
        ("[network.n]\noutcome = {}", "network.n.outcome: expected a weight above 0 for at least one outcome"),
        (
            "[network.n]\noutcome = { UNDELIV = -3 }",
            "network.n.outcome.UNDELIV = -3: expected a number from 0 to 1000000000",
        ),
        (
            "[network.n]\nerror = { UNDELIV = 1000 }",
            "network.n.error.UNDELIV = 1000: expected an integer from 0 to 999",
        ),
        (
            '[network."a b"]',
            'network."a b": unknown key; expected a name of 1 to 64 letters, digits, dots, dashes or underscores',
        ),
    ],
)
def test_each_mistake_is_reported_once(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, text) == [problem]
