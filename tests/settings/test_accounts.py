from pathlib import Path

import pytest

from tests.settings.support import ACCOUNT, problems
from tests.test_passwords import cheap_hash


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[account]\nsystem_id = "a"\npassword = "b"',
            "account = {...}: expected a list of tables (write [[account]], with double brackets)",
        ),
        (
            '[[account]]\npassword = "b"',
            "account[0].system_id: missing; expected 1 to 15 characters of printable ASCII",
        ),
        (
            '[[account]]\nsystem_id = ""\npassword = "b"',
            'account[0].system_id = "": expected 1 to 15 characters of printable ASCII (0 characters)',
        ),
        (
            '[[account]]\nsystem_id = "\u00e9"\npassword = "b"',
            (
                'account[0].system_id = "\\u00e9": expected 1 to 15 characters of printable ASCII '
                "(characters other than printable ASCII)"
            ),
        ),
        (
            '[[account]]\nsystem_id = "a"',
            "account[0].password: expected either password or password_hash (neither is given)",
        ),
        (
            f'[[account]]\nsystem_id = "a"\npassword = "b"\npassword_hash = "{cheap_hash(b"b")}"',
            "account[0].password: expected either password or password_hash (both are given)",
        ),
        (
            '[[account]]\nsystem_id = "a"\npassword = "ninechars"',
            "account[0].password: expected at most 8 characters (SMPP has 8; password_max allows longer ones)",
        ),
        (
            '[[account]]\nsystem_id = "a"\npassword = 12345678',
            "account[0].password: expected printable ASCII of up to 255 characters",
        ),
        (
            '[[account]]\nsystem_id = "a"\npassword_hash = "scrypt$3$1$1$c2FsdHNhbHQ=$x"',
            (
                "account[0].password_hash: expected scrypt$n$r$p$salt$hash, as printed by smppd hash-password "
                "(n is not a power of two above 1)"
            ),
        ),
        (
            ACCOUNT + 'bind_types = ["transmiter"]',
            (
                'account[0].bind_types[0] = "transmiter": expected "transmitter", "receiver" or "transceiver" '
                '(did you mean "transmitter"?)'
            ),
        ),
        (ACCOUNT + 'bind_types = ["receiver", "receiver"]', "account[0].bind_types: expected each bind type once"),
        (
            ACCOUNT + "max_binds = -1",
            "account[0].max_binds = -1: expected an integer from 0 to 1000000000",
        ),
        (
            ACCOUNT + "throughput = { limit = -5 }",
            "account[0].throughput.limit = -5: expected a number from 0 to 1000000000",
        ),
        (
            ACCOUNT + "throughput = { per = 0 }",
            "account[0].throughput.per = 0: expected a number above 0 up to 86400",
        ),
        (
            ACCOUNT + "throughput = 5",
            "account[0].throughput = 5: expected a table",
        ),
        (
            ACCOUNT + 'throughput = { over = "queue" }',
            'account[0].throughput.over = "queue": expected a command_status (only routes can queue)',
        ),
        (
            ACCOUNT + 'window_over = "ESME_RTHROTLED"',
            (
                'account[0].window_over = "ESME_RTHROTLED": expected a command_status other than ESME_ROK, such as '
                'ESME_RTHROTTLED, "stop_reading" or "close" (did you mean "ESME_RTHROTTLED"?)'
            ),
        ),
        (
            ACCOUNT + 'window_over = "ESME_ROK"',
            (
                'account[0].window_over = "ESME_ROK": expected a command_status other than ESME_ROK, such as '
                'ESME_RTHROTTLED, "stop_reading" or "close" (a refusal cannot say that all is well)'
            ),
        ),
        (
            ACCOUNT + 'window_over = "queue"',
            (
                'account[0].window_over = "queue": expected a command_status other than ESME_ROK, such as '
                'ESME_RTHROTTLED, "stop_reading" or "close"'
            ),
        ),
        (
            ACCOUNT + 'outbind = "here"',
            'account[0].outbind = "here": expected host:port, or "" for none (the port is missing)',
        ),
        (
            '[[distribution_list]]\nname = "all"\nmembers = ["12a"]',
            (
                'distribution_list[0].members[0] = "12a": expected an address of 1 to 20 digits, perhaps with a plus '
                "(not an address)"
            ),
        ),
        (
            ACCOUNT + 'dialect = "defualt"',
            ('account[0].dialect = "defualt": expected the name of a dialect (did you mean "default"?)'),
        ),
        (
            ACCOUNT + 'address_range = "44["',
            (
                'account[0].address_range = "44[": expected an address_range such as "44*", "^4477" or "4477[0-9]{8}" '
                '(the class that begins at character 3 has no closing "]")'
            ),
        ),
    ],
)
def test_each_mistake_is_reported_once(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, text) == [problem]
