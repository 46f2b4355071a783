from hypothesis import given
from hypothesis import strategies as st

from smppd.control.verification.answers import STEP, Answers, find_answers
from smppwire.pdus import DeliverSm, EnquireLink, GenericNack, Pdu, SubmitSmResp
from tests.control.verification.world import World, run, submit


def paired(world: World, *requests: int) -> dict[int, int]:
    """By the number of each request, that of its response."""
    records = [world.record(number) for number in requests] if requests else world.records()
    answers = run(find_answers(world.journal, records, world.server.control.pdus.pace()))
    return {request: number for request, (number, _) in answers.found.items()}


def respond(world: World, pdu: Pdu, session: str = "1") -> int:
    return world.put(pdu, session=session, direction="out")


def test_responses_have_the_sequence_number_and_the_other_direction() -> None:
    world = World()
    world.put(submit(sequence_number=1), submit(sequence_number=2))
    respond(world, SubmitSmResp(2))
    respond(world, SubmitSmResp(1))
    respond(world, SubmitSmResp(3))
    assert paired(world) == {0: 3, 1: 2}


def test_a_generic_nack_answers_anything_and_another_response_nothing() -> None:
    world = World()
    world.put(submit(sequence_number=1), EnquireLink(2))
    respond(world, GenericNack(1))
    respond(world, SubmitSmResp(2))
    assert paired(world) == {0: 2}


def test_what_the_same_side_says_on_any_session_is_no_answer() -> None:
    world = World()
    world.put(submit(sequence_number=1), SubmitSmResp(1))
    respond(world, SubmitSmResp(1), session="2")
    assert paired(world) == {}


def test_a_sequence_number_that_is_used_again() -> None:
    world = World()
    world.exchange(submit(sequence_number=1))
    world.exchange(submit(sequence_number=1))
    assert paired(world) == {0: 1, 2: 3}
    world.put(submit(sequence_number=5), submit(sequence_number=5))
    respond(world, SubmitSmResp(5))
    respond(world, SubmitSmResp(5))
    assert paired(world) == {0: 1, 2: 3, 4: 6, 5: 7}


def test_both_directions_at_a_time() -> None:
    world = World()
    respond(world, DeliverSm(1))
    world.put(EnquireLink(1))
    world.put(GenericNack(1))
    assert paired(world) == {0: 2}


def test_it_is_complete_when_nothing_is_open() -> None:
    world, answers = World(), Answers()
    assert answers.is_complete
    answers.ask(world.record(respond(world, SubmitSmResp(1))))
    answers.ask(world.record(world.put(b"\0")))
    assert answers.is_complete
    answers.ask(world.record(world.put(submit(sequence_number=1))))
    assert not answers.is_complete
    number = respond(world, SubmitSmResp(1))
    answers.offer(number, world.record(number).entry)
    assert answers.is_complete


@given(
    st.lists(st.tuples(st.integers(1, 2 * STEP), st.integers(1, 2 * STEP), st.booleans()), min_size=1, max_size=5),
    st.integers(0, 5),
)
def test_near_and_far_responses_are_found(distances: list[tuple[int, int, bool]], first: int) -> None:
    world, expected = World(), dict[int, int]()
    for sequence_number, (before, after, answered) in enumerate(distances):
        world.put(*[EnquireLink(9_999)] * before)
        request = world.put(submit(sequence_number=sequence_number))
        world.put(*[EnquireLink(9_999)] * after)
        if answered:
            expected[request] = respond(world, SubmitSmResp(sequence_number))
    requests = [record.number for record in world.records() if record.command_id == 4][first:]
    if requests:
        assert paired(world, *requests) == {key: value for key, value in expected.items() if key in requests}


def test_what_the_ring_has_forgotten_is_not_found() -> None:
    world = World(pdus=2)
    number = world.put(submit(sequence_number=1))
    record = world.record(number)
    respond(world, SubmitSmResp(1))
    respond(world, SubmitSmResp(2))
    answers = run(find_answers(world.journal, [record], world.server.control.pdus.pace()))
    assert [answer for answer, _ in answers.found.values()] == [1]
    respond(world, SubmitSmResp(3))
    answers = run(find_answers(world.journal, [record], world.server.control.pdus.pace()))
    assert answers.found == {}
    assert run(find_answers(world.journal, [], world.server.control.pdus.pace())).is_complete
