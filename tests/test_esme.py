"""The ESME client: against octets on a fake transport, and against our own server."""

from __future__ import annotations

import asyncio
import io
import socket
from typing import Any

import pytest

from smppd.app import SmscServer
from smppd.esme import CLOSE_TIMEOUT, RESPONSE_TIMEOUT, Esme, EsmeError, expect
from smppwire.constants import CommandStatus
from smppwire.errors import StateError
from smppwire.pdus import (
    BindReceiver,
    BindTransceiver,
    BindTransceiverResp,
    BindTransmitter,
    DataSm,
    DeliverSm,
    GenericNack,
    Pdu,
    QuerySm,
    SubmitSm,
    SubmitSmResp,
)
from tests.transport.support import (
    BIND_TRX,
    DATA,
    DELIVER,
    ENQUIRE_LINK,
    NACK,
    SUBMIT,
    UNBIND,
    FakeTransport,
    answer,
    bind_body,
    bind_resp,
    c,
    elapse,
    live_settings,
    pdu,
    request,
    submit_body,
    virtually,
)

BIND = BindTransceiver(system_id=b"smppclient1", password=b"password", interface_version=0x34)


def made(on_deliver: Any = None) -> tuple[Esme, FakeTransport]:
    """A client on a fake transport."""
    esme, transport = Esme(on_deliver), FakeTransport()
    transport.protocol = esme
    esme.connection_made(transport)
    return esme, transport


async def bound(on_deliver: Any = None) -> tuple[Esme, FakeTransport]:
    """The same, bound."""
    esme, transport = made(on_deliver)
    binding = asyncio.ensure_future(esme.bind(BIND))
    await asyncio.sleep(0)
    assert transport.taken() == [request(BIND_TRX, 1, bind_body())]
    esme.data_received(bind_resp())
    assert isinstance(await binding, BindTransceiverResp)
    assert esme.is_bound
    return esme, transport


async def asked(esme: Esme, transport: FakeTransport) -> asyncio.Future[Pdu]:
    """A submit_sm on its way."""
    waiting = asyncio.ensure_future(esme.request(SubmitSm(destination_addr=b"447700900123")))
    await asyncio.sleep(0)
    transport.taken()
    return waiting


# Requests and their answers.


@virtually
async def test_responses_find_their_requests_in_any_order() -> None:
    esme, transport = await bound()
    first, second = await asked(esme, transport), await asked(esme, transport)
    esme.data_received(answer(SUBMIT, 0, 3, c("second")) + answer(SUBMIT, 0, 2, c("first")))
    assert expect(await first, SubmitSmResp).message_id == b"first"
    assert expect(await second, SubmitSmResp).message_id == b"second"
    transport.close()
    await esme.wait_closed()


@virtually
async def test_any_status_is_an_answer_and_a_generic_nack_is_too() -> None:
    esme, transport = await bound()
    first, second = await asked(esme, transport), await asked(esme, transport)
    esme.data_received(answer(SUBMIT, 0x58, 2) + pdu(NACK, 0x03, 3))
    response, nack = await first, await second
    assert isinstance(response, SubmitSmResp)
    assert response.command_status == CommandStatus.ESME_RTHROTTLED
    assert isinstance(nack, GenericNack)
    with pytest.raises(EsmeError, match="refuses the submit_sm with submit_sm_resp ESME_RTHROTTLED"):
        expect(response, SubmitSmResp)
    with pytest.raises(EsmeError, match="refuses the submit_sm with generic_nack ESME_RINVCMDID"):
        expect(nack, SubmitSmResp)
    transport.close()


@virtually
async def test_a_response_that_does_not_come() -> None:
    esme, transport = await bound()
    waiting = await asked(esme, transport)
    await elapse(RESPONSE_TIMEOUT - 0.1)
    assert not waiting.done()
    with pytest.raises(EsmeError, match="no response within 10 seconds"):
        await waiting
    esme.data_received(answer(SUBMIT, 0, 2, c("late")))
    assert esme.is_bound, "a late response does no harm"
    transport.close()


@virtually
async def test_a_request_nobody_waits_for_any_more() -> None:
    esme, transport = await bound()
    waiting = await asked(esme, transport)
    waiting.cancel()
    esme.data_received(answer(SUBMIT, 0, 2, c("1")))
    again = await asked(esme, transport)
    esme.data_received(answer(SUBMIT, 0, 3, c("2")))
    assert expect(await again, SubmitSmResp).message_id == b"2"
    transport.close()


