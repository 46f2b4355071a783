"""Time that passes when told: what is sent does not depend on how, and a day takes no time."""

from __future__ import annotations

import asyncio
import struct
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Self

import pytest

from smppd.engine.clock import LATEST_WALL
from smppd.settings import Clock, Delay, Messages, Network, Queue, Route, Settings, Throughput
from smppd.transport.timelapse import PATIENCE
from tests.transport.support import (
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    CANCEL,
    DELIVER,
    QUERY,
    SUBMIT,
    Live,
    Raw,
    account,
    answer,
    c,
    delivered,
    field,
    live_settings,
    request,
    submit_body,
)

START = "2026-01-01T12:00:00Z"
START_WALL = 1_767_268_800.0
DAY, HOUR = 86_400.0, 3600.0
RX_T_APPN = 0x64


def virtual(**tables: Any) -> Settings:
    return live_settings(clock=Clock(mode="virtual", start=START), **tables)


def network(value: float) -> dict[str, Network]:
    return {"default": Network(delay=Delay(distribution="fixed", value=value))}


class Reader(threading.Thread):
    """An ESME that acknowledges whatever is delivered, and keeps all it was sent."""

    def __init__(self, client: Raw, status: int = 0) -> None:
        super().__init__(daemon=True)
        self.client = client
        self.status = status
        self.octets = bytearray()
        self.texts: list[bytes] = []

    def run(self) -> None:
        try:
            while True:
                frame = self.client.frame()
                self.octets += frame
                if frame[4:8] == struct.pack(">I", DELIVER):
                    sequence, _, text, _ = delivered(frame)
                    self.texts.append(text)
                    self.client.send(answer(DELIVER, self.status, sequence, b"\0" if not self.status else b""))
        except (EOFError, OSError):
            pass

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.client.socket.shutdown(2)
        self.join(10)


def submit(client: Raw, count: int = 1, **fields: Any) -> list[bytes]:
    """Submit and take the responses; returns the message_ids."""
    client.send(*(request(SUBMIT, 2 + number, submit_body(registered=1, **fields)) for number in range(count)))
    return [field(frame, SUBMIT) for frame in client.frames(count)]


def state_of(client: Raw, message_id: bytes) -> int:
    client.send(request(QUERY, 900, c(message_id) + b"\x05\x00" + c("smppd")))
    frame = client.frame()
    assert frame[8:12] == b"\0\0\0\0", frame.hex()
    return frame[-2]


def dates(text: bytes) -> tuple[str, str]:
    """The submit date and the done date of a receipt."""
    words = text.decode().split()
    return words[4].removeprefix("date:"), words[6].removeprefix("date:")


def test_time_stands_still_by_itself() -> None:
    with Live(virtual(network=network(1.0))) as live, live.client() as client:
        client.bind()
        (message_id,) = submit(client)
        assert live.call(live.server.clock.now) == 0.0
        assert live.call(live.server.clock.wall) == START_WALL
        assert live.server._ticker is not None
        assert state_of(client, message_id) == 1
        live.call(live.server._wake)
        client.lives()


def test_what_is_due_at_once_needs_no_time() -> None:
    with Live(virtual(network=network(0.0))) as live, live.client() as client:
        client.bind()
        (message_id,) = submit(client)
        assert delivered(client.frame())[2].startswith(b"id:" + message_id)


def test_a_day_of_validity_ends_at_once() -> None:
    with Live(virtual(network=network(2 * DAY))) as live, live.client() as client:
        client.bind()
        (message_id,) = submit(client)
        begin = time.monotonic()
        lapse = live.run(live.server.advance(DAY - 1))
        assert (lapse.seconds, lapse.wall, lapse.owing) == (DAY - 1, START_WALL + DAY - 1, 0)
        assert state_of(client, message_id) == 1
        lapse = live.run(live.server.advance(1))
        assert time.monotonic() - begin < 1.0
        assert lapse.steps == 1
        assert lapse.wall == START_WALL + DAY
        _, _, text, _ = delivered(client.frame())
        assert text.startswith(b"id:" + message_id)
        assert b"stat:EXPIRED" in text
        assert dates(text) == ("2601011200", "2601021200")


def test_a_receipt_nobody_fetches_expires_without_a_look_every_second() -> None:
    with Live(virtual(network=network(HOUR))) as live, live.client() as client:
        client.bind(BIND_TX)
        submit(client, 3)
        esme = live.server.engine.esmes["smppclient1"]
        lapse = live.run(live.server.advance(DAY))
        assert (esme.waiting, lapse.steps) == (3, 1)
        lapse = live.run(live.server.advance(HOUR + 1))
        assert esme.waiting == 0
        assert lapse.steps == 1


