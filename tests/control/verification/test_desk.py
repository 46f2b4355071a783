"""The desk as a test of somebody uses it, on a journal that is filled by hand."""

import asyncio
from typing import Any

import pytest

from smppd.control.failures import ConflictError, InvalidError, TooBusyError
from smppd.control.verification import desk as module
from smppwire.pdus import BindTransceiver, DataSm, DeliverSm, DeliverSmResp, EnquireLink, GenericNack, SubmitSm, Tlv
from tests.control.verification.world import World, part, run, submit, when


@pytest.fixture
def world() -> World:
    return World()


CODE = {"destination_addr": "336*", "text": {"regex": r"code is (?P<code>\d+)"}}


# -- find -----------------------------------------------------------------------------------------------------------


def test_what_meets_the_conditions_is_found_with_its_groups_and_its_response(world: World) -> None:
    world.exchange(submit("hello", sequence_number=1))
    world.exchange(submit("your code is 4711", sequence_number=2), b"77")
    found = run(world.desk.find(when(**CODE)))
    (match,) = found.items
    assert (match.pdu.number, match.pdu.text, match.text) == (2, "your code is 4711", "your code is 4711")
    assert match.groups == {"code": "4711"}
    assert match.captured == {"text": ["4711"]}
    assert match.pdu.response is not None
    assert (match.pdu.response.number, match.pdu.response.message_id) == (3, "77")
    assert (found.next, found.next_number, found.missed) == (None, 4, 0)


def test_numbered_groups_and_whole_matches_are_told_by_the_key_of_the_condition(world: World) -> None:
    world.put(submit("a 12 b", to="336001"))
    (match,) = run(world.desk.find(when(text={"regex": r"(\d)(\d)(x)?"}, destination_addr={"regex": "^336"}))).items
    assert match.captured == {"text": ["1", "2", ""], "destination_addr": ["336"]}
    assert match.groups == {}


def test_a_refusal_and_a_missing_answer_are_seen_in_the_response(world: World) -> None:
    world.exchange(submit(sequence_number=1), status=0x58)
    world.put(submit(sequence_number=2))
    refused, unanswered = run(world.desk.find(when())).items
    assert refused.pdu.response is not None
    assert refused.pdu.response.command_status == "ESME_RTHROTTLED"
    assert unanswered.pdu.response is None


def test_our_requests_are_paired_with_the_answers_of_the_esme(world: World) -> None:
    world.put(DeliverSm(5, destination_addr=b"bank", short_message=b"hi"), direction="out")
    world.put(DeliverSmResp(5, command_status=0x64))
    (match,) = run(world.desk.find(when(command="deliver_sm", direction="out"))).items
    assert match.pdu.response is not None
    assert match.pdu.response.command_status == "ESME_RX_T_APPN"


def test_pages_follow_one_another(world: World) -> None:
    for sequence_number in range(5):
        world.exchange(submit(sequence_number=sequence_number))
    numbers, cursor = [], ""
    while True:
        page = run(world.desk.find(when(), limit=2, cursor=cursor))
        numbers.append([match.pdu.number for match in page.items])
        if page.next is None:
            break
        cursor = page.next
    assert numbers == [[0, 2], [4, 6], [8]]
    with pytest.raises(InvalidError):
        run(world.desk.find(when(), cursor="nonsense"))


def test_pages_of_whole_messages_do_not_cut_one_in_two(world: World) -> None:
    for reference in (1, 2, 3):
        world.put(part("a", 1, 2, reference), part("b", 2, 2, reference))
    first = run(world.desk.find(when(), whole=True, limit=2))
    assert [match.parts for match in first.items] == [[0, 1], [2, 3]]
    assert first.next is not None
    rest = run(world.desk.find(when(), whole=True, limit=2, cursor=first.next))
    assert [match.parts for match in rest.items] == [[4, 5]]


def test_since_and_namespace_narrow_the_question(world: World) -> None:
    world.bind("2", "other")
    world.put(submit("one"), submit("two"))
    world.put(submit("three"), session="2")
    assert [match.text for match in run(world.desk.find(when(), since=1)).items] == ["two", "three"]
    assert [match.text for match in run(world.desk.find(when(), namespace="other")).items] == ["three"]
    assert run(world.desk.find(when(), since=99)).items == []


def test_commands_beside_messages_can_be_asked_for(world: World) -> None:
    world.put(BindTransceiver(1, system_id=b"other", password=b"secret"), EnquireLink(2))
    (bind,) = run(world.desk.find(when(command="bind_transceiver", system_id="other"))).items
    assert bind.pdu.fields["password"] == "********"
    assert bind.pdu.account == "other"
    assert len(run(world.desk.find(when(command="*"))).items) == 2


