"""Messages from subscribers over HTTP, to real clients: our own, and smpplib."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import smpplib.client
import smpplib.consts

from smppd.esme import Esme
from smppd.settings import Messages
from smppwire.pdus import BindTransceiver, DataSm, DeliverSm
from tests.api.support import serving
from tests.transport.support import PATIENCE, wait_until

HELLO = {"source_addr": "447700900123", "destination_addr": "12345", "text": "Hello"}


def test_to_smpplib() -> None:
    got: list[Any] = []
    with serving() as (live, client):
        host, _, port = live.address.rpartition(":")
        esme = smpplib.client.Client(host, int(port), timeout=PATIENCE, allow_unknown_opt_params=True)
        esme.connect()
        esme.set_message_received_handler(lambda pdu: got.append(pdu) and smpplib.consts.SMPP_ESME_ROK)
        try:
            esme.bind_transceiver(system_id="smppclient1", password="password")
            sent = client.post("/mo", HELLO)
            assert sent.status == 201
            esme.read_once()
            (pdu,) = got
            assert (pdu.source_addr, pdu.destination_addr, pdu.short_message) == (b"447700900123", b"12345", b"Hello")
            wait_until(lambda: client.get(f"/mo/{sent.json['id']}").json["state"] == "acknowledged")
        finally:
            esme.disconnect()


def test_long_texts_and_batches_to_our_own_client() -> None:
    got: list[DeliverSm | DataSm] = []
    all_there = threading.Event()

    def take(pdu: DeliverSm | DataSm) -> None:
        got.append(pdu)
        if len(got) == 5:
            all_there.set()

    async def listen(address: str, client: Any) -> None:
        host, _, port = address.rpartition(":")
        async with await Esme.connect(host, int(port), on_deliver=take) as esme:
            await esme.bind(BindTransceiver(system_id=b"smppclient1", password=b"password", interface_version=0x34))
            messages = [{**HELLO, "text": text} for text in ("one", "Привет", "x" * 400)]
            sent = await asyncio.to_thread(client.post, "/mo/batch", {"messages": messages})
            assert sent.status == 201
            assert [len(view["parts"]) for view in sent.json["items"]] == [1, 1, 3]
            assert await asyncio.to_thread(all_there.wait, PATIENCE)

    with serving() as (live, client):
        asyncio.run(listen(live.address, client))
        assert [pdu.data_coding for pdu in got] == [0, 8, 0, 0, 0]
        wait_until(lambda: {view["state"] for view in client.get("/mo").json["items"]} == {"acknowledged"})
        assert [view["id"] for view in client.get("/mo?limit=2").json["items"]] == ["mo-3", "mo-2"]


def test_what_cannot_be() -> None:
    with serving(messages=Messages(limit=2)) as (live, client):
        for body in (
            {},
            {**HELLO, "text": None},
            {**HELLO, "short_message": "00"},
            {**HELLO, "split": "udh7"},
            {**HELLO, "data_coding": 256},
            {**HELLO, "destination_addr": "1" * 22},
            {**HELLO, "tlvs": {"nonsense": 1}},
            {**HELLO, "account": "nobody"},
            {**HELLO, "delay": -1},
            {**HELLO, "telephone": "1"},
        ):
            refused = client.post("/mo", body)
            assert (refused.status, bool(refused.errors)) == (422, True), body
        assert set(client.post("/mo/batch", {"messages": [HELLO, {**HELLO, "tlvs": {"x": 1}}]}).errors) == {
            "messages[1].tlvs.x"
        }
        assert client.post("/mo/batch", {"messages": []}).problem["status"] == 422
        assert client.get("/mo/mo-1").problem["status"] == 404
        assert client.post("/mo/batch", {"messages": [HELLO] * 3}).problem["status"] == 429
        assert live.call(lambda: live.server.engine.ledger.live) == 0
        client.post("/accounts", {"system_id": "other", "password": "p"})
        assert "Say which account" in client.post("/mo", HELLO).problem["detail"]
        assert client.post("/mo", HELLO).problem["status"] == 409
