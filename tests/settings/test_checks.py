import re
from pathlib import Path

import pytest

from tests.settings.support import ACCOUNT, problems


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            2 * '[[distribution_list]]\nname = "all"\nmembers = ["1"]\n',
            'distribution_list[1].name = "all": expected a name of its own (distribution_list[0] has it already)',
        ),
        (
            '[[distribution_list]]\nname = "all"\nmembers = ["1"]\naccounts = ["nobody"]',
            'distribution_list[0].accounts = "nobody": expected the system_id of an account',
        ),
        (
            ACCOUNT + ACCOUNT,
            'account[1].system_id = "a": expected a system_id of its own (account[0] has it already)',
        ),
        (
            '[[route]]\nname = "r"\nmatch = { account = "smppclient1" }\n[[route]]\nname = "r"',
            'route[1].name = "r": expected a name of its own (route[0] has it already)',
        ),
        (
            '[[route]]\nname = "r"\nnetwork = "defalt"',
            'route[0].network = "defalt": expected the name of a [network.NAME]: "default" (did you mean "default"?)',
        ),
        (
            '[[route]]\nname = "r"\n[[route]]\nname = "s"\n[[route]]\nname = "t"',
            (
                "route[0].match: expected a match on every route but the last "
                "(it takes every message, so these are never reached: s, t)"
            ),
        ),
        (
            '[[route]]\nname = "r"\nmatch = { destination_addr = ["33*", "*"] }\n[[route]]\nname = "s"',
            (
                "route[0].match: expected a match on every route but the last "
                "(it takes every message, so these are never reached: s)"
            ),
        ),
        (
            '[[route]]\nname = "r"\nmatch = { account = "smppclient" }',
            'route[0].match.account = "smppclient": expected the system_id of an account (did you mean "smppclient1"?)',
        ),
    ],
)
def test_each_mistake_is_reported_once(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, text) == [problem]


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    text = """
    [server]
    htp = "x"
    max_pdu = "big"
    [[account]]
    system_id = "a"
    password = "toolongforsmpp"
    throughput = { limit = -5, over = "queue" }
    [[account]]
    system_id = "a"
    pasword = "x"
    [[route]]
    name = "r"
    network = "nowhere"
    """
    found = problems(tmp_path, text, {"SMPPD_LOG_LEVEL": "debug"}, "server.http=nonsense", "x")
    assert [re.split(r": | = ", problem)[0] for problem in found] == [
        "SMPPD_LOG_LEVEL",
        "--set",
        "server.htp",
        "--set",
        "server.max_pdu",
        "account[0].throughput.limit",
        "account[0].password",
        "account[0].throughput.over",
        "account[1].pasword",
        "account[1].password",
        "account[1].system_id",
        "route[0].network",
    ]


def test_one_mistake_does_not_cause_others(tmp_path: Path) -> None:
    route = '[[route]]\nname = "r"\nmatch = { account = "b" }\nnetwork = "n"\n'
    assert len(problems(tmp_path, route + '[[account]]\nsystem_id = 5\npassword = "x"\n[network.n]')) == 1
    assert len(problems(tmp_path, "network = 5\n" + route + '[[account]]\nsystem_id = "b"\npassword = "x"')) == 1
    assert len(problems(tmp_path, '[server]\nsmpp = ["x"]\nhttp = "127.0.0.1:2775"')) == 1
    assert len(problems(tmp_path, "[network.n]\ndelay = { min = 5, max = -1 }")) == 1


def test_no_message_holds_a_password(tmp_path: Path) -> None:
    text = """
    [[account]]
    system_id = "a"
    password = "hunter2hunter2"
    [[account]]
    system_id = "b"
    password = ["hunter2"]
    [[account]]
    system_id = "c"
    password_hash = "hunter2"
    """
    assert "hunter2" not in "".join(problems(tmp_path, text))
    assert "hunter2" not in "".join(problems(tmp_path, 'account = { password = "hunter2" }'))
    assert "hunter2" not in "".join(problems(tmp_path, "", {}, "account.0.password=hunter2hunter2"))
