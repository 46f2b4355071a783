"""Dialects as they are written in files: defaults, values that are accepted, and what they take over."""

from pathlib import Path

import msgspec
import pytest

from smppd.settings import Dialect, IdForm, load_settings
from smppd.settings.dialects import DEFAULT_TEMPLATE
from tests.settings.support import ACCOUNT, CONFIG, load, problems


def test_a_dialect_without_keys_is_the_default_one(tmp_path: Path) -> None:
    settings = load(tmp_path, "[dialect.mine]")
    assert settings.dialect == {"default": Dialect(), "mine": Dialect()}
    assert settings.dialect["mine"].receipt.template == DEFAULT_TEMPLATE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('message_id.response.base = "octal"', '"decimal", "hex" or "uuid"'),
        ("message_id.response.width = 65", "an integer from 0 to 64"),
        ('message_id.response.prefix = "é"', "up to 64 characters of printable ASCII"),
        ('receipt.date = "16"', '"10", "12", "14" or "smpp"'),
        ('receipt.states.LOST = "x"', '"DELIVRD"'),
        ("receipt.esm_class = 256", "an integer from 0 to 255"),
        ('receipt.zone = "Mars"', "a time zone"),
        ('receipt.tlvs = ["source_port"]', "receipted_message_id"),
        ("receipt.tlv_states.UNDELIV = 300", "an integer from 0 to 255"),
        ('response.statuses.ESME_NONE = "ESME_RSYSERR"', "a command_status such as ESME_RTHROTTLED"),
        ('response.nack = ["ESME_RTROTTLED"]', 'did you mean "ESME_RTHROTTLED"?'),
        ('response.unsupported = ["query"]', "the name of a command"),
        ("bind.sc_interface_version = 256", "true or false"),
        ("bind.disabled = 4294967296", "a command_status"),
        ("session.first_sequence_number = -1", "an integer from 0 to 4294967295"),
        ('text.default_alphabet = "ebcdic"', '"gsm7", "gsm7-packed", "latin-1", "ascii" or "utf-8"'),
        ("limits.lengths.password = 8", "a field of variable length"),
        ("limits.lengths.esm_class = 8", "a field of variable length"),
        ("limits.lengths.source_addr = 256", "an integer from 0 to 255"),
        ("addresses.source = [[1]]", "2"),
        ('vendor_tlvs = [{ pdu = "deliver_sm", tag = 65536 }]', "an integer from 0 to 65535"),
        ('vendor_tlvs = [{ pdu = "deliver_sm", tag = 1, value = "0" }]', "octets in hexadecimal"),
        ("receipt.colour = 1", "unknown key"),
    ],
)
def test_what_is_not_accepted_is_explained(tmp_path: Path, text: str, said: str) -> None:
    (problem,) = problems(tmp_path, f"[dialect.mine]\n{text}")
    assert problem.startswith("dialect.mine.")
    assert said in problem


def test_what_it_is_based_on_is_taken_over_key_by_key(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
        [dialect.one.message_id]
        response = { base = "hex", width = 10 }
        [dialect.two]
        based_on = "one"
        message_id.response.case = "upper"
        """,
    )
    assert settings.dialect["two"].message_id.response == IdForm(base="hex", width=10, case="upper")


def test_what_is_wrong_between_a_dialect_and_its_base_is_found(tmp_path: Path) -> None:
    text = """
        [dialect.one.message_id.response]
        prefix = "012345678901234567890123456789012345678901234567890"
        [dialect.two]
        based_on = "one"
        message_id.response.base = "uuid"
        """
    (problem,) = problems(tmp_path, text)
    assert problem.startswith("dialect.two.message_id.response: expected a form of at most 64 characters")


def test_a_mistake_of_the_base_is_reported_once_and_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text('receipt.date = "16"')
    text = '[server]\ndialects = ["base.toml"]\n[dialect.two]\nbased_on = "base"'
    (problem,) = problems(tmp_path, text)
    assert problem.startswith(f"{tmp_path / 'base.toml'}: receipt.date")


def test_a_dialect_of_a_file_is_called_like_it(tmp_path: Path) -> None:
    (tmp_path / "loud.toml").write_text('receipt.states.DELIVRD = "ACKED"')
    settings = load(tmp_path, f'[server]\ndialects = ["loud.toml"]\n{ACCOUNT}dialect = "loud"')
    assert settings.dialect["loud"].receipt.states == {"DELIVRD": "ACKED"}


@pytest.mark.parametrize("path", sorted((CONFIG / "dialects").glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_dialect_is_accepted_by_name(path: Path) -> None:
    settings = load_settings(None, {}, [f"account.0.dialect={path.stem}"])
    assert settings.dialect[path.stem] != Dialect()


def test_an_account_that_names_no_dialect_there_is(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, ACCOUNT + 'dialect = "uuid-id"')
    assert 'did you mean "uuid-ids"?' in problem


def test_tables_are_immutable() -> None:
    with pytest.raises(AttributeError):
        Dialect().description = "x"  # type: ignore[misc]
    assert isinstance(Dialect(), msgspec.Struct)
