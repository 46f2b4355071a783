from pathlib import Path

import pytest

from smppd.settings import BindForm, Dialect, IdForm, MessageId, ReceiptForm, Settings, VendorTlv
from tests.settings.support import load, problems


def test_the_default_dialect_says_nothing_of_its_own() -> None:
    assert Settings().dialect == {"default": Dialect()}
    assert Dialect().message_id.below_34 == IdForm(base="hex", case="upper", width=8)


def test_a_dialect(tmp_path: Path) -> None:
    text = """
    [dialect.hex]
    description = "hexadecimal in the response"
    message_id = { response = { base = "hex", case = "upper" } }
    receipt = { date = "12", zone = "Europe/Paris", errors = { UNDELIV = "21b" }, tlvs = [] }
    bind = { unknown_system_id = "ESME_RBINDFAIL", max_binds = 0x1388, sc_interface_version = 0x33 }
    vendor_tlvs = [{ pdu = "deliver_sm", tag = 0x1403, value = "00ff" }]
    addresses = { source = [[1, 1], [5, 0]] }
    """
    dialect = load(tmp_path, text).dialect["hex"]
    assert dialect.message_id == MessageId(response=IdForm(base="hex", case="upper"))
    assert dialect.receipt == ReceiptForm(date="12", zone="Europe/Paris", errors={"UNDELIV": "21b"}, tlvs=[])
    assert dialect.bind == BindForm(unknown_system_id="ESME_RBINDFAIL", max_binds=0x1388, sc_interface_version=0x33)
    assert dialect.vendor_tlvs == [VendorTlv(pdu="deliver_sm", tag=0x1403, value="00ff")]
    assert dialect.addresses.source == [[1, 1], [5, 0]]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("mesage_id = {}", 'dialect.x.mesage_id: unknown key (did you mean "message_id"?)'),
        (
            'message_id = { response = { base = "hx" } }',
            'dialect.x.message_id.response.base = "hx": expected "decimal", "hex" or "uuid" (did you mean "hex"?)',
        ),
        ("receipt = { date = 10 }", 'dialect.x.receipt.date = 10: expected "10", "12", "14" or "smpp"'),
        (
            'receipt = { zone = "Pariss" }',
            'dialect.x.receipt.zone = "Pariss": expected a time zone such as UTC, or "" for that of the server',
        ),
        ('receipt = { states = { FOO = "x" } }', "dialect.x.receipt.states.FOO: unknown key; expected"),
        (
            "response = { statuses = { ESME_RTHROTLED = 5 } }",
            (
                "dialect.x.response.statuses.ESME_RTHROTLED: unknown key; expected a command_status such as "
                'ESME_RTHROTTLED (did you mean "ESME_RTHROTTLED"?)'
            ),
        ),
        ('text = { default_alphabet = "gsm" }', 'dialect.x.text.default_alphabet = "gsm": expected "gsm7",'),
        ("addresses = { source = [[1]] }", "dialect.x.addresses.source[0] = [...]: expected"),
        ("vendor_tlvs = [{ tag = 1 }]", "dialect.x.vendor_tlvs[0].pdu: missing; expected the name of a command"),
    ],
)
def test_each_mistake_is_reported_once(tmp_path: Path, text: str, problem: str) -> None:
    (found,) = problems(tmp_path, f"[dialect.x]\n{text}")
    assert found.startswith(problem)
