"""Messages as they are shown."""

from __future__ import annotations

from smppd.control.messages.views import Shower
from tests.engine.world import IN_AN_HOUR, slow_world, sms


def test_every_field_has_the_name_and_the_value_of_the_specification() -> None:
    world = slow_world()
    pdu = sms(text="Gr\u00fc\u00dfe".encode("utf-16-be"), data_coding=8, service_type=b"CMT", priority_flag=2)
    message = world.message(world.submit(world.bind(), pdu)[0])
    view = Shower(world.clock).show(message)
    assert view.text == "Gr\u00fc\u00dfe"
    for name in (
        "esm_class",
        "priority_flag",
        "registered_delivery",
        "data_coding",
        "dest_addr_ton",
        "source_addr_ton",
    ):
        assert getattr(view, name) == getattr(pdu, name)
    assert (view.service_type, view.source_addr, view.destination_addr) == ("CMT", "ACME", "33612345678")
    assert bytes.fromhex(view.short_message) == pdu.short_message
    assert (view.message_state, view.account, view.route, view.command) == ("ENROUTE", "alice", "all", "submit_sm")
    assert view.accepted_time == "2026-07-20T12:00:00.000000Z"
    assert view.next_time == "2026-07-20T12:01:00.000000Z"
    assert (view.final_time, view.receipt, view.parts, view.part) == (None, "NONE", None, None)
    world.advance(60.0)
    view = Shower(world.clock).show(message)
    assert (view.message_state, view.final_time) == ("DELIVERED", "2026-07-20T12:01:00.000000Z")
    assert (view.expires_time, view.next_time, view.receipt, view.receipt_attempts) == (None, None, "SENT", 1)


def test_a_scheduled_message_says_when_it_starts_and_ends() -> None:
    world = slow_world()
    phone = world.bind()
    message = world.message(world.submit(phone, sms(schedule_delivery_time=IN_AN_HOUR))[0])
    view = Shower(world.clock).show(message)
    assert (view.message_state, view.next_time) == ("SCHEDULED", "2026-07-20T13:00:00.000000Z")
    assert str(view.expires_time) > str(view.next_time)
    message.expires_at = 1e300
    assert Shower(world.clock).show(message).expires_time is None


def test_moments_are_the_same_whenever_they_are_asked_for_until_the_calendar_is_set_anew() -> None:
    class Clock:
        """Real clocks: time passes between two looks at them, and never by the same step twice."""

        def __init__(self) -> None:
            self.looks = 0
            self.calendar = 1_784_548_800.0

        def now(self) -> float:
            self.looks += 1
            return 5000.0 + self.looks * 1.3e-6 + self.looks % 3 * 1e-7

        def wall(self) -> float:
            return self.calendar + self.now()

    clock = Clock()
    shower = Shower(clock)
    assert len({shower.moment(6000.0) for _ in range(50)}) == 1
    before = shower.moment(6000.0)
    clock.calendar += 1.0
    assert shower.moment(6000.0) != before


def test_a_whole_text_has_its_parts() -> None:
    world = slow_world()
    phone = world.bind()
    ids = [
        world.submit(phone, sms(text=bytes((5, 0, 3, 9, 2, seq)) + text, esm_class=0x40))[0]
        for seq, text in ((1, b"one "), (2, b"two"))
    ]
    first = world.message(ids[0])
    view = Shower(world.clock).show(first, whole=True)
    assert view.text == "one two"
    assert [(each.message_id, each.part) for each in view.parts or ()] == [(ids[0].decode(), 1), (ids[1].decode(), 2)]
    alone = Shower(world.clock).show(first)
    assert alone.text == "one "
    assert alone.part is not None
    assert (alone.part.part, alone.part.parts, alone.part.reference, alone.part.by) == (1, 2, 9, "udh")
