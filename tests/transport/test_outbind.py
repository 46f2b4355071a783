"""Calling on ESMEs: when, how often, and what becomes of the connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Self

import pytest

from smppd import app
from smppd.settings import Account, Timers, faults
from smppd.transport.outbind import FIRST_PAUSE, LONGEST_PAUSE, OutbindError, Outbinds, _Call
from tests.transport.support import (
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    OUTBIND,
    PATIENCE,
    SUBMIT,
    Live,
    Raw,
    account,
    answer,
    bind_body,
    bind_resp,
    c,
    delivered,
    field,
    live_settings,
    request,
    submit_body,
)

GREETING = request(OUTBIND, 1, c("smppd") + c("ours"))


class Called(Raw):
    """The ESME's end of a connection that it was called on."""

    def __init__(self, listener: socket.socket) -> None:
        self.socket, _ = listener.accept()
        self.socket.settimeout(PATIENCE)
        self._buffer = bytearray()


class Listener:
    """An ESME that waits to be called on."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(PATIENCE)

    @property
    def address(self) -> str:
        host, port = self.socket.getsockname()
        return f"{host}:{port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def accept(self) -> Called:
        return Called(self.socket)

    def is_left_alone(self, live: Live) -> bool:
        """Whether nobody calls, however often the server looks."""
        for _ in range(3):
            live.call(live.server._outbinds.look)
        self.socket.settimeout(0.05)
        try:
            self.accept()
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(PATIENCE)
        return False


@pytest.fixture(autouse=True)
def _looks_when_told(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "by_itself" not in request.node.name:
        monkeypatch.setattr(app, "HOUSEKEEPING", 3600.0)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as waiting:
        yield waiting


def called_on(listener: Listener, **fields: object) -> Account:
    return account(outbind=listener.address, outbind_password="ours", **fields)


def owe_a_receipt(live: Live, count: int = 1) -> bytes:
    """Have receipts wait for an account without a receiver; returns the last message_id."""
    with live.client() as client:
        client.bind(BIND_TX)
        client.send(*(request(SUBMIT, 2, submit_body(registered=1)) for _ in range(count)))
        message_id = b""
        for frame in client.frames(count):
            message_id = field(frame, SUBMIT)
        esme = live.server.engine.esmes["smppclient1"]
        live.until(lambda: esme.waits_for_receiver)
        return message_id


def hurry(live: Live) -> None:
    """Look now, and have no pause between two calls."""

    def look() -> None:
        for call in live.server._outbinds._calls.values():
            call.not_before = 0.0
        live.server._outbinds.look()

    live.call(look)


def calls(live: Live) -> dict[str, _Call]:
    return live.server._outbinds._calls


def test_faults_lie_on_connections_that_we_open_as_well(listener: Listener) -> None:
    fault = faults.Duplicate(name="d", command="outbind")
    with Live(live_settings(account=[called_on(listener)], fault=[fault])) as live:
        owe_a_receipt(live)
        hurry(live)
        with listener.accept() as esme:
            esme.expect(GREETING, GREETING)
            esme.ask(request(BIND_RX, 7, bind_body()), bind_resp(BIND_RX, 7))
            assert delivered(esme.frame())


@pytest.mark.parametrize("kind", [BIND_RX, BIND_TRX])
def test_what_waits_flows_on_the_connection_that_the_esme_was_called_on(listener: Listener, kind: int) -> None:
    with Live(live_settings(account=[called_on(listener)])) as live:
        message_id = owe_a_receipt(live)
        hurry(live)
        with listener.accept() as esme:
            esme.expect(GREETING)
            esme.ask(request(kind, 7, bind_body()), bind_resp(kind, 7))
            sequence, _, text, _ = delivered(esme.frame())
            assert text.startswith(b"id:" + message_id)
            assert sequence == 2  # the outbind was our first request
            assert live.call(live.server.session_counts) == {
                ("smppclient1", {BIND_RX: "receiver", BIND_TRX: "transceiver"}[kind]): 1
            }
            live.call(live.server._outbinds.look)
            assert calls(live) == {}
            esme.lives()
        assert live.server.counters.pdus_out[OUTBIND] == 1
        assert live.events("outbind", system_id="smppclient1", address=listener.address)
        assert "ours" not in live.log_text


def test_housekeeping_calls_by_itself(listener: Listener) -> None:
    with Live(live_settings(account=[called_on(listener)])) as live:
        owe_a_receipt(live)
        with listener.accept() as esme:
            esme.expect(GREETING)


def test_nobody_is_called_for_nothing(listener: Listener) -> None:
    with Live(live_settings(account=[called_on(listener)])) as live:
        assert listener.is_left_alone(live)
        with live.client() as client:
            client.bind(BIND_RX)
            with live.client() as transmitter:
                transmitter.bind(BIND_TX)
                transmitter.send(request(SUBMIT, 2, submit_body(registered=1)))
                delivered(client.frame())
            assert listener.is_left_alone(live)


def test_nobody_is_called_for_an_account_that_may_not_bind(listener: Listener) -> None:
    with Live(live_settings(account=[called_on(listener)])) as live:
        owe_a_receipt(live)
        for gone in ([called_on(listener, enabled=False)], [account()], [account("other")]):
            live.call(lambda gone=gone: live.server.reload(live_settings(account=gone)))  # type: ignore[misc]
            hurry(live)
            assert calls(live) == {}
        assert listener.is_left_alone(live)


def test_one_attempt_at_a_time(listener: Listener) -> None:
    with Live(live_settings(account=[called_on(listener)])) as live:
        owe_a_receipt(live)
        hurry(live)
        with listener.accept() as esme:
            esme.expect(GREETING)
            hurry(live)
            assert listener.is_left_alone(live)


def test_an_esme_that_hangs_up_is_called_again_after_a_pause(listener: Listener) -> None:
    with Live(live_settings(account=[called_on(listener)])) as live:
        owe_a_receipt(live)
        hurry(live)
        for times in range(3):
            assert calls(live)["smppclient1"].pause == FIRST_PAUSE * 2 ** (times + 1)
            with listener.accept() as esme:
                esme.expect(GREETING)
            live.until(lambda: not live.context.connections)
            calls(live)["smppclient1"].not_before = float("inf")
            assert listener.is_left_alone(live)
            hurry(live)
        with listener.accept():
            assert live.errors("outbind_failed") == 3
            assert live.events("protocol error", kind="outbind_failed", system_id="smppclient1")


def test_the_pause_has_an_end(listener: Listener) -> None:
    with Live(live_settings(account=[called_on(listener)])) as live:
        owe_a_receipt(live)
        call = calls(live).setdefault("smppclient1", _Call(pause=LONGEST_PAUSE - 1))
        hurry(live)
        listener.accept().socket.close()
        assert call.pause == LONGEST_PAUSE
        live.until(lambda: not live.context.connections)


def test_nobody_there() -> None:
    with Listener() as listener:
        settings = live_settings(account=[called_on(listener)])
    with Live(settings) as live:
        owe_a_receipt(live)
        hurry(live)
        live.until(lambda: live.errors("outbind_failed") == 1)
        (line,) = live.events("protocol error", kind="outbind_failed")
        assert line["reason"]
        assert line["address"] == settings.account[0].outbind
        hurry(live)
        live.until(lambda: live.errors("outbind_failed") == 2)


def test_a_bind_that_is_refused_ends_the_connection(listener: Listener) -> None:
    with Live(live_settings(account=[called_on(listener)])) as live:
        owe_a_receipt(live)
        hurry(live)
        with listener.accept() as esme:
            esme.expect(GREETING)
            esme.ask(request(BIND_RX, 1, bind_body(password="wrong")), answer(BIND_RX, 0x0E))
            esme.ended()


def test_a_transmitter_is_no_use(listener: Listener) -> None:
    with Live(live_settings(account=[called_on(listener)])) as live:
        owe_a_receipt(live)
        hurry(live)
        with listener.accept() as esme:
            esme.expect(GREETING)
            esme.ask(request(BIND_TX, 1, bind_body()), bind_resp(BIND_TX))
            hurry(live)
            with listener.accept() as again:
                again.expect(GREETING)
                assert live.errors("outbind_failed") == 1
            esme.lives()


def test_session_init_ends_a_connection_on_which_nobody_binds(listener: Listener) -> None:
    timers = Timers(session_init=0.05, enquire_link=0, inactivity=0, response=0)
    with Live(live_settings(account=[called_on(listener)], timers=timers)) as live:
        owe_a_receipt(live)
        hurry(live)
        with listener.accept() as esme:
            esme.expect(GREETING)
            esme.ended()
        assert live.errors("close_session_init") == 1


def test_shutdown_ends_what_was_called(listener: Listener) -> None:
    with Live(live_settings(account=[called_on(listener)])) as live:
        owe_a_receipt(live)
        hurry(live)
        esme = listener.accept()
        esme.expect(GREETING)
    with esme:
        esme.ended()


def test_shutdown_gives_up_what_is_about_to_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    started = threading.Event()

    async def never(*_: object) -> None:
        started.set()
        await live.loop.create_future()

    settings = live_settings(account=[account(outbind="127.0.0.1:1")])
    with Live(settings) as live:
        owe_a_receipt(live)
        monkeypatch.setattr(live.loop, "create_connection", never)
        hurry(live)
        assert started.wait(PATIENCE)
        assert calls(live)["smppclient1"].task is not None
    assert calls(live) == {}


def test_a_mistake_of_ours_concerns_one_account(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = live_settings(account=[account("broken", outbind="127.0.0.1:1"), called_on(listener)])
    real = Outbinds._look_at

    def look_at(self: Outbinds, esme: object, found: Account) -> None:
        if found.system_id == "broken":
            raise RuntimeError("a mistake of ours")
        real(self, esme, found)  # type: ignore[arg-type]

    with Live(settings, internal_errors=1) as live:
        owe_a_receipt(live)
        monkeypatch.setattr(Outbinds, "_look_at", look_at)
        hurry(live)
        monkeypatch.setattr(Outbinds, "_look_at", real)
        with listener.accept() as esme:
            esme.expect(GREETING)


# On demand.


def outbound(listener: Listener) -> Account:
    return account(outbind=listener.address, outbind_password="ours")


def test_somebody_may_be_called_whether_anything_waits_or_not() -> None:
    with Listener() as listener, Live(live_settings(account=[outbound(listener)])) as live:
        (settings,) = live.server.settings.account
        session = live.run(live.server._outbinds.call_now(settings))
        with listener.accept() as called:
            called.expect(GREETING)
            with pytest.raises(OutbindError, match="under way"):
                live.run(live.server._outbinds.call_now(settings))
            called.ask(request(BIND_RX, 1, bind_body()), bind_resp(BIND_RX))
            assert live.call(lambda: live.context.roster.find(session).bind.system_id) == "smppclient1"


def test_somebody_who_is_called_and_not_there() -> None:
    with Listener() as listener:
        settings = outbound(listener)
    with Live(live_settings(account=[settings])) as live:
        with pytest.raises(OutbindError, match="nobody takes an outbind"):
            live.run(live.server._outbinds.call_now(settings))
        assert live.errors("outbind_failed") == 1


def test_nobody_is_called_by_a_server_that_stops() -> None:
    with Listener() as listener, Live(live_settings(account=[outbound(listener)])) as live:
        live.context.draining = True
        with pytest.raises(OutbindError, match="stopping"):
            live.run(live.server._outbinds.call_now(outbound(listener)))
        live.context.draining = False
