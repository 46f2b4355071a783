"""What is wrong with a profile: all of it at once, each with its key."""

from pathlib import Path

import pytest

from smppd.load import checks as module
from smppd.load.profile import ProfileError
from tests.load.profiles import ONE, profile


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ProfileError) as caught:
        profile(tmp_path, text)
    return [str(problem).removeprefix(f"{tmp_path / 'profile.toml'}: ") for problem in caught.value.problems]


TEXT = 'text = "x"\n'
REPLY = '[[reply]]\nname = "r"\ntext = "x"\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "traffic: missing; expected a list of tables"),
        ("traffic = []", "traffic = []: expected a list of tables (it must not be empty)"),
        ('[[traffic]]\nname = "a"\ntext = "x"\ncsv = 5', "traffic[0].csv = 5: expected a table"),
        (ONE + TEXT + 'txt = "y"', 'traffic[0].txt: unknown key (did you mean "text"?)'),
        (ONE, "traffic[0].text: missing; expected a text"),
        (
            ONE + 'text = ""',
            'traffic[0].text = "": expected text of 1 to 40000 characters or a list of these',
        ),
        (ONE + TEXT + "weight = 0", "traffic[0].weight = 0: expected a number above 0 up to 1000000000"),
        (
            ONE + TEXT + 'source_addr = "Twelve chars"',
            (
                'traffic[0].source_addr = "Twelve chars": expected letters and digits of up to 11 characters '
                "(source_addr_ton = 5 sends it all the same)"
            ),
        ),
        (
            ONE + TEXT + 'source_addr = ["a", "ж"]',
            (
                'traffic[0].source_addr[1] = "\\u0436": expected up to 20 characters of printable ASCII '
                "(characters other than printable ASCII)"
            ),
        ),
        (
            '[[traffic]]\nname = "a"\ntext = "x"',
            "traffic[0].destination_addr: expected either destination_addr or csv (neither is given)",
        ),
        (
            ONE + TEXT + 'csv = { file = "x.csv" }',
            "traffic[0].destination_addr: expected either destination_addr or csv (both are given)",
        ),
        (
            '[[traffic]]\nname = "a"\ntext = "x"\ndestination_addr = []',
            "traffic[0].destination_addr = []: expected at least one destination",
        ),
        (
            '[[traffic]]\nname = "a"\ntext = "x"\ndestination_addr = ["4477-4479", "012", "4479"]',
            'traffic[0].destination_addr = "4479": expected each number once (4477-4479 has 4479 too)',
        ),
        (
            '[[traffic]]\nname = "a"\ntext = "x"\ndestination_addr = "9-1"',
            (
                'traffic[0].destination_addr = "9-1": expected a number, or "447700900000-447700900999", '
                '"447700900xxx" or "447700900000*1000" or a list of these (the range runs backwards)'
            ),
        ),
        (
            '[[traffic]]\nname = "a"\ntext = "x"\ncsv = { file = "nowhere.csv" }',
            (
                'traffic[0].csv.file = "nowhere.csv": expected a CSV file of subscribers '
                "(cannot be read: No such file or directory)"
            ),
        ),
        (
            ONE + TEXT + 'encoding = "ucs"',
            (
                'traffic[0].encoding = "ucs": expected "auto", "gsm7", "gsm7-packed", "ascii", "latin-1", "binary" or '
                '"ucs2" or a table (did you mean "ucs2"?)'
            ),
        ),
        (
            ONE + TEXT + "encoding = { gsm7 = 50, ucs2 = 40 }",
            "traffic[0].encoding: expected shares that add up to 100 (they make 90)",
        ),
        (
            ONE + TEXT + "data_coding = 16",
            ('traffic[0].data_coding = 16: expected only with one encoding that is named (such as encoding = "gsm7")'),
        ),
        (ONE + 'encoding = "binary"', "traffic[0].hex: missing; expected with binary messages"),
        (ONE + TEXT + 'hex = "00"', 'traffic[0].hex = "00": expected only with encoding "binary"'),
        (
            ONE + TEXT + 'encoding = "binary"\nhex = "00"',
            "traffic[0].text: expected only with an encoding of text (binary messages are hex)",
        ),
        (
            ONE + TEXT + "tlvs = { source_port = 70000 }",
            "traffic[0].tlvs.source_port = 70000: expected a value of this TLV (outside of 0 to 65535)",
        ),
        (ONE + TEXT + "multipart = { share = 5 }", "traffic[0].multipart.text: missing; expected with a share above 0"),
        (
            ONE + TEXT + 'multipart = { text = "x" }',
            "traffic[0].multipart.share = 0.0: expected a share above 0 (else its text is never sent)",
        ),
        (
            ONE + 'text = "Your {cod}"',
            (
                'traffic[0].text = "Your {cod}": expected a text that can be sent '
                '({cod} at character 6: unknown variable; did you mean "code"?)'
            ),
        ),
        (
            ONE + 'text = ["x", "ж"]\nencoding = { ucs2 = 50, gsm7 = 50 }',
            "traffic[0].text[1] = \"\\u0436\": expected a text that can be sent ('ж' at character 1 is not in gsm7)",
        ),
        (
            ONE + TEXT + 'multipart = { share = 5, text = ["x", "{y}"] }',
            (
                'traffic[0].multipart.text[1] = "{y}": expected a text that can be sent '
                "({y} at character 1: unknown variable; "
                "known are: code, letters, hex, number, choice, name, n, date, time, to, from)"
            ),
        ),
        (
            ONE + f'encoding = "ucs2"\ntext = "{"x" * 20000}"',
            (
                f'traffic[0].text = "{"x" * 76}...: expected a text that can be sent '
                "(299 parts; a message has at most 255)"
            ),
        ),
        ("[variables]\na = [1]\n" + ONE + 'text = "{a}"', "variables.a[0] = 1: expected text"),
        (
            ONE + TEXT + ONE + TEXT,
            'traffic[1].name = "one": expected a name of its own (traffic[0] has it already)',
        ),
        (
            'opted_out = ["x1"]\n' + ONE + TEXT,
            (
                'opted_out[0] = "x1": expected a number, or "447700900000-447700900999", '
                '"447700900xxx" or "447700900000*1000"'
            ),
        ),
        (
            'opted_out = ["44xxxxxxx"]\n' + ONE + TEXT,
            "opted_out: expected up to 1000000 numbers (10000000 numbers)",
        ),
        (
            ONE + TEXT + REPLY + 'match = "("',
            'reply[0].match = "(": expected a regular expression (missing ), unterminated subpattern at position 0)',
        ),
        (
            ONE + TEXT + REPLY + 'match = "a"\nkeyword = "b"',
            'reply[0].match = "a": expected either keyword or match (both are given)',
        ),
        (
            ONE + TEXT + REPLY + "think_time = [2, 1]",
            "reply[0].think_time = [...]: expected [shortest, longest] of 0 to 315360000 seconds",
        ),
        (
            ONE + TEXT + REPLY + REPLY.replace('"r"', '"s"'),
            (
                "reply[0]: expected keyword or match in all but the last "
                "(it answers everything, so the following are never reached)"
            ),
        ),
        (
            ONE + TEXT + '[[reply]]\nname = "r"\nmatch = "(?P<a>.)"\ntext = "{a}{1}{2}{text}"',
            (
                'reply[0].text = "{a}{1}{2}{text}": expected a text that can be sent '
                "({2} at character 7: unknown variable; "
                "known are: text, 1, a, code, letters, hex, number, choice, name, n, date, time, to, from)"
            ),
        ),
    ],
)
def test_one_problem_each(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, text) == [problem]


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    text = """
        descripton = "x"
        [[traffic]]
        name = "a"
        destination_addr = "1-22"
        text = ["ok", "{cod}", "}"]
        encoding = { gsm7 = 100, ucs = 0 }
        multipart = { method = "udh", share = 101 }
        [[traffic]]
        name = "a"
        csv = { file = "x", colum = 1 }
        text = "{town}"
        [[reply]]
        name = "r"
        text = "{"
        """
    keys = [problem.split(" =")[0].split(":")[0] for problem in problems(tmp_path, text)]
    assert keys == [
        "descripton",
        "traffic[0].encoding.ucs",
        "traffic[0].multipart.method",
        "traffic[0].multipart.share",
        "traffic[0].destination_addr",
        "traffic[1].csv.colum",
        "traffic[1].name",
        "traffic[0].text[1]",
        "traffic[0].text[2]",
        "reply[0].text",
    ]