def test_what_the_ring_has_forgotten_is_told() -> None:
    world = World(pdus=3)
    world.put(*[submit(str(number)) for number in range(5)])
    found = run(world.desk.find(when()))
    assert [match.text for match in found.items] == ["2", "3", "4"]
    assert found.missed == 2
    assert run(world.desk.find(when(), since=2)).missed == 0


def test_a_journal_that_is_off_is_a_conflict() -> None:
    desk = World(pdus=0).desk
    for question in (desk.find, desk.count, desk.wait, desk.near_misses):
        with pytest.raises(ConflictError, match="journal"):
            run(question(when()))


# -- count ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "holds"),
    [
        ({}, True),
        ({"exactly": 2}, True),
        ({"exactly": 1}, False),
        ({"exactly": 3}, False),
        ({"at_least": 2}, True),
        ({"at_least": 3}, False),
        ({"at_most": 2}, True),
        ({"at_most": 1}, False),
        ({"at_least": 1, "at_most": 2}, True),
    ],
)
def test_counts_are_judged(world: World, expected: dict[str, int], holds: bool) -> None:
    world.put(submit(), submit(), submit(to="44"))
    counted = run(world.desk.count(when(destination_addr="336*"), **expected))
    assert (counted.count, counted.holds) == (2, holds)
    assert bool(counted.explanation) is not holds


def test_near_misses_are_told_where_there_are_too_few_and_not_where_there_are_too_many(world: World) -> None:
    world.put(submit(), submit(to="44"))
    assert run(world.desk.count(when(destination_addr="336*"), exactly=2)).nearest[0].pdu.number == 1
    assert run(world.desk.count(when(destination_addr="336*"), exactly=0)).nearest == []


# -- wait -----------------------------------------------------------------------------------------------------------


def test_what_was_recorded_before_answers_at_once(world: World) -> None:
    world.put(submit("code is 1"))
    waited = run(world.desk.wait(when(**CODE), within=60))
    assert (waited.holds, waited.count, waited.explanation) == (True, 1, "")
    assert waited.items[0].groups == {"code": "1"}
    assert waited.waited < 30


def test_since_leaves_out_what_was_before(world: World) -> None:
    world.put(submit("code is 1"))
    waited = run(world.desk.wait(when(**CODE), within=0, since=world.desk.next_number))
    assert (waited.holds, waited.count) == (False, 0)


def test_a_wait_ends_as_soon_as_there_is_enough(world: World) -> None:
    async def scene() -> Any:
        waiting = asyncio.create_task(world.desk.wait(when(**CODE), count=3, within=60))
        await settle()
        assert world.desk.waits == 1
        for number in range(3):
            assert not waiting.done()
            world.put(submit(f"code is {number}", sequence_number=number), submit("something else"))
            await settle()
        assert world.desk.waits == 0
        assert world.journal.tap is None
        return await waiting

    waited = run(scene())
    assert [match.groups["code"] for match in waited.items] == ["0", "1", "2"]
    assert waited.missed == 0


def test_at_the_deadline_there_is_a_reason(world: World) -> None:
    world.put(submit("code is 1"), submit("kode is 2"))
    waited = run(world.desk.wait(when(**CODE), count=2, within=0.01))
    assert (waited.holds, waited.count, waited.stopped) == (False, 1, False)
    assert waited.nearest[0].pdu.number == 1
    assert "expected at least 2 within 0.01 s, and there was 1:" in waited.explanation
    assert 'is "kode is 2", expected matching' in waited.explanation


def test_what_nobody_has_read_by_the_deadline_counts(world: World) -> None:
    """The reader gets no turn, as under load: at the deadline the wait looks for itself."""
    world.server.control.pdus.ask = lambda _work: None  # type: ignore[method-assign]

    async def scene() -> Any:
        waiting = asyncio.create_task(world.desk.wait(when(**CODE), count=2, within=0.02))
        await settle()
        world.put(submit("code is 5"))
        return await waiting

    waited = run(scene())
    assert (waited.holds, waited.count) == (False, 1)
    assert waited.items[0].groups == {"code": "5"}


def test_many_wait_at_a_time_and_none_disturbs_another(world: World) -> None:
    async def scene() -> Any:
        waits = [
            asyncio.create_task(world.desk.wait(when(destination_addr=f"33{place:02}"), within=60))
            for place in range(20)
        ]
        await settle()
        for place in reversed(range(20)):
            world.put(submit(to=f"33{place:02}"))
        return await asyncio.gather(*waits)

    for place, waited in enumerate(run(scene())):
        assert [match.pdu.destination_addr for match in waited.items] == [f"33{place:02}"]


