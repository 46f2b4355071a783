from pathlib import Path

import pytest

from smppd.settings import FAULTS, Fixed, Schedule, diff, faults
from tests.settings.support import load, problems

REQUIRED = {"bandwidth": "octets_per_second = 1", "latency": "delay = 1", "route_down": 'route = "default"'}
REQUIRED |= {"command_length": "add = 1", "sequence_number": "value = 1"}


def test_the_catalogue() -> None:
    groups = [fault.group for fault in FAULTS.values()]
    assert {group: groups.count(group) for group in groups} == {
        "bytes": 14,
        "pdus": 14,
        "receipts": 9,
        "sessions": 11,
        "load": 3,
    }


@pytest.mark.parametrize("kind", FAULTS)
def test_every_kind_is_read_into_its_struct(tmp_path: Path, kind: str) -> None:
    (fault,) = load(tmp_path, f'[[fault]]\nkind = "{kind}"\n{REQUIRED.get(kind, "")}').fault
    assert type(fault) is FAULTS[kind]
    assert (fault.kind, fault.name) == (kind, "fault-1")
    assert fault.commands == ("*",)


def test_parameters_and_what_all_have_in_common(tmp_path: Path) -> None:
    text = """
    [[fault]]
    name = "slow"
    kind = "latency"
    account = ["smpp*"]
    session = 3
    direction = "in"
    probability = 0.5
    count = 2
    after = 1
    every = 4
    schedule = { start = 5, for = 10, since = "session" }
    delay = 0.2
    [[fault]]
    kind = "reorder"
    command = ["submit_sm_resp", "deliver_sm"]
    for = 2
    """
    assert load(tmp_path, text).fault == [
        faults.Latency(
            name="slow",
            account=["smpp*"],
            session=3,
            direction="in",
            probability=0.5,
            count=2,
            after=1,
            every=4,
            schedule=Schedule(start=5.0, for_=10.0, since="session"),
            delay=Fixed(value=0.2),
        ),
        faults.Reorder(name="fault-2", command=["submit_sm_resp", "deliver_sm"], for_=2.0),
    ]


def test_a_fault_that_becomes_another_is_a_change(tmp_path: Path) -> None:
    old, new = (load(tmp_path, f'[[fault]]\nname = "x"\nkind = "{kind}"') for kind in ("fin", "reset"))
    assert diff(old, new).live == ["fault[x]"]
    assert diff(old, new).faults == ([], [], ["x"])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('kind = "slize"', 'fault[0].kind = "slize": expected a kind of fault (did you mean "slice"?)'),
        ('kind = "slice"\nsise = 3', 'fault[0].sise: unknown key (did you mean "size"?)'),
        ('kind = "slice"\nsize = 0', "fault[0].size = 0: expected an integer from 1 to 65536"),
        ('kind = "latency"', "fault[0].delay: missing; expected a number from 0 to 1000000.0 or a table"),
        ('kind = "fin"\nprobability = 2', "fault[0].probability = 2: expected a number above 0 up to 1"),
        (
            'kind = "fin"\naccount = []',
            "fault[0].account = []: expected at least one (an empty list matches no account)",
        ),
        ('kind = "command_length"', "fault[0].value: expected either value or add (neither is given)"),
        (
            'kind = "sequence_number"\nvalue = 1\nadd = 2',
            "fault[0].value: expected either value or add (both are given)",
        ),
        (
            'kind = "truncate"\ncommand = "submit_sm_resp"\nfield = "mesage_id"',
            'fault[0].field = "mesage_id": expected a field of the PDU (did you mean "message_id"?)',
        ),
        (
            'kind = "missing_nul"\nfield = "nothing"',
            'fault[0].field = "nothing": expected a field of the PDU (known here: ',
        ),
        (
            'kind = "banner"\noctets = "CRLF"',
            'fault[0].octets = "CRLF": expected octets in hexadecimal such as "0d0a" (non-hexadecimal number found',
        ),
        (
            'kind = "fin"\nschedule = { for = 10, every = 5 }',
            "fault[0].schedule.every = 5.0: expected at least for (10)",
        ),
        (
            'kind = "fin"\nschedule = { every = 5 }',
            "fault[0].schedule.for: missing; expected with every (what has no end does not begin again)",
        ),
        (
            'kind = "stray_response"\nresponse = "submit_sm"',
            'fault[0].response = "submit_sm": expected a response such as "submit_sm_resp"',
        ),
        (
            'kind = "truncate"\ncommand = "submit_sm"',
            'fault[0].command: a message centre sends no submit_sm (direction = "in" for those of the other side)',
        ),
        (
            'kind = "reset"\ndirection = "in"\ncommand = ["submit_sm", "submit_sm_resp"]',
            'fault[0].command: an ESME sends no submit_sm_resp (direction = "out" for those of the other side)',
        ),
        (
            'kind = "nack"\ncommand = "submit_sm"',
            'fault[0].command = "submit_sm": expected a response such as "submit_sm_resp" (nack is about nothing else)',
        ),
        (
            'kind = "throttle"\ncommand = "submit_sm_resp"',
            'fault[0].command = "submit_sm_resp": expected "submit_sm", "data_sm" or "submit_multi" (throttle is about',
        ),
        ('kind = "slow_bind"\ncommand = "submit_sm"', 'fault[0].command = "submit_sm": expected "bind_'),
        ('kind = "stray_response"\nresponse = "*"', 'fault[0].response = "*": expected a response such as'),
        ('kind = "congestion"\nvalue = 101', "fault[0].value = 101: expected an integer from 0 to 100"),
    ],
)
def test_each_mistake_is_reported_once(tmp_path: Path, text: str, problem: str) -> None:
    (found,) = problems(tmp_path, f"[[fault]]\n{text}")
    assert found.startswith(problem)
