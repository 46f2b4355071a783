"""`smppd serve --rules magic-numbers` does what docs/magic-numbers.md says: every number, over a real socket."""

import struct
from collections import Counter
from collections.abc import Callable

import pytest

from smppd.settings import load_settings
from smppwire.constants import CommandStatus
from tests.behaviour.test_magic_numbers import documented
from tests.transport.support import (
    ENQUIRE_LINK,
    NACK,
    RESP,
    SUBMIT,
    UNBIND,
    Live,
    Raw,
    answer,
    c,
    delivered,
    field,
    request,
    submit_body,
)

SETTINGS = load_settings(
    None, {}, ["server.smpp=127.0.0.1:0", "server.http=", "server.rules=magic-numbers", "clock.mode=virtual"]
)
OK = 0


def head(frame: bytes) -> tuple[int, int, int]:
    """(command_id, command_status, sequence_number)."""
    found: tuple[int, int, int] = struct.unpack_from(">III", frame, 4)
    return found


def submit(client: Raw, number: str, count: int = 1, *, receipt: bool = True, text: bytes = b"Hello") -> None:
    body = submit_body(to=(1, 1, number.encode() + b"77"), registered=int(receipt), text=text)
    client.send(*(request(SUBMIT, 2 + place, body) for place in range(count)))


def statuses(client: Raw, number: str, count: int) -> list[int]:
    submit(client, number, count, receipt=False)
    return [head(frame)[1] for frame in client.frames(count)]


def refused(status: str | int) -> Callable[[Live, Raw, str], None]:
    code = status if isinstance(status, int) else int(CommandStatus[status])

    def act(_live: Live, client: Raw, number: str) -> None:
        submit(client, number)
        client.expect(answer(SUBMIT, code, 2))
        client.lives()

    return act


def nacked(_live: Live, client: Raw, number: str) -> None:
    submit(client, number)
    client.expect(struct.pack(">IIII", 16, NACK, CommandStatus.ESME_RTHROTTLED, 2))


def every_second(_live: Live, client: Raw, number: str) -> None:
    assert statuses(client, number, 6) == [0, 0x58] * 3


def one_in_ten(status: int) -> Callable[[Live, Raw, str], None]:
    def act(live: Live, client: Raw, number: str) -> None:
        counted: Counter[int] = Counter()
        for _ in range(15):
            counted.update(statuses(client, number, 20))
            live.run(live.server.advance(10))  # the window of the account
            client.lives()
        assert counted.keys() == {0, status}
        assert 10 < counted[status] < 60

    return act


def ends(stat: str, err: str = "000", *, after: float = 1.0) -> Callable[[Live, Raw, str], None]:
    def act(live: Live, client: Raw, number: str) -> None:
        submit(client, number)
        message_id = field(client.frame(), SUBMIT)
        if after:
            live.run(live.server.advance(after - 0.1))
            client.lives()
            live.run(live.server.advance(0.1))
        _, _, text, _ = delivered(client.frame())
        assert text.startswith(b"id:" + message_id)
        assert f"stat:{stat} err:{err}".encode() in text

    return act


def delivered_sometime(live: Live, client: Raw, number: str) -> None:
    submit(client, number, 5)
    client.frames(5)
    live.run(live.server.advance(60))
    assert all(b"stat:DELIVRD" in delivered(frame)[2] for frame in client.frames(5))


def answered_after(seconds: float) -> Callable[[Live, Raw, str], None]:
    def act(live: Live, client: Raw, number: str) -> None:
        submit(client, number, receipt=False)
        client.lives()
        live.run(live.server.advance(seconds - 0.1))
        client.lives()
        live.run(live.server.advance(0.1))
        assert head(client.frame()) == (SUBMIT | RESP, OK, 2)

    return act


def answered_sometime(live: Live, client: Raw, number: str) -> None:
    submit(client, number, 10, receipt=False)
    live.run(live.server.advance(5))
    answers = [head(frame) for frame in client.frames(10)]
    assert sorted(answers) == [(SUBMIT | RESP, OK, sequence) for sequence in range(2, 12)]


def not_answered(live: Live, client: Raw, number: str) -> None:
    submit(client, number)
    client.lives()
    live.run(live.server.advance(60))
    assert b"stat:DELIVRD" in delivered(client.frame())[2]


def answered_twice(_live: Live, client: Raw, number: str) -> None:
    submit(client, number)
    first, second = client.frames(2)
    assert first == second
    assert head(first) == (SUBMIT | RESP, OK, 2)


def wrong_sequence(_live: Live, client: Raw, number: str) -> None:
    submit(client, number)
    assert head(client.frame()) == (SUBMIT | RESP, OK, 3)


def unbound(_live: Live, client: Raw, number: str) -> None:
    submit(client, number)
    assert head(client.frame())[:2] == (SUBMIT | RESP, OK)
    command_id, _, sequence = head(client.frame())
    assert command_id == UNBIND
    client.send(answer(UNBIND, 0, sequence))
    client.ended()