@virtually
async def test_a_connection_that_ends_fails_what_waits() -> None:
    esme, transport = await bound()
    waiting = await asked(esme, transport)
    esme.connection_lost(ConnectionResetError("reset by peer"))
    with pytest.raises(EsmeError, match="ended before the response: reset by peer"):
        await waiting
    assert not esme.is_bound
    with pytest.raises(EsmeError, match="closed"):
        await esme.request(SubmitSm())
    await esme.close()
    await esme.wait_closed()


@virtually
async def test_what_the_session_does_not_allow_is_not_sent() -> None:
    esme, transport = made()
    with pytest.raises(StateError):
        await esme.request(SubmitSm())
    assert transport.taken() == []
    transport.close()


# Binding.


@virtually
@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (answer(BIND_TRX, 0x0E, 1), "ESME_RINVPASWD"),
        (answer(BIND_TRX, 0x0D, 1, b"\0"), "ESME_RBINDFAIL"),
        (pdu(NACK, 0x03, 1), "ESME_RINVCMDID"),
        (pdu(NACK, 0, 1), "ESME_ROK"),
    ],
)
async def test_a_refused_bind(octets: bytes, status: str) -> None:
    esme, transport = made()
    binding = asyncio.ensure_future(esme.bind(BIND))
    await asyncio.sleep(0)
    esme.data_received(octets)
    with pytest.raises(EsmeError, match=f"refuses the bind: {status}"):
        await binding
    assert not esme.is_bound
    transport.close()


@virtually
async def test_a_bind_that_is_not_answered() -> None:
    esme, transport = made()
    with pytest.raises(EsmeError, match="no response"):
        await esme.bind(BIND)
    transport.close()


# What the SMSC sends.


@virtually
async def test_what_is_delivered_is_handed_over_and_acknowledged() -> None:
    got: list[DeliverSm | DataSm] = []

    def take(item: DeliverSm | DataSm) -> int | None:
        got.append(item)
        return None if len(got) < 3 else 0x64

    esme, transport = await bound(take)
    data = c("") + bytes(2) + c("1") + bytes(2) + c("2") + bytes(3)
    esme.data_received(request(DELIVER, 7, submit_body()) + request(DATA, 0x80000008, data))
    assert transport.taken() == [answer(DELIVER, 0, 7, b"\0"), answer(DATA, 0, 0x80000008, b"\0")]
    esme.data_received(request(DELIVER, 9, submit_body()))
    assert transport.taken() == [answer(DELIVER, 0x64, 9)]
    assert [type(item) for item in got] == [DeliverSm, DataSm, DeliverSm]
    transport.close()


@virtually
async def test_without_a_callback_deliveries_are_acknowledged() -> None:
    esme, transport = await bound()
    esme.data_received(request(DELIVER, 7, submit_body()))
    assert transport.taken() == [answer(DELIVER, 0, 7, b"\0")]
    transport.close()


@virtually
async def test_a_callback_that_fails_is_told_and_the_smsc_tries_again() -> None:
    failures: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: failures.append(what))
    error = RuntimeError("theirs")

    def take(_item: DeliverSm | DataSm) -> int:
        raise error

    esme, transport = await bound(take)
    esme.data_received(request(DELIVER, 7, submit_body()) + request(ENQUIRE_LINK, 8))
    assert transport.taken() == [answer(DELIVER, 0x64, 7), answer(ENQUIRE_LINK, 0, 8)], "ESME_RX_T_APPN"
    assert [what["exception"] for what in failures] == [error]
    transport.close()


@virtually
async def test_enquire_link_is_answered_in_every_state() -> None:
    esme, transport = made()
    esme.data_received(request(ENQUIRE_LINK, 0xFFFFFFFF))
    assert transport.taken() == [answer(ENQUIRE_LINK, 0, 0xFFFFFFFF)]
    transport.close()


@virtually
async def test_an_smsc_that_unbinds_is_answered_and_left() -> None:
    esme, transport = await bound()
    waiting = await asked(esme, transport)
    esme.data_received(request(UNBIND, 5))
    assert transport.taken() == [answer(UNBIND, 0, 5)]
    with pytest.raises(EsmeError, match="ended"):
        await waiting
    await esme.wait_closed()
    assert transport.is_closing()


@virtually
async def test_what_cannot_be_understood() -> None:
    esme, transport = await bound()
    esme.data_received(request(0x999, 5) + request(SUBMIT, 6, submit_body()))
    assert transport.taken() == [pdu(NACK, 0x03, 5), answer(SUBMIT, 0x04, 6)]
    esme.data_received(bytes(16))
    assert transport.taken() == [pdu(NACK, 0x02, 0)]
    await esme.wait_closed()


