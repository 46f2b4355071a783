"""What tests with other people's clients share: a whole server in a thread, and smpplib as somebody would use it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import smpplib.client
import smpplib.exceptions

from tests.transport.support import PATIENCE, Live, live_settings

MESSAGE_TYPE = 0x3C
RECEIPT = 0x04

Serve = Callable[..., Live]


class SmpplibEsme:
    """One smpplib client, and all it was told, in order of arrival."""

    def __init__(self, address: str, **options: Any) -> None:
        host, _, port = address.rpartition(":")
        self.client = smpplib.client.Client(host, port, **{"timeout": PATIENCE, **options})
        self.client.set_message_sent_handler(self._on_response)
        self.client.set_message_received_handler(self._on_deliver)
        self.client.set_query_resp_handler(self._on_query)
        self.client.set_error_pdu_handler(self._on_error)
        self.responses: list[Any] = []
        self.receipts: list[Any] = []
        self.mobile_originated: list[Any] = []
        self.queries: list[Any] = []
        self.errors: list[tuple[str, int, int]] = []
        self.answer_with: int | None = None
        """The command_status of the next deliver_sm_resp; None as smpplib does by default."""

    def _on_response(self, pdu: Any) -> None:
        # smpplib calls the handler of sent messages for refused ones too.
        if not pdu.is_error():
            self.responses.append(pdu)

    def _on_deliver(self, pdu: Any) -> int | None:
        (self.receipts if pdu.esm_class & MESSAGE_TYPE == RECEIPT else self.mobile_originated).append(pdu)
        return self.answer_with

    def _on_query(self, pdu: Any) -> None:
        if not pdu.is_error():
            self.queries.append(pdu)

    def _on_error(self, pdu: Any) -> None:
        self.errors.append((pdu.command, pdu.status, pdu.sequence))

    @property
    def ids(self) -> list[str]:
        """The message_ids of the responses so far."""
        return [pdu.message_id.decode("ascii") for pdu in self.responses]

    @property
    def receipted(self) -> list[str]:
        """The receipted_message_ids of the receipts so far."""
        return [pdu.receipted_message_id.decode("ascii") for pdu in self.receipts]

    def connect(self) -> SmpplibEsme:
        self.client.connect()
        return self

    def bind(self, bind_type: str = "transceiver", system_id: str = "smppclient1", password: str = "password") -> Any:
        """Connect and bind; returns the response."""
        self.connect()
        return getattr(self.client, f"bind_{bind_type}")(system_id=system_id, password=password)

    def submit(self, text: bytes = b"Hello", **fields: Any) -> int:
        """Send a submit_sm that asks for a receipt; returns its sequence number."""
        values = {
            "source_addr_ton": 5,
            "source_addr_npi": 0,
            "source_addr": "ACME",
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "destination_addr": "447700900123",
            "registered_delivery": 1,
            "short_message": text,
            **fields,
        }
        sequence: int = self.client.send_message(**values).sequence
        return sequence

    def until(self, condition: Callable[[], bool]) -> None:
        """Read until it holds; a server that falls silent fails the test by smpplib's own timeout."""
        while not condition():
            self.client.read_once(auto_send_enquire_link=False)

    def submitted(self, text: bytes = b"Hello", **fields: Any) -> str:
        """Submit and wait for the response; returns the message_id."""
        count = len(self.responses)
        sequence = self.submit(text, **fields)
        self.until(lambda: len(self.responses) > count)
        assert self.responses[-1].sequence == sequence
        return self.ids[-1]

    def ended(self) -> bool:
        """Whether the server says nothing more and closes."""
        try:
            self.client.read_pdu()
        except smpplib.exceptions.ConnectionError:
            return True
        return False

    def close(self) -> None:
        self.client.disconnect()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers on free ports; outcomes are at once unless the settings say otherwise."""
    running: list[Live] = []

    def start(**tables: Any) -> Live:
        live = Live(live_settings(**tables))
        live.__enter__()
        running.append(live)
        return live

    yield start
    for live in running:
        live.__exit__(None, None, None)


@pytest.fixture
def smsc(serve: Serve) -> Live:
    """A server with the built-in account."""
    return serve()


@pytest.fixture
def smpplib_esme() -> Iterator[Callable[..., SmpplibEsme]]:
    """Make smpplib clients, which are closed in the end."""
    logging.getLogger("smpp").setLevel(logging.CRITICAL)
    logging.getLogger("smpplib").setLevel(logging.CRITICAL)
    made: list[SmpplibEsme] = []

    def make(smsc: Live, **options: Any) -> SmpplibEsme:
        esme = SmpplibEsme(smsc.address, **{"allow_unknown_opt_params": True, **options})
        made.append(esme)
        return esme

    yield make
    for esme in made:
        esme.close()
