"""The shop's SMPP client: a thread that keeps a session with smpplib, and starts it anew when it ends."""

import logging
import threading
from collections import deque
from typing import Self

import smpplib.client
import smpplib.consts
import smpplib.exceptions

from protocol import code_text, is_stop

logging.getLogger("smpplib").setLevel(logging.CRITICAL)

THROTTLED = 0x58
RECEIPT = 0x04
TURN = 0.005
"""Seconds between two looks at the socket and at what is to be sent."""


class Shop:
    """Sends codes, obeys STOP, and knows what became of each message."""

    def __init__(self, host: str, port: int, *, system_id="smppclient1", password="password", pause=0.02) -> None:
        self.receipts: dict[str, str] = {}
        """By number, the last state that was reported."""
        self.stopped: set[str] = set()
        self._target = host, port
        self._credentials = {"system_id": system_id, "password": password}
        self._pause = pause
        self._waiting: deque[tuple[str, str]] = deque()
        self._sent: dict[int, tuple[str, str]] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def send_code(self, number: str, code: str) -> None:
        """Send a code, unless the customer has said STOP."""
        if number not in self.stopped:
            self._waiting.append((number, code_text(code)))

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self._serve()
            except (smpplib.exceptions.ConnectionError, smpplib.exceptions.PDUError, OSError):
                self._ending.wait(self._pause)

    def _serve(self) -> None:
        client = smpplib.client.Client(*self._target, timeout=1, allow_unknown_opt_params=True)
        client.set_message_sent_handler(self._on_response)
        client.set_message_received_handler(self._on_deliver)
        client.set_error_pdu_handler(lambda pdu: None)
        try:
            client.connect()
            client.bind_transceiver(**self._credentials)
            while not self._ending.is_set() and client.state == smpplib.consts.SMPP_CLIENT_STATE_BOUND_TRX:
                client.poll()
                while self._waiting:
                    self._submit(client, *self._waiting.popleft())
                self._ending.wait(TURN)
        finally:
            client._socket.close()
            client.state = smpplib.consts.SMPP_CLIENT_STATE_CLOSED

    def _submit(self, client: smpplib.client.Client, number: str, text: str) -> None:
        pdu = client.send_message(
            source_addr_ton=smpplib.consts.SMPP_TON_ALNUM,
            source_addr="Shop",
            dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
            dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
            destination_addr=number,
            short_message=text.encode("ascii"),
            registered_delivery=True,
        )
        self._sent[pdu.sequence] = number, text

    def _on_response(self, pdu) -> None:
        message = self._sent.pop(pdu.sequence)
        if pdu.status == THROTTLED:
            self._ending.wait(self._pause)
            self._waiting.append(message)

    def _on_deliver(self, pdu) -> None:
        number, text = pdu.source_addr.decode(), pdu.short_message.decode("latin-1")
        if pdu.esm_class & 0x3C == RECEIPT:
            self.receipts[number] = text.partition("stat:")[2].partition(" ")[0]
        elif is_stop(text):
            self.stopped.add(number)
