"""A small ESME that blocks: to drive a message centre from a test that has no client of its own at hand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeAlias, TypeVar, get_args

from smppd.behaviour.facts import Facts
from smppd.errors import UserError
from smppd.esme import Esme
from smppd.patterns import address_type
from smppd.settings import BUILT_IN_PASSWORD, BUILT_IN_SYSTEM_ID
from smppd.strict import suggestion
from smppd.testing.background import BackgroundLoop
from smppwire.constants import MessageState, TlvTag, state_name, status_name
from smppwire.errors import TextError
from smppwire.flags import is_receipt
from smppwire.pdus import (
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    CancelSm,
    DataSm,
    DeliverSm,
    Pdu,
    QuerySm,
    QuerySmResp,
    SubmitSm,
    SubmitSmResp,
)
from smppwire.receipt import Receipt, parse_receipt
from smppwire.segmentation import Method, segment
from smppwire.text import detect_alphabet

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine

__tracebackhide__ = True
__unittest = True  # pytest and unittest leave the frames of such modules out: what failed is in the test

BindType: TypeAlias = Literal["transmitter", "receiver", "transceiver"]

BINDS: Final[dict[str, type[BindTransmitter | BindReceiver | BindTransceiver]]] = {
    "transmitter": BindTransmitter,
    "receiver": BindReceiver,
    "transceiver": BindTransceiver,
}

INTERFACE_VERSION: Final = 0x34
UCS2: Final = 8
RECEIPT: Final = 1
"""registered_delivery that asks for a receipt, however the message ends."""

WITHIN: Final = 5.0
"""Seconds that are waited for something, unless a test says otherwise."""

R = TypeVar("R")
Wanted: TypeAlias = "Callable[[Received], bool]"


@dataclass(frozen=True)
class Submission:
    """What came of `EsmeClient.submit`: a response for each part of the message."""

    responses: tuple[Pdu, ...]

    @property
    def message_ids(self) -> list[str]:
        """The message_id of each part; "" for one that was refused."""
        return [
            (pdu.message_id or b"").decode("latin-1") if isinstance(pdu, SubmitSmResp) else "" for pdu in self.responses
        ]

    @property
    def message_id(self) -> str:
        """The message_id of the first part."""
        return self.message_ids[0]

    @property
    def command_status(self) -> str:
        """The command_status of the first part that was refused, else ESME_ROK."""
        refused = (pdu.command_status for pdu in self.responses if pdu.command_status)
        return status_name(next(refused, 0))


_STATES: Final = {state_name(state): state.name for state in MessageState}
"""The names of states by how receipts spell them (SMPP 3.4 appendix B)."""


@dataclass(frozen=True)
class Received:
    """A deliver_sm or data_sm that came."""

    pdu: DeliverSm | DataSm
    source_addr: str
    destination_addr: str
    text: str
    receipt: Receipt | None
    """What a delivery receipt says; None for a message from a subscriber."""
    message_id: str
    """Of a receipt: the message it is about. "" for a message from a subscriber."""

    @property
    def message_state(self) -> str:
        """Of a receipt: the state by its name (``DELIVERED``), as messages and queries tell it; "" for other messages.

        What the TLV message_state says, or else the text of the receipt. ``receipt.stat`` is what stands in the text.
        """
        if self.receipt is None:
            return ""
        named = self.pdu.tlv(TlvTag.MESSAGE_STATE)
        if named:
            return _STATES.get(state_name(named[0]), state_name(named[0]))
        stat = self.receipt.stat or ""
        return _STATES.get(stat.upper(), stat)


@dataclass(frozen=True)
class Query:
    """The answer to a query_sm."""

    command_status: str
    message_state: str
    """``DELIVERED`` and so on; "" when the query was refused."""
    error_code: int
    final_date: str


class EsmeClient:
    """One session as an ESME. The methods block; a thread of its own answers deliver_sm and enquire_link meanwhile.

    As a context manager it connects and binds, and unbinds at the end::

        with EsmeClient(smsc.host, smsc.port) as esme:
            sent = esme.submit("447700900123", "Hello")
            assert esme.wait_for_receipt(sent).message_state == "DELIVERED"
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        system_id: str = BUILT_IN_SYSTEM_ID,
        password: str = BUILT_IN_PASSWORD,
        bind: BindType | None = "transceiver",
        system_type: str = "",
        address_range: str = "",
        interface_version: int = INTERFACE_VERSION,
        on_deliver: Callable[[DeliverSm | DataSm], int | None] | None = None,
    ) -> None:
        """Set up; nothing is opened yet.

        Args:
            host: of the SMSC.
            port: of the SMSC.
            system_id: in the bind.
            password: in the bind.
            bind: how the context manager binds; None: not at all.
            system_type: in the bind.
            address_range: in the bind.
            interface_version: in the bind, 0x34 or 0x50.
            on_deliver: called with each deliver_sm and data_sm, in the client's thread; it may return the
                command_status to answer with. What comes is kept in `received` either way. What it raises is answered
                with ESME_RX_T_APPN, and raised by `close`.

        Raises smppd.errors.UserError for a bind that there is not.
        """
        if bind is not None:
            _known(bind, BINDS, "bind")
        self.host = host
        self.port = port
        self.received: list[Received] = []
        """All that was delivered so far, in order of arrival."""
        self._credentials = (system_id, password, system_type, address_range, interface_version)
        self._bind_type = bind
        self._on_deliver = on_deliver
        self._loop = BackgroundLoop("EsmeClient")
        self._esme: Esme | None = None
        self._stirred: asyncio.Event | None = None
        self._reference = 0
        self._failures: list[Exception] = []
        """What `on_deliver` has raised."""

    def __enter__(self) -> Self:
        """Connect and bind."""
        self.connect()
        if self._bind_type is not None:
            try:
                self.bind(self._bind_type)
            except BaseException:
                self.close()
                raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Unbind and close."""
        self._close()
        if kind is None:  # else what went wrong first is told
            self._raise_failure()

    # -- the session --------------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Open the connection. Raises smppd.esme.EsmeError when there is nobody to talk to."""
        if self._esme is not None:
            raise RuntimeError("it is connected already")
        if not self._loop.is_running:
            self._loop.start()
        try:
            self._loop.run(self._connect())
        except BaseException:
            self._loop.stop()
            raise

    def bind(self, bind_type: BindType = "transceiver") -> Pdu:
        """Bind; returns the response. Raises smppd.esme.EsmeError with the command_status when the SMSC refuses."""
        _known(bind_type, BINDS, "bind")
        system_id, password, system_type, address_range, version = self._credentials
        request = BINDS[bind_type](
            system_id=system_id.encode("latin-1"),
            password=password.encode("latin-1"),
            system_type=system_type.encode("latin-1"),
            address_range=address_range.encode("latin-1"),
            interface_version=version,
        )
        return self._run(self._connected.bind(request))

    @property
    def is_bound(self) -> bool:
        """Whether a bind was accepted and the session still stands."""
        return self._esme is not None and self._esme.is_bound

    def unbind(self) -> None:
        """Unbind and close the connection; the same as `close`. What was received stays."""
        self.close()

    def close(self) -> None:
        """Unbind when bound, then close the connection. Does nothing when it is closed.

        Raises the first thing that `on_deliver` has raised.
        """
        self._close()
        self._raise_failure()

    def wait_until_unbound(self, within: float = WITHIN) -> None:
        """Wait until the SMSC has ended the session. Raises AssertionError when it has not `within` so many seconds."""
        if not self._run(_ends(self._connected, within)):
            raise AssertionError(f"the session still stands after {within:g} s")

    # -- requests -----------------------------------------------------------------------------------------------------

    def submit(
        self,
        to: str,
        text: str | bytes,
        *,
        source: str = "smppd",
        receipt: bool = True,
        data_coding: int | None = None,
        method: Method = "udh8",
        **fields: Any,
    ) -> Submission:
        """Submit a message and wait for the responses; whether it was accepted is in the result.

        Args:
            to: destination_addr.
            text: what is too long for one message goes in parts. Octets go as they are.
            source: source_addr.
            receipt: whether to ask for a delivery receipt.
            data_coding: 0 when the text fits GSM 03.38, else 8 (UCS-2), unless it is given.
            method: how parts are told apart: "udh8", "udh16", "sar" or "payload" (message_payload).
            fields: other fields of the submit_sm, by their names.

        Raises smppd.esme.EsmeError when no response comes, smppwire.errors.TextError or EncodeError for what does
        not fit, and smppd.errors.UserError for a field or a method that there is not.
        """
        _known(method, get_args(Method), "method")
        for name in fields:
            _known(name, SubmitSm.__match_args__, "field")
        if data_coding is None:
            data_coding = UCS2 if isinstance(text, str) and detect_alphabet(text) == "ucs2" else 0
        self._reference = self._reference % 255 + 1
        source_addr, destination_addr = _octets(source), _octets(to)
        source_ton, source_npi = address_type(source_addr)
        dest_ton, dest_npi = address_type(destination_addr)
        try:
            parts = segment(text, data_coding=data_coding, method=method, reference=self._reference)
        except TextError as error:
            raise error.with_traceback(None) from None
        common = {
            "source_addr_ton": source_ton,
            "source_addr_npi": source_npi,
            "source_addr": source_addr,
            "dest_addr_ton": dest_ton,
            "dest_addr_npi": dest_npi,
            "destination_addr": destination_addr,
            "registered_delivery": RECEIPT if receipt else 0,
            "data_coding": data_coding,
        }
        requests = []
        for part in parts:
            own = {"esm_class": part.esm_class, "short_message": part.short_message, "tlvs": part.tlvs}
            requests.append(SubmitSm(**{**common, **own, **fields}))
        return Submission(tuple(self.request(request) for request in requests))

    def query(self, message_id: str, *, source: str = "smppd") -> Query:
        """What has become of a message. Its source_addr must be given as it was submitted."""
        ton, npi = address_type(source.encode("latin-1"))
        answer = self.request(
            QuerySm(
                message_id=message_id.encode("latin-1"),
                source_addr_ton=ton,
                source_addr_npi=npi,
                source_addr=source.encode("latin-1"),
            )
        )
        status = status_name(answer.command_status)
        if not isinstance(answer, QuerySmResp) or answer.message_state is None:
            return Query(status, "", 0, "")
        final_date = (answer.final_date or b"").decode("latin-1")
        state = "" if answer.command_status else MessageState(answer.message_state).name
        return Query(status, state, answer.error_code or 0, final_date)

    def cancel(self, message_id: str, *, source: str = "smppd") -> str:
        """Cancel a message; returns the command_status of the answer."""
        ton, npi = address_type(source.encode("latin-1"))
        request = CancelSm(
            message_id=message_id.encode("latin-1"),
            source_addr_ton=ton,
            source_addr_npi=npi,
            source_addr=source.encode("latin-1"),
        )
        return status_name(self.request(request).command_status)

    def request(self, request: Pdu) -> Pdu:
        """Send any request (`smppwire.pdus`) and wait for its response, whatever its command_status.

        Raises smppd.esme.EsmeError when no response comes, and smppwire.errors.StateError when the session does not
        allow such a request now.
        """
        return self._run(self._connected.request(request))

    # -- what comes ---------------------------------------------------------------------------------------------------

    @property
    def receipts(self) -> list[Received]:
        """The delivery receipts among what was received."""
        return [each for each in self.received if each.receipt is not None]

    @property
    def messages(self) -> list[Received]:
        """The messages of subscribers among what was received."""
        return [each for each in self.received if each.receipt is None]

    def wait_for_message(
        self, *, text: str | None = None, source: str | None = None, within: float = WITHIN
    ) -> Received:
        """The first message of a subscriber, waited for; with this text, from this address, if these are given.

        Raises AssertionError with all that was received when it does not come `within` so many seconds.
        """
        conditions = [f"{name} {value!r}" for name, value in (("text", text), ("from", source)) if value is not None]

        def wanted(each: Received) -> bool:
            return each.receipt is None and text in (None, each.text) and source in (None, each.source_addr)

        return self._await(wanted, " ".join(["a message", *conditions]), within)

    def wait_for_receipt(self, of: Submission | str | None = None, within: float = WITHIN) -> Received:
        """The first receipt, waited for; of this message (its submission or message_id), if one is given.

        Raises AssertionError with all that was received when it does not come `within` so many seconds.
        """
        message_id = of.message_id if isinstance(of, Submission) else of

        def wanted(each: Received) -> bool:
            return each.receipt is not None and message_id in (None, each.message_id)

        return self._await(wanted, "a receipt" if message_id is None else f"the receipt of {message_id}", within)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _close(self) -> None:
        esme, self._esme = self._esme, None
        if esme is not None:
            self._loop.run(esme.close())
        self._loop.stop()

    def _raise_failure(self) -> None:
        """Raise the first thing that `on_deliver` has raised, once."""
        failures, self._failures = self._failures, []
        for failure in failures[:1]:
            raise failure

    @property
    def _connected(self) -> Esme:
        if self._esme is None:
            raise RuntimeError("the client is not connected: use it in a with statement, or call connect()")
        return self._esme

    def _run(self, work: Coroutine[Any, Any, R]) -> R:
        return self._loop.run(work)

    async def _connect(self) -> None:
        self._stirred = asyncio.Event()
        self._esme = await Esme.connect(self.host, self.port, self._take)

    def _take(self, pdu: DeliverSm | DataSm) -> int | None:
        """Something was delivered; runs in the client's thread."""
        self.received.append(read(pdu))
        if self._stirred is not None:
            self._stirred.set()
        try:
            return None if self._on_deliver is None else self._on_deliver(pdu)
        except Exception as error:
            self._failures.append(error)
            raise

    def _await(self, wanted: Wanted, what: str, within: float) -> Received:
        self._connected  # noqa: B018 - raises when there is nothing to wait on
        found = self._run(self._arrival(wanted, within))
        if found is not None:
            return found
        lines = [f"  {_line(each)}" for each in self.received] or ["  nothing"]
        raise AssertionError("\n".join([f"expected {what} within {within:g} s; received:", *lines]))

    async def _arrival(self, wanted: Wanted, within: float) -> Received | None:
        """The first that is wanted, None when it does not come."""
        stirred = self._stirred
        assert stirred is not None, "made with the connection"  # noqa: S101
        try:
            async with asyncio.timeout(within):
                while True:
                    stirred.clear()
                    found = next((each for each in self.received if wanted(each)), None)
                    if found is not None:
                        return found
                    await stirred.wait()
        except TimeoutError:
            return None