def test_names_of_lists_that_are_wrong_are_known_all_the_same(tmp_path: Path) -> None:
    found = problems(tmp_path, "[variables]\na = []\n" + ONE + 'text = "{a}{b}"')
    assert found[0] == "variables.a = []: expected a list of text (it must not be empty)"
    assert "{b} at character 4: unknown variable" in found[1]
    assert problems(tmp_path, "variables = 5\n" + ONE + TEXT) == ["variables = 5: expected a table"]


def test_columns_are_variables_and_their_values_are_judged(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("to,city\n447700900001,Leeds\n447700900002,Łódź\n")
    kind = '[[traffic]]\nname = "a"\ncsv = { file = "s.csv" }\ntext = "{city}"\n'
    assert problems(tmp_path, kind + 'encoding = "gsm7"') == [
        (
            'traffic[0].text = "{city}": expected a text that can be sent '
            "({city} at character 1 may be 'Łódź': 'Ł' is not in gsm7)"
        )
    ]
    assert profile(tmp_path, kind).traffic[0].text == "{city}"
    assert "{town}" in problems(tmp_path, kind.replace("{city}", "{town}"))[0]


def test_shares_may_be_thirds(tmp_path: Path) -> None:
    text = ONE + TEXT + "encoding = { gsm7 = 33.33, ucs2 = 33.33, latin-1 = 33.33 }"
    assert len(profile(tmp_path, text).traffic[0].encodings) == 3


def test_the_bound_of_opted_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_OPTED_OUT", 9)
    assert problems(tmp_path, 'opted_out = ["12x"]\n' + ONE + TEXT) == [
        "opted_out: expected up to 9 numbers (10 numbers)"
    ]