def test_a_wait_that_begins_later_does_not_see_what_was_before_its_since(world: World) -> None:
    async def scene() -> Any:
        first = asyncio.create_task(world.desk.wait(when(), count=9, within=60))
        await settle()
        world.put(submit("a"))
        second = asyncio.create_task(world.desk.wait(when(), within=60, since=world.desk.next_number))
        world.put(submit("b"))
        await settle()
        first.cancel()
        return await second

    assert [match.text for match in run(scene()).items] == ["b"]


def test_a_number_in_the_future_is_waited_for(world: World) -> None:
    async def scene() -> Any:
        far = asyncio.create_task(world.desk.wait(when(), within=60, since=2))
        near = asyncio.create_task(world.desk.wait(when(), within=60))
        await settle()
        world.put(submit("a"))
        first = await near
        world.put(submit("b"), submit("c"))
        return first, await far

    first, second = run(scene())
    assert [match.text for match in (*first.items, *second.items)] == ["a", "c"]


def test_whoever_leaves_leaves_nothing_behind(world: World) -> None:
    async def scene() -> None:
        waiting = asyncio.create_task(world.desk.wait(when(), within=60))
        await settle()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    run(scene())
    assert (world.desk.waits, world.journal.tap) == (0, None)


def test_a_server_that_stops_lets_all_go(world: World) -> None:
    async def scene() -> Any:
        waiting = [asyncio.create_task(world.desk.wait(when(), within=60)) for _ in range(3)]
        await settle()
        await world.server.stop()
        late = await world.desk.wait(when(), within=60)
        return [*await asyncio.gather(*waiting), late]

    for waited in run(scene()):
        assert (waited.stopped, waited.holds, waited.explanation) == (True, False, "")


def test_there_is_an_end_to_how_many_may_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITS", 2)

    async def scene() -> None:
        waiting = [asyncio.create_task(world.desk.wait(when(), within=60)) for _ in range(2)]
        await settle()
        with pytest.raises(TooBusyError):
            await world.desk.wait(when(), within=60)
        world.put(submit())
        await asyncio.gather(*waiting)

    run(scene())


def test_frames_that_were_forgotten_before_anybody_looked_are_counted() -> None:
    world = World(pdus=4)

    async def scene() -> Any:
        waiting = asyncio.create_task(world.desk.wait(when(), count=20, within=0.05))
        await settle()
        world.put(*[submit(str(number)) for number in range(10)])
        return await waiting

    waited = run(scene())
    assert (waited.count, waited.missed) == (4, 6)
    assert "6 PDUs were forgotten" in waited.explanation


# -- whole messages -------------------------------------------------------------------------------------------------


def test_a_long_text_is_asked_as_a_whole(world: World) -> None:
    world.put(part("your co", 1, 3), part("is 4711, bye", 3, 3), part("de ", 2, 3))
    assert run(world.desk.count(when(**CODE))).count == 0
    (match,) = run(world.desk.find(when(**CODE), whole=True)).items
    assert match.text == "your code is 4711, bye"
    assert (match.groups, match.parts, match.pdu.number) == ({"code": "4711"}, [0, 2, 1], 2)


def test_a_wait_for_a_whole_message_ends_with_its_last_part(world: World) -> None:
    world.put(part("your code ", 1, 2))

    async def scene() -> Any:
        waiting = asyncio.create_task(world.desk.wait(when(**CODE), whole=True, within=60))
        await settle()
        world.put(part("is 12", 2, 2))
        return await waiting

    assert run(scene()).items[0].text == "your code is 12"


# -- order ----------------------------------------------------------------------------------------------------------

A, B, C = (when(text=letter) for letter in "abc")


@pytest.mark.parametrize(
    ("texts", "how", "holds"),
    [
        ("abc", "loose", True),
        ("axbyc", "loose", True),
        ("babcc", "loose", True),
        ("acb", "loose", False),
        ("ab", "loose", False),
        ("xaxbxcx", "strict", True),
        ("aabc", "strict", False),
        ("abca", "strict", False),
        ("acb", "strict", False),
        ("ab", "strict", False),
        ("xabcx", "adjacent", True),
        ("aabcb", "adjacent", True),
        ("abxc", "adjacent", False),
        ("ababc", "adjacent", True),
        ("", "adjacent", False),
    ],
)
def test_order(world: World, texts: str, how: Any, holds: bool) -> None:
    world.put(*map(submit, texts))
    ordered = run(world.desk.order([A, B, C], how=how))
    assert ordered.holds is holds, ordered
    assert [match is not None for match in ordered.items].count(True) == (
        3 if ordered.failed is None else ordered.failed
    )
    assert bool(ordered.reason) is bool(ordered.explanation) is not holds