# Time.


@virtually
async def test_silence_is_asked_about_and_left() -> None:
    esme, transport = await bound()
    await elapse(30.5)
    assert transport.taken() == [request(ENQUIRE_LINK, 2)]
    esme.data_received(answer(ENQUIRE_LINK, 0, 2))
    await elapse(30.5)
    assert transport.taken() == [request(ENQUIRE_LINK, 3)]
    waiting = await asked(esme, transport)
    await elapse(60)
    assert transport.is_closing()
    with pytest.raises(EsmeError):
        await waiting
    assert not esme.is_bound


@virtually
async def test_what_is_delivered_with_the_answer_to_our_unbind_is_handed_over() -> None:
    delivered: list[Any] = []
    esme, transport = await bound(delivered.append)
    closing = asyncio.ensure_future(esme.close())
    await asyncio.sleep(0)
    transport.taken()
    esme.data_received(request(DELIVER, 1, submit_body()) + request(ENQUIRE_LINK, 2) + answer(UNBIND, 0, 2))
    await closing
    assert len(delivered) == 1
    assert transport.taken() == [answer(ENQUIRE_LINK, 0, 2)], "for a deliver_sm_resp it is too late"


@virtually
async def test_close_unbinds_first() -> None:
    esme, transport = await bound()
    closing = asyncio.ensure_future(esme.close())
    await asyncio.sleep(0)
    assert transport.taken() == [request(UNBIND, 2)]
    esme.data_received(answer(UNBIND, 0, 2))
    await closing
    assert transport.is_closing()


@virtually
async def test_close_does_not_need_an_answer() -> None:
    esme, transport = await bound()
    started = asyncio.get_running_loop().time()
    await esme.close()
    assert transport.is_closing()
    assert asyncio.get_running_loop().time() - started < RESPONSE_TIMEOUT + 1


@virtually
async def test_an_smsc_that_does_not_read_does_not_keep_us() -> None:
    class Stuck(FakeTransport):
        """Never gets rid of what was written."""

        def close(self) -> None:
            self.closed_at = 0.0

        def abort(self) -> None:
            self.aborted = True
            asyncio.get_running_loop().call_soon(esme.connection_lost, None)

    esme, transport = Esme(), Stuck()
    esme.connection_made(transport)
    started = asyncio.get_running_loop().time()
    await esme.close()
    assert transport.aborted
    assert asyncio.get_running_loop().time() - started == CLOSE_TIMEOUT


# Over a socket.


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        with pytest.raises(EsmeError, match=r"no SMSC listens on 127\.0\.0\.1:\d+: "):
            asyncio.run(Esme.connect("127.0.0.1", taken.getsockname()[1]))


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object, **__: object) -> None:
        await asyncio.get_running_loop().create_future()

    @virtually
    async def main() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", never)
        with pytest.raises(EsmeError, match=r"no SMSC answers on 192\.0\.2\.1:2775"):
            await Esme.connect("192.0.2.1", 2775)

    main()


def test_with_our_own_server() -> None:
    async def main() -> None:
        receipts: asyncio.Queue[DeliverSm] = asyncio.Queue()
        async with SmscServer(live_settings(), log_stream=io.StringIO(), environ={}) as server:
            host, _, port = server.smpp_addresses[0].rpartition(":")
            async with await Esme.connect(host, int(port), receipts.put_nowait) as esme:
                with pytest.raises(EsmeError, match="ESME_RINVPASWD"):
                    await esme.bind(BindTransmitter(system_id=b"smppclient1", password=b"wrong"))
            async with await Esme.connect(host, int(port), receipts.put_nowait) as esme:
                await esme.bind(BIND)
                submit = SubmitSm(destination_addr=b"447700900123", registered_delivery=1, short_message=b"Hello")
                response = expect(await esme.request(submit), SubmitSmResp)
                receipt = await asyncio.wait_for(receipts.get(), 10)
                assert receipt.short_message.startswith(b"id:" + response.message_id)
                query = await esme.request(QuerySm(message_id=response.message_id))
                assert query.command_status == CommandStatus.ESME_ROK
                assert server.session_counts() == {("smppclient1", "transceiver"): 1}
            assert server.session_counts() == {}
            assert not esme.is_bound
            async with await Esme.connect(host, int(port)) as esme:
                await esme.bind(BindReceiver(system_id=b"smppclient1", password=b"password"))
                await server.stop()
                await asyncio.wait_for(esme.wait_closed(), 10)

    asyncio.run(main())