def _octets(text: str) -> bytes:
    """An address as it is sent. Raises UserError for characters that SMPP cannot carry."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise UserError(f"{text!r} has characters that SMPP cannot carry in an address") from None


def _known(name: str, known: Collection[str], what: str) -> None:
    """Raise UserError for a name that there is not."""
    if name not in known:
        hint = suggestion(name, known)
        raise UserError(f"{what} {name!r}: there is no such {what}{f'; {hint}' if hint else ''}")


async def _ends(esme: Esme, within: float) -> bool:
    """Whether a session ends within so many seconds."""
    try:
        async with asyncio.timeout(within):
            await esme.wait_closed()
    except TimeoutError:
        return False
    return True


def read(pdu: DeliverSm | DataSm) -> Received:
    """What was delivered, with its text decoded and its receipt taken apart."""
    text = Facts().text(pdu)
    receipt = parse_receipt(text) if is_receipt(pdu.esm_class) else None
    named = pdu.tlv(TlvTag.RECEIPTED_MESSAGE_ID)
    message_id = ""
    if receipt is not None:
        message_id = named.rstrip(b"\0").decode("latin-1") if named else receipt.id or ""
    return Received(
        pdu,
        pdu.source_addr.decode("latin-1"),
        pdu.destination_addr.decode("latin-1"),
        text,
        receipt,
        message_id,
    )


def _line(each: Received) -> str:
    """One line about what was received, for people."""
    what = "message" if each.receipt is None else "receipt"
    return f"{what} from {each.source_addr} to {each.destination_addr}: {each.text!r}"
