"""Routes at work: who passes, who waits, who is refused, and what a reload does to what waits."""

from smppd.engine.dialect import PlainDialect
from smppd.engine.esmes import EsmeState
from smppd.engine.message import ENROUTE, Message
from smppd.engine.queues import PASSES, WAITS, RouteState, status_named
from smppd.settings import Queue, Route, Throughput
from tests.engine.world import UNDELIVERABLE, ScriptedNetwork, account, after, paced, sms, status

NETWORK = ScriptedNetwork()


def waiting(route: RouteState, *texts: bytes) -> list[Message]:
    """Messages in the queue of a route."""
    esme = EsmeState(account(), PlainDialect())
    made = [Message(b"%d" % n, sms(text=text), esme, None, route, 0.0, 0.0, 1e9) for n, text in enumerate(texts)]
    for message in made:
        route.queue[message] = None
    return made


def test_statuses_are_named() -> None:
    assert status_named("ESME_RTHROTTLED") == 0x58


def test_a_route_without_limit_lets_everything_pass() -> None:
    state = RouteState(Route(name="all"), NETWORK)
    assert {state.judge(sms(), 0.0) for _ in range(1000)} == {PASSES}


def test_a_route_over_its_limit_refuses_with_its_status() -> None:
    limited = Route(name="all", throughput=Throughput(limit=10, burst=2, over="ESME_RSUBMITFAIL"))
    state = RouteState(limited, NETWORK)
    refusal = status("ESME_RSUBMITFAIL")
    assert [state.judge(sms(), 0.0) for _ in range(3)] == [PASSES, PASSES, refusal]
    assert [state.judge(sms(), 0.1) for _ in range(2)] == [PASSES, refusal]


def test_a_pacing_route_has_its_messages_wait_until_the_queue_is_full() -> None:
    state = RouteState(paced("slow", 10, queue=2, over="ESME_RTHROTTLED"), NETWORK)
    assert state.judge(sms(), 0.0) == PASSES
    assert state.judge(sms(), 0.0) == WAITS
    waiting(state, b"a", b"b")
    assert state.judge(sms(), 0.0) == status("ESME_RTHROTTLED")


def test_nobody_overtakes_what_waits() -> None:
    """The window is open again, but whoever came first goes first."""
    state = RouteState(paced("slow", 10), NETWORK)
    waiting(state, b"a")
    assert state.judge(sms(), 100.0) == WAITS


def test_a_queue_of_no_places_refuses_at_once() -> None:
    state = RouteState(paced("slow", 10, queue=0), NETWORK)
    assert [state.judge(sms(), 0.0) for _ in range(2)] == [PASSES, status("ESME_RMSGQFUL")]


def test_the_queue_is_released_in_order_as_the_window_opens() -> None:
    state = RouteState(paced("slow", 10, burst=3), NETWORK)
    messages = waiting(state, *[b"x"] * 6)
    assert state.release(100, 0.0) == messages[:3]
    assert state.release(100, 0.0) == []
    assert state.release(1, 0.2) == messages[3:4]
    assert state.release(100, 0.2) == messages[4:5]
    assert list(state.queue) == messages[5:]


def test_parts_are_released_as_they_cost() -> None:
    state = RouteState(paced("slow", 10, burst=2, count="parts"), NETWORK)
    messages = waiting(state, b"x" * 161, b"y", b"z" * 161)
    assert state.release(100, 0.0) == messages[:1]
    assert state.next_release(0.0) == 0.1
    assert state.release(100, 0.1) == messages[1:2]
    assert state.next_release(0.1) > 0.2
    assert state.release(100, 0.2) == []
    assert state.release(100, state.next_release(0.2)) == messages[2:]


def test_without_a_limit_the_queue_empties_at_once() -> None:
    """A reload may have taken the limit away."""
    state = RouteState(paced("slow", 10), NETWORK)
    messages = waiting(state, b"a", b"b", b"c")
    state.configure(Route(name="slow"), NETWORK)
    assert state.next_release(5.0) == 5.0
    assert state.release(2, 5.0) == messages[:2]
    assert state.release(2, 5.0) == messages[2:]


def test_a_reload_changes_limits_and_keeps_what_waits() -> None:
    state = RouteState(paced("slow", 10), NETWORK)
    assert state.judge(sms(), 0.0) == PASSES
    messages = waiting(state, *[b"x"] * 5)
    network = ScriptedNetwork()
    state.configure(paced("slow", 100, burst=2, queue=6), network)
    assert state.network is network
    assert state.release(100, 0.0) == messages[:2]
    assert state.release(100, 0.02) == messages[2:4]
    state.configure(Route(name="slow", throughput=Throughput(limit=1), queue=Queue(limit=1)), network)
    assert state.judge(sms(), 100.0) == status("ESME_RTHROTTLED")
    assert list(state.queue) == messages[4:]


def test_a_reload_that_changes_nothing_gives_no_new_burst() -> None:
    state = RouteState(paced("slow", 10, burst=3), NETWORK)
    assert [state.judge(sms(), 0.0) for _ in range(4)] == [PASSES, PASSES, PASSES, WAITS]
    state.configure(paced("slow", 10, burst=3, queue=7), NETWORK)
    assert state.judge(sms(), 0.0) == WAITS
    assert state.queue_limit == 7


def test_a_route_knows_what_becomes_of_its_messages_at_once() -> None:
    fails = after(0.0, UNDELIVERABLE, 7)
    state = RouteState(Route(name="all"), ScriptedNetwork(then=fails, is_known=True))
    assert state.at_once == fails.outcome
    state.configure(Route(name="all", throughput=Throughput(limit=10)), ScriptedNetwork(then=fails, is_known=True))
    assert state.at_once is None, "not every message passes"
    for network in (
        ScriptedNetwork(then=fails),
        ScriptedNetwork(then=after(1.0), is_known=True),
        ScriptedNetwork(then=after(0.0, ENROUTE, 27), is_known=True),
    ):
        state.configure(Route(name="all"), network)
        assert state.at_once is None
