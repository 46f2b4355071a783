from smppd.control.verification.answers import Answers
from smppwire.pdus import DeliverSm, EnquireLink, GenericNack, Pdu, SubmitSmResp
from tests.control.verification.world import World, submit


def paired(world: World) -> dict[int, int]:
    """By the number of each request, that of its response."""
    answers = Answers()
    for record in world.records():
        answers.ask(record)
    for number, entry in world.journal.read(0, 99).frames:
        answers.offer(number, entry)
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