def test_an_order_of_requests_and_responses(world: World) -> None:
    world.exchange(submit("a", sequence_number=3), b"5")
    response = when(command="submit_sm_resp", direction="out", message_id="5")
    ordered = run(world.desk.order([A, response], how="adjacent"))
    assert [match.pdu.number for match in ordered.items if match] == [0, 1]
    assert not run(world.desk.order([response, A])).holds


def test_the_scope_says_what_may_not_come_between(world: World) -> None:
    world.put(submit("a"), submit("x", to="44"), submit("b"))
    assert not run(world.desk.order([A, B], how="adjacent")).holds
    assert run(world.desk.order([A, B], how="adjacent", scope=when(destination_addr="336*"))).holds


def test_parts_do_not_stand_between_whole_messages(world: World) -> None:
    world.put(submit("a"), part("b", 1, 2), part("!", 2, 2))
    steps = [A, when(text="b!")]
    assert run(world.desk.order(steps, how="adjacent", whole=True)).holds
    world.put(submit("a"), part("x", 1, 2, 9), part("y", 2, 2, 9), part("b", 1, 2, 8), part("!", 2, 2, 8))
    assert not run(world.desk.order(steps, how="adjacent", whole=True, since=3)).holds


def test_an_order_says_why_it_does_not_hold(world: World) -> None:
    world.put(submit("b"), submit("a"))
    ordered = run(world.desk.order([A, B]))
    assert ordered.reason == "no PDU meets step 2 after #1; #0 did before"
    assert "step 2: submit_sm or data_sm from the ESME" in ordered.explanation


@pytest.mark.parametrize("steps", [0, 21])
def test_an_order_has_one_to_twenty_steps(world: World, steps: int) -> None:
    with pytest.raises(InvalidError):
        run(world.desk.order([when()] * steps))


# -- nothing else ---------------------------------------------------------------------------------------------------


def test_nothing_else(world: World) -> None:
    world.put(submit("a"), submit("b"), EnquireLink(3))
    assert run(world.desk.nothing_else([A, B], scope=when())).holds
    other = run(world.desk.nothing_else([A], scope=when()))
    assert (other.holds, other.count, [pdu.number for pdu in other.others]) == (False, 1, [1])
    assert "but for:" in other.explanation
    assert run(world.desk.nothing_else([A], scope=when(command="*"), namespace="other")).holds
    assert run(world.desk.nothing_else([], scope=when(command="submit_multi"))).holds
    assert run(world.desk.nothing_else([], scope=when())).count == 2


def test_a_message_that_lacks_parts_is_something_else(world: World) -> None:
    world.put(part("a", 1, 2), part("b", 2, 2), part("a", 1, 2, 8))
    nothing = run(world.desk.nothing_else([when(text={"prefix": "a"})], scope=when(), whole=True))
    assert (nothing.count, [pdu.number for pdu in nothing.others]) == (1, [2])


# -- near misses ----------------------------------------------------------------------------------------------------


def test_near_misses_say_what_stood_in_the_way(world: World) -> None:
    world.put(
        submit("your code is 12", to="44"),
        DataSm(destination_addr=b"33612345678", tlvs=(Tlv(0x0424, b"hello"),)),
        submit("your code is 13"),
        GenericNack(9),
    )
    near = run(world.desk.near_misses(when(**CODE)))
    by_number = {miss.pdu.number: miss for miss in near.items}
    assert by_number.keys() == {0, 1}
    conditions = {one.field: (one.holds, one.expected, one.found) for one in by_number[0].conditions}
    assert conditions["destination_addr"] == (False, 'like "336*"', '"44"')
    assert conditions["text"][0] is True
    assert near.examined == 3


def test_only_the_message_of_another_command_is_told_as_such(world: World) -> None:
    world.put(DataSm(destination_addr=b"33612345678", tlvs=(Tlv(0x0424, b"code is 5"),)), EnquireLink(4))
    (miss,) = run(world.desk.near_misses(when(command="submit_sm", **CODE))).items
    assert [one.field for one in miss.conditions if not one.holds] == ["command"]
    assert isinstance(miss.pdu.fields, dict)


async def settle() -> None:
    """Let the loop run until everything that is due now has been done."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_submit_of_another_account_is_no_near_miss(world: World) -> None:
    world.bind("2", "other")
    world.put(submit("x"), session="2")
    assert run(world.desk.near_misses(when(text="y"), namespace="smppclient1")).items == []
    assert isinstance(world.record(0).pdu, SubmitSm)
