from pathlib import Path

import pytest

from tests.settings.support import problems


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[server]\nhtp = 1", 'server.htp: unknown key (did you mean "http"?)'),
        ("[sever]\nhttp = 1", 'sever: unknown key (did you mean "server"?)'),
        ("server = 5", "server = 5: expected a table"),
        ('[server]\nsmpp = "127.0.0.1:2775"', 'server.smpp = "127.0.0.1:2775": expected a list of host:port'),
        ("[server]\nsmpp = []", "server.smpp = []: expected a list of host:port (it must not be empty)"),
        ('[server]\nsmpp = ["h"]', 'server.smpp[0] = "h": expected host:port (the port is missing)'),
        (
            '[server]\nsmpp = ["127.0.0.1:1", "127.0.0.1:1"]',
            'server.smpp[1] = "127.0.0.1:1": expected an address of its own (server.smpp[0] has it already)',
        ),
        (
            '[server]\nhttp = "127.0.0.1:2775"',
            'server.http = "127.0.0.1:2775": expected an address of its own (server.smpp[0] has it already)',
        ),
        (
            '[server]\ntimezone = "Europe/Pariss"',
            (
                'server.timezone = "Europe/Pariss": expected a time zone such as UTC or Europe/Paris '
                '(did you mean "Europe/Paris"?)'
            ),
        ),
        (
            '[server]\ntimezone = "../etc"',
            (
                'server.timezone = "../etc": expected a time zone such as UTC or Europe/Paris '
                "(not in the time zone database)"
            ),
        ),
        (
            '[server]\nsystem_id = "sixteen--letters"',
            'server.system_id = "sixteen--letters": expected up to 15 characters of printable ASCII (16 characters)',
        ),
        ("[server]\ninterface_version = 3.4", 'server.interface_version = 3.4: expected "3.4" or "5.0"'),
        ("[server]\nmax_pdu = 16", "server.max_pdu = 16: expected an integer from 256 to 16777216"),
        ("[server]\nmax_connections = true", "server.max_connections = true: expected an integer from 1 to 1000000"),
        ("[messages]\nlimit = -1", "messages.limit = -1: expected an integer from 1 to 1000000000"),
        (
            "[messages]\nmax_validity = 60",
            "messages.default_validity = 86400.0: expected at most max_validity (60)",
        ),
        ("[timers]\nresponse = -0.5", "timers.response = -0.5: expected a number from 0 to 315360000"),
        ("[timers]\nresponse = nan", "timers.response = NaN: expected a number from 0 to 315360000"),
        ('[timers]\nresponse = "10"', 'timers.response = "10": expected a number from 0 to 315360000'),
        ("[journal]\npdus = 1.5", "journal.pdus = 1.5: expected an integer from 0 to 100000000"),
        (
            '[log]\nlevel = "warn"',
            'log.level = "warn": expected "debug", "info", "warning" or "error" (did you mean "warning"?)',
        ),
        (
            "[messages]\nretry = []",
            "messages.retry = []: expected a list of a number above 0 up to 315360000 (it must not be empty)",
        ),
        (
            '[clock]\nstart = "noon"',
            (
                'clock.start = "noon": expected a date and time such as "2026-01-01T12:00:00Z", or "" for now '
                "(Invalid isoformat string: 'noon')"
            ),
        ),
        *(
            (
                f'[clock]\nstart = "{moment}"',
                (
                    f'clock.start = "{moment}": expected a date and time such as "2026-01-01T12:00:00Z", or "" for now '
                    "(outside of 1970 to 2037)"
                ),
            )
            for moment in ("1969-12-31T23:59:59Z", "2037-12-31T23:00:00-02:00", "0001-01-01T00:00:00+14:00")
        ),
    ],
)
def test_each_mistake_is_reported_once(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, text) == [problem]