def test_a_message_scheduled_for_a_date_starts_then() -> None:
    with Live(virtual(network=network(60.0))) as live, live.client() as client:
        client.bind()
        (message_id,) = submit(client, schedule=b"260105080000000+")
        live.run(live.server.advance(3 * DAY))
        engine = live.server.engine
        assert engine.messages[message_id].state == 0
        live.run(live.server.advance(20 * HOUR))
        assert engine.messages[message_id].state == 1
        live.run(live.server.advance(60.0))
        assert dates(delivered(client.frame())[2]) == ("2601011200", "2601050801")


PACED = [Route(name="paced", throughput=Throughput(limit=10, over="queue"), queue=Queue(limit=5000))]


def paced(
    steps: Sequence[float],
    *,
    window: int,
    count: int = 1000,
    status: int = 0,
    beyond: dict[str, Network] | None = None,
) -> tuple[bytes, list[bytes]]:
    """Submit messages to a queue of ten a second, and let these amounts of time pass; what a receiver was sent."""
    settings = virtual(route=PACED, network=beyond or network(30.0), account=[account(deliver_window=window)])
    with Live(settings) as live, live.client() as transmitter, live.client() as receiver:
        transmitter.bind(BIND_TX)
        receiver.bind(BIND_RX)
        with Reader(receiver, status) as reader:
            submit(transmitter, count)
            for step in steps:
                live.run(live.server.advance(step))
        return bytes(reader.octets), reader.texts


def test_the_same_octets_in_one_step_and_in_many() -> None:
    at_once, texts = paced([200.0], window=100)
    assert len(texts) == 1000
    in_steps, _ = paced([7.3] * 20 + [0.0, 0.05] * 10 + [55.0], window=100)
    assert in_steps == at_once
    # Ten a second from 12:00:00 on, each with its outcome 30 seconds later: half a minute's worth by 12:01.
    assert sum(dates(text)[1] == "2601011200" for text in texts) == 300
    assert sum(dates(text)[1] == "2601011201" for text in texts) == 600


def test_chance_does_not_depend_on_the_steps() -> None:
    dice = {"default": Network(delay=Delay(min=0.0, max=500.0), outcome={"DELIVRD": 70, "UNDELIV": 20, "EXPIRED": 10})}
    at_once, texts = paced([600.0], window=10, count=500, beyond=dice)
    assert len(texts) == 500
    assert {text.split(b"stat:")[1][:7] for text in texts} == {b"DELIVRD", b"UNDELIV", b"EXPIRED"}
    in_steps, _ = paced([3.7] * 150 + [45.0], window=10, count=500, beyond=dice)
    assert in_steps == at_once


def test_a_window_of_one_holds_nothing_back_while_the_esme_answers() -> None:
    octets, texts = paced([3600.0], window=1, count=50)
    assert len(texts) == 50
    assert octets == paced([3600.0], window=0, count=50)[0]


def test_what_the_esme_refuses_for_now_comes_again_in_its_time() -> None:
    once, texts = paced([40.0], window=100, count=5, status=RX_T_APPN)
    assert len(texts) == 20  # after 30 seconds, and 1, 3 and 7 seconds after that
    assert paced([1.0] * 40, window=100, count=5, status=RX_T_APPN)[0] == once


def test_an_esme_that_never_answers_does_not_stop_time() -> None:
    with Live(virtual(route=PACED, network=network(0.0))) as live, live.client() as client:
        client.bind()
        submit(client, 60)
        begin = time.monotonic()
        lapse = live.run(live.server.advance(DAY))
        assert time.monotonic() - begin < 4 * PATIENCE + 1.0
        assert lapse.owing == 1
        assert live.server.engine.in_flight == 0
        client.frames(60)


def test_steps_take_turns() -> None:
    async def two(live: Live) -> list[float]:
        lapses = await asyncio.gather(live.server.advance(HOUR), live.server.advance(2 * HOUR))
        return [lapse.wall - START_WALL for lapse in lapses]

    with Live(virtual()) as live:
        assert live.run(two(live)) == [HOUR, 3 * HOUR]


@pytest.mark.parametrize("seconds", [-1.0, float("inf"), float("nan"), LATEST_WALL])
def test_time_goes_forward_and_not_beyond_the_calendar(seconds: float) -> None:
    with Live(virtual()) as live:
        with pytest.raises(ValueError, match="2037"):
            live.run(live.server.advance(seconds))
        assert live.run(live.server.advance(0.0)).wall == START_WALL


