"""What can be done at the desk for messages."""

from __future__ import annotations

import msgspec
import pytest

from smppd.control.failures import ConflictError, InvalidError, NotFoundError, TooBusyError
from smppd.control.messages.desk import MAX_SEARCHES, OUTCOME_STATES, OutcomeName, outcome_of
from smppd.control.messages.search import Bulk, Count, read_search
from smppd.settings import Dialect
from tests.control.messages.scene import scene
from tests.transport.support import DELIVER, account, answer


def test_searches_are_read_like_json_or_handed_in() -> None:
    with scene() as it:
        ids = [it.submit(text=b"code %d" % number) for number in range(5)]
        assert it.search(contains="code", order="oldest") == ids
        assert it.search(when={"text": {"regex": "[34]$"}}) == [ids[4], ids[3]]
        page = it.live.run(it.desk.search(read_search({"limit": 2})))
        assert [each.message_id for each in page.items] == [ids[4], ids[3]]
        second = it.live.run(it.desk.search(limit=3, cursor=page.next))
        assert ([each.message_id for each in second.items], second.next) == ([ids[2], ids[1], ids[0]], None)
        with pytest.raises(InvalidError):
            it.live.run(it.desk.search(cursor=page.next, order="oldest"))
        with pytest.raises(InvalidError):
            it.live.run(it.desk.search(cursor="nonsense"))
        with pytest.raises(InvalidError):
            it.search(when={"bind_type": "receiver"})


def test_counting_ends_at_its_limit() -> None:
    with scene() as it:
        for _ in range(5):
            it.submit()
        exact = it.live.run(it.desk.count(Count()))
        assert (exact.count, exact.is_exact) == (5, True)
        exact = it.live.run(it.desk.count(Count(limit=5)))
        assert (exact.count, exact.is_exact) == (5, True)
        bounded = it.live.run(it.desk.count(Count(limit=3)))
        assert (bounded.count, bounded.is_exact) == (3, False)


def test_too_many_searches_at_once_are_refused() -> None:
    with scene() as it:
        it.desk._searches = MAX_SEARCHES
        with pytest.raises(TooBusyError):
            it.search()
        it.desk._searches = 0
        assert it.search() == []


def test_a_forced_outcome_is_reported_as_any_other() -> None:
    with scene() as it:
        message_id = it.submit(registered=1)
        shown = it.force(message_id, "UNDELIV", error=77)
        assert (shown.message_state, shown.error_code) == ("UNDELIVERABLE", 77)
        receipt = it.esme.frame()
        assert f"id:{message_id} ".encode() in receipt
        assert b"stat:UNDELIV err:077" in receipt
        it.esme.send(answer(DELIVER, 0, 1, b"\0"))
        it.until_settled(message_id)
        assert "forced" in it.events(message_id)
        with pytest.raises(ConflictError):
            it.force(message_id, "DELIVRD")
        with pytest.raises(ConflictError):
            it.live.call(lambda: it.desk.cancel(message_id))
        with pytest.raises(NotFoundError):
            it.force("nothing", "DELIVRD")
        with pytest.raises(NotFoundError):
            it.live.run(it.desk.get("\u4e2d"))
        with pytest.raises(NotFoundError):
            it.live.run(it.desk.get(message_id, destination_addr="999"))


@pytest.mark.parametrize("error", [-1, 1000, 70_000])
def test_an_error_that_no_receipt_can_report_is_refused(error: int) -> None:
    with pytest.raises(InvalidError) as caught:
        outcome_of("UNDELIV", error)
    assert [path for path, _ in caught.value.problems] == ["error"]
    assert outcome_of("UNDELIV", 999).error_code == 999


def test_outcomes_have_both_spellings_and_their_usual_errors() -> None:
    assert msgspec.inspect.type_info(OutcomeName).values == tuple(sorted(OUTCOME_STATES))  # type: ignore[attr-defined]
    assert outcome_of("UNDELIV", None) == outcome_of("UNDELIVERABLE", None) == (5, 1)
    assert outcome_of("delivered", 3) == (2, 3)
    for name in ("ENROUTE", "SCHEDULED", "x"):
        with pytest.raises(InvalidError):
            outcome_of(name, None)


def test_many_are_ended_at_once_up_to_a_limit() -> None:
    with scene() as it:
        ids = [it.submit(text=b"x") for _ in range(5)]
        it.submit(text=b"y")
        done = it.live.run(it.desk.cancel_all(Bulk(contains="x", limit=2)))
        assert (done.changed, done.more) == (2, True)
        assert it.search(message_state="DELETED", order="oldest") == ids[:2]
        done = it.live.run(it.desk.force_all(Bulk(contains="x"), "EXPIRED"))
        assert (done.changed, done.more) == (3, False)
        assert it.search(message_state="EXPIRED", order="oldest") == ids[2:]
        assert len(it.search(message_state="ENROUTE")) == 1


def test_a_whole_text_is_ended_with_all_its_parts() -> None:
    with scene() as it:
        ids = [it.submit(text=bytes((5, 0, 3, 9, 2, seq)) + b"half", esm_class=0x40) for seq in (1, 2)]
        done = it.live.run(it.desk.cancel_all(Bulk(contains="halfhalf", unit="whole")))
        assert done.changed == 2
        assert it.search(message_state="DELETED", order="oldest") == ids
        whole = it.get(ids[1]).whole
        assert whole is not None
        assert (whole.text, whole.is_complete, [part.message_id for part in whole.parts]) == ("halfhalf", True, ids)


def test_another_default_alphabet_is_another_text() -> None:
    with scene() as it:
        it.submit(text=b"\xe4\x5b")
        assert it.search(contains="\u00c4")  # octet 0x5b of GSM 03.38
        settings = it.live.server.settings
        dialect = msgspec.structs.replace(settings.dialect["default"], text=Dialect().text)
        latin = msgspec.convert(
            {**msgspec.to_builtins(dialect.text), "default_alphabet": "latin-1"}, type(dialect.text)
        )
        changed = msgspec.structs.replace(
            settings, dialect={"default": msgspec.structs.replace(dialect, text=latin)}, account=[account()]
        )
        it.live.call(lambda: it.live.server.configure(changed))
        assert it.search(contains="\u00e4[")
        assert not it.search(contains="\u00c4")