def closed(_live: Live, client: Raw, number: str) -> None:
    submit(client, number)
    assert head(client.frame())[:2] == (SUBMIT | RESP, OK)
    assert client.socket.recv(1) == b""


def reset(_live: Live, client: Raw, number: str) -> None:
    submit(client, number)
    assert head(client.frame())[:2] == (SUBMIT | RESP, OK)
    with pytest.raises(ConnectionResetError):
        client.socket.recv(1)


def closed_unanswered(_live: Live, client: Raw, number: str) -> None:
    submit(client, number)
    assert client.socket.recv(1) == b""


def reset_unanswered(_live: Live, client: Raw, number: str) -> None:
    submit(client, number)
    with pytest.raises(ConnectionResetError):
        client.socket.recv(1)


def silent(live: Live, client: Raw, number: str) -> None:
    submit(client, number)
    live.until(lambda: live.server.rules.fired() == {"silent": 1})
    client.send(request(ENQUIRE_LINK, 9))
    live.run(live.server.advance(100))
    with live.client() as other:
        other.bind()
        other.lives()
    client.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        client.socket.recv(1)
    client.socket.setblocking(True)
    client.socket.close()
    live.until(lambda: not live.context.connections)


def replies(text: bytes, *, after: float = 1.0, ask: bytes = b"Hello") -> Callable[[Live, Raw, str], None]:
    def act(live: Live, client: Raw, number: str) -> None:
        submit(client, number, text=ask)
        message_id = field(client.frame(), SUBMIT)
        live.run(live.server.advance(after))
        bodies = {delivered(frame)[1:3]: frame for frame in client.frames(2)}
        ((receipt, _), (reply, frame)) = sorted(((key, frame) for key, frame in bodies.items()), reverse=True)
        assert receipt[0] == 4
        assert receipt[1].startswith(b"id:" + message_id)
        assert b"stat:DELIVRD" in receipt[1]
        assert reply == (0, text)
        assert frame[16:].startswith(b"\0\1\1" + c(number.encode() + b"77") + b"\5\0" + c("smppd"))

    return act


WHAT: dict[str, Callable[[Live, Raw, str], None]] = {
    "throttled": refused("ESME_RTHROTTLED"),
    "queue-full": refused("ESME_RMSGQFUL"),
    "invalid-destination": refused("ESME_RINVDSTADR"),
    "invalid-source": refused("ESME_RINVSRCADR"),
    "system-error": refused("ESME_RSYSERR"),
    "submit-failed": refused("ESME_RSUBMITFAIL"),
    "invalid-length": refused("ESME_RINVMSGLEN"),
    "invalid-bind-status": refused("ESME_RINVBNDSTS"),
    "temporary-app-error": refused("ESME_RX_T_APPN"),
    "permanent-app-error": refused("ESME_RX_P_APPN"),
    "vendor-status": refused(0x42E),
    "nacked": nacked,
    "throttled-every-second": every_second,
    "throttled-one-in-ten": one_in_ten(0x58),
    "queue-full-one-in-ten": one_in_ten(0x14),
    "delivered": ends("DELIVRD"),
    "undeliverable": ends("UNDELIV", "001"),
    "expired": ends("EXPIRED", "027"),
    "rejected": ends("REJECTD", "013"),
    "unknown": ends("UNKNOWN"),
    "deleted": ends("DELETED"),
    "accepted-only": ends("ACCEPTD"),
    "delivered-at-once": ends("DELIVRD", after=0),
    "delivered-after-10-s": ends("DELIVRD", after=10),
    "delivered-after-60-s": ends("DELIVRD", after=60),
    "delivered-sometime": delivered_sometime,
    "answered-after-1-s": answered_after(1),
    "answered-after-5-s": answered_after(5),
    "answered-after-30-s": answered_after(30),
    "answered-sometime": answered_sometime,
    "no-answer": not_answered,
    "answered-twice": answered_twice,
    "wrong-sequence": wrong_sequence,
    "unbind": unbound,
    "close": closed,
    "reset": reset,
    "close-unanswered": closed_unanswered,
    "reset-unanswered": reset_unanswered,
    "silent": silent,
    "replies-yes": replies(b"Yes"),
    "replies-echo": replies(b"What?", ask=b"What?"),
    "replies-stop": replies(b"STOP"),
    "replies-late": replies(b"Yes", after=10),
}


def test_every_number_is_tried() -> None:
    assert {name for name, _ in documented().values()} == WHAT.keys()


@pytest.mark.parametrize("number", documented(), ids=lambda number: documented()[number][0])
def test_what_the_number_does(number: str) -> None:
    name, _ = documented()[number]
    with Live(SETTINGS) as live, live.client() as client:
        client.bind()
        WHAT[name](live, client, number)
        assert live.server.rules.fired().keys() == {name}