def test_a_mistake_in_a_step_is_told_and_time_can_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(live: Live) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(live.server.engine, "run", lambda: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                await live.server.advance(HOUR)

    with Live(virtual(network=network(5.0))) as live, live.client() as client:
        client.bind()
        (message_id,) = submit(client)
        live.run(broken(live))
        live.run(live.server.advance(HOUR))
        assert delivered(client.frame())[2].startswith(b"id:" + message_id)


def test_what_is_cancelled_meanwhile_is_not_waited_for() -> None:
    with Live(virtual(network=network(HOUR), messages=Messages())) as live, live.client() as client:
        client.bind(BIND_TRX)
        (message_id,) = submit(client)
        client.send(request(CANCEL, 5, c("") + c(message_id) + b"\x05\0" + c("smppd") + b"\0\0" + c("")))
        assert sorted(frame[4:8] for frame in client.frames(2)) == [b"\0\0\0\x05", b"\x80\0\0\x08"]
        assert live.run(live.server.advance(2 * HOUR)).steps == 0


# A clock that runs.


async def turns_until(condition: Callable[[], bool]) -> None:
    """Give the loop turns until this is so."""
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never is")


def test_a_clock_that_runs_fast_brings_things_soon() -> None:
    """A minute of the clock, and the client would wait ten seconds at most."""
    with Live(virtual(network=network(60.0))) as live, live.client() as client:
        client.bind()
        (message_id,) = submit(client)
        before = live.server.clock.now()

        def run() -> None:
            live.server.clock.set_speed(1000.0)  # type: ignore[attr-defined]
            lapse().set_running(True)
            live.server._wake()

        def lapse() -> Any:
            return live.server._lapse

        live.call(run)
        assert delivered(client.frame())[2].startswith(b"id:" + message_id)
        assert live.server.clock.now() - before >= 60.0


def test_what_runs_stands_still_during_a_leap_and_goes_on() -> None:
    with Live(live_settings(network=network(HOUR))) as live, live.client() as client:
        client.bind()
        (message_id,) = submit(client)
        lapse = live.server._lapse
        assert lapse is not None
        assert lapse.is_running
        assert live.run(live.server.advance(HOUR)).steps == 1
        assert lapse.is_running
        assert delivered(client.frame())[2].startswith(b"id:" + message_id)


def test_to_freeze_during_a_leap_is_to_stand_still_afterwards() -> None:
    with (
        Live(live_settings(network=network(HOUR), account=[account(deliver_window=1)])) as live,
        live.client() as client,
    ):
        client.bind()
        submit(client, 2)
        lapse = live.server._lapse
        assert lapse is not None

        async def act() -> tuple[bool, bool, bool]:
            advance = asyncio.ensure_future(live.server.advance(HOUR))
            await turns_until(lambda: lapse._leaping)
            leaping = lapse.is_running, live.server.clock.is_running  # type: ignore[attr-defined]
            lapse.set_running(False)
            await advance
            return (*leaping, lapse.is_running)

        assert live.run(act()) == (True, False, False)


def test_who_is_cancelled_leaves_the_clock_running() -> None:
    with (
        Live(live_settings(network=network(HOUR), account=[account(deliver_window=1)])) as live,
        live.client() as client,
    ):
        client.bind()
        submit(client, 2)
        lapse = live.server._lapse
        assert lapse is not None

        async def act() -> float:
            before = live.server.clock.now()
            advance = asyncio.ensure_future(live.server.advance(DAY))
            await turns_until(lambda: live.server.clock.now() > before + HOUR - 1)
            advance.cancel()
            await asyncio.gather(advance, return_exceptions=True)
            return live.server.clock.now() - before

        assert HOUR - 1 < live.run(act()) < DAY
        assert lapse.is_running
        assert live.run(live.server.advance(1.0)).seconds == 1.0


def test_until_a_moment() -> None:
    with Live(virtual(network=network(HOUR))) as live:
        assert live.run(live.server.advance_to(START_WALL + DAY)).seconds == DAY
        with pytest.raises(ValueError, match="86400 seconds in the past"):
            live.run(live.server.advance_to(START_WALL))
        with pytest.raises(ValueError, match="ends with 2037"):
            live.run(live.server.advance_to(LATEST_WALL + 1.0))


def test_a_clock_that_runs_reaches_the_end_of_the_calendar_too() -> None:
    with Live(virtual()) as live:
        live.call(lambda: live.server.control.clock.resume())
        live.run(live.server.advance_to(LATEST_WALL))
        assert live.server.clock.wall() == LATEST_WALL
