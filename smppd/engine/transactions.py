"""Transaction mode: requests whose response waits for what becomes of the message (SMPP 3.4 section 2.10.3).

The response says all there is to say, so there is no receipt. It leaves with the turn of the loop that finishes the
message, never inside the call that brought the request. When its session has ended meanwhile, nobody is told: the
message goes on all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from smppd.engine.message import EXPIRED, SUCCESSES, UNKNOWN
from smppwire.constants import CommandStatus, TlvTag
from smppwire.pdus import DataSm, DataSmResp, SubmitSm, SubmitSmResp, Tlv

if TYPE_CHECKING:
    from smppd.engine.esmes import Bind
    from smppd.engine.message import Message

Request: TypeAlias = SubmitSm | DataSm
Response: TypeAlias = SubmitSmResp | DataSmResp

RDELIVERYFAILURE: Final = int(CommandStatus.ESME_RDELIVERYFAILURE)

UNAVAILABLE: Final = 0
INVALID_ADDRESS: Final = 1
PERMANENT_ERROR: Final = 2
TEMPORARY_ERROR: Final = 3
"""Values of delivery_failure_reason (SMPP 3.4 section 5.3.2.33)."""

UNKNOWN_SUBSCRIBER: Final = 1
ABSENT_SUBSCRIBER: Final = 27
"""GSM errors (3GPP TS 29.002) that have a delivery_failure_reason of their own."""

GSM: Final = 3
"""network_error_code: the type of network whose error follows (section 5.3.2.31)."""

TEXTS: Final = {
    UNAVAILABLE: b"absent subscriber",
    INVALID_ADDRESS: b"unknown subscriber",
    PERMANENT_ERROR: b"permanent network error",
    TEMPORARY_ERROR: b"temporary network error",
}
"""additional_status_info_text by reason."""

OUT_OF_TIME: Final = b"no outcome in time"


class Transactions:
    """The requests of all sessions that wait for an outcome."""

    def __init__(self) -> None:
        self._open: dict[Message, tuple[Bind, Request]] = {}
        self._ready: list[tuple[Bind, Request, Response]] = []

    def __len__(self) -> int:
        return len(self._open)

    @property
    def is_ready(self) -> bool:
        """Whether there are answers to send."""
        return bool(self._ready)

    def open(self, message: Message, bind: Bind, request: Request) -> None:
        """The answer to this request is what becomes of the message."""
        self._open[message] = (bind, request)

    def settle(self, message: Message, dpf: bool | None) -> None:
        """The message is final. `dpf`: whether a delivery pending flag was set, None when nobody asked for one."""
        entry = self._open.pop(message, None)
        if entry is not None:
            bind, request = entry
            self._ready.append((bind, request, _response(message, request, dpf)))

    def send(self) -> None:
        """Send the answers that are ready."""
        ready, self._ready = self._ready, []
        for bind, request, response in ready:
            bind.outbound.answer(request, response)


def _response(message: Message, request: Request, dpf: bool | None) -> Response:
    """The response to a request in transaction mode.

    A failure has a body as well: its TLVs can only be found behind a message_id.
    """
    delivered = message.state in SUCCESSES
    tlvs: list[Tlv] = [] if delivered else failure_tlvs(message)
    if dpf is not None:
        tlvs.append(Tlv(TlvTag.DPF_RESULT, bytes((dpf,))))
    response = DataSmResp if isinstance(request, DataSm) else SubmitSmResp
    return response(
        request.sequence_number,
        0 if delivered else RDELIVERYFAILURE,
        message.message_id,
        tuple(tlvs),
    )


def failure_tlvs(message: Message) -> list[Tlv]:
    """delivery_failure_reason, network_error_code and additional_status_info_text of a message that has failed."""
    reason = failure_reason(message)
    text = OUT_OF_TIME if message.state == EXPIRED and reason != UNAVAILABLE else TEXTS[reason]
    tlvs = [Tlv(TlvTag.DELIVERY_FAILURE_REASON, bytes((reason,)))]
    if message.error_code:
        tlvs.append(Tlv(TlvTag.NETWORK_ERROR_CODE, bytes((GSM,)) + message.error_code.to_bytes(2, "big")))
    tlvs.append(Tlv(TlvTag.ADDITIONAL_STATUS_INFO_TEXT, text + b"\0"))
    return tlvs


def failure_reason(message: Message) -> int:
    """The delivery_failure_reason of a message that has failed."""
    if message.error_code == ABSENT_SUBSCRIBER:
        return UNAVAILABLE
    if message.failures or message.state in (EXPIRED, UNKNOWN):
        return TEMPORARY_ERROR
    return INVALID_ADDRESS if message.error_code == UNKNOWN_SUBSCRIBER else PERMANENT_ERROR
