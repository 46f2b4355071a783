"""The default dialect: nothing special in any way."""

from datetime import timedelta, timezone

import pytest

from smppd.engine.dialect import PlainDialect
from smppwire.constants import CommandId
from smppwire.validation import ValidationPolicy
from tests.engine.test_receipts import final
from tests.engine.world import deliver_sm, sms


@pytest.mark.parametrize(
    ("named", "key"),
    [(b"1000000000", b"1000000000"), (b"3b9aca00", b"3B9ACA00"), (b"3B9ACA00", b"3B9ACA00")],
)
def test_ids_are_digits_and_letter_case_does_not_matter(named: bytes, key: bytes) -> None:
    assert PlainDialect().keys(named) == [key]


@pytest.mark.parametrize("named", [b"", b"10000000000", b"x", b"1-2"])
def test_anything_else_was_never_an_id(named: bytes) -> None:
    assert PlainDialect().keys(named) == []


def test_receipts_are_deliver_sm_in_the_zone_of_the_server() -> None:
    plain = PlainDialect(timezone(timedelta(hours=2)))
    assert plain.command_id == CommandId.DELIVER_SM
    body = plain.receipts.receipt_body(final(sms()), tlvs=True)
    assert b"submit date:2607201400" in deliver_sm(body).short_message


def test_nothing_else_is_special() -> None:
    plain = PlainDialect()
    assert plain.responses is None
    assert (plain.reports_always, plain.accepts_first) == (False, False)
    assert plain.speller(below_34=True) is plain.speller(below_34=False) is None
    assert plain.added_tlvs(CommandId.DELIVER_SM) == b""
    assert plain.bind_status("max_binds", 5) == 5
    assert plain.sc_interface_version(0x34) == 0x34
    policy = ValidationPolicy()
    assert plain.policy(policy) is policy
