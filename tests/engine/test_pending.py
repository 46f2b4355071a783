"""Finding the messages that are not final by where they go."""

from smppd.engine.dialect import PlainDialect
from smppd.engine.esmes import EsmeState
from smppd.engine.message import DELIVERED, Message
from smppd.engine.pending import PendingIndex
from smppd.engine.queues import RouteState
from tests.engine.world import ScriptedNetwork, account, route, sms

ALICE, BOB = EsmeState(account("alice"), PlainDialect()), EsmeState(account("bob"), PlainDialect())
ROUTE = RouteState(route("all"), ScriptedNetwork())


def message(esme: EsmeState, destination: bytes) -> Message:
    return Message(b"1", sms(destination), esme, None, ROUTE, 0.0, 0.0, 1e9)


def test_messages_are_found_by_account_and_destination_oldest_first() -> None:
    first, second, elsewhere, foreign = (
        message(ALICE, b"33"),
        message(ALICE, b"33"),
        message(ALICE, b"44"),
        message(BOB, b"33"),
    )
    index = PendingIndex([first, elsewhere])
    index.add(second)
    index.add(foreign)
    assert index.towards(ALICE, b"33") == [first, second]
    assert index.towards(ALICE, b"44") == [elsewhere]
    assert index.towards(BOB, b"33") == [foreign]
    assert index.towards(BOB, b"44") == []


def test_what_is_final_is_not_found_and_leaves_nothing_behind() -> None:
    final, pending = message(ALICE, b"33"), message(ALICE, b"33")
    final.state = DELIVERED
    index = PendingIndex([final, pending])
    assert index.towards(ALICE, b"33") == [pending]
    index.discard(pending)
    index.discard(pending)
    assert index.towards(ALICE, b"33") == []
    assert index._messages == {}
