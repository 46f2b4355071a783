"""Messages from subscribers that somebody has made: how they are written for a bind, and what becomes of them."""

from __future__ import annotations

from typing import Any

import pytest

from smppd.engine.mobile_originated import LONGEST_TEXT, MobileOriginated
from smppd.engine.retry import FIRST_DELAY
from smppd.settings import Messages
from smppwire.constants import TlvTag
from smppwire.errors import EncodeError
from smppwire.pdus import DeliverSm, Tlv
from tests.engine.world import ALICE, Phone, World, status

SHORT_CODE = b"12345"


def mo(world: World, *, validity: float = 60.0, **fields: Any) -> MobileOriginated:
    """A message that waits for its ESME."""
    fields.setdefault("short_message", b"Hello")
    pdu = DeliverSm(source_addr=b"447700900123", destination_addr=SHORT_CODE, **fields)
    now = world.clock.now()
    item = MobileOriginated(pdu, world.engine.esmes[ALICE], now, now + validity)
    world.engine.ledger.live += 1
    world.engine.outbox.add(item)
    return item


def bound(world: World, **options: Any) -> Phone:
    phone = world.bind(**options)
    world.settle()
    return phone


def test_it_waits_for_a_bind_and_is_acknowledged() -> None:
    world = World()
    item = mo(world)
    assert (item.is_on_way, item.ended, item.status, item.session) == (False, None, None, "")
    phone = bound(world)
    assert (item.is_on_way, item.ended, item.session, item.attempts) == (True, None, phone.bind.bind_id, 1)
    assert [pdu.short_message for pdu in phone.received] == [b"Hello"]
    phone.answer()
    assert (item.is_on_way, item.ended, item.status) == (False, "acknowledged", 0)
    assert world.engine.ledger.live == 0


def test_a_refusal_for_good() -> None:
    world = World()
    phone, item = world.bind(), mo(world)
    world.settle()
    phone.answer(status("ESME_RX_R_APPN"))
    assert (item.ended, item.status) == ("refused", status("ESME_RX_R_APPN"))


def test_a_refusal_for_now_is_followed_by_another_attempt() -> None:
    world = World()
    phone, item = world.bind(), mo(world)
    world.settle()
    phone.answer(status("ESME_RX_T_APPN"))
    assert (item.is_on_way, item.ended, item.status) == (False, None, status("ESME_RX_T_APPN"))
    world.advance(FIRST_DELAY)
    assert (item.is_on_way, item.attempts) == (True, 2)


def test_no_answer_and_a_lost_session() -> None:
    world = World()
    phone, item = world.bind(), mo(world)
    world.settle()
    phone.keep_silent()
    assert not item.is_on_way
    world.advance(FIRST_DELAY)
    assert item.is_on_way
    phone.hang_up()
    assert (item.is_on_way, item.ended) == (False, None)


def test_nobody_comes_in_time() -> None:
    world = World()
    item = mo(world, validity=5.0)
    world.advance(10.0)
    assert item.ended == "expired"
    item = mo(world, validity=5.0)
    world.clock.time += 6.0
    bound(world)
    assert item.ended == "expired"
    assert world.engine.ledger.live == 0


def test_the_bind_for_its_address_gets_it() -> None:
    world = World()
    other, wanted = world.bind(address_range="^99"), world.bind(address_range="^123")
    mo(world)
    world.settle()
    assert (len(other.bodies), len(wanted.bodies)) == (0, 1)


def test_what_the_address_has_no_use_for_is_dropped() -> None:
    world = World()
    phone = world.bind(window=1)
    items = [mo(world), mo(world)]
    world.settle()
    phone.answer(status("ESME_RX_P_APPN"))
    assert [item.ended for item in items] == ["refused", "dropped"]


@pytest.mark.parametrize(("version", "tlvs"), [(0x34, True), (0x33, False)])
def test_esmes_below_34_get_no_tlvs(version: int, tlvs: bool) -> None:
    world = World()
    phone = world.bind(version=version)
    mo(world, tlvs=(Tlv(TlvTag.SOURCE_PORT, b"\0\x07"),))
    world.settle()
    (pdu,) = phone.received
    assert (pdu.short_message, bool(pdu.tlvs)) == (b"Hello", tlvs)


def test_a_payload_becomes_a_short_message_below_34_if_it_fits() -> None:
    world = World()
    phone = world.bind(version=0x33)
    short, long = (
        mo(world, short_message=b"", tlvs=(Tlv(TlvTag.MESSAGE_PAYLOAD, b"x" * octets),))
        for octets in (LONGEST_TEXT, LONGEST_TEXT + 1)
    )
    world.settle()
    assert [pdu.short_message for pdu in phone.received] == [b"x" * LONGEST_TEXT]
    assert (short.is_on_way, long.ended) == (True, "dropped")


def test_values_that_fit_no_field() -> None:
    world = World(messages=Messages())
    with pytest.raises(EncodeError):
        mo(world, short_message=b"x" * 300)
